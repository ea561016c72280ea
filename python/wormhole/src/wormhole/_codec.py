"""Values as tagged JSON, the form in which arguments and results travel.

Plain JSON stands for what it can hold exactly, after `jsonb` has normalised it: strings, booleans, None,
integers up to 2^53-1, floats that are no whole numbers, lists, and dicts with string keys. Everything else
is an object `{"$": tag, "v": payload}`. A value without a form is refused by a TypeError that names its
place, since a value that arrives as something else is worse than one that does not leave.

The order of a plain dict's keys is kept where the text travels as `json`, as all calls of the client do;
`jsonb` sorts them. Never pickle: the other side is not trusted.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

Json = Any
"""What `json.dumps` takes: a tree of dicts, lists, strings, numbers, booleans and None."""

EXACT = 2**53 - 1
"""The largest integer that every reader of JSON keeps exactly."""


DECIMAL = 10_000
"""Integers of more bits travel in hexadecimal: `str` and `int` refuse more than 4300 decimal digits."""


BITS = 1 << 19
"""Integers of more bits do not travel: the server's own numbers end before, and to compare one with a Decimal
takes a time that is quadratic and cannot be interrupted."""


class NoForm(Exception):  # noqa: N818 - `encode` turns it into an error
    """A value has no form, or contains itself; `encode` then looks for its place."""


def encode(value: object, place: str = "the value") -> Json:
    """Turn a value into the tree that `json.dumps` takes.

    Raises TypeError for a value without a form and ValueError for one that contains itself; both name
    where in `place` it is.
    """
    try:
        return plain(value)
    except NoForm:
        raise _refusal(value, place) from None
    except RecursionError:
        raise ValueError(f"{place} is nested too deeply, or contains itself") from None


def decode(tree: Json) -> Any:
    """Turn such a tree back into the value. Raises ValueError for a tag or payload that is none."""
    if type(tree) is dict:
        items = cast("dict[str, Any]", tree)
        return _untag({key: decode(item) for key, item in items.items()})
    if type(tree) is list:
        return [decode(item) for item in cast("list[Any]", tree)]
    return tree


def dumps(value: object, place: str = "the value") -> str:
    """`encode` to JSON text."""
    return text(encode(value, place))


def loads(text: str | bytes) -> Any:
    """`decode` from JSON text."""
    return _READ(text if isinstance(text, str) else text.decode())


def dumps_call(args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """A call's arguments, `{"a": [...], "k": {...}}`. A refusal says `argument 2[0]`, counting from 1."""
    try:
        tree = {
            "a": [plain(value) for value in args],
            "k": {k: plain(v) for k, v in kwargs.items()},
        }
    except (NoForm, RecursionError):
        for number, value in enumerate(args, 1):
            encode(value, f"argument {number}")
        for name, value in kwargs.items():
            encode(value, f"argument {name}")
        raise
    return text(tree)


def loads_call(text: str | bytes) -> tuple[list[Any], dict[str, Any]]:
    """The other way: positional and keyword arguments."""
    tree = loads(text)
    if type(tree) is not dict:
        raise TypeError('the arguments are no object such as {"a": [1], "k": {"name": 2}}')
    positional, named = cast("dict[str, Any]", tree).get("a", []), cast("dict[str, Any]", tree).get("k", {})
    if type(positional) is not list or type(named) is not dict:
        raise TypeError('the arguments are a list "a" and an object "k"')
    return list(cast("list[Any]", positional)), dict(cast("dict[str, Any]", named))


def text(tree: Json) -> str:
    """A tree of `plain` as JSON text."""
    return _WRITE(tree)


def plain(value: object) -> Json:
    """`encode` for those who deal with `NoForm` themselves."""
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        raise NoForm
    return encoder(value)


def _tagged(tag: str, payload: Json) -> Json:
    return {"$": tag, "v": payload}


def _same(value: Any) -> Json:
    return value


def _is_plain(text: str) -> bool:
    """Whether `jsonb` can hold the string: it refuses NUL, and UTF-8 has no surrogates."""
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _str(value: str) -> Json:
    if _is_plain(value):
        return value
    return _tagged("str", base64.b64encode(value.encode("utf-8", "surrogatepass")).decode())


def _int(value: int) -> Json:
    if -EXACT <= value <= EXACT:
        return value
    bits = value.bit_length()
    if bits > BITS:
        raise NoForm
    return _tagged("int", str(value) if bits < DECIMAL else hex(value))


def _float(value: float) -> Json:
    # jsonb would return 1.0 as 1, an int; and it has neither NaN nor infinity.
    if math.isfinite(value) and not value.is_integer():
        return value
    return _tagged("float", repr(value))


def _list(value: list[Any]) -> Json:
    return [plain(item) for item in value]


def _dict(value: dict[Any, Any]) -> Json:
    if "$" not in value and all(type(key) is str and _is_plain(key) for key in value):
        return {key: plain(item) for key, item in value.items()}
    return _tagged("dict", [[plain(key), plain(item)] for key, item in value.items()])


def _datetime(value: datetime) -> Json:
    return _zoned("datetime", value)


def _time(value: time) -> Json:
    return _zoned("time", value)


def _zoned(tag: str, value: datetime | time) -> Json:
    zone = value.tzinfo
    if zone is None or type(zone) is timezone:
        form = _tagged(tag, value.isoformat())
        return {**form, "fold": 1} if value.fold else form
    if type(zone) is not ZoneInfo or not zone.key:
        raise NoForm
    return {"$": tag, "v": value.isoformat(), "tz": zone.key}


def _timedelta(value: timedelta) -> Json:
    return _tagged("timedelta", [value.days, value.seconds, value.microseconds])


def _complex(value: complex) -> Json:
    return _tagged("complex", [repr(value.real), repr(value.imag)])


