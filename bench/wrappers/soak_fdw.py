"""Wrappers for the memory tests: rows made one by one, errors at every stage, and a meter."""

from __future__ import annotations

import ctypes
import gc
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from multicorn import ColumnDefinition, ForeignDataWrapper, TableDefinition

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class Rows(ForeignDataWrapper):
    """`count` rows of `id int8, t text, num numeric, tz timestamptz, js jsonb, uu uuid, ar int4[]`.

    With the option `fail` it raises: `init`, `execute`, or `row` after the third row; with `value` each
    scan has another value that its column cannot hold; with `leak` each scan keeps one object.
    """

    kept: ClassVar[list[Any]] = []
    turn: ClassVar[Iterator[tuple[int, Any]]] = itertools.cycle(
        [
            (0, 2**70),
            (0, 1.5),
            (1, "a\0b"),
            (1, "\ud800"),
            (2, "ten"),
            (3, "never"),
            (4, '{"a": '),
            (4, {"a": [object(), {1, 2}]}),
            (5, b"short"),
            (6, [1, "two"]),
            (6, [[1], [2, 3]]),
        ]
    )

    def __init__(self, options: Mapping[str, str], columns: Mapping[str, Any]) -> None:
        super().__init__(options, columns)
        self.count, self.fail = int(options["count"]), options.get("fail")
        # As large as a connection: an instance that is never released shows.
        self.load = bytearray(64_000)
        if self.fail == "init":
            message = "no connection"
            raise ValueError(message)

    def get_rel_size(self, quals: Any, columns: Any) -> tuple[int, int]:
        return (self.count, 100)

    def get_path_keys(self) -> list[Any]:
        return [(("id",), 1)]

    def execute(self, quals: Any, columns: Any, sortkeys: Any = None) -> Iterable[Any]:
        if self.fail == "execute":
            message = "no such table"
            raise LookupError(message)
        if self.fail == "leak":
            self.kept.append(object())
            return [(0, *[None] * (len(columns) - 1))]
        if self.fail == "value":
            column, value = next(self.turn)
            row = list(self.row(1))
            row[column] = value
            return [row]
        for qual in quals:
            if qual.field_name == "id" and qual.operator == "=":
                return [self.row(qual.value)]
        return self.rows()

    def can_sort(self, sortkeys: Any) -> Any:
        return [key for key in sortkeys[:1] if key.attname == "id" and not key.is_reversed]

    def explain(self, quals: Any, columns: Any, sortkeys: Any = None, verbose: Any = None) -> Iterable[str]:
        return [f"{len(quals)} quals"]

    @classmethod
    def import_schema(
        cls, schema: str, srv_options: Any, options: Any, restriction_type: Any, restricts: Any
    ) -> list[TableDefinition]:
        kinds = {
            "id": "int8",
            "t": "text",
            "num": "numeric",
            "tz": "timestamptz",
            "js": "jsonb",
            "uu": "uuid",
        }
        columns = [
            ColumnDefinition(name, type_name=kind) for name, kind in [*kinds.items(), ("ar", "int4[]")]
        ]
        return [TableDefinition("soak_imported", columns=columns, options={"count": "3"})]

    def rows(self) -> Iterable[Any]:
        for number in range(self.count):
            if self.fail == "row" and number == 3:
                message = "connection lost"
                raise OSError(message)
            yield self.row(number)

    def row(self, number: int) -> tuple[Any, ...]:
        return (
            number,
            f"row number {number}",
            Decimal(number) / 8,
            EPOCH + timedelta(seconds=number),
            {"id": number, "tags": ["a", None]},
            UUID(int=number),
            [number, None, number],
        )


class Dicts(Rows):
    """The same rows as dicts."""

    def row(self, number: int) -> Any:
        names = ("id", "t", "num", "tz", "js", "uu", "ar")
        return dict(zip(names, super().row(number), strict=True))


class Written(Rows):
    """`count` rows that are changed and removed, and rows that are taken, all of it forgotten at once.

    With the option `fail` each write raises; `batch` is the size of batches.
    """

    rowid_column = "id"

    def __init__(self, options: Mapping[str, str], columns: Mapping[str, Any]) -> None:
        super().__init__(options, columns)
        self.batch = int(options.get("batch", "1"))

    @property
    def modify_batch_size(self) -> int:
        return self.batch

    def stored(self, values: dict[str, Any]) -> dict[str, Any]:
        if self.fail == "write":
            message = "the disk is full"
            raise OSError(message)
        return {"t": f"stored {values['id']}"}

    def insert(self, values: dict[str, Any]) -> dict[str, Any]:
        return self.stored(values)

    def bulk_insert(self, all_values: list[dict[str, Any]]) -> list[Any]:
        return [self.stored(values) for values in all_values]

    def update(self, rowid: Any, newvalues: dict[str, Any]) -> dict[str, Any]:
        return self.stored(newvalues)

    def delete(self, rowid: Any) -> None:
        self.stored({"id": rowid})

    def begin(self, serializable: int) -> None:
        self.level = serializable

    def sub_rollback(self, level: int) -> None:
        self.level = level


class _MallocInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc: bytes and counts."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


class Meter(ForeignDataWrapper):
    """One row: what Python and malloc have in use, after everything that can be given back was."""

    def __init__(self, options: Mapping[str, str], columns: Mapping[str, Any]) -> None:
        super().__init__(options, columns)
        self.libc = ctypes.CDLL(None)
        self.libc.mallinfo2.restype = _MallocInfo

    def execute(self, quals: Any, columns: Any) -> Iterable[Any]:
        gc.collect()
        self.libc.malloc_trim(0)
        info = self.libc.mallinfo2()
        return [(sys.getallocatedblocks(), info.uordblks + info.hblkhd)]
