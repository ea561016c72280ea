"""Wormhole's client over every driver: calls, queries, streams, errors, transactions."""

from __future__ import annotations

import asyncio
import math
import threading
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from far_side import ASYNC_DRIVERS, DRIVERS, by_psycopg, by_psycopg2

import wormhole
from wormhole import (
    RemoteError,
    ServerError,
    aio,
    cursor,
    execute,
    query,
    query_single,
    query_value,
    remote,
    set_connection,
    transaction,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

FACTOR = 3

VALUES = [
    None,
    True,
    2**70,
    -1,
    0.1,
    1.0,
    math.inf,
    "text ü \0 \ud800",
    b"\x00\xff",
    Decimal("1.10"),
    date(2026, 1, 2),
    datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    timedelta(days=-1, microseconds=5),
    UUID("12345678-1234-5678-1234-567812345678"),
    (1, [2, {3}], frozenset({"x"})),
    {"a": {1: "one"}, "$": 2},
    range(3),
    2 + 1j,
]


@remote
def echo(*args: Any, **kwargs: Any) -> Any:
    """Return what arrives."""
    return list(args), kwargs


def times(x: int) -> int:
    return x * FACTOR


@remote
def insert(x: int, *, fail: bool = False) -> int:
    count = execute("INSERT INTO t (n) VALUES ($1)", times(x))
    if fail:
        raise KeyError("told to", x)
    return count


@remote
def numbers(n: int, stop: int = -1) -> Any:
    for i in range(n):
        if i == stop:
            raise ValueError("stopped", i)
        yield i, times(i)


@remote
def unique(x: int) -> None:
    execute("INSERT INTO u VALUES ($1)", x)


@pytest.fixture(params=list(DRIVERS))
def driver(request: pytest.FixtureRequest, shop: Database) -> Iterator[Any]:
    """A connection of each waiting driver, set for this context."""
    with DRIVERS[request.param](shop.conninfo) as connection, set_connection(connection):
        yield connection


def seen(shop: Database) -> list[int]:
    """What another session sees in the table."""
    return [int(line) for line in shop.sql("SELECT n FROM t ORDER BY n").split()]


def test_values_survive_the_round_trip(driver) -> None:
    with transaction():
        args, kwargs = echo(*VALUES, last=VALUES)
    assert args == VALUES
    assert kwargs == {"last": VALUES}
    assert [type(value) for value in args] == [type(value) for value in VALUES]
    assert math.isnan(echo(math.nan)[0][0])


def test_queries_have_one_meaning(driver) -> None:
    assert query("SELECT $2::int AS b, $1::text AS a, '%s' AS c, $1 AS a", "x", 5) == [
        {"b": 5, "a": "x", "c": "%s", "a_2": "x"}
    ]
    assert query("SELECT %s::int %% 4 AS n, '100%%' AS t", 7) == [{"n": 3, "t": "100%%"}]
    assert query_value("SELECT 7 % 4") == 3
    assert query_single("SELECT n FROM t WHERE false") is None
    assert query_value("SELECT n FROM t WHERE false") is None
    with transaction():
        assert execute("INSERT INTO t SELECT generate_series(1, %s)", 3) == 3
        assert execute("UPDATE t SET n = n + 1 WHERE n < $1", 3) == 2
        assert query("SELECT n FROM t ORDER BY n") == [{"n": 2}, {"n": 3}, {"n": 3}]
        assert query("DELETE FROM t RETURNING 1 AS one") == [{"one": 1}] * 3
        assert query("CREATE TEMP TABLE made ()") == []


def test_queries_give_values_of_the_type_families(driver) -> None:
    row = query_single(
        "SELECT 1::int8 AS i, 1.5::float8 AS f, 1.50::numeric AS d, 'x'::text AS s, '\\x00ff'::bytea AS b,"
        " true AS t, '2026-01-02'::date AS day, '1 day'::interval AS span, NULL::int AS nothing,"
        " '12345678-1234-5678-1234-567812345678'::uuid AS u, ARRAY[1, 2] AS l, '{\"a\": [1]}'::jsonb AS j,"
        " '\"[1]\"'::jsonb AS js"
    )
    assert row == {
        "i": 1,
        "f": 1.5,
        "d": Decimal("1.50"),
        "s": "x",
        "b": b"\x00\xff",
        "t": True,
        "day": date(2026, 1, 2),
        "span": timedelta(days=1),
        "nothing": None,
        "u": UUID("12345678-1234-5678-1234-567812345678"),
        "l": [1, 2],
        "j": {"a": [1]},
        "js": "[1]",
    }
    assert type(row["b"]) is bytes


def test_the_server_infers_what_arguments_are(driver) -> None:
    uuid = UUID("12345678-1234-5678-1234-567812345678")
    row = query_single(
        "SELECT $1::jsonb -> 'a' AS j, $2::uuid AS u, $3::bytea AS b, 2 = ANY($4::int[]) AS l, $5::date AS d",
        {"a": [1]},
        uuid,
        b"\0",
        [1, 2],
        date(2026, 1, 2),
    )
    assert row == {"j": [1], "u": uuid, "b": b"\0", "l": True, "d": date(2026, 1, 2)}


def test_exceptions_arrive(driver) -> None:
    with pytest.raises(KeyError) as caught, transaction():
        insert(1, fail=True)
    assert caught.value.args == ("told to", 1)
    assert caught.value.sqlstate == "WH005"  # type: ignore[attr-defined]
    assert caught.value.__cause__ is None
    frame = caught.value.remote_traceback[-1]  # type: ignore[attr-defined]
    assert (frame.file, frame.function) == (__file__, "insert")
    assert 'raise KeyError("told to", x)' in frame.text
    assert f'File "{__file__}", line {frame.line}, in insert' in caught.value.__notes__[-1]
    with pytest.raises(Exception, match="duplicate key") as caught, transaction():
        unique(1)
        unique(1)
    assert wormhole._errors.sqlstate_of(caught.value) == "23505"
    with pytest.raises(Exception, match="division by zero") as caught, transaction():
        query("SELECT 1 / 0")
    assert caught.value.sqlstate == "22012"  # type: ignore[attr-defined]


def below(x: int) -> int:
    return query_value("SELECT 1 / $1::int", x)


@remote
def divided(x: int) -> int:
    return below(x)


@remote
def each(x: int) -> Any:
    yield 1
    yield below(x)


def test_a_failed_statement_is_found_in_the_file(driver) -> None:
    for work in (lambda: divided(0), lambda: list(each(0))):
        with pytest.raises(Exception, match="division by zero") as caught, transaction():
            work()
        frames = caught.value.remote_traceback  # type: ignore[attr-defined]
        assert [(frame.file, frame.function) for frame in frames][1:] == [(__file__, "below")]
        assert frames[-1].text.strip() == 'return query_value("SELECT 1 / $1::int", x)'
        assert "below(x)" in frames[0].text
        assert f'File "{__file__}", line {frames[-1].line}, in below' in caught.value.__notes__[-1]
        assert caught.value.sqlstate == "22012"  # type: ignore[attr-defined]


def test_an_exception_without_a_class_here_is_a_remote_error(driver) -> None:
    failing = remote(source="class Own(Exception): pass\ndef f():\n    raise Own('text', 5)\n")
    with pytest.raises(RemoteError, match="text") as caught, transaction():
        failing()
    assert caught.value.args == ("text", 5)
    assert caught.value.class_name is not None
    assert caught.value.class_name.endswith("Own")
    assert caught.value.remote_traceback[-1].line == 3
    stopping = remote(source="def f():\n    raise StopIteration\n")
    with pytest.raises(RemoteError), transaction():
        stopping()


def test_remote_code_may_catch_a_failed_statement(driver) -> None:
    @remote
    def careful():
        try:
            query("SELECT 1 / 0")
        except ServerError as error:
            return error.sqlstate, query_value("SELECT 1")

    with transaction():
        assert careful() == ("22012", 1)


def test_transactions_commit_and_roll_back(driver, shop) -> None:
    with transaction():
        insert(1)
        assert query_value("SELECT count(*) FROM t") == 1
        assert seen(shop) == []
    assert seen(shop) == [3]
    with pytest.raises(LookupError), transaction():
        insert(2)
        raise LookupError
    assert seen(shop) == [3]
    with transaction():
        insert(2)
        with pytest.raises(LookupError), transaction():
            insert(3)
            raise LookupError
        with transaction():
            insert(4)
    assert seen(shop) == [3, 6, 12]


def test_a_rollback_of_the_install_leaves_nothing_stale(driver) -> None:
    @remote
    def fresh():
        return "here"

    for _ in range(2):
        with pytest.raises(LookupError), transaction():
            assert fresh() == "here"
            raise LookupError
    with transaction():
        assert fresh() == "here"
    with transaction():
        assert fresh() == "here"


def test_modes(driver) -> None:
    show = "SELECT current_setting('transaction_isolation') || current_setting('transaction_read_only')"
    with transaction(isolation="serializable", read_only=True):
        assert query_value(show) == "serializableon"
    with transaction(isolation="REPEATABLE READ"):
        assert query_value(show) == "repeatable readoff"
    with transaction():
        assert query_value(show) == "read committedoff"
    with pytest.raises(ValueError, match="'chaos' is no isolation level"):
        transaction(isolation="chaos")


def test_generators_stream(driver) -> None:
    assert list(numbers(3)) == [(0, 0), (1, 3), (2, 6)]
    assert list(numbers(0)) == []
    assert [item for item, _ in numbers(250)] == list(range(250))
    with transaction():
        assert list(zip(numbers(150), numbers(101), strict=False))[-1] == ((100, 300), (100, 300))
        assert query_value("SELECT 1") == 1
    part = numbers(1000)
    assert next(part) == (0, 0)
    part.close()
    with pytest.raises(ValueError, match="stopped"), transaction():
        list(numbers(5, stop=3))
    assert query_value("SELECT 1") == 1


def test_cursors_fetch_in_chunks(driver) -> None:
    with cursor("SELECT generate_series(1, $1::int) AS n", 25, chunk=10) as rows:
        assert rows.fetchone() == {"n": 1}
        assert [row["n"] for row in rows.fetchmany(3)] == [2, 3, 4]
        assert len(rows.fetchall()) == 21
    with cursor("SELECT 1 AS n WHERE false") as rows:
        assert list(rows) == []
    assert query_value("SELECT count(*) FROM pg_cursors") == 0


# Awaited drivers.


@remote
async def insert_later(x: int) -> int:
    await aio.execute("INSERT INTO t VALUES ($1)", times(x))
    return await aio.query_value("SELECT max(n) FROM t")


@remote
async def numbers_later(n: int) -> Any:
    for i in range(n):
        yield await aio.query_value("SELECT $1::int", i)


@pytest.mark.parametrize("name", ASYNC_DRIVERS)
def test_awaited_drivers(name, shop) -> None:
    async def work() -> None:
        async with ASYNC_DRIVERS[name](shop.conninfo) as connection:
            set_connection(connection)
            async with transaction():
                args, kwargs = await echo(*VALUES, last=VALUES)
                assert (args, kwargs) == (VALUES, {"last": VALUES})
                assert await insert_later(1) == 3
                assert seen(shop) == []
            assert seen(shop) == [3]
            async with transaction():
                with pytest.raises(LookupError):
                    async with transaction():
                        await insert(2)
                        raise LookupError
            assert seen(shop) == [3]
            assert await query("SELECT $1::jsonb AS j, $2::int AS n", {"a": 1}, 2) == [
                {"j": {"a": 1}, "n": 2}
            ]
            assert await aio.query_single("SELECT 1 AS n") == {"n": 1}
            assert [item async for item in numbers_later(120)] == list(range(120))
            assert [item async for item in numbers(3)] == [(0, 0), (1, 3), (2, 6)]
            with pytest.raises(KeyError):
                async with transaction():
                    await insert(1, fail=True)
            async with aio.cursor("SELECT generate_series(1, 25) AS n", chunk=10) as rows:
                assert await rows.fetchone() == {"n": 1}
                assert len(await rows.fetchmany(5)) == 5
                assert len(await rows.fetchall()) == 19
            async with aclosing(numbers(1000)) as items:
                assert await anext(items) == (0, 0)
            assert await query_value("SELECT 1") == 1
            with pytest.raises(Exception, match="division by zero") as caught:
                async with transaction():
                    await aio.execute("SELECT 1 / 0")
            assert caught.value.sqlstate == "22012"
            with pytest.raises(wormhole.TransactionError, match="use `async with`"):
                transaction().__enter__()

    asyncio.run(work())


def test_an_async_function_over_a_waiting_driver(driver) -> None:
    if type(driver).__module__.startswith("django"):
        pytest.skip("Django forbids its connections in async functions")

    async def work() -> Any:
        async with transaction():
            return await insert_later(5), await aio.query_value("SELECT 1")

    assert asyncio.run(work()) == (15, 1)


# Connections.


def test_a_connection_is_passed_or_bound(shop) -> None:
    with by_psycopg(shop.conninfo) as one, by_psycopg2(shop.conninfo) as two:
        for connection in (one, two):
            pid = query_value("SELECT pg_backend_pid()", connection=connection)
            assert echo.on(connection)(1) == ([1], {})
            assert remote(connection=connection)(times)(2) == 6
            with transaction(connection=connection):
                assert query_value("SELECT pg_backend_pid()") == pid
                assert wormhole.get_connection() is connection
        with pytest.raises(wormhole.ConnectionMissing, match="No database connection set"):
            wormhole.get_connection()
        with set_connection(one), set_connection(two):
            assert wormhole.get_connection() is two


def test_each_thread_has_its_own_connection(shop) -> None:
    found: list[Any] = []

    def work() -> None:
        try:
            wormhole.get_connection()
        except wormhole.ConnectionMissing as error:
            found.append(error)

    with by_psycopg(shop.conninfo) as connection, set_connection(connection):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(found) == 1


def test_what_is_no_connection_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a builtins.int is no connection of psycopg, psycopg2"):
        set_connection(5)


def test_the_extension_may_be_in_another_schema(shop) -> None:
    cluster = shop.cluster
    cluster.sql("CREATE DATABASE e2e_schema")
    try:
        cluster.sql('CREATE SCHEMA "Far away"; CREATE EXTENSION multicorn SCHEMA "Far away"', "e2e_schema")
        with by_psycopg(cluster.conninfo("e2e_schema")) as connection:
            with set_connection(connection), pytest.raises(psycopg.errors.UndefinedFunction) as caught:
                echo(1)
            assert caught.value.__notes__[0].startswith("the database lacks Wormhole, or has it in a schema")
            with set_connection(connection, schema="Far away"):
                assert echo(1) == ([1], {})
                assert list(numbers_of(2)) == [0, 1]
    finally:
        cluster.sql("DROP DATABASE e2e_schema WITH (FORCE)")


@remote
def numbers_of(n: int) -> Any:
    yield from range(n)


def test_a_driver_s_exception_is_its_own(shop) -> None:
    with by_psycopg(shop.conninfo) as connection, set_connection(connection):
        with pytest.raises(psycopg.errors.DivisionByZero):
            query("SELECT 1 / 0")
        with pytest.raises(psycopg.errors.UniqueViolation):
            unique.on(connection)(1) or unique(1)
