"""A table that does all that a class may do: it applies conditions, sorts, limits and looks up by keys.

Whatever it is asked wrongly it answers wrongly, so that its answers differ from a local table's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from multicorn import Accepted, ForeignDataWrapper, Qual, Request, SortKey

Row = dict[str, Any]

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def make_row(number: int) -> Row:
    """The row of that number; the tests make the same rows in SQL."""
    return {
        "id": number,
        "grp": number % 4,
        "sub": number % 3,
        "maybe": None if number % 5 == 0 else number % 5,
        "even": number % 2 == 0,
        "name": f"name {number % 7}",
    }


# What a condition on a boolean column is compared with.
TRUTH: Mapping[str | None, bool | None] = {"t": True, "f": False, None: None}


def operator_name(qual: Qual) -> str:
    """The operator without ANY or ALL."""
    return qual.operator if isinstance(qual.operator, str) else qual.operator[0]


def is_understood(qual: Qual) -> bool:
    """Whether `passes` says of it what SQL does."""
    return operator_name(qual) in {"IS", "IS NOT", *COMPARE}


def passes(row: Row, qual: Qual) -> bool:
    """Whether the condition is true of the row; one that is not understood lets every row pass."""
    value, wanted = row[qual.field_name], qual.value
    if not is_understood(qual):
        return True
    name = operator_name(qual)
    if name in {"IS", "IS NOT"}:
        return (value is TRUTH[wanted]) == (name == "IS")
    compare = COMPARE[name]
    if wanted is None:
        return (value is None) == (name == "=")
    if qual.is_list_operator and not wanted:
        return not qual.operator[1]
    if value is None:
        return False
    if qual.is_list_operator:
        answers = [one is not None and compare(value, one) for one in wanted]
        return any(answers) if qual.operator[1] else all(answers)
    if isinstance(value, bool) and isinstance(wanted, str):
        return value == (wanted == "t")
    return compare(value, wanted)


def in_order(rows: list[Row], key: SortKey) -> list[Row]:
    """The rows by one key; the sort is stable."""
    nulls = [row for row in rows if row[key.attname] is None]
    others = [row for row in rows if row[key.attname] is not None]
    others.sort(key=lambda row: row[key.attname], reverse=key.is_reversed)
    return nulls + others if key.nulls_first else others + nulls


class Mirrored(ForeignDataWrapper):
    """`rows` of them, or of these the ones with this `grp`; `size` is what it claims to have."""

    def __init__(self, options: Mapping[str, str], columns: object) -> None:
        rows = [make_row(number) for number in range(1, int(options["rows"]) + 1)]
        self.rows = [row for row in rows if options.get("grp") in {None, str(row["grp"])}]
        self.size = int(options["size"])

    def get_rel_size(self, quals: Sequence[Qual], columns: set[str]) -> tuple[int, int]:
        return (self.size, 8 * len(columns))

    def get_path_keys(self) -> list[tuple[tuple[str, ...], int]]:
        return [(("id",), 1), (("grp", "sub"), 2), (("name",), 3)]

    def can_sort(self, sortkeys: Sequence[SortKey]) -> Sequence[SortKey]:
        return sortkeys

    def can_limit(self, limit: int | None, offset: int | None) -> bool:
        return True

    def execute(
        self,
        quals: Sequence[Qual],
        columns: set[str],
        sortkeys: Sequence[SortKey] = (),
        limit: int | None = None,
        offset: int | None = None,
    ) -> Iterator[Row]:
        rows = [row for row in self.rows if all(passes(row, qual) for qual in quals)]
        for key in reversed(sortkeys):
            rows = in_order(rows, key)
        start = offset or 0
        for row in rows[start : None if limit is None else start + limit]:
            yield {name: row[name] for name in columns}


class Exactly(Mirrored):
    """Promises to apply each condition that it understands, so that nobody checks it."""

    def can_filter(self, quals: Sequence[Qual]) -> Sequence[Qual]:
        return [qual for qual in quals if is_understood(qual)]


class Partly(Mirrored):
    """Promises some of it, by one answer to all questions."""

    def accept(self, request: Request) -> Accepted:
        quals = [qual for qual in request.quals if is_understood(qual) and qual.field_name != "grp"]
        return Accepted(quals=quals, sortkeys=request.sortkeys, limit=True)
