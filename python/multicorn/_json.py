"""JSON from the server, so that it can be written back as it was.

`json.loads` alone loses two things: digits of numbers that a float cannot
hold, and the difference between a JSON text and JSON that is written as text.
"""

import json
from decimal import Decimal
from typing import Any


class JsonString(str):
    """A JSON value that is a text by itself, as `'"5"'::jsonb` is.

    It is a `str` in every way, but written to a json column it is that text
    again, where any other `str` is taken for JSON: `5`.
    """

    __slots__ = ()


def _number(text: str) -> float | Decimal:
    """Return a float if it is equal to the number, else a Decimal."""
    number = float(text)
    exact = Decimal(text)
    return number if Decimal(repr(number)) == exact else exact


_decode = json.JSONDecoder(parse_float=_number).decode


def loads(text: str) -> Any:
    """Return the value of a JSON text that the server has checked."""
    value = _decode(text)
    return JsonString(value) if type(value) is str else value


_decode_exact = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal).decode


def exact(text: str) -> Any:
    """Return the value of a JSON text with every number as a Decimal."""
    return _decode_exact(text)
