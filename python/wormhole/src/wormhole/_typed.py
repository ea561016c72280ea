"""Calls whose arguments and result travel as values of SQL: those of a function that says what they are.

Each type here has a round trip that is exact and does not depend on the session's settings: an argument is
text in a form that the server reads in one way only, and the result is shown by an expression with one form.
What such a type cannot hold (an int of 70 bits, a Decimal with an exponent) makes the call a tagged one.
"""

from __future__ import annotations

import struct
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from inspect import Parameter, Signature
from typing import Any, cast
from uuid import UUID

from wormhole.drivers._arguments import interval_text


@dataclass(frozen=True)
class Kind:
    """One type: its name in SQL, the text of a value or None, what shows one, and how that is read."""

    sql: str
    write: Callable[[Any], str | None]
    show: str
    read: Callable[[str], Any]


def _int(value: int) -> str | None:
    return str(value) if -(2**63) <= value < 2**63 else None


def _str(value: str) -> str | None:
    if "\0" in value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


DIGITS = 1000
"""Longer numbers are rare, and numeric's limits are not far: 16383 digits after the point."""


def _decimal(value: Decimal) -> str | None:
    sign, digits, exponent = value.as_tuple()
    if isinstance(exponent, str):
        return str(value) if str(value) in {"NaN", "Infinity", "-Infinity"} else None
    fits = -DIGITS <= exponent <= 0 and len(digits) <= DIGITS and not (sign and not value)
    return format(value, "f") if fits else None


def _datetime(value: datetime) -> str | None:
    return value.isoformat() if value.tzinfo is None and not value.fold else None


def _read_float(text: str) -> float:
    return struct.unpack(">d", bytes.fromhex(text))[0]


def _read_timedelta(text: str) -> timedelta:
    microseconds, days, _ = struct.unpack(">qii", bytes.fromhex(text))
    return timedelta(days=days, microseconds=microseconds)


def _same(text: str) -> str:
    return text


HEX = "pg_catalog.encode({}, 'hex')"
TEXT = "{}::text"

KINDS: dict[Any, Kind] = {
    bool: Kind("bool", lambda v: "t" if v else "f", TEXT, "true".__eq__),
    int: Kind("int8", _int, TEXT, int),
    float: Kind("float8", repr, HEX.format("pg_catalog.float8send({})"), _read_float),
    str: Kind("text", _str, "{}", _same),
    bytes: Kind("bytea", lambda v: "\\x" + v.hex(), HEX, bytes.fromhex),
    Decimal: Kind("numeric", _decimal, TEXT, Decimal),
    UUID: Kind("uuid", str, TEXT, UUID),
    date: Kind("date", date.isoformat, "pg_catalog.to_char({}, 'YYYY-MM-DD')", date.fromisoformat),
    datetime: Kind(
        "timestamp",
        _datetime,
        "pg_catalog.to_char({}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')",
        datetime.fromisoformat,
    ),
    timedelta: Kind("interval", interval_text, HEX.format("pg_catalog.interval_send({})"), _read_timedelta),
}
NOTHING = type(None)
"""Of any type there is a NULL, which is None."""


def kind_of(annotation: Any) -> type | None:
    """The key into `KINDS` that an annotation stands for, also beside None; None for any other one."""
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        members = [member for member in typing.get_args(annotation) if member is not NOTHING]
        return kind_of(members[0]) if len(members) == 1 else None
    if annotation is None or annotation is NOTHING:
        return bool
    try:
        return cast("type", annotation) if annotation in KINDS else None
    except TypeError:
        return None  # it has no hash


@dataclass(frozen=True)
class Types:
    """What a function says of its values."""

    parameters: tuple[type | None, ...]
    rest: type | None
    """Of all further ones: `*args`."""
    result: type

    def arguments(self, args: Sequence[Any]) -> tuple[tuple[type, ...], list[str | None]] | None:
        """The types and texts of these arguments; None if one of them has to be tagged."""
        kinds: list[type] = []
        texts: list[str | None] = []
        named = len(self.parameters)
        for at, value in enumerate(args):
            kind = self.parameters[at] if at < named else self.rest
            if kind is None:
                return None
            text = None
            if value is not None:
                text = KINDS[kind].write(value) if type(value) is kind else None
                if text is None:
                    return None
            kinds.append(kind)
            texts.append(text)
        return tuple(kinds), texts


def types_of(function: Callable[..., Any], signature: Signature) -> Types | None:
    """What the annotations say; None if they do not say it of the result, or cannot be evaluated."""
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # noqa: BLE001 - annotations are code
        return None
    result = kind_of(hints["return"]) if "return" in hints else None
    if result is None:
        return None
    parameters: list[type | None] = []
    rest: type | None = None
    for parameter in signature.parameters.values():
        kind = kind_of(hints[parameter.name]) if parameter.name in hints else None
        if parameter.kind is Parameter.VAR_POSITIONAL:
            rest = kind
        elif parameter.kind in {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}:
            parameters.append(kind)
    return Types(tuple(parameters), rest, result)


@lru_cache(maxsize=1000)
def source(kinds: tuple[type, ...], result: type, function: str, first: int) -> str:
    """The call, of `function`, with arguments from `$first` on: to be put into FROM."""
    parts = [function, f"NULL::{KINDS[result].sql}"]
    # As text first: a driver that asks for the type of a parameter must not convert by itself.
    parts += [f"${first + at}::text::{KINDS[kind].sql}" for at, kind in enumerate(kinds)]
    return f"wormhole_typed({', '.join(parts)})"


@lru_cache(maxsize=100)
def columns(result: type) -> str:
    """What is read of the row that the call gives."""
    return f"state, tagged::text, {KINDS[result].show.format('value')}"