def _range(value: range) -> Json:
    return _tagged("range", [_int(value.start), _int(value.stop), _int(value.step)])


def _elements(tag: str) -> Callable[[Any], Json]:
    return lambda value: _tagged(tag, [plain(item) for item in value])


_ENCODERS: dict[type, Callable[[Any], Json]] = {
    str: _str,
    bool: _same,
    type(None): _same,
    int: _int,
    float: _float,
    list: _list,
    dict: _dict,
    Decimal: lambda v: _tagged("dec", str(v)),
    bytes: lambda v: _tagged("bytes", base64.b64encode(v).decode()),
    date: lambda v: _tagged("date", v.isoformat()),
    time: _time,
    datetime: _datetime,
    timedelta: _timedelta,
    UUID: lambda v: _tagged("uuid", str(v)),
    tuple: _elements("tuple"),
    set: _elements("set"),
    frozenset: _elements("frozenset"),
    complex: _complex,
    range: _range,
}


def treat_as(kind: type[Any], base: type[Any]) -> None:
    """Let values of a subclass travel as those of `base` do, for classes that differ in name only."""
    _ENCODERS[kind] = _ENCODERS[base]


# `json.dumps` would make an encoder for each call.
_WRITE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


# The other direction. The innermost objects come first, so a payload's parts are values already.


def _untag(tree: dict[str, Any]) -> Any:
    if "$" not in tree:
        return tree
    tag = tree["$"]
    decoder = _DECODERS.get(tag) if isinstance(tag, str) else None
    if decoder is None:
        raise ValueError(f"unknown tag in a value: {tag!r}")
    try:
        payload = tree["v"]
        value = decoder(payload, tree["tz"]) if "tz" in tree else decoder(payload)
        return value.replace(fold=1) if "fold" in tree else value
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"a value tagged {tag!r} is malformed: {error}") from None


def _bytes_of(payload: str) -> bytes:
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _int_of(payload: str) -> int:
    if len(payload) > BITS // 4 + 3:
        raise ValueError(f"an int of more than {BITS} bits")
    return int(payload, 16 if payload.lstrip("-").startswith("0x") else 10)


def _datetime_of(payload: str, zone: str | None = None) -> datetime:
    value = datetime.fromisoformat(payload)
    if zone is None:
        return value
    place: tzinfo = ZoneInfo(zone)
    for fold in (0, 1):
        there = value.replace(tzinfo=place, fold=fold)
        if there.utcoffset() == value.utcoffset():
            return there
    return value.astimezone(place)  # the sender's rules of the zone differ; the instant stays


def _time_of(payload: str, zone: str | None = None) -> time:
    value = time.fromisoformat(payload)
    return value if zone is None else value.replace(tzinfo=ZoneInfo(zone))


def _timedelta_of(payload: list[int]) -> timedelta:
    days, seconds, microseconds = payload
    return timedelta(days, seconds, microseconds)


def _str_of(payload: str) -> str:
    return _bytes_of(payload).decode("utf-8", "surrogatepass")


def _complex_of(payload: list[str]) -> complex:
    real, imaginary = payload
    return complex(float(real), float(imaginary))


def _range_of(payload: list[int]) -> range:
    start, stop, step = payload
    return range(start, stop, step)


# Loops, where a class would do: whoever sends values of one hash makes them quadratic, and a loop of Python's
# own can be interrupted.


def _set_of(payload: list[Any]) -> set[Any]:
    return {item for item in payload}  # noqa: C416


def _frozenset_of(payload: list[Any]) -> frozenset[Any]:
    return frozenset(_set_of(payload))


def _dict_of(payload: list[Any]) -> dict[Any, Any]:
    return {key: value for key, value in payload}  # noqa: C416


_DECODERS: dict[str, Callable[..., Any]] = {
    "int": _int_of,
    "float": float,
    "dec": Decimal,
    "bytes": _bytes_of,
    "date": date.fromisoformat,
    "time": _time_of,
    "datetime": _datetime_of,
    "timedelta": _timedelta_of,
    "uuid": UUID,
    "tuple": tuple,
    "set": _set_of,
    "frozenset": _frozenset_of,
    "dict": _dict_of,
    "str": _str_of,
    "complex": _complex_of,
    "range": _range_of,
}


# As above, for `json.loads`.
_READ = json.JSONDecoder(object_hook=_untag).decode


# Only after a refusal: where the value is, and what it is.


def _refusal(value: object, place: str) -> TypeError:
    found = _find(value, place)
    if found is None:
        return TypeError(f"{place} changed while it was being encoded")
    where, culprit = found
    kind = cast("type[object]", type(culprit))
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    base = next((known for known in kind.__mro__ if known in _ENCODERS), None)
    hint = f"; make it a {base.__name__}" if base not in (None, kind) else ""
    if kind in (int, range):
        hint = f": it has more than {BITS} bits"
    elif base is kind:
        hint = f": its time zone is a {type(culprit.tzinfo).__qualname__}, not a timezone or ZoneInfo"
    return TypeError(f"{where} is of type {name}, which cannot be sent{hint}")


def _find(value: Any, place: str) -> tuple[str, Any] | None:
    kind = cast("type[object]", type(value))
    if kind in (list, tuple):
        parts = [(item, f"{place}[{index}]") for index, item in enumerate(value)]
    elif kind in (set, frozenset):
        parts = [(item, f"an element of {place}") for item in value]
    elif kind is dict:
        keys = [(key, f"the key {key!r} of {place}") for key in value]
        parts = keys + [(item, f"{place}[{key!r}]") for key, item in value.items()]
    else:
        try:
            plain(value)
        except NoForm:
            return place, value
        return None
    for item, where in parts:
        if found := _find(item, where):
            return found
    return None
