"""Placeholders of a statement: `$1` and `%s`, brought into the form that a server or a driver takes.

String constants (also `E'…'` and dollar-quoted), quoted identifiers, identifiers that contain a `$`, and
comments (also nested ones) are passed over, so `'100 %s'` and `price$1` are what they say. Outside of them
`%%` stands for `%`, and a `%` that begins neither `%s` nor `%%` is the operator that it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

# In order: E'…', other strings, "…", a name (which may contain $), dollar quotes, comments, placeholders.
TOKEN = re.compile(
    r"""
      (?P<quoted> [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) )
    | (?P<word> [^\W\d][\w$]* | \d[\w.]* )
    | (?P<dollar> \$(?P<tag>(?:[^\W\d]\w*)?)\$ )
    | (?P<line> --[^\n]*)
    | (?P<block> /\*)
    | \$(?P<number> \d+)
    | (?P<named> %\(\w+\)s(?!\w))
    | (?P<format> %s(?!\w))
    | (?P<percent> %%)
    """,
    re.VERBOSE | re.DOTALL,
)
CAST_TO_JSON = re.compile(r"\s*::\s*(pg_catalog\.)?jsonb?\b(?!\s*\[)", re.IGNORECASE)
COMMENT = re.compile(r"/\*|\*/")

Part = str | int
"""Text of a statement, or the number of the parameter that stands there, counting from 1."""


@dataclass(frozen=True)
class Statement:
    """A statement taken apart: `SELECT $2, $1` is `("SELECT ", 2, ", ", 1)` with `count` 2."""

    parts: tuple[Part, ...]
    count: int

    @property
    def json_numbers(self) -> frozenset[int]:
        """The parameters that the statement casts to json or jsonb."""
        pairs = pairwise([*self.parts, ""])
        return frozenset(
            part
            for part, after in pairs
            if isinstance(part, int) and isinstance(after, str) and CAST_TO_JSON.match(after)
        )

    def numbered(self) -> str:
        """The statement with `$n`."""
        return "".join(part if isinstance(part, str) else f"${part}" for part in self.parts)

    def formatted(self) -> str:
        """The statement with `%s` for drivers that interpolate: every other `%` is doubled."""
        return "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in self.parts)

    def in_order(self, args: Sequence[Any]) -> list[Any]:
        """The arguments for `formatted`: one for each place, repeated and reordered."""
        return [args[part - 1] for part in self.parts if isinstance(part, int)]

    def check(self, args: Sequence[Any]) -> None:
        """Raise TypeError unless there are as many arguments as parameters."""
        if len(args) != self.count:
            wants = f"{self.count} argument{'' if self.count == 1 else 's'}"
            raise TypeError(f"the statement takes {wants}, {len(args)} given")


def parse(sql: str) -> Statement:
    """Take a statement apart. Raises ValueError for `%(name)s`, for `$0`, and for `$1` beside `%s`."""
    return _remembered(sql) if len(sql) <= REMEMBERED else _parse(sql)


def numbered(sql: str, args: Sequence[Any] = ()) -> str:
    """The statement with `$n` only, after a check of the number of arguments."""
    statement = parse(sql)
    statement.check(args)
    return statement.numbered()


REMEMBERED = 20_000
"""Longer statements are not kept, so that the cache stays within a few megabytes."""


def _parse(sql: str) -> Statement:
    parts: list[Part] = []
    highest = formats = start = at = 0
    while (match := TOKEN.search(sql, at)) is not None:
        at = _end(sql, match)
        kind = match.lastgroup
        if kind == "named":
            raise ValueError(f"named placeholders are not supported: {match[0]}; use $1 or %s")
        if kind not in {"number", "format", "percent"}:
            continue
        parts.append(sql[start : match.start()])
        start = at
        if kind == "percent":
            parts.append("%")
        elif kind == "format":
            formats += 1
            parts.append(formats)
        else:
            number = _number(match["number"])
            highest = max(highest, number)
            parts.append(number)
    if formats and highest:
        raise ValueError("the statement has both $1 and %s; use one kind of placeholder")
    parts.append(sql[start:])
    return Statement(tuple(part for part in parts if part != ""), formats or highest)


_remembered = lru_cache(maxsize=256)(_parse)


HIGHEST = 65535
"""The protocol counts parameters in 16 bits."""


def _number(text: str) -> int:
    number = int(text) if len(text) <= len(str(HIGHEST)) else 0
    if not 0 < number <= HIGHEST:
        raise ValueError(f"there is no parameter ${text}; they are numbered from 1 to {HIGHEST}")
    return number


def _end(sql: str, match: re.Match[str]) -> int:
    """Where a token ends; one that is never closed takes the rest, and the server complains of it."""
    if match["dollar"] is not None:
        end = sql.find(match["dollar"], match.end())
        return len(sql) if end < 0 else end + len(match["dollar"])
    if match["block"] is None:
        return match.end()
    depth, at = 1, match.end()
    while depth:
        found = COMMENT.search(sql, at)
        if found is None:
            return len(sql)
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at
