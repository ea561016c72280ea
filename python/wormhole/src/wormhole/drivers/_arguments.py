"""Arguments as text of unknown type, so that the server infers what they are.

psycopg and psycopg2 would say of an int that it is a `smallint`, of a list that it is an array of those, and
have no form for a dict. As text without a type an argument is what its place in the statement makes of it,
which is how remote code has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from wormhole._placeholders import Statement


def prepared(statement: Statement, args: Sequence[Any]) -> list[Any]:
    """The arguments as texts; what is of no type known here is left to the driver.

    A list is an array, unless a dict is in it or the statement casts it to json: `$1::jsonb`.
    """
    json_ones = statement.json_numbers
    return [
        json_text(arg) if number in json_ones and arg is not None else as_text(arg)
        for number, arg in enumerate(args, 1)
    ]


def as_text(value: object) -> Any:
    """One argument, not of JSON for sure."""
    if is_json(value):
        return json_text(value)
    write = _WRITERS.get(type(value))
    return value if write is None else write(value)


def is_json(value: Any) -> bool:
    """Whether an argument can only be meant as JSON: a dict, or a list with one in it."""
    if isinstance(value, list):
        return any(is_json(item) for item in cast("list[Any]", value))
    return isinstance(value, dict)


def json_text(value: Any) -> Any:
    """A value as JSON text; a str is taken for JSON already."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def interval_text(value: timedelta) -> str:
    """An interval as the server reads it, whatever its settings."""
    # Signs, since with IntervalStyle = sql_standard the first one would count for what follows.
    return f"{value.days:+d} days {value.seconds:+d} seconds {value.microseconds:+d} microseconds"


def _array(value: list[Any]) -> str:
    return "{" + ",".join(_element(item, "NULL") for item in value) + "}"


def _row(value: tuple[Any, ...]) -> str:
    return "(" + ",".join(_element(item, "") for item in value) + ")"


def _element(value: Any, null: str) -> str:
    """An element of an array or a composite value, quoted unless it is an array itself."""
    if value is None:
        return null
    text = as_text(value)
    if not isinstance(text, str):
        raise TypeError(f"a {type(value).__qualname__} cannot be an element of an argument")
    if isinstance(value, list) and null:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WRITERS: dict[type, Callable[[Any], str]] = {
    bool: lambda v: "t" if v else "f",
    **dict.fromkeys((int, float, Decimal, UUID), str),
    str: str,
    bytes: lambda v: "\\x" + v.hex(),
    **dict.fromkeys((date, time, datetime), lambda v: v.isoformat()),
    timedelta: interval_text,
    list: _array,
    tuple: _row,
}
