"""Transactions that are run again: when, how often, after which wait, and what is said when they are not."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from far_side import (
    ASYNC_DRIVERS,
    DRIVERS,
    by_alchemy_connection,
    by_django,
    by_engine,
    by_psycopg,
    by_psycopg2,
)

from wormhole import (
    Backoff,
    TransactionError,
    aio,
    execute,
    query,
    query_value,
    remote,
    set_connection,
    transaction,
    transactional,
    transactions,
    with_transaction,
)
from wormhole._errors import sqlstate_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

SCRIPT = """
DROP SEQUENCE IF EXISTS tries;
CREATE SEQUENCE tries;
GRANT USAGE, SELECT ON SEQUENCE tries TO wormhole_app;
-- A sequence counts whatever is rolled back.
CREATE OR REPLACE FUNCTION fail(times int, state text DEFAULT '40001') RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') <= times THEN
        RAISE EXCEPTION 'try again' USING ERRCODE = state;
    END IF;
    RETURN currval('tries');
END $$;
CREATE OR REPLACE FUNCTION fail_later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail(NEW.n);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON u DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fail_later();
"""


@remote
def call_fail(times: int, state: str = "40001") -> int:
    return query_value("SELECT fail($1::int, $2)", times, state)


@pytest.fixture
def tries(shop: Database) -> Database:
    """The database with `fail`, which fails a number of times in whatever transactions."""
    shop.sql(SCRIPT)
    return shop


@pytest.fixture(params=list(DRIVERS))
def driver(request: pytest.FixtureRequest, tries: Database) -> Iterator[Any]:
    with DRIVERS[request.param](tries.conninfo) as connection, set_connection(connection):
        yield connection


FIRST = {
    "psycopg": by_psycopg,
    "psycopg2": by_psycopg2,
    "alchemy": by_alchemy_connection,
    "engine": by_engine,
    "django": by_django,
}
"""Drivers that tell whether a transaction has had a statement."""


@pytest.fixture(params=list(FIRST))
def telling(request: pytest.FixtureRequest, tries: Database) -> Iterator[Any]:
    with FIRST[request.param](tries.conninfo) as connection, set_connection(connection):
        yield connection


def rows(database: Database, table: str = "t") -> list[int]:
    return [int(line) for line in database.sql(f"SELECT n FROM {table} ORDER BY n").split()]


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_function_is_repeated(driver, tries, state) -> None:
    runs = []

    @transactional
    def work(x):
        runs.append(x)
        execute("INSERT INTO t VALUES ($1)", len(runs))
        return call_fail(2, state)

    assert work(5) == 3
    assert runs == [5, 5, 5]
    assert rows(tries) == [3]


def test_a_failing_commit_is_repeated(driver, tries) -> None:
    runs = []

    @with_transaction
    def work():
        runs.append(1)
        execute("INSERT INTO u VALUES (2)")
        return "done"

    assert work() == "done"
    assert len(runs) == 3
    assert rows(tries, "u") == [2]


def test_a_loop_goes_round(driver, tries) -> None:
    numbers = []
    for attempt in transactions():
        with attempt:
            numbers.append(attempt.number)
            execute("INSERT INTO t VALUES ($1)", attempt.number)
            result = call_fail(1)
    assert (numbers, result) == ([1, 2], 2)
    assert rows(tries) == [2]
    for attempt in transactions():
        with attempt:
            execute("INSERT INTO u VALUES (4)")
    assert rows(tries, "u") == [4]


def test_a_commit_that_fails_after_a_return_is_an_error(driver, tries) -> None:
    def by_return():  # noqa: RET503 - the last attempt raises
        for attempt in transactions():
            with attempt:
                execute("INSERT INTO u VALUES (5)")
                return "lost"

    def by_break():
        for _ in range(3):
            for attempt in transactions():
                with attempt:
                    execute("INSERT INTO u VALUES (5)")
                    break

    def by_more():
        for attempt in transactions():
            with attempt:
                execute("INSERT INTO u VALUES (5)")
            str(attempt)

    for work in (by_return, by_break, by_more):
        with pytest.raises(Exception, match="try again") as caught:
            work()
        assert sqlstate_of(caught.value) == "40001"
        assert "cannot retry, since `with attempt:` is left by return or break" in caught.value.__notes__[-1]
    assert rows(tries, "u") == []


def test_it_gives_up(driver, tries) -> None:
    runs = []

    @transactional(max_retries=2)
    def work():
        runs.append(1)
        return query_value("SELECT fail(10)")

    with pytest.raises(Exception, match="try again") as caught:
        work()
    assert len(runs) == 3
    assert caught.value.__notes__[-1] == "40001: gave up after 2 retries"
    assert query_value("SELECT 1") == 1


def test_other_errors_pass_at_once(driver) -> None:
    runs = []

    @transactional
    def work():
        runs.append(1)
        return query_value("SELECT fail(10, '23505')")

    with pytest.raises(Exception, match="try again") as caught:
        work()
    assert len(runs) == 1
    assert not hasattr(caught.value, "__notes__")


def test_the_outermost_is_repeated(driver, tries) -> None:
    runs: list[str] = []

    @transactional
    def inner():
        runs.append("inner")
        return call_fail(1)

    @transactional
    def outer():
        runs.append("outer")
        execute("INSERT INTO t VALUES (1)")
        return inner()

    assert outer() == 2
    assert runs == ["outer", "inner"] * 2
    assert rows(tries) == [1]


def test_the_first_statement_of_a_transaction_is_repeated(telling, tries) -> None:
    with transaction():
        assert call_fail(2) == 3
        execute("INSERT INTO t VALUES (1)")
    assert rows(tries) == [1]
    tries.sql(SCRIPT.replace("CREATE CONSTRAINT", "DROP TRIGGER later ON u; CREATE CONSTRAINT"))
    with pytest.raises(Exception, match="try again") as caught, transaction(max_retries=2):
        call_fail(10)
    assert caught.value.__notes__[-1] == "40001: transaction() gave up after 2 retries"
    assert tries.sql("SELECT last_value FROM tries").strip() == "3"


def test_a_later_statement_is_not_and_the_error_says_so(driver, tries) -> None:
    with pytest.raises(Exception, match="try again") as caught, transaction(max_retries=5):
        execute("INSERT INTO t VALUES (1)")
        call_fail(1)
    assert caught.value.__notes__[-1] == (
        "40001: transaction() cannot retry: a with statement cannot run its body again;"
        " use @transactional or `for attempt in transactions():`"
    )
    with pytest.raises(Exception, match="try again") as caught, transaction():
        execute("INSERT INTO u VALUES (4)")  # it fails at the end
    assert "cannot retry" in caught.value.__notes__[-1]
    assert (rows(tries), rows(tries, "u")) == ([], [])
    assert query_value("SELECT 1") == 1


@pytest.mark.parametrize("autocommit", [True, False])
def test_what_the_driver_did_itself_is_not_lost(tries, autocommit) -> None:
    with by_psycopg(tries.conninfo, autocommit=autocommit) as connection, set_connection(connection):
        with pytest.raises(psycopg.errors.SerializationFailure), transaction():
            connection.execute("INSERT INTO t VALUES (1)")
            call_fail(1)
        assert rows(tries) == []
        connection.execute("INSERT INTO t VALUES (2)")
        with transaction():
            assert call_fail(1) == 2
        assert rows(tries) == [2]
        assert connection.autocommit is autocommit


def test_a_transaction_that_was_open_is_not_repeated(tries) -> None:
    with by_psycopg(tries.conninfo) as connection, set_connection(connection):

        @transactional
        def work():
            return call_fail(1)

        with pytest.raises(psycopg.errors.SerializationFailure) as caught, connection.transaction():
            work()
        assert "cannot retry inside of a transaction that was open already" in caught.value.__notes__[-1]


def test_snapshots_that_collide(tries) -> None:
    tries.sql("INSERT INTO t VALUES (0)")
    runs = []
    with (
        by_psycopg(tries.conninfo) as connection,
        by_psycopg2(tries.conninfo) as other,
        set_connection(connection),
    ):

        @transactional(isolation="repeatable read")
        def add(x):
            runs.append(x)
            n = query_value("SELECT n FROM t")
            if len(runs) < 3:
                execute("UPDATE t SET n = n + 10", connection=other)
            return execute("UPDATE t SET n = $1", n + x)

        assert add(1) == 1
    assert len(runs) == 3
    assert rows(tries) == [21]


def test_a_deadlock(tries) -> None:
    tries.sql("INSERT INTO t VALUES (1), (2)")
    meet = threading.Barrier(2, timeout=10)
    runs: list[int] = []

    def work(first: int, second: int) -> None:
        met = False

        @transactional
        def both() -> None:
            nonlocal met
            runs.append(first)
            execute("SET LOCAL deadlock_timeout = '10ms'")
            execute("UPDATE t SET n = n WHERE n = $1", first)
            if not met:
                met = True
                meet.wait()
            execute("UPDATE t SET n = n WHERE n = $1", second)

        with by_psycopg(tries.conninfo) as connection, set_connection(connection):
            both()

    threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(runs) >= 3
    assert rows(tries) == [1, 2]


@pytest.mark.parametrize("name", ASYNC_DRIVERS)
def test_awaited_transactions_are_repeated(name, tries) -> None:
    async def work() -> None:
        async with ASYNC_DRIVERS[name](tries.conninfo) as connection:
            set_connection(connection)
            runs = []

            @transactional
            async def f(x):
                runs.append(x)
                await aio.execute("INSERT INTO t VALUES ($1)", len(runs))
                return await call_fail(2)

            assert await f(5) == 3
            assert runs == [5, 5, 5]
            async for attempt in transactions(isolation="serializable"):
                async with attempt:
                    await query("INSERT INTO u VALUES (5)")
            assert attempt.number == 3

            @transactional
            @remote
            async def remote_one(times):
                return await aio.query_value("SELECT fail($1::int)", times + 5)

            assert await remote_one(1) == 7

            async def returning():  # noqa: RET503 - the last attempt raises
                async for attempt in transactions():
                    async with attempt:
                        await query("INSERT INTO u VALUES (9)")
                        return 1

            with pytest.raises(Exception, match="try again") as caught:
                await returning()
            assert "cannot retry, since" in caught.value.__notes__[-1]

    asyncio.run(work())
    assert (rows(tries), rows(tries, "u")) == ([3], [5])


def test_the_wait_grows_and_has_full_jitter(monkeypatch, tries) -> None:
    asked: list[tuple[float, float]] = []
    slept: list[float] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr("random.uniform", uniform)
    monkeypatch.setattr("time.sleep", slept.append)
    with by_psycopg(tries.conninfo) as connection, set_connection(connection):
        work = transactional(max_retries=4, backoff=Backoff(0.01, 0.05))(lambda: call_fail(4))
        assert work() == 5
    assert asked == [(0, 0.02), (0, 0.04), (0, 0.05), (0, 0.05)]
    assert slept == [0.02, 0.04, 0.05, 0.05]


def test_misuse_is_an_error(tries) -> None:
    with by_psycopg(tries.conninfo) as connection, set_connection(connection):
        with pytest.raises(TransactionError, match=r"write `with attempt:` in the loop"):
            for _ in transactions():
                pass
        with pytest.raises(TypeError, match="a generator cannot be transactional"):

            @transactional
            def numbers():
                yield 1

        with pytest.raises(ValueError, match="no isolation level"):
            transactional(isolation="none")(numbers_of)
        with transaction(), pytest.raises(TransactionError, match="has no mode of its own"):
            transaction(read_only=True).__enter__()


def numbers_of() -> None:
    """Nothing."""
