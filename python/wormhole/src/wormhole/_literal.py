"""Plain constants as Python expressions.

A constant that a function uses is sent as text in front of it, so only what an expression can rebuild
exactly is one. The text is the same in every process: it is part of what the function's id is made of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

IMMUTABLE = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    Decimal,
    date,
    datetime,
    time,
    timedelta,
    UUID,
)

MODULES = ("datetime", "decimal", "re", "uuid")
"""Modules of which expressions make use, under a name of their own (`_datetime`)."""


class NotPlain(Exception):  # noqa: N818 - never leaves the package
    """A value that no expression stands for; its argument is the culprit."""


def literal(value: object) -> str:
    """The expression. Raises `NotPlain`."""
    try:
        return _literal(value)
    except RecursionError:
        raise NotPlain(value) from None


def modules_of(expression: str) -> list[str]:
    """Which modules an expression needs."""
    return [name for name in MODULES if f"_{name}." in expression]


def _literal(value: object) -> str:
    write = _WRITERS.get(type(value))
    if write is None:
        raise NotPlain(value)
    return write(value)


def _float(value: float) -> str:
    text = repr(value)
    return f"float({text!r})" if text in {"inf", "-inf", "nan"} else text


def _items(values: Iterable[Any]) -> str:
    return ", ".join(_literal(item) for item in values)


def _tuple(value: tuple[Any, ...]) -> str:
    return f"({_items(value)}{',' if len(value) == 1 else ''})"


def _sorted(values: Iterable[Any]) -> str:
    # The order of a set of strings differs from process to process.
    return ", ".join(sorted(_literal(item) for item in values))


def _set(value: set[Any]) -> str:
    return f"{{{_sorted(value)}}}" if value else "set()"


def _dict(value: dict[Any, Any]) -> str:
    return f"{{{', '.join(f'{_literal(key)}: {_literal(item)}' for key, item in value.items())}}}"


def _temporal(value: date | time | timedelta | timezone) -> str:
    zone: Any = getattr(value, "tzinfo", None)
    if zone is not None and type(zone) is not timezone:
        raise NotPlain(value)
    return repr(value).replace("datetime.", "_datetime.")


def _pattern(value: re.Pattern[Any]) -> str:
    return f"_re.compile({_literal(value.pattern)}, {value.flags & ~re.UNICODE.value})"


_WRITERS: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((type(None), bool, int, str, bytes, range, type(...)), repr),
    float: _float,
    complex: lambda v: f"complex({_float(v.real)}, {_float(v.imag)})",
    tuple: _tuple,
    list: lambda v: f"[{_items(v)}]",
    set: _set,
    frozenset: lambda v: f"frozenset({{{_sorted(v)}}})" if v else "frozenset()",
    dict: _dict,
    Decimal: lambda v: f"_decimal.Decimal({str(v)!r})",
    UUID: lambda v: f"_uuid.UUID({str(v)!r})",
    **dict.fromkeys((date, time, datetime, timedelta), _temporal),
    re.Pattern: _pattern,
}
