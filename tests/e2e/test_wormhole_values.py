"""Typed calls: what goes there comes back the same, in type and value, whatever the session is set to."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from far_side import ASYNC_DRIVERS, DRIVERS, by_asyncpg, by_psycopg, by_psycopg2

from wormhole import execute, remote, set_connection, transaction
from wormhole._calls import Tagged, Typed, call_of
from wormhole._typed import types_of

if TYPE_CHECKING:
    from conftest import Database


class Colour(IntEnum):
    RED = 1


@remote
def an_int(x: int) -> int:
    return x


@remote
def a_float(x: float) -> float:
    return x


@remote
def a_bool(x: bool) -> bool:
    return x


@remote
def a_str(x: str) -> str:
    return x


@remote
def some_bytes(x: bytes) -> bytes:
    return x


@remote
def a_decimal(x: Decimal) -> Decimal:
    return x


@remote
def a_uuid(x: UUID) -> UUID:
    return x


@remote
def a_date(x: date) -> date:
    return x


@remote
def a_datetime(x: datetime) -> datetime:
    return x


@remote
def a_timedelta(x: timedelta) -> timedelta:
    return x


@remote
def anything(x: Any) -> Any:
    return x


@remote
def an_option(x: int | None, y: str | None = "y") -> int | None:
    return x if y == "y" else None


@remote
def nothing(x: int) -> None:
    return None


@remote
def wrong(x: int) -> str:
    return x  # type: ignore[return-value]


@remote
def several(a: int, /, b: str, *rest: Decimal, c: int = 1) -> str:
    return f"{a!r} {b!r} {rest!r} {c!r}"


@remote
def ordered() -> dict[str, Any]:
    return {"z": 1, "a": 2, "m": {"y": 1, "b": 2}}


@remote
def ordered_rows() -> Any:
    yield {"z": 1, "a": 2}


TYPED: dict[Any, list[Any]] = {
    an_int: [0, 1, -1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), None],
    a_float: [
        0.0, -0.0, 1.0, 0.1, 1 / 3, 1e16, 1e22, 1e308, 5e-324, 2.2250738585072014e-308, math.inf, -math.inf,
        math.nan, 1.7976931348623157e308, 123456789.123456789, None,
    ],
    a_bool: [True, False, None],
    a_str: ["", " ", "a ", "%s %% $1 {} \\ ' \"", "ü € 𝄞", "NULL", "\\x00", "\n\r\t", "x" * 100_000, None],
    some_bytes: [b"", b"\0", b"\\", b"'", bytes(range(256)), b"abc" * 10_000, None],
    a_decimal: [
        Decimal(text)
        for text in (
            "0", "1", "-1", "1.10", "0.00", "-0.01", "0E-10", "1E-20", "1" * 60 + "." + "9" * 60, "100",
            "10000", "12345678901234567890.5", "NaN", "Infinity", "-Infinity", "1E-999",
        )
    ] + [None],
    a_uuid: [UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-1234-5678-1234-567812345678"), None],
    a_date: [date.min, date.max, date(99, 1, 2), date(2000, 2, 29), date(1900, 3, 1), None],
    a_datetime: [
        datetime.min, datetime.max, datetime(2026, 1, 2), datetime(2026, 3, 29, 2, 30), datetime(1, 1, 1, 1),
        datetime(2026, 1, 2, 3, 4, 5, 6), datetime(1999, 12, 31, 23, 59, 59, 999999), None,
    ],
    a_timedelta: [
        timedelta(0), timedelta.max, timedelta.min, timedelta(-1, 5, 7), timedelta(microseconds=-1),
        timedelta(days=1, hours=-1), timedelta(30), timedelta(seconds=86399), timedelta(days=-400, seconds=1),
        None,
    ],
}  # fmt: skip
"""Values that travel as values of SQL."""

TAGGED: dict[Any, list[Any]] = {
    an_int: [2**63, -(2**63) - 1, 2**70, True, 1.0, "1", [1]],
    a_float: [1, True, Decimal(1), "nan"],
    a_bool: [1, 0, "t"],
    a_str: ["\0", "a\0b", "\ud800", 1, b"a"],
    some_bytes: ["a", [1]],
    a_decimal: [Decimal(text) for text in ("1E+2", "-0", "-0.00", "0E+1", "sNaN", "-NaN", "NaN1", "1E-9999")]
    + [1, 0.5],
    a_date: [datetime(2026, 1, 2), "2026-01-02"],
    a_datetime: [datetime(2026, 1, 2, tzinfo=UTC), date(2026, 1, 2), datetime(2026, 10, 25, 2, fold=1)],
    a_timedelta: [1],
    a_uuid: ["12345678-1234-5678-1234-567812345678"],
}
"""Values that do not fit what the function says."""

SETTINGS = (
    "SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -15;"
    " SET bytea_output = 'escape'; SET timezone = 'America/New_York'; SET standard_conforming_strings = on;"
    " SET lc_numeric = 'C'; SET lc_time = 'C'"
)


def is_same(one: Any, two: Any) -> bool:
    """Whether two values are the same in type and in everything that can be seen of them."""
    if type(one) is not type(two):
        return False
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", two) or (math.isnan(one) and math.isnan(two))
    if isinstance(one, Decimal):
        return one.as_tuple() == two.as_tuple()
    if isinstance(one, datetime):
        return one == two and one.fold == two.fold and one.tzinfo == two.tzinfo
    return bool(one == two)


def form(function: Any, *args: Any, **kwargs: Any) -> type:
    """How a call travels."""
    return type(call_of(types_of(function.local, function.__signature__), args, kwargs))


def each() -> Iterator[tuple[Any, Any]]:
    for table in (TYPED, TAGGED):
        for function, values in table.items():
            for value in values:
                yield function, value


def wrong_ones(call: Callable[[Any, Any], Any]) -> list[str]:
    found = []
    for function, value in each():
        back = call(function, value)
        if not is_same(back, value):
            found.append(f"{function.name}({value!r:.80}) gave {back!r:.80}")
    return found


def test_which_values_travel_as_values_of_sql() -> None:
    for table, expected in ((TYPED, Typed), (TAGGED, Tagged)):
        for function, values in table.items():
            for value in values:
                assert form(function, value) is expected, f"{function.name}({value!r})"
    assert form(an_int, Colour(1).value) is Typed
    assert form(anything, 1) is Tagged
    assert form(an_option, None, None) is Typed
    assert form(nothing, 1) is Typed
    assert form(several, 1, "b", Decimal(1), Decimal(2)) is Typed
    assert form(several, 1, "b", c=2) is Tagged


def test_annotations_that_say_nothing_make_a_tagged_call() -> None:
    def undefined(x: "Nowhere") -> int:  # type: ignore[name-defined]  # noqa: F821, UP037
        return 1

    def odd(x: [1]) -> int:  # type: ignore[valid-type]
        return 1

    def no_result(x: int):  # type: ignore[no-untyped-def]
        return 1

    def union(x: int | str) -> int:
        return 1

    for function in (undefined, odd, no_result, union):
        assert form(remote(function), 1) is Tagged, function.__name__


@pytest.mark.parametrize("name", DRIVERS)
def test_values_are_the_same_over_waiting_drivers(name, shop: Database) -> None:
    with DRIVERS[name](shop.conninfo) as connection, set_connection(connection), transaction():
        for statement in SETTINGS.split(";"):
            execute(statement)
        assert wrong_ones(lambda function, value: function(value)) == []
        assert (an_option(None), an_option(1), an_option(1, y=None)) == (None, 1, None)
        assert nothing(1) is None
        assert is_same(wrong(1), 1)
        assert several(1, "b", Decimal("1.0"), c=3) == "1 'b' (Decimal('1.0'),) 3"
        assert several(1, b="b") == "1 'b' () 1"
        assert list(ordered()) == ["z", "a", "m"]
        assert [list(item) for item in ordered_rows()] == [["z", "a"]]


@pytest.mark.parametrize("name", ASYNC_DRIVERS)
def test_values_are_the_same_over_awaited_drivers(name, shop: Database) -> None:
    async def work() -> list[str]:
        found = []
        async with ASYNC_DRIVERS[name](shop.conninfo) as connection:
            set_connection(connection)
            async with transaction():
                for statement in SETTINGS.split(";"):
                    await there(execute(statement))
                for function, value in each():
                    back = await function(value)
                    if not is_same(back, value):
                        found.append(f"{function.name}({value!r:.80}) gave {back!r:.80}")
        return found

    assert asyncio.run(work()) == []


async def there(value: Any) -> Any:
    return await value


def test_confined_and_with_adapters_of_the_users(shop: Database) -> None:
    class Seven(psycopg.adapt.Loader):
        def load(self, data: Any) -> Any:
            return 7

    conninfo = shop.conninfo.replace("=postgres", "=wormhole_app")
    with by_psycopg(conninfo) as connection, set_connection(connection):
        for name in (
            "int8",
            "float8",
            "numeric",
            "bool",
            "bytea",
            "date",
            "timestamp",
            "interval",
            "uuid",
            "json",
        ):
            connection.adapters.register_loader(name, Seven)
        connection.execute(SETTINGS)
        assert wrong_ones(lambda function, value: function(value)) == []
    with by_psycopg2(conninfo) as connection, set_connection(connection):
        from psycopg2 import extensions

        for number in (20, 701, 1700, 16, 17, 1082, 1114, 1186, 2950, 114):
            extensions.register_type(extensions.new_type((number,), "SEVEN", lambda *_: 7), connection)
        assert wrong_ones(lambda function, value: function(value)) == []


def test_asyncpg_with_codecs_of_the_users(shop: Database) -> None:
    async def work() -> None:
        async with by_asyncpg(shop.conninfo) as connection:
            for name in ("int8", "numeric", "json", "bool"):
                await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=lambda _: 7)
            with set_connection(connection):
                assert await there(an_int(5)) == 5
                assert await there(a_decimal(Decimal("1.10"))) == Decimal("1.10")
                assert await there(anything({"b": 1, "a": 2})) == {"b": 1, "a": 2}

    asyncio.run(work())


def test_a_write_is_noticed(shop: Database) -> None:
    @remote
    def insert(n: int) -> int:
        return execute("INSERT INTO t VALUES ($1)", n)

    with by_psycopg(shop.conninfo) as connection, set_connection(connection):
        assert an_int(1) == 1
        assert insert(5) == 1
        assert insert._known.writes is False  # the statement has installed it, which was a write anyway
        assert insert(6) == 1
        assert insert._known.writes
        assert an_int._known.is_read_only
