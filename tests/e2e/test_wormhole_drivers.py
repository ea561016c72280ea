"""Wormhole's client in programs as they are: pools, scoped sessions, row factories, tasks, interrupts."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg2.extras
import pytest
from devkit.wire import Wire
from far_side import (
    by_async_engine,
    by_asyncpg,
    by_asyncpg_pool,
    by_engine,
    by_psycopg,
    by_psycopg2,
    by_psycopg_pool,
)

import wormhole
from wormhole import (
    cursor,
    execute,
    get_connection,
    query,
    query_value,
    remote,
    set_connection,
    transaction,
    transactional,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database


@remote
def echo(x: Any) -> Any:
    return x


@remote
def backend() -> int:
    return query_value("SELECT pg_backend_pid()")


@remote
def add(n: int) -> int:
    return execute("INSERT INTO t VALUES ($1)", n)


def rows(shop: Database) -> list[int]:
    return [int(line) for line in shop.sql("SELECT n FROM t ORDER BY n").split()]


# What was passed or bound.


def test_a_bound_function_is_part_of_the_transaction(shop) -> None:
    with by_engine(shop.conninfo) as engine, set_connection(engine):
        bound, given = add.on(engine), remote(connection=engine)(add.local)
        with pytest.raises(LookupError), transaction():
            add(1)
            bound(2)
            given(3)
            assert query_value("SELECT count(*) FROM t", connection=engine) == 3
            raise LookupError
        assert rows(shop) == []


@remote
def awaited_echo(x: Any) -> Any:
    return x


def test_a_function_made_for_a_connection_of_asyncpg_is_one_round_trip(wire) -> None:
    async def work() -> None:
        async with by_asyncpg(wire.where) as connection:
            made = remote(connection=connection)(awaited_echo.local)
            await made(1)  # type: ignore[reportGeneralTypeIssues]
            before = wire.trips
            assert await made(2) == 2  # type: ignore[reportGeneralTypeIssues]
            assert wire.trips == before + 1

    asyncio.run(work())


# Tasks and threads that outlive the transaction in which they began.


def test_what_outlives_a_transaction_is_outside_of_it(shop) -> None:
    with by_psycopg_pool(shop.conninfo) as pool, set_connection(pool):
        with transaction():
            inside = query_value("SELECT pg_backend_pid()")
            later = contextvars.copy_context()
            with transaction():
                latest = contextvars.copy_context()
            assert latest.run(query_value, "SELECT pg_backend_pid()") == inside
        # Somebody else has that connection by now.
        with pool.connection() as connection:
            taken = connection.info.backend_pid
            for context in (later, latest):
                assert context.run(query_value, "SELECT pg_backend_pid()") != taken
                assert context.run(get_connection) is pool


def test_threads_may_share_what_serves_everywhere(shop) -> None:
    seen: list[Any] = []
    with by_psycopg_pool(shop.conninfo) as pool:
        with set_connection(pool, everywhere=True):
            threads = [threading.Thread(target=lambda n=n: seen.append(add(n))) for n in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert seen == [1] * 6
        assert rows(shop) == list(range(6))
        with pytest.raises(wormhole.ConnectionMissing):
            contextvars.Context().run(get_connection)


# Errors.


def test_an_error_amid_a_cursor_is_not_replaced(shop) -> None:
    shop.sql("INSERT INTO u VALUES (1)")
    for connect in (by_psycopg, by_psycopg2, by_engine, by_psycopg_pool):
        with connect(shop.conninfo) as connection, set_connection(connection):
            with (
                pytest.raises(Exception, match="duplicate key"),
                transaction(),
                cursor("SELECT generate_series(1, 5) AS n") as found,
            ):
                next(found)
                execute("INSERT INTO u VALUES (1)")
            if connect in (by_psycopg, by_psycopg2):
                with (
                    pytest.raises(Exception, match="duplicate key"),
                    cursor("SELECT generate_series(1, 5) AS n") as found,
                ):
                    next(found)
                    execute("INSERT INTO u VALUES (1)")
            assert query_value("SELECT 1") == 1


def test_a_group_of_exceptions_arrives_as_remote_error(shop) -> None:
    @remote
    def fails() -> None:
        raise ExceptionGroup("several", [ValueError(1), KeyError("k")])

    with by_psycopg(shop.conninfo) as connection, set_connection(connection):
        with pytest.raises(wormhole.RemoteError, match="several") as caught:
            fails()
        assert caught.value.class_name == "ExceptionGroup"


def test_retries_are_counted_from_none(shop) -> None:
    with by_psycopg(shop.conninfo) as connection, set_connection(connection):
        for make in (transaction, wormhole.transactions, transactional(-1)):
            with pytest.raises(ValueError, match="max_retries is 0 or more, not -1"):
                make(-1) if make in (transaction, wormhole.transactions) else make(lambda: 1)


# What frameworks have of their own.


def test_a_scoped_session_is_the_one_of_the_time(shop) -> None:
    from sqlalchemy.orm import scoped_session, sessionmaker

    with by_engine(shop.conninfo) as engine:
        scoped = scoped_session(sessionmaker(engine))
        with set_connection(scoped):
            for n in (1, 2):  # requests of a web application
                first = scoped()
                with transaction():
                    add(n)
                    assert first.in_transaction()
                assert get_connection() is scoped
                scoped.remove()
                assert not first.in_transaction()
            with scoped.begin(), pytest.raises(LookupError), transaction():
                add(3)
                raise LookupError
            scoped.remove()
        assert rows(shop) == [1, 2]
        assert engine.pool.checkedout() == 0  # type: ignore[reportAttributeAccessIssue]


def test_a_scoped_asynchronous_session(shop) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker

    async def work() -> None:
        async with by_async_engine(shop.conninfo) as engine:
            scoped: async_scoped_session[AsyncSession] = async_scoped_session(
                async_sessionmaker(engine), asyncio.current_task
            )
            with set_connection(scoped):
                for n in (1, 2):
                    async with transaction():
                        assert await add(n) == 1  # type: ignore[reportGeneralTypeIssues]
                    await scoped.remove()

    asyncio.run(work())
    assert rows(shop) == [1, 2]


def test_the_driver_s_own_settings_stay(shop) -> None:
    from psycopg.rows import namedtuple_row

    with (
        psycopg.connect(
            shop.conninfo, autocommit=False, row_factory=namedtuple_row, cursor_factory=psycopg.ClientCursor
        ) as connection,
        set_connection(connection),
    ):
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.commit()
        with transaction():
            assert echo([1, {"a": None}]) == [1, {"a": None}]
            assert query_value("SHOW transaction_isolation") == "serializable"
        with transaction(isolation="read committed", read_only=True):
            assert query_value("SHOW transaction_isolation") == "read committed"
        assert connection.isolation_level is psycopg.IsolationLevel.SERIALIZABLE
        assert (connection.read_only, connection.autocommit) == (None, False)
        row = connection.execute("SELECT 1 AS one").fetchone()
        assert row is not None
        assert row.one == 1  # type: ignore[reportAttributeAccessIssue]
        connection.rollback()
    with by_psycopg2(shop.conninfo) as other, set_connection(other):
        other.cursor_factory = psycopg2.extras.RealDictCursor
        assert echo((1, 2)) == (1, 2)
        assert query("SELECT 1 AS a, 2 AS a") == [{"a": 1, "a_2": 2}]


@pytest.mark.parametrize("encoding", ["LATIN1", "UTF8"])
def test_client_encodings(shop, encoding) -> None:
    @remote
    def text(x: str) -> str:
        return "grün " + x

    for connect in (by_psycopg, by_psycopg2):
        conninfo = shop.conninfo + f" client_encoding={encoding}"
        with connect(conninfo) as connection, set_connection(connection):
            assert text("süß") == "grün süß"
            assert query_value("SELECT $1 || 'ä'", "ö") == "öä"


# Round trips.


@pytest.fixture
def wire(shop: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A proxy before the server; `where` is its connection string."""
    directory = tmp_path_factory.mktemp("w")
    made = Wire(shop.cluster.socket_directory / ".s.PGSQL.5432", directory)
    made.where = shop.conninfo.replace(str(shop.cluster.socket_directory), str(directory))  # type: ignore[attr-defined]
    yield made
    made.close()


