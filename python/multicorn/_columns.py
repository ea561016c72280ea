"""The columns of a table, as a wrapper's `__init__` receives them."""

from collections import OrderedDict
from collections.abc import KeysView
from typing import SupportsIndex, overload

from multicorn._definitions import ColumnDefinition


class ColumnNames(KeysView[str]):
    """The names of the columns in table order: a view that can be indexed.

    Wrappers of 2014 write `columns.keys()[0]`, which Python 2 allowed.
    """

    _mapping: "Columns"

    def __init__(self, columns: "Columns") -> None:
        super().__init__(columns)

    @overload
    def __getitem__(self, index: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> str | list[str]:
        """Return one name, or a list of names for a slice."""
        return list(self._mapping)[index]

    def __repr__(self) -> str:
        return repr(list(self._mapping))


class Columns(OrderedDict[str, ColumnDefinition]):
    """Column name → `ColumnDefinition`, in table order."""

    def keys(self) -> ColumnNames:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the names, which may be indexed: `columns.keys()[0]`."""
        return ColumnNames(self)
