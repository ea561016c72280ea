"""A statement means the same on the client, over every driver, and in remote code."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from far_side import ASYNC_DRIVERS, DRIVERS

from wormhole import aio, query_value, remote, set_connection, transaction
from wormhole._errors import sqlstate_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Database

ONE = UUID("12345678-1234-5678-1234-567812345678")
AWKWARD = "a 'quoted' \"text\", with \\ and { } ( ) % $1 ü"

CASES: list[tuple[str, list[Any]]] = [
    ("SELECT $1", ["x"]),
    ("SELECT $1", [5]),
    ("SELECT $1", [None]),
    ("SELECT $1 || '!'", [AWKWARD]),
    ("SELECT $1 + 1", [5]),
    ("SELECT $1 / 2", [5]),
    ("SELECT $1::int8", [2**62]),
    ("SELECT $1::int", [-5]),
    ("SELECT $1 * 2.5", [3]),
    ("SELECT $1::numeric", [Decimal("1.50")]),
    ("SELECT $1::numeric", [7]),
    ("SELECT $1::float8", [0.1]),
    ("SELECT $1::float8", [math.inf]),
    ("SELECT $1::float8 / 3", [1]),
    ("SELECT $1::text", [5]),
    ("SELECT $1::text", ["%s"]),
    ("SELECT NOT $1", [True]),
    ("SELECT $1 AND $2", [True, False]),
    ("SELECT $1::bytea", [b"\x00\xff\\"]),
    ("SELECT length($1::bytea)", [b"\x00\xff\\"]),
    ("SELECT $1::date", [date(2026, 1, 2)]),
    ("SELECT $1::date + $2", [date(2026, 1, 2), 3]),
    ("SELECT $1::date + $2::int", [date(2026, 1, 2), 3]),
    ("SELECT $1::timestamp", [datetime(2026, 1, 2, 3, 4, 5, 6)]),
    ("SELECT $1::timestamptz = '2026-01-02 03:04:05Z'", [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)]),
    ("SELECT $1::time", [time(1, 2, 3, 4)]),
    ("SELECT $1::interval", [timedelta(days=-1, seconds=5, microseconds=7)]),
    ("SELECT $1::timestamp - $2", [datetime(2026, 1, 2), timedelta(hours=1)]),
    ("SELECT $1::uuid", [ONE]),
    ("SELECT $1::jsonb", [{"a": [1, 2.5, None, True, "x"]}]),
    ("SELECT $1::jsonb", [[1, 2]]),
    ("SELECT $1::json -> 0", [[{"b": 1}]]),
    ("SELECT $1::jsonb -> 'a'", [{"a": AWKWARD}]),
    ("SELECT 2 = ANY($1)", [[1, 2]]),
    ("SELECT $1::int[]", [[1, None, 3]]),
    ("SELECT $1::int[]", [[[1, 2], [3, 4]]]),
    ("SELECT $1::int[]", [[]]),
    ("SELECT $1::text[]", [[AWKWARD, "NULL", "", None]]),
    ("SELECT array_length($1::bytea[], 1)", [[b"\0", b"\\"]]),
    ("SELECT $1::date[]", [[date(2026, 1, 2)]]),
    ("SELECT count(*) FROM generate_series(1, $1)", [4]),
    ("SELECT n FROM generate_series(1, 9) n ORDER BY n LIMIT $1 OFFSET $2", [1, 3]),
    ("SELECT coalesce($1, 'none')", [None]),
    ("SELECT CASE WHEN $1 > 3 THEN 'more' ELSE 'less' END", [5]),
    ("SELECT $2::text || $1 || $2", ["a", "b"]),
    ("SELECT substr($1, $2, $3)", ["abcdef", 2, 3]),
    ("SELECT %s::int %% %s", [7, 4]),
    ("SELECT '%s' || %s", ["x"]),
]


STRICT = [("SELECT $1", [5]), ("SELECT $1::text", [5])]
"""What SQLAlchemy's asyncpg wants a str for."""


@remote
def there(sql: str, args: list[Any]) -> Any:
    return query_value(sql, *args)


def outcome(work: Callable[[], Any]) -> tuple[Any, ...]:
    """A value with its type, or the class of an error."""
    try:
        with transaction():
            value = work()
    except Exception as error:  # noqa: BLE001
        # asyncpg refuses some by itself, with the class of the server's error only.
        return "error", (sqlstate_of(error) or "")[:2]
    return type(value), value


async def outcome_async(work: Callable[[], Any]) -> tuple[Any, ...]:
    try:
        async with transaction():
            value = await work()
    except Exception as error:  # noqa: BLE001
        # asyncpg refuses some by itself, with the class of the server's error only.
        return "error", (sqlstate_of(error) or "")[:2]
    return type(value), value


@pytest.mark.parametrize("name", DRIVERS)
def test_over_waiting_drivers(name, shop: Database) -> None:
    wrong = []
    with DRIVERS[name](shop.conninfo) as connection, set_connection(connection):
        for sql, args in CASES:
            far, near = outcome(partial(there, sql, args)), outcome(partial(query_value, sql, *args))
            if near != far:
                wrong.append(f"{sql} with {args}: {near!r} here, {far!r} there")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ASYNC_DRIVERS)
def test_over_awaited_drivers(name, shop: Database) -> None:
    async def work() -> list[str]:
        wrong = []
        async with ASYNC_DRIVERS[name](shop.conninfo) as connection:
            set_connection(connection)
            for sql, args in CASES:
                if name == "async-engine" and (sql, args) in STRICT:
                    continue
                far = await outcome_async(partial(there, sql, args))
                near = await outcome_async(partial(aio.query_value, sql, *args))
                if near != far:
                    wrong.append(f"{sql} with {args}: {near!r} here, {far!r} there")
        return wrong

    wrong = asyncio.run(work())
    assert not wrong, "\n".join(wrong)
