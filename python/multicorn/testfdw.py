"""A wrapper that says all that is done to it: for tests of the extension.

Each call sends notices in a fixed form, which regression tests compare; a
change of one word here breaks test suites that other people keep.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from multicorn._base import ForeignDataWrapper, PathKey, Row
from multicorn._columns import Columns
from multicorn._definitions import ColumnDefinition, SortKey, TableDefinition
from multicorn._qual import Qual
from multicorn.utils import ERROR, WARNING, log_to_postgres

_ROWS: Final = 20
_PLANNER_ROWS: Final = 10_000_000
_IMPORTABLE: Final = tuple(f"imported_table_{number}" for number in (1, 2, 3))

#: Builds one value from the column's name, the turn (1, 2, 3, 1, ... from one
#: value to the next), and the row's number.
_Maker = Callable[[str, Iterator[int], int], Any]


def _text(name: str, turns: Iterator[int], index: int) -> str:
    return f"{name} {next(turns)} {index}"


def _list(name: str, turns: Iterator[int], index: int) -> list[Any]:
    quoting = r"""{some value, \" ' 2}"""
    return [name, next(turns), index, f'{name},"{index}"', quoting]


def _nested_list(name: str, turns: Iterator[int], index: int) -> list[list[Any]]:
    quoting = r"""{some value, \" 2}"""
    return [[name, name], [next(turns), quoting], [index, f'{name},"{index}"']]


def _dict(name: str, turns: Iterator[int], index: int) -> dict[str, Any]:
    return {
        "column_name": name,
        "repeater": next(turns),
        "index": index,
        "maybe_hstore": "a => b",
    }


def _date(_name: str, turns: Iterator[int], index: int) -> datetime:
    # Without a zone: it goes to columns of type date and timestamp.
    return datetime(2011, index % 12 + 1, next(turns), 14, 30, 25)  # noqa: DTZ001


def _accents(_name: str, _turns: Iterator[int], _index: int) -> str:
    return "\u00e9\u00e0\u00a4"


_MAKERS: Final[Mapping[str | None, _Maker]] = {
    "list": _list,
    "nested_list": _nested_list,
    "dict": _dict,
    "date": _date,
    "encoding": _accents,
    "unicode": _accents,
    "int": lambda _name, _turns, index: index,
    "float": lambda _name, turns, _index: 1.0 / next(turns),
    "bytes": lambda name, turns, index: _text(name, turns, index).encode(),
}


class TestForeignDataWrapper(ForeignDataWrapper):
    """Twenty rows, made as the option `test_type` says.

    `test_type`: `sequence` (rows are lists), `list`, `nested_list`, `dict`,
    `date`, `int`, `float`, `encoding`, `unicode`, `bytes` choose the values;
    `None` (also `none`, `returns_none`) returns None in place of rows,
    `iter_none` a list of None; `planner` pretends ten million rows with a key
    on `test1`; `logger` fails in `__init__`; `nowrite` refuses writes,
    `returning` returns changed rows from them.

    `test_subtype` `1null` with `sequence` makes the first column NULL.
    `cansort` (default true), `canlimit` (default false), `noisy_explain`
    (default false) and `tx_hook` (any value) switch capabilities and notices;
    `row_id_column` and `modify_batch_size` are what they say.
    """

    # Pytest would otherwise collect the class by its name.
    __test__ = False

    _startup_cost = 10

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        self.columns = fdw_columns
        self.test_type = fdw_options.get("test_type")
        self.test_subtype = fdw_options.get("test_subtype")
        self.tx_hook = fdw_options.get("tx_hook")
        self.noisy_explain = _is_true(fdw_options.get("noisy_explain", "false"))
        self.cansort = _is_true(fdw_options.get("cansort", "true"))
        self.canlimit = _is_true(fdw_options.get("canlimit", "false"))
        self._batch = int(fdw_options.get("modify_batch_size", "1"))
        self._rowid = fdw_options.get("row_id_column", next(iter(fdw_columns), ""))
        self._announce(fdw_options)

    def _announce(self, options: Mapping[str, str]) -> None:
        log_to_postgres(sorted(options.items()))
        types = [(name, column.type_name) for name, column in self.columns.items()]
        log_to_postgres(sorted(types))
        for column in self.columns.values():
            if column.options:
                log_to_postgres(
                    f"Column {column.column_name} options: {column.options}"
                )
        if self.test_type == "logger":
            log_to_postgres("An error is about to occur", WARNING)
            log_to_postgres("An error occured", ERROR)

    # Reading

    def execute(
        self,
        quals: Sequence[Qual],
        columns: set[str],
        sortkeys: Sequence[SortKey] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Iterable[Row | None] | None:
        """Tell the arguments, then return the rows."""
        log_to_postgres(sorted(quals))
        log_to_postgres(sorted(columns))
        if sortkeys:
            log_to_postgres("requested sort(s): ")
            for key in sortkeys:
                log_to_postgres(key)
        if self.test_type in {"None", "none", "returns_none"}:
            return None
        if self.test_type == "iter_none":
            return [None, None]
        rows: Iterable[Row] = self._rows()
        for key in reversed(sortkeys or ()):
            rows = self._sorted(rows, key)
        start = offset or 0
        return itertools.islice(rows, start, None if limit is None else start + limit)

    def _rows(self) -> Iterator[Row]:
        turns = itertools.cycle((1, 2, 3))
        make = _MAKERS.get(self.test_type, _text)
        for index in range(_ROWS):
            if self.test_type == "sequence":
                yield self._sequence(turns, index)
            else:
                yield {name: make(name, turns, index) for name in self.columns}

    def _sequence(self, turns: Iterator[int], index: int) -> list[str | None]:
        names = list(self.columns)
        row: list[str | None] = []
        if self.test_subtype == "1null" and names:
            row.append(None)
            del names[0]
        row.extend(_text(name, turns, index) for name in names)
        return row

    def _sorted(self, rows: Iterable[Row], key: SortKey) -> list[Row]:
        """Return the rows in the order of one key; the sort is stable."""
        by_number = self.test_type == "sequence"

        def value(row: Any) -> Any:
            return row[key.attnum - 1] if by_number else row[key.attname]

        rows = list(rows)
        nulls = [row for row in rows if value(row) is None]
        others = [row for row in rows if value(row) is not None]
        others.sort(key=value, reverse=key.is_reversed)
        return nulls + others if key.nulls_first else others + nulls

    def explain(
        self,
        quals: Sequence[Qual],
        columns: set[str],
        sortkeys: Sequence[SortKey] | None = None,
        verbose: bool = False,  # noqa: FBT001, FBT002 - the contract's signature
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[str]:
        """Tell the arguments and return two lines, if asked to be noisy."""
        del limit, offset
        if not self.noisy_explain:
            return []
        log_to_postgres(f"EXPLAIN quals={sorted(quals)!r}")
        log_to_postgres(f"EXPLAIN columns={sorted(columns)!r}")
        log_to_postgres(f"EXPLAIN sortkeys={sortkeys!r}")
        log_to_postgres(f"EXPLAIN verbose={verbose!r}")
        return ["EXPLAIN ROW 1", "EXPLAIN ROW 2"]

    def get_rel_size(self, quals: Sequence[Qual], columns: set[str]) -> tuple[int, int]:
        """Return 20 rows, or ten million for the planner's tests."""
        del quals
        rows = _PLANNER_ROWS if self.test_type == "planner" else _ROWS
        return (rows, len(columns) * 10)

    def get_path_keys(self) -> Sequence[PathKey]:
        """Return a unique key on test1, for the planner's tests."""
        return [(("test1",), 1)] if self.test_type == "planner" else []

    def can_sort(self, sortkeys: Sequence[SortKey]) -> Sequence[SortKey]:
        """Take over any order."""
        return sortkeys if self.cansort else []

    def can_limit(self, limit: int | None, offset: int | None) -> bool:
        """Answer as the option says."""
        del limit, offset
        return self.canlimit

    # Writing

    @property
    def rowid_column(self) -> str:
        """The column that the option names, else the first one."""
        return self._rowid

    @property
    def modify_batch_size(self) -> int:
        """The number that the option gives, else 1."""
        return self._batch

    def insert(self, values: dict[str, Any]) -> dict[str, Any] | None:
        """Tell the row."""
        if self.test_type == "nowrite":
            super().insert(values)
        log_to_postgres(f"INSERTING: {sorted(values.items())}")
        return self._inserted(values) if self.test_type == "returning" else None

    def bulk_insert(
        self, all_values: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        """Tell the rows."""
        if self.test_type == "nowrite":
            super().bulk_insert(all_values)
        told = [sorted(values.items()) for values in all_values]
        log_to_postgres(f"BULK INSERTING: {told}")
        if self.test_type != "returning":
            return None
        stored = [self._inserted(values) for values in all_values]
        log_to_postgres(f"INSERT RETURNING: {stored!r}")
        return stored

    def _inserted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: f"INSERTED: {values.get(name)}" for name in self.columns}

    def update(self, rowid: Any, newvalues: dict[str, Any]) -> dict[str, Any] | None:
        """Tell the row's id and its new values."""
        if self.test_type == "nowrite":
            super().update(rowid, newvalues)
        log_to_postgres(f"UPDATING: {rowid} with {sorted(newvalues.items())}")
        if self.test_type != "returning":
            return None
        return {name: f"UPDATED: {value}" for name, value in newvalues.items()}

    def delete(self, rowid: Any) -> None:
        """Tell the row's id."""
        if self.test_type == "nowrite":
            super().delete(rowid)
        log_to_postgres(f"DELETING: {rowid}")

    # Transactions

    def _hook(self, name: str) -> None:
        if self.tx_hook:
            log_to_postgres(name)

    def begin(self, serializable: int) -> None:
        """Tell."""
        del serializable
        self._hook("BEGIN")

    def pre_commit(self) -> None:
        """Tell."""
        self._hook("PRECOMMIT")

    def commit(self) -> None:
        """Tell."""
        self._hook("COMMIT")

    def rollback(self) -> None:
        """Tell."""
        self._hook("ROLLBACK")

    def sub_begin(self, level: int) -> None:
        """Tell."""
        del level
        self._hook("SUBBEGIN")

    def sub_commit(self, level: int) -> None:
        """Tell."""
        del level
        self._hook("SUBCOMMIT")

    def sub_rollback(self, level: int) -> None:
        """Tell."""
        del level
        self._hook("SUBROLLBACK")

    # IMPORT FOREIGN SCHEMA

    @classmethod
    def import_schema(
        cls,
        schema: str,
        srv_options: Mapping[str, str],
        options: Mapping[str, str],
        restriction_type: str | None,
        restricts: Sequence[str],
    ) -> list[TableDefinition]:
        """Tell the arguments and return up to three tables.

        The option `nb_col` sets the number of their columns, 3 by default.
        """
        log_to_postgres(
            f"IMPORT {schema} FROM srv {srv_options} OPTIONS {options}"
            f" RESTRICTION: {restriction_type} {restricts}"
        )
        width = int(options.get("nb_col", "3"))
        return [
            TableDefinition(name, columns=_text_columns(width))
            for name in _IMPORTABLE
            if restriction_type is None
            or (name in restricts) == (restriction_type == "limit")
        ]


def _text_columns(width: int) -> list[ColumnDefinition]:
    return [
        ColumnDefinition(
            f"col{number}", type_name="text", options={"option1": "value1"}
        )
        for number in range(width)
    ]


def _is_true(value: str) -> bool:
    return value.lower() == "true"
