"""A sink of rows: what a write costs before the wrapper does anything with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench_rows import EPOCH

from multicorn import ForeignDataWrapper


class Sink(ForeignDataWrapper):
    """Has `count` rows, and forgets what it is told at once."""

    rowid_column = "id"

    def __init__(self, options: Mapping[str, str], columns: Mapping[str, Any]) -> None:
        super().__init__(options, columns)
        count = int(options["count"])
        self.rows = [(i, f"name {i}", i * 1.25, EPOCH) for i in range(count)]
        self.last: Any = None

    def get_rel_size(self, quals: Any, columns: Any) -> tuple[int, int]:
        return (len(self.rows), 60)

    def execute(self, quals: Any, columns: Any) -> Any:
        return self.rows

    def insert(self, values: dict[str, Any]) -> None:
        self.last = values

    def update(self, rowid: Any, newvalues: dict[str, Any]) -> None:
        self.last = newvalues

    def delete(self, rowid: Any) -> None:
        self.last = rowid


class Batches(Sink):
    """Takes a thousand rows at a time."""

    modify_batch_size = 1000

    def bulk_insert(self, all_values: list[dict[str, Any]]) -> None:
        self.last = all_values


def write(*values: Any) -> None:
    """The same by PL/Python, called for each row."""
    kept[0] = values


kept: list[Any] = [None]
