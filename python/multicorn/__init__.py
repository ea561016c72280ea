"""Write foreign data wrappers for PostgreSQL in Python.

A wrapper is a class with a method `execute`; see `ForeignDataWrapper` for
everything else that it may have. Messages go through `multicorn.utils`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multicorn._base import ForeignDataWrapper
    from multicorn._columns import Columns
    from multicorn._definitions import ColumnDefinition, SortKey, TableDefinition
    from multicorn._json import JsonString
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


# Where each name is. A session that only calls functions needs none of them, and
# importing all costs as much as Python's own start.
_PLACES = {
    "_base": ("ForeignDataWrapper",),
    "_columns": ("Columns",),
    "_definitions": ("ColumnDefinition", "SortKey", "TableDefinition"),
    "_loader": ("load_class",),
    "_qual": ("Qual",),
    "_quote": ("dict_to_optionstring", "quote_identifier", "quote_option"),
    "_request": ("Accepted", "Request"),
    "_sentinels": ("ALL", "ANY", "SKIPPED", "UNBOUND"),
    "_transaction": ("TransactionAwareForeignDataWrapper",),
    "_json": ("JsonString",),
}


def __getattr__(name: str) -> object:
    original = "load_class" if name == "get_class" else name
    for module, names in _PLACES.items():
        if name in __all__ and original in names:
            # The C function: importlib is a package of its own.
            place = __import__(f"multicorn.{module}", fromlist=[original])
            found = globals()[name] = getattr(place, original)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
