"""Wormhole's client in programs as they are: pools, scoped sessions, row factories, tasks, interrupts."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg2.extras
import pytest
from far_side import (
    ASYNC_DRIVERS,
    DRIVERS,
    by_async_engine,
    by_async_psycopg,
    by_asyncpg,
    by_django,
    by_engine,
    by_psycopg,
    by_psycopg2,
    by_psycopg_pool,
)

import wormhole
from wormhole import (
    aio,
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


def test_savepoints_of_two_tasks_do_not_end_each_other(shop) -> None:
    async def insert(n: int) -> None:
        async with transaction():
            await add(n)  # type: ignore[reportGeneralTypeIssues]
            if n == 1:
                await query("SELECT 1 / 0")  # type: ignore[reportGeneralTypeIssues]

    async def work() -> None:
        async with by_async_psycopg(shop.conninfo) as connection:
            set_connection(connection)
            async with transaction():
                done = await asyncio.gather(insert(1), insert(2), return_exceptions=True)
                assert isinstance(done[0], psycopg.errors.DivisionByZero)
                assert isinstance(done[1], wormhole.TransactionError)
                assert "another transaction is open inside of this one" in str(done[1])
                await insert(3)

    asyncio.run(work())
    assert rows(shop) == [3]


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


@pytest.mark.filterwarnings("ignore:Accessing the database during app initialization")
def test_django_s_blocks_and_ours(shop) -> None:
    from django.db import connections
    from django.db import transaction as of_django

    with by_django(shop.conninfo) as connection, set_connection(connection):
        # As ATOMIC_REQUESTS has it: the request is a block.
        with of_django.atomic():
            add(1)
            with pytest.raises(LookupError), of_django.atomic():
                add(2)
                raise LookupError
            with transaction():
                add(3)
            with pytest.raises(LookupError), transaction():
                add(4)
                raise LookupError
            # A block that could not begin is none.
            with pytest.raises(Exception, match="must be called before any query"):
                transaction(isolation="serializable").__enter__()
            add(5)
        assert rows(shop) == [1, 3, 5]
        done = []
        with transaction():
            of_django.on_commit(lambda: done.append(1))
            with pytest.raises(RuntimeError, match="cannot be nested"), of_django.atomic(durable=True):
                pass
            assert done == []
        assert done == [1]
        connections.databases["other"] = {**connection.settings_dict, "NAME": "postgres"}
        other = connections["other"]
        try:
            with set_connection(other):
                assert query_value("SELECT current_database()") == "postgres"
                assert query_value("SELECT current_database()", connection=connection) == "e2e_shop"
        finally:
            other.close()
            del connections["other"], connections.databases["other"]


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


def test_a_call_in_a_pipeline_waits_for_its_answer(shop) -> None:
    with by_psycopg(shop.conninfo) as connection, set_connection(connection), connection.pipeline():
        assert [echo(n) for n in range(3)] == [0, 1, 2]
        with transaction():
            add(1)
            assert query("SELECT n FROM t") == [{"n": 1}]

    async def work() -> None:
        async with by_async_psycopg(shop.conninfo) as connection, connection.pipeline():
            set_connection(connection)
            assert await echo(1) == 1  # type: ignore[reportGeneralTypeIssues]

    asyncio.run(work())
    assert rows(shop) == [1]


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


# Functions as they are written.


def loud(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> str:
        return function(*args) + "!"

    return wrapper


@remote
@loud
@functools.lru_cache
def shout(x: str) -> str:
    return x.upper()


@remote
async def with_imports() -> list[int]:
    import wormhole.aio
    from wormhole import aio as awaited
    from wormhole import query_value as value

    return [
        await awaited.query_value("SELECT 1"),
        value("SELECT 2"),
        await wormhole.aio.query_value("SELECT 3"),
        await aio.query_value("SELECT 4"),
        await wormhole.aio.query_value("SELECT 5"),
    ]


@remote
async def with_chains() -> list[int]:
    return [wormhole.query_value("SELECT 1"), await wormhole.aio.query_value("SELECT 2")]


@pytest.fixture(params=["postgres", "wormhole_app"])
def tier(request: pytest.FixtureRequest, shop: Database) -> Iterator[psycopg.Connection]:
    """A connection whose functions run in process, and one whose functions run confined."""
    conninfo = shop.conninfo.replace("user=postgres", f"user={request.param}")
    with by_psycopg(conninfo) as connection, set_connection(connection):
        yield connection


def test_decorators_below_run_there(tier) -> None:
    assert shout("a") == "A!"


def test_the_package_has_the_same_names_there(tier) -> None:
    assert asyncio.run(with_imports()) == [1, 2, 3, 4, 5]
    assert asyncio.run(with_chains()) == [1, 2]


def test_an_unknown_function_is_installed_again(shop, tier) -> None:
    assert echo(1) == 1
    for forgotten in ("TRUNCATE wormhole_functions", "SELECT wormhole_drop('echo')"):
        shop.sql(forgotten)
        assert echo(2) == 2
        assert shop.sql("SELECT count(*) FROM wormhole_functions WHERE func_name = 'echo'").strip() == "1"


@remote
def dividing(x: int) -> int:
    return query_value("SELECT 1 / $1::int", x)


@pytest.mark.parametrize("name", ASYNC_DRIVERS)
def test_a_failed_statement_is_found_over_awaited_drivers(shop, name) -> None:
    async def work() -> None:
        async with ASYNC_DRIVERS[name](shop.conninfo) as connection:
            set_connection(connection)
            with pytest.raises(Exception, match="division by zero") as caught:
                async with transaction():
                    await dividing(0)  # type: ignore[reportGeneralTypeIssues]
            (frame,) = caught.value.remote_traceback  # type: ignore[attr-defined]
            assert (frame.file, frame.function) == (__file__, "dividing")

    asyncio.run(work())


# What ends a call.


@remote
def sleeping() -> None:
    query("SELECT pg_sleep(20)")


@remote
def endless() -> None:
    while True:
        pass


CALLS = """
SELECT count(*) FROM pg_stat_activity
WHERE state = 'active' AND query LIKE '%wormhole_typed%' AND pid <> pg_backend_pid()
"""


def interrupt(conninfo: str, when: list[float]) -> None:
    """Interrupt this process once a call runs: a cancel that comes between two statements is lost."""
    with psycopg.connect(conninfo, autocommit=True) as other:
        while other.execute(CALLS).fetchone() == (0,):
            time.sleep(0.01)
    when.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt also where the tests run in the background, and their shell ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("function", [sleeping, endless])
def test_an_interrupt_cancels_on_the_server(shop, tier, function) -> None:
    function.install()
    began: list[float] = []
    thread = threading.Thread(target=interrupt, args=[shop.conninfo, began])
    with pytest.raises(KeyboardInterrupt), transaction():
        execute("SET LOCAL statement_timeout = '30s'")
        execute("INSERT INTO t VALUES (1)")
        thread.start()
        function()
    thread.join()
    assert time.monotonic() - began[0] < 5
    assert query_value("SELECT count(*) FROM t") == 0
    assert echo(1) == 1


@pytest.mark.parametrize("name", ["psycopg", "asyncpg", "asyncpg-pool", "async-engine"])
def test_a_cancelled_task_cancels_on_the_server(shop, name) -> None:
    async def work() -> None:
        async with ASYNC_DRIVERS[name](shop.conninfo) as connection:
            set_connection(connection)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3), transaction():
                    await query("INSERT INTO t VALUES (1)")  # type: ignore[reportGeneralTypeIssues]
                    await sleeping()  # type: ignore[reportGeneralTypeIssues]
            assert await query_value("SELECT count(*) FROM t") == 0

    asyncio.run(work())
    busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT wormhole%'"
    assert shop.sql(busy).strip() == "0"


@remote
async def sleeping_later() -> None:
    await aio.query("SELECT pg_sleep(20)")


@pytest.mark.parametrize("name", ["psycopg", "psycopg2"])
def test_a_cancelled_task_cancels_over_a_waiting_driver(shop, name) -> None:
    with DRIVERS[name](shop.conninfo) as connection, set_connection(connection):

        async def work() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3), transaction():
                    await aio.query("INSERT INTO t VALUES (1)")
                    await sleeping_later()

        began = time.monotonic()
        asyncio.run(work())
        assert time.monotonic() - began < 5
        assert query_value("SELECT count(*) FROM t") == 0


LOST = r"terminating connection|server closed the connection|was closed in the middle"
"""Each driver has a class of its own for it."""
NEW = ["psycopg-pool", "engine", "engine-psycopg2", "django"]
"""Drivers that connect anew by themselves."""


@pytest.mark.parametrize("name", DRIVERS)
def test_a_lost_connection_is_the_driver_s_error(shop, name) -> None:
    with DRIVERS[name](shop.conninfo) as connection, set_connection(connection):
        with pytest.raises(Exception, match=LOST), transaction():
            pid = query_value("SELECT pg_backend_pid()")
            shop.sql(f"SELECT pg_terminate_backend({pid}, 5000)")
            echo(1)
        if name in NEW:
            assert echo(1) == 1


@pytest.mark.parametrize("name", ASYNC_DRIVERS)
def test_a_lost_connection_of_an_awaited_driver(shop, name) -> None:
    async def work() -> None:
        async with ASYNC_DRIVERS[name](shop.conninfo) as connection:
            set_connection(connection)
            with pytest.raises(Exception, match=LOST):
                async with transaction():
                    pid = await query_value("SELECT pg_backend_pid()")
                    shop.sql(f"SELECT pg_terminate_backend({pid}, 5000)")
                    await echo(1)
            if "pool" in name or "engine" in name:
                assert await echo(1) == 1

    asyncio.run(work())


# Repeating.


@remote
def failing(times: int) -> int:
    return query_value("SELECT fail($1::int)", times)


@pytest.fixture
def tries(shop: Database) -> Database:
    """The database with `fail`, which fails a number of times whatever is rolled back."""
    shop.sql(
        "DROP SEQUENCE IF EXISTS tries; CREATE SEQUENCE tries;"
        "CREATE OR REPLACE FUNCTION fail(times int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
        "  IF nextval('tries') <= times THEN RAISE 'try again' USING ERRCODE = '40001'; END IF;"
        "  RETURN currval('tries'); END $$"
    )
    return shop


@pytest.mark.parametrize(
    "name", ["psycopg", "psycopg-transactional", "asyncpg", "asyncpg-pool", "async-engine"]
)
def test_the_first_statement_is_repeated_when_awaited(tries, name) -> None:
    async def work() -> None:
        async with ASYNC_DRIVERS[name](tries.conninfo) as connection:
            set_connection(connection)
            async with transaction():
                assert await failing(2) == 3
                await execute("INSERT INTO t VALUES (1)")
            with pytest.raises(Exception, match="try again") as caught:
                async with transaction():
                    await execute("INSERT INTO t VALUES (2)")
                    await failing(5)
            assert "cannot retry: a with statement" in caught.value.__notes__[-1]

    asyncio.run(work())
    assert rows(tries) == [1]


@pytest.mark.filterwarnings("ignore:Accessing the database during app initialization")
def test_what_waits_for_django_s_commit_is_not_lost(tries) -> None:
    from django.db import transaction as of_django

    done: list[int] = []
    with by_django(tries.conninfo) as connection, set_connection(connection):
        with transaction():
            assert failing(1) == 2
            of_django.on_commit(lambda: done.append(1))
        assert done == [1]
        tries.sql("ALTER SEQUENCE tries RESTART")
        with pytest.raises(Exception, match="try again"), transaction():
            of_django.on_commit(lambda: done.append(2))
            failing(1)
        assert done == [1]


def test_a_remote_function_is_repeated_over_an_awaited_driver(tries) -> None:
    async def work() -> None:
        async with by_asyncpg(tries.conninfo) as connection:
            set_connection(connection)
            assert await transactional(failing)(2) == 3  # type: ignore[reportGeneralTypeIssues]
            strict = transactional(isolation="serializable")(failing)
            assert await strict(4) == 5  # type: ignore[reportGeneralTypeIssues]

    asyncio.run(work())