def trips(wire: Wire) -> int:
    """How many round trips one more call takes."""
    echo(1)
    echo(2)
    before = wire.trips
    assert echo(3) == 3
    return wire.trips - before


def test_round_trips_over_an_engine_of_psycopg2(wire) -> None:
    with by_engine(wire.where, "psycopg2") as engine, set_connection(engine):
        assert trips(wire) == 1


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_round_trips_over_an_asynchronous_engine(wire, driver) -> None:
    async def work() -> int:
        async with by_async_engine(wire.where, driver) as engine:
            set_connection(engine)
            await echo(1)  # type: ignore[reportGeneralTypeIssues]
            await echo(2)  # type: ignore[reportGeneralTypeIssues]
            before = wire.trips
            assert await echo(3) == 3  # type: ignore[reportGeneralTypeIssues]
            return wire.trips - before

    assert asyncio.run(work()) == 1


def test_round_trips_over_a_pool_of_asyncpg(wire) -> None:
    """One for the call, and one by which asyncpg's pool resets what it gets back."""

    async def work() -> int:
        async with by_asyncpg_pool(wire.where) as pool:
            set_connection(pool)
            await echo(1)  # type: ignore[reportGeneralTypeIssues]
            await echo(2)  # type: ignore[reportGeneralTypeIssues]
            before = wire.trips
            assert await echo(3) == 3  # type: ignore[reportGeneralTypeIssues]
            return wire.trips - before

    assert asyncio.run(work()) == 2
