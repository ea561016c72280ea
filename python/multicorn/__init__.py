"""Write foreign data wrappers for PostgreSQL in Python.

A wrapper is a class with a method `execute`; see `ForeignDataWrapper` for
everything else that it may have. Messages go through `multicorn.utils`.
"""

from multicorn._base import ForeignDataWrapper
from multicorn._columns import Columns
from multicorn._definitions import ColumnDefinition, SortKey, TableDefinition
from multicorn._loader import load_class as get_class
from multicorn._qual import Qual
from multicorn._quote import dict_to_optionstring, quote_identifier, quote_option
from multicorn._request import Accepted, Request
from multicorn._sentinels import ALL, ANY, SKIPPED, UNBOUND
from multicorn._transaction import TransactionAwareForeignDataWrapper

__version__ = "4.0.0"

__all__ = [
    "ALL",
    "ANY",
    "SKIPPED",
    "UNBOUND",
    "Accepted",
    "ColumnDefinition",
    "Columns",
    "ForeignDataWrapper",
    "Qual",
    "Request",
    "SortKey",
    "TableDefinition",
    "TransactionAwareForeignDataWrapper",
    "dict_to_optionstring",
    "get_class",
    "quote_identifier",
    "quote_option",
]
