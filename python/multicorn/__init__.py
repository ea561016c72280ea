"""Write foreign data wrappers for PostgreSQL in Python.

A wrapper is a class with a method `execute`; see `ForeignDataWrapper` for
everything else that it may have. Messages go through `multicorn.utils`.
"""

from typing import TYPE_CHECKING

from multicorn._base import ForeignDataWrapper
from multicorn._columns import Columns
from multicorn._definitions import ColumnDefinition, SortKey, TableDefinition
from multicorn._loader import load_class as get_class
from multicorn._qual import Qual
from multicorn._quote import dict_to_optionstring, quote_identifier, quote_option
from multicorn._request import Accepted, Request
from multicorn._sentinels import ALL, ANY, SKIPPED, UNBOUND
from multicorn._transaction import TransactionAwareForeignDataWrapper

if TYPE_CHECKING:
    from multicorn._json import JsonString

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
    "JsonString",
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


def __getattr__(name: str) -> object:
    # Rarely wanted by name; importing json costs more than all else here.
    if name == "JsonString":
        from multicorn._json import JsonString

        return JsonString
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
