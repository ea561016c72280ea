"""Rows: composite types, tables' rows and anonymous records."""

from __future__ import annotations

from multicorn import _values
from Postgres._types import Value, class_of, types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from multicorn._values import TypeInfo
    from Postgres._types import Type


class TupleDesc:
    """The columns of a row type.

    An index gives the column's row of `pg_attribute`, dropped columns included;
    so does `len()` count them. The other attributes leave them out.
    """

    __slots__ = ("_columns", "_relation")

    def __init__(
        self,
        columns: Iterable[tuple[int, str, int, int, bool]],
        relation: int = 0,
    ) -> None:
        self._columns = tuple(columns)
        self._relation = relation

    @classmethod
    def of_columns(cls, columns: Iterable[tuple[str, int, int]]) -> TupleDesc:
        """Describe columns of these names, types and typmods."""
        return cls(
            (number, name, oid, typmod, False)
            for number, (name, oid, typmod) in enumerate(columns, 1)
        )

    @property
    def column_count(self) -> int:
        """The number of columns that are not dropped."""
        return len(self.column_names)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(name for _, name, _, _, dropped in self._columns if not dropped)

    @property
    def pg_column_types(self) -> tuple[int, ...]:
        """The OIDs of the columns' types."""
        return tuple(oid for _, _, oid, _, dropped in self._columns if not dropped)

    @property
    def column_types(self) -> tuple[Type, ...]:
        """The columns' types, as classes."""
        return tuple(class_of(oid) for oid in self.pg_column_types)

    def __len__(self) -> int:
        """Count the columns, dropped ones included."""
        return len(self._columns)

    def __getitem__(self, index: int) -> Any:
        """Give a column's row of `pg_attribute`."""
        number, name, oid, typmod, dropped = self._columns[int(index)]
        return types.pg_attribute(
            {
                "attrelid": self._relation,
                "attname": name,
                "atttypid": oid,
                "atttypmod": typmod,
                "attnum": number,
                "attisdropped": dropped,
            }
        )

    def __iter__(self) -> Iterator[Any]:
        """Give each column's row of `pg_attribute`."""
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"<Postgres.TupleDesc of {', '.join(self.column_names)}>"


def descriptor_of(info: TypeInfo) -> TupleDesc | None:
    """Describe a composite type; None for another."""
    columns = info.columns
    return None if columns is None else TupleDesc(columns, info.relation)


class Record(Value):
    """A row: a sequence of values and a mapping from column names to them.

    `row[0]`, `row[1:]`, `row["name"]` and, unless a method has the name,
    `row.name`. It is made of a sequence, of a mapping or an object with the
    columns as attributes (what is missing is NULL), or of text. `_asdict()` gives
    a dict of the values by name.
    """

    __slots__ = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return _values.record_columns(self)[0]

    @property
    def pg_column_types(self) -> tuple[int, ...]:
        """The OIDs of the columns' types."""
        return tuple(_values.record_columns(self)[1])

    @property
    def column_types(self) -> tuple[Type, ...]:
        """The columns' types, as classes."""
        return tuple(class_of(oid) for oid in self.pg_column_types)

    @property
    def descriptor(self) -> TupleDesc:
        """The columns."""
        found = descriptor_of(type(self)._info)
        if found is not None:
            return found
        names, oids = _values.record_columns(self)
        return TupleDesc.of_columns(
            (name, oid, -1) for name, oid in zip(names, oids, strict=True)
        )

    def keys(self) -> tuple[str, ...]:
        """Give the names of the columns."""
        return _values.record_columns(self)[0]

    def values(self) -> tuple[Any, ...]:
        """Give the values in the order of the columns; NULL is None."""
        return _values.record_values(self)

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Give pairs of name and value in the order of the columns."""
        return tuple(zip(self.keys(), self.values(), strict=True))

    def get(self, name: str, default: Any = None) -> Any:
        """Give the column's value, or `default` if there is no such column."""
        try:
            return self[name]
        except KeyError:
            return default

    def __len__(self) -> int:
        """Count the columns."""
        return len(_values.record_columns(self)[0])

    def __getitem__(self, key: Any) -> Any:
        """Give a value by name (KeyError) or index (IndexError), or a slice of them."""
        return _values.record_item(self, key)

    def __iter__(self) -> Iterator[Any]:
        """Give the values in the order of the columns."""
        return iter(_values.record_values(self))

    def __contains__(self, key: object) -> bool:
        """Tell whether a column has this name, or, for anything but text, value."""
        if isinstance(key, str):
            return key in self.keys()
        return any(
            value is key or (value is not None and bool(value == key)) for value in self
        )

    def replace(self, *args: Any, **keywords: Any) -> Any:
        """Give a row with other values, by position and name; None keeps one.

        Too many are TypeError, and so is a name that no column has.
        """
        return _values.record_replace(self, args, keywords)

    def transform(
        self,
        *args: Callable[[Any], Any] | None,
        **keywords: Callable[[Any], Any] | None,
    ) -> Any:
        """Give a row with what the callables make of the values; None keeps one."""
        return _values.record_transform(self, args, keywords)

    def _asdict(self) -> dict[str, Any]:
        """Give a dict of the values by name."""
        return dict(self.items())

    def _plain(self) -> Any:
        return {
            name: value._plain() if isinstance(value, Value) else value
            for name, value in self.items()
        }
