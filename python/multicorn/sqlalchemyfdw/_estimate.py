"""Row counts for the planner, without counting rows and without connecting.

Every answer here is a guess.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

from multicorn._columns import Columns
from multicorn._qual import Qual
from multicorn.sqlalchemyfdw._kinds import Kind, local_kind

#: For a table of which nothing is known yet: large enough that look-ups by
#: key are preferred to reading all of it.
UNKNOWN_ROWS: Final = 1_000_000

# The server's own defaults where it has no statistics.
_EQUAL: Final = 0.005
_RANGE: Final = 1 / 3
_PATTERN: Final = 0.1
_NULL: Final = 0.01

_TEXT_BYTES: Final = 32
_FIXED_BYTES: Final = 8


def selected_rows(rows: int, quals: Sequence[Qual], primary_key: Sequence[str]) -> int:
    """Return how many of the rows the conditions may leave."""
    fixed = {qual.field_name for qual in quals if qual.operator == "="}
    if primary_key and fixed.issuperset(primary_key):
        return 1
    share = 1.0
    for qual in quals:
        share *= _share(qual)
    return max(1, round(rows * share))


def _share(qual: Qual) -> float:
    operator = qual.operator
    if isinstance(operator, tuple):
        if operator != ("=", True):
            return _RANGE
        value: Any = qual.value
        size = len(cast("list[Any]", value)) if isinstance(value, list) else 10
        return min(1.0, _EQUAL * size)
    if qual.value is None:
        return _NULL if operator in {"=", "IS"} else 1 - _NULL
    if operator == "=":
        return _EQUAL
    if operator in {"~~", "~~*"}:
        return _PATTERN
    return _RANGE if operator in {"<", "<=", ">", ">="} else 1.0


def width(columns: Columns, needed: set[str]) -> int:
    """Return the bytes of a row that has the needed columns."""
    return sum(
        _TEXT_BYTES if local_kind(columns[name]) in {None, Kind.TEXT} else _FIXED_BYTES
        for name in needed
        if name in columns
    )
