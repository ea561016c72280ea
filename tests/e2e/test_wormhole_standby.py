"""Calls that only read go to a standby, and come back where they have to: a real primary and its standby."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from far_side import DRIVERS, by_async_psycopg, by_asyncpg, by_engine, by_psycopg, by_psycopg2
from following import Standby

import wormhole
from wormhole import (
    execute,
    query_value,
    remote,
    set_connection,
    set_standbys,
    transaction,
    transactional,
    transactions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database


@pytest.fixture(scope="module")
def standby(shop_database: Database) -> Iterator[Standby]:
    with Standby(shop_database.cluster) as made:
        yield made


@pytest.fixture
def places(shop: Database, standby: Standby) -> Iterator[tuple[Any, Any]]:
    """Connections to both, set for the context."""
    standby.catch_up()
    with (
        by_psycopg(shop.conninfo) as primary,
        by_psycopg(standby.conninfo("e2e_shop")) as copy,
        set_connection(primary),
    ):
        set_standbys(copy)
        yield primary, copy


def make_where() -> wormhole.Remote[[], tuple[bool, int]]:
    """A function of which nothing is known yet: whether it ran on the standby, and what it sees."""

    @remote
    def where():
        in_recovery = query_value("SELECT pg_is_in_recovery()")
        return in_recovery, query_value("SELECT count(*) FROM t")

    return where


def make_add() -> wormhole.Remote[..., str]:
    @remote
    def add(count: int = 1) -> str:  # so that it travels as values of SQL
        if count:
            execute("INSERT INTO t SELECT generate_series(1, $1::int)", count)
        return "standby" if query_value("SELECT pg_is_in_recovery()") else "primary"

    return add


def test_reads_go_to_the_standby(places, standby) -> None:
    where = make_where()
    where.install()
    assert where() == (False, 0)  # nothing is known of it
    standby.catch_up()
    assert where() == (True, 0)
    assert where() == (True, 0)


def test_a_read_sees_what_was_written_before(places, standby) -> None:
    where, add = make_where(), make_add()
    where.install()
    add.install()
    _, copy = places
    where()
    add()
    copy.execute("SELECT pg_wal_replay_pause()")
    try:
        for count in range(2, 5):
            add()
            assert where() == (False, count)
            assert where() == (False, count)
            execute("INSERT INTO t VALUES (0)")
            assert where()[1] == count + 1
            execute("DELETE FROM t WHERE n = 0")
    finally:
        copy.execute("SELECT pg_wal_replay_resume()")
    where()
    standby.catch_up()
    assert where() == (True, 4)


def test_a_write_comes_back_to_the_primary(places, standby) -> None:
    add = make_add()
    add.install()
    assert add(0) == "primary"
    standby.catch_up()
    assert add(0) == "standby"
    assert add(2) == "primary"
    assert query_value("SELECT count(*) FROM t") == 2
    add(0)
    standby.catch_up()
    assert add(0) == "primary"  # it has written, so it is not asked again there


def test_a_function_may_be_declared_read_only(places, standby) -> None:
    where = remote(read_only=True)(make_where().local)
    where.install()
    assert where() == (False, 0)
    standby.catch_up()
    assert where() == (True, 0)


def test_within_a_transaction_nothing_is_routed(places, standby) -> None:
    where = make_where()
    where.install()
    where()
    standby.catch_up()
    assert where() == (True, 0)
    with transaction():
        assert where() == (False, 0)
    primary, _ = places
    with primary.transaction():
        assert where() == (False, 0)


def test_a_lost_standby_is_left_alone(places, shop, standby) -> None:
    where = make_where()
    where.install()
    for _ in range(2):
        where()
        standby.catch_up()
    _, copy = places
    with psycopg.connect(standby.conninfo("postgres"), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [copy.info.backend_pid])
    assert where() == (False, 0)
    assert where() == (False, 0)
    with by_psycopg(standby.conninfo("e2e_shop")) as again:
        set_standbys(again)
        where()
        standby.catch_up()
        assert where() == (True, 0)


def test_a_standby_that_lacks_the_function(places, standby) -> None:
    _, copy = places
    copy.execute("SELECT pg_wal_replay_pause()")
    try:
        add, where = make_add(), make_where()
        assert add(0) == "primary"
        assert where() == (False, 0)
        assert add(0) == "primary"
    finally:
        copy.execute("SELECT pg_wal_replay_resume()")


def test_transactions_may_begin_on_a_standby(places, standby) -> None:
    runs = []

    @transactional(standby=True)
    def work(count):
        runs.append(query_value("SELECT pg_is_in_recovery()"))
        if count:
            execute("INSERT INTO t VALUES ($1)", count)
        return query_value("SELECT pg_is_in_recovery()")

    assert work(0) is True
    assert work(1) is False
    assert runs == [True, True, False]
    assert query_value("SELECT count(*) FROM t") == 1


@pytest.mark.parametrize("connect", [by_psycopg, by_psycopg2, by_engine])
def test_a_connection_to_a_standby_knows_its_primary(shop, standby, connect) -> None:
    standby.catch_up()
    with connect(shop.conninfo) as primary, connect(standby.conninfo("e2e_shop")) as copy:
        with set_connection(copy, primary=lambda: primary):
            for attempt in transactions():
                with attempt:
                    execute("INSERT INTO t VALUES (1)")
            assert attempt.number == 2
            assert query_value("SELECT count(*) FROM t", connection=primary) == 1
            assert query_value("SELECT pg_is_in_recovery()") is True
        if connect is by_engine:
            return
        with set_connection(copy, primary=primary):
            with transaction():
                execute("INSERT INTO t VALUES (2)")
                assert query_value("SELECT pg_is_in_recovery()") is False
            assert query_value("SELECT count(*) FROM t", connection=primary) == 2


def test_without_a_primary_the_error_says_so(shop, standby) -> None:
    standby.catch_up()
    with by_psycopg(standby.conninfo("e2e_shop")) as copy, set_connection(copy):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as caught, transaction():
            execute("INSERT INTO t VALUES (1)")
        assert (
            "25006: transaction() cannot retry: set_connection(...) was not told"
            in caught.value.__notes__[-1]
        )
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as caught:
            transactional(execute)("INSERT INTO t VALUES (1)")
        assert "25006: cannot retry: set_connection(...) was not told" in caught.value.__notes__[-1]


@pytest.mark.parametrize("connect", [by_async_psycopg, by_asyncpg])
def test_awaited_standbys(shop, standby, connect) -> None:
    async def work() -> None:
        where, add = make_where(), make_add()
        async with connect(shop.conninfo) as primary, connect(standby.conninfo("e2e_shop")) as copy:
            set_connection(primary, standbys=[copy])
            for function in (where, add):
                await function.install()  # type: ignore[reportGeneralTypeIssues]
            assert await where() == (False, 0)
            assert await add(0) == "primary"
            standby.catch_up()
            assert await where() == (True, 0)
            assert await add(0) == "standby"
            assert await add(1) == "primary"
            assert await where() == (False, 1)

    standby.catch_up()
    asyncio.run(work())


WAITING = [name for name in DRIVERS if name not in {"django", "session", "psycopg-confined"}]


@pytest.mark.parametrize("name", WAITING)
def test_standbys_of_every_driver(shop, standby, name) -> None:
    connect = DRIVERS[name]
    where = make_where()
    with (
        connect(shop.conninfo) as primary,
        connect(standby.conninfo("e2e_shop")) as copy,
        set_connection(primary, standbys=[copy]),
    ):
        with transaction():
            where.install()
        with transaction():
            execute("INSERT INTO t VALUES (1)")
        where()
        if hasattr(primary, "rollback"):
            primary.rollback()  # where the driver begins by itself, and nothing is routed
        standby.catch_up()
        assert where() == (True, 1)
        assert where() == (True, 1)
        assert idle(standby) == 0


def idle(standby: Standby) -> int:
    """Sessions that hold up the replay."""
    with psycopg.connect(standby.conninfo("postgres")) as other:
        row = other.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        ).fetchone()
    assert row is not None
    return row[0]


def test_an_awaited_standby_is_put_into_autocommit_mode(shop, standby) -> None:
    async def work() -> None:
        where = make_where()
        async with (
            by_async_psycopg(shop.conninfo) as primary,
            by_async_psycopg(standby.conninfo("e2e_shop"), autocommit=False) as copy,
        ):
            set_connection(primary, standbys=[copy])
            await where.install()  # type: ignore[reportGeneralTypeIssues]
            await where()  # type: ignore[reportGeneralTypeIssues]
            standby.catch_up()
            assert (await where())[0] is True  # type: ignore[reportGeneralTypeIssues]
            assert idle(standby) == 0

    standby.catch_up()
    asyncio.run(work())


def test_kinds_must_match(shop) -> None:
    async def work() -> None:
        async with by_async_psycopg(shop.conninfo) as awaited:
            with (
                by_psycopg(shop.conninfo) as waiting,
                set_connection(waiting),
                pytest.raises(TypeError) as caught,
            ):
                set_standbys(awaited)
        assert "both synchronous or both asynchronous" in str(caught.value)

    asyncio.run(work())


@pytest.mark.parametrize("name", ["psycopg", "psycopg2", "alchemy", "session", "engine", "django"])
def test_a_mode_that_cannot_be_leaves_nothing_begun(standby, name) -> None:
    standby.catch_up()
    with DRIVERS[name](standby.conninfo("e2e_shop")) as copy, set_connection(copy):
        with pytest.raises(Exception, match="read-write mode"), transaction(read_only=False):
            query_value("SELECT 1")
        with transaction():
            assert query_value("SHOW transaction_read_only") == "on"
        assert query_value("SELECT 1") == 1


def test_a_mode_that_cannot_be_over_asyncpg(standby) -> None:
    async def work() -> None:
        async with by_asyncpg(standby.conninfo("e2e_shop")) as copy:
            set_connection(copy)
            with pytest.raises(Exception, match="read-write mode"):
                async with transaction(read_only=False):
                    pass
            assert not copy.is_in_transaction()
            async with transaction():
                assert await query_value("SHOW transaction_read_only") == "on"

    standby.catch_up()
    asyncio.run(work())
