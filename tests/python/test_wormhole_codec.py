"""Values as tagged JSON: what survives, exactly, and what is refused, by its place."""

from __future__ import annotations

import enum
import json
import math
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from wormhole._codec import BITS, decode, dumps, dumps_call, encode, loads, loads_call

BERLIN = ZoneInfo("Europe/Berlin")

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**53 - 1,
    -(2**53) + 1,
    2**53,
    -(2**63),
    10**5000,
    -(10**5000),
    0.5,
    1e-300,
    1.0,
    -0.0,
    1e300,
    math.inf,
    -math.inf,
    "",
    "text",
    "käse 🧀",
    "a\0b",
    "\ud800 alone",
    b"",
    b"\x00\xff",
    Decimal("1.10"),
    Decimal("-0E+3"),
    Decimal("Infinity"),
    date(1, 1, 1),
    date(9999, 12, 31),
    time(23, 59, 59, 999999),
    time(12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(2026, 1, 2, 3, 4, 5, 6),
    datetime(2026, 1, 2, tzinfo=UTC),
    datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=-3))),
    timedelta(days=-1, seconds=5, microseconds=7),
    UUID("12345678-1234-5678-1234-567812345678"),
    (),
    (1, (2.0, "x")),
    set(),
    {1, 2.5, "x", (1, 2)},
    frozenset({1, frozenset({2})}),
    [],
    [1, [2, [3]]],
    {},
    {"a": 1, "b": {"c": (1,)}},
    {1: "one", (2, 3): "pair", None: 0},
    {"$": "date", "v": "no date"},
    {"nul\0": 1},
    1 + 2j,
    complex(math.inf, -0.0),
    range(3),
    range(0, 2**70, 2**60),
]


def jsonb(text: str) -> str:
    """Do what `jsonb` does: 1.0 becomes 1, keys are sorted, no NUL is allowed."""
    assert "\\u0000" not in text
    tree = json.loads(
        text, parse_float=lambda s: int(float(s)) if float(s).is_integer() else float(s)
    )
    return json.dumps(tree, sort_keys=True)


@pytest.mark.parametrize(
    "value", VALUES, ids=lambda v: repr(v)[:40] if not isinstance(v, int) else "int"
)
def test_a_value_survives_exactly(value) -> None:
    back = loads(jsonb(dumps(value)))
    assert back == value
    assert type(back) is type(value)
    assert (
        type(value) is int
        or repr(back) == repr(value)
        or isinstance(value, set | frozenset | dict)
    )
    assert decode(encode(value)) == value


def test_nan_survives() -> None:
    assert math.isnan(loads(jsonb(dumps(math.nan))))
    assert loads(dumps(Decimal("NaN"))).is_nan()


@pytest.mark.parametrize("fold", [0, 1])
def test_a_named_zone_and_its_repeated_hour_survive(fold) -> None:
    value = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold)
    back = loads(dumps(value))
    assert (back, back.tzinfo, back.utcoffset(), back.fold) == (
        value,
        BERLIN,
        value.utcoffset(),
        fold,
    )
    assert json.loads(dumps(value)) == {
        "$": "datetime",
        "v": value.isoformat(),
        "tz": "Europe/Berlin",
    }
    assert loads(dumps(time(1, 2, tzinfo=BERLIN))) == time(1, 2, tzinfo=BERLIN)


def test_a_zone_whose_rules_differ_keeps_the_instant() -> None:
    back = loads(
        '{"$":"datetime","v":"2026-01-01T12:00:00+05:00","tz":"Europe/Berlin"}'
    )
    assert back == datetime(2026, 1, 1, 8, tzinfo=BERLIN)


def test_plain_values_are_plain_json() -> None:
    assert dumps({"a": [1, 0.5, "x", None, True]}) == '{"a":[1,0.5,"x",null,true]}'
    assert dumps(2.0) == '{"$":"float","v":"2.0"}'
    assert dumps((1,)) == '{"$":"tuple","v":[1]}'


class Colour(enum.IntEnum):
    RED = 1


class Odd(tzinfo):
    def utcoffset(self, dt):
        return timedelta(0)


class Point(NamedTuple):
    x: int
    y: int


