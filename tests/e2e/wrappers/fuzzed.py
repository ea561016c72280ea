"""Wrappers for the fuzzer: one that behaves, and one that misbehaves by a seed."""

import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from multicorn import ForeignDataWrapper, Qual, SortKey

WORDS = ["", "a", "b", "ab", "ä", "zz", None]
OPERATORS = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def rows(count: int, salt: int) -> list[tuple[int, int | None, str | None, bool | None]]:
    """The data: id, n, t, f. The local copy is filled through the same function."""
    return [
        (
            n,
            None if n * salt % 7 == 0 else n * salt % 13,
            WORDS[n * salt % len(WORDS)],
            [True, False, None][n % 3],
        )
        for n in range(count)
    ]


class Good(ForeignDataWrapper):
    """Applies what it can of the quals, sorts, limits, offers lookups. Every answer is right."""

    def __init__(self, options: dict[str, str], columns: Any) -> None:
        super().__init__(options, columns)
        self.rows = rows(int(options.get("rows", "40")), int(options.get("salt", "3")))
        self.names = ["id", "n", "t", "f"]
        self.mode = options.get("mode", "tuple")

    def get_rel_size(self, quals: Sequence[Qual], columns: Any) -> tuple[int, int]:
        return (max(1, len(self.rows) // (1 + len(quals))), 20 * len(columns))

    def get_path_keys(self) -> list[tuple[Any, int]]:
        return [(("id",), 1), (("n",), 4), (("n", "t"), 1)]

    def can_sort(self, sortkeys: list[SortKey]) -> list[SortKey]:
        kept = []
        for key in sortkeys:
            if key.attname not in ("id", "n"):
                break
            kept.append(key)
        return kept

    def can_limit(self, limit: int | None, offset: int | None) -> bool:
        return True

    def _keeps(self, row: tuple[Any, ...], qual: Qual) -> bool:
        """True unless the row cannot match; only plain comparisons of numbers and `=` of text."""
        value = row[self.names.index(qual.field_name)]
        if qual.value is None and qual.operator in ("=", "<>"):
            return (value is None) == (qual.operator == "=")
        if not isinstance(qual.operator, str) or qual.operator not in OPERATORS:
            return True
        if value is None:
            return False
        if type(value) is not type(qual.value) or (isinstance(value, str) and qual.operator != "="):
            return True
        return OPERATORS[qual.operator](value, qual.value)

    def execute(
        self,
        quals: Sequence[Qual],
        columns: Any,
        sortkeys: Sequence[SortKey] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Iterator[Any]:
        found = [row for row in self.rows if all(self._keeps(row, qual) for qual in quals)]
        for key in reversed(sortkeys or []):
            at = self.names.index(key.attname)

            def place(row: tuple[Any, ...], at: int = at, key: SortKey = key) -> tuple[Any, ...]:
                null_last = key.nulls_first == key.is_reversed
                return (row[at] is None) == null_last, row[at] or 0

            found.sort(key=place, reverse=key.is_reversed)
        found = found[offset or 0 :]
        found = found if limit is None else found[:limit]
        for row in found:
            if self.mode == "dict":
                yield {name: value for name, value in zip(self.names, row, strict=True) if name in columns}
            else:
                yield row if self.mode == "tuple" else list(row)


class Misbehaviour(Exception):  # noqa: N818
    """Whatever the seed decided on."""


class Text:
    def __str__(self) -> str:
        raise Misbehaviour("no text")


class Bad(Good):
    """At each step something wrong happens with a probability; the seed is the option's and the count's."""

    calls = 0

    def __init__(self, options: dict[str, str], columns: Any) -> None:
        Bad.calls += 1
        self.random = random.Random(f"{options['seed']} {Bad.calls}")
        self.maybe("__init__", 0.02)
        super().__init__(options, columns)

    def maybe(self, place: str, probability: float = 0.05) -> bool:
        """Raise something now and then; True, less rarely, for the caller to do something else wrong."""
        draw = self.random.random()
        if draw < probability:
            kinds = [Misbehaviour, ValueError, KeyboardInterrupt, SystemExit, MemoryError, RecursionError]
            raise self.random.choice(kinds)(
                f"{place} \0 \udce4 %s %n ä" + "x" * self.random.choice([0, 20_000])
            )
        return draw < 2 * probability

    def get_rel_size(self, quals: Any, columns: Any) -> Any:
        if self.maybe("get_rel_size"):
            return self.random.choice([None, (0, 0), (-1, 1e300), ("a", "b"), (1,), 5, (2**70, 1), (1e18, 8)])
        return super().get_rel_size(quals, columns)

    def get_path_keys(self) -> Any:
        if self.maybe("get_path_keys"):
            return self.random.choice(
                [None, 5, [("id",)], [(("x",), 1)], [((), -1)], ["id"], [(("id",), 1e300)]]
            )
        return super().get_path_keys()

    def can_sort(self, sortkeys: Any) -> Any:
        if self.maybe("can_sort"):
            return self.random.choice([None, 5, ["id"], sortkeys * 2, [None]])
        return super().can_sort(sortkeys)

    def can_limit(self, limit: Any, offset: Any) -> Any:
        return self.random.choice([None, 0, 1, "x"]) if self.maybe("can_limit") else False

    def explain(self, quals: Any, columns: Any, **keywords: Any) -> Any:
        if self.maybe("explain"):
            return self.random.choice([None, 5, "text", [Text()], ["a\0b", "\udce4", None], iter([1, 2])])
        return [f"{len(quals)} quals"]

    def execute(
        self, quals: Any, columns: Any, sortkeys: Any = None, limit: Any = None, offset: Any = None
    ) -> Any:
        if self.maybe("execute"):
            return self.random.choice(
                [None, 5, "text", {"id": 1}, [None], [(1,)], [Text()], b"x", iter([[]])]
            )
        return self._rows(quals, columns, sortkeys)

    def _rows(self, quals: Any, columns: Any, sortkeys: Any) -> Iterator[Any]:
        try:
            for row in super().execute(quals, columns, sortkeys):
                yield self._spoilt(list(row)) if self.maybe("__next__", 0.005) else row
        finally:
            self.maybe("finally", 0.02)

    def _spoilt(self, row: list[Any]) -> Any:
        values = [
            2**40,
            2**70,
            "nul \0",
            "\udce4",
            b"\xff",
            Text(),
            object(),
            float("nan"),
            [row],
            {},
            row,
            threading,
        ]
        row[self.random.randrange(len(row))] = self.random.choice(values)
        return self.random.choice(
            [row, row, row, tuple(row), row[1:], row * 2, None, "row", 5, dict(enumerate(row))]
        )

    def end_scan(self) -> None:
        self.maybe("end_scan", 0.02)
