"""A small table that can be slow or fail in any of its methods, and a journal of what was called."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multicorn import ForeignDataWrapper, Qual, SortKey

JOURNAL: list[str] = []


class Watched(ForeignDataWrapper):
    """Rows `id`, `name` for 1 to `rows`; equality on `id` is applied.

    `slow_in` and `fails_in` name a method (`row` for the iteration) that sleeps for a minute or raises.
    """

    def __init__(self, options: Mapping[str, str], columns: object) -> None:
        self.options = options
        self.rows = int(options.get("rows", "5"))
        self.act("__init__")

    def __del__(self) -> None:
        JOURNAL.append("__del__")

    def act(self, method: str) -> None:
        """Do what the options ask for in this method."""
        JOURNAL.append(method)
        if self.options.get("slow_in") == method:
            time.sleep(60)
        if self.options.get("fails_in") == method:
            message = f"asked to fail in {method}"
            raise ValueError(message)

    def get_rel_size(self, quals: Sequence[Qual], columns: set[str]) -> tuple[int, int]:
        self.act("get_rel_size")
        return (100_000 if "key" in self.options else self.rows, 16)

    def get_path_keys(self) -> list[tuple[tuple[str, ...], int]]:
        self.act("get_path_keys")
        return [(("id",), 1)] if "key" in self.options else []

    def can_sort(self, sortkeys: Sequence[SortKey]) -> Sequence[SortKey]:
        self.act("can_sort")
        return []

    def can_limit(self, limit: int | None, offset: int | None) -> bool:
        self.act("can_limit")
        return False

    def explain(self, quals: Sequence[Qual], columns: set[str], **keywords: Any) -> list[str]:
        self.act("explain")
        return [repr(qual) for qual in quals]

    def execute(self, quals: Sequence[Qual], columns: set[str], **keywords: Any) -> Iterator[dict[str, Any]]:
        self.act("execute")
        wanted = {qual.value for qual in quals if (qual.field_name, qual.operator) == ("id", "=")}
        numbers = [n for n in range(1, self.rows + 1) if not wanted or wanted == {n}]
        return self.generate(numbers)

    def generate(self, numbers: list[int]) -> Iterator[dict[str, Any]]:
        for number in numbers:
            self.act("row")
            yield {"id": number, "name": f"name {number}"}

    def end_scan(self) -> None:
        self.act("end_scan")


class Journal(ForeignDataWrapper):
    """What was called since the last look."""

    def __init__(self, options: Mapping[str, str], columns: object) -> None:
        pass

    def execute(self, quals: Sequence[Qual], columns: set[str]) -> list[tuple[str]]:
        entries = [(entry,) for entry in JOURNAL]
        JOURNAL.clear()
        return entries