ODD = "its time zone is a Odd, not a timezone or ZoneInfo"
CANNOT = "which cannot be sent"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), f"the value is of type object, {CANNOT}"),
        (
            [1, {"k": Fraction(1)}],
            f"the value[1]['k'] is of type fractions.Fraction, {CANNOT}",
        ),
        (
            Colour.RED,
            f"the value is of type {__name__}.Colour, {CANNOT}; make it a int",
        ),
        (
            (Counter(),),
            f"the value[0] is of type collections.Counter, {CANNOT}; make it a dict",
        ),
        (
            {Counter: 1},
            f"the key {Counter!r} of the value is of type type, {CANNOT}",
        ),
        (
            Point(1, 2),
            f"the value is of type {__name__}.Point, {CANNOT}; make it a tuple",
        ),
        (
            datetime(2026, 1, 1, tzinfo=Odd()),
            f"the value is of type datetime.datetime, {CANNOT}: {ODD}",
        ),
        (
            {Fraction(1)},
            f"an element of the value is of type fractions.Fraction, {CANNOT}",
        ),
    ],
)
def test_what_has_no_form_is_refused_by_its_place(value, text) -> None:
    with pytest.raises(TypeError) as caught:
        dumps(value)
    assert str(caught.value) == text


def test_integers_have_an_end() -> None:
    """The largest that travel are larger than any number of the server's."""
    most = 2**BITS - 1
    refusal = "which cannot be sent: it has more than"
    assert loads(dumps([most, -most])) == [most, -most]
    for value in (most + 1, -most - 1):
        with pytest.raises(
            TypeError,
            match=rf"^x\[0\] is of type int, {refusal}",
        ):
            encode([value], "x")
        with pytest.raises(ValueError, match="an int of more than"):
            decode({"$": "int", "v": hex(value << 8)})
    with pytest.raises(TypeError, match=rf"^x is of type range, {refusal}"):
        encode(range(most + 1), "x")


def test_a_value_in_itself_is_refused() -> None:
    loop: list = []
    loop.append(loop)
    with pytest.raises(
        ValueError, match=r"^the value is nested too deeply, or contains itself$"
    ):
        dumps(loop)
    with pytest.raises(
        ValueError, match=r"^argument 2 is nested too deeply, or contains itself$"
    ):
        dumps_call([1, loop], {})


def test_the_arguments_of_a_call() -> None:
    text = dumps_call([1, (2,)], {"day": date(2026, 1, 2)})
    assert json.loads(text) == {
        "a": [1, {"$": "tuple", "v": [2]}],
        "k": {"day": {"$": "date", "v": "2026-01-02"}},
    }
    assert loads_call(text) == ([1, (2,)], {"day": date(2026, 1, 2)})
    assert loads_call("{}") == ([], {})
    with pytest.raises(TypeError, match=r"^argument 2\[0\] is of type object"):
        dumps_call([1, [object()]], {})
    with pytest.raises(TypeError, match=r"^argument day\['x'\] is of type object"):
        dumps_call([1], {"day": {"x": object()}})


@pytest.mark.parametrize(
    "text",
    [
        '{"$":"pickle","v":"x"}',
        '{"$":1,"v":"x"}',
        '{"$":["a"],"v":"x"}',
        '{"$":"date"}',
        '{"$":"date","v":"2026-13-01"}',
        '{"$":"date","v":"2026-01-01","tz":"Europe/Berlin"}',
        '{"$":"datetime","v":"2026-01-01T00:00:00+00:00","tz":"../../etc/passwd"}',
        '{"$":"datetime","v":"2026-01-01T00:00:00+00:00","tz":"No/Where"}',
        '{"$":"bytes","v":"?"}',
        '{"$":"dec","v":"x"}',
        '{"$":"set","v":[[1]]}',
        '{"$":"timedelta","v":[1e300,0,0]}',
        '{"$":"range","v":[0,1,0]}',
        '{"$":"complex","v":[]}',
    ],
)
def test_a_malformed_value_is_a_value_error(text) -> None:
    with pytest.raises(ValueError, match="tag"):
        loads(text)
    with pytest.raises(ValueError, match="tag"):
        decode(json.loads(text))


@pytest.mark.parametrize("value", [datetime(2026, 10, 25, 2, fold=1), time(2, fold=1)])
def test_the_repeated_hour_survives_without_a_zone(value) -> None:
    back = loads(dumps(value))
    assert (back, back.fold) == (value, 1)
