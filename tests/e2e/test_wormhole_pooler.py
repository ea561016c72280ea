"""Behind a transaction pooler each statement may reach another session: nothing may be left in one."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from devkit.cluster import PORT, SUPERUSER, hand_over
from devkit.paths import server_user
from far_side import (
    DRIVERS,
    by_async_psycopg,
    by_async_psycopg_pool,
    by_asyncpg,
    by_asyncpg_pool,
    by_psycopg_pool,
    url,
)

from wormhole import execute, query, query_value, remote, set_connection, transaction, transactional

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Database

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin")

CONFIGURATION = """
[databases]
* = host={server} port={port} user={user}

[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {directory}
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
ignore_startup_parameters = extra_float_digits
server_login_retry = 1
"""


def listens(path: Path) -> bool:
    """Whether somebody takes connections there: the file is made a moment earlier."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.fixture(scope="module")
def pooler(shop_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a pooler before the database."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed")
    directory: Path = shop_database.cluster.base / "pool"
    directory.mkdir()
    settings = {"server": shop_database.cluster.socket_directory, "port": PORT, "user": SUPERUSER}
    (directory / "pgbouncer.ini").write_text(CONFIGURATION.format(directory=directory, **settings))
    hand_over(directory)
    user = server_user()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [PGBOUNCER, str(directory / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    try:
        for _ in range(500):
            if listens(directory / f".s.PGSQL.{PORT}") or process.poll() is not None:
                break
            time.sleep(0.01)
        assert process.poll() is None, (directory / "log").read_text()
        conninfo = f"host={directory} port={PORT} user={SUPERUSER} dbname=e2e_shop"
        fill(conninfo)
        yield conninfo
    finally:
        process.terminate()
        process.wait()


def fill(conninfo: str) -> None:
    """Have it open all its sessions, by as many transactions at once."""
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(psycopg.connect(conninfo)).execute("SELECT 1")


FACTOR = 2


@remote
def where(x: int) -> tuple[int, int]:
    return query_value("SELECT pg_backend_pid()"), x * FACTOR


@remote
def numbers(n: int) -> Any:
    yield from range(n)


@remote
async def where_later(x: int) -> tuple[int, int]:
    return query_value("SELECT pg_backend_pid()"), x * FACTOR


@remote
def session_of(x: int) -> int:
    return query_value("SELECT pg_backend_pid()") if x else 0


@remote
async def session_later(x: int) -> int:
    return query_value("SELECT pg_backend_pid()") if x else 0


@pytest.mark.parametrize("name", [name for name in DRIVERS if "pool" not in name])
def test_sessions_change_between_calls(name, shop, pooler) -> None:
    with DRIVERS[name](pooler) as connection, set_connection(connection):
        sessions = set()
        for number in range(20):
            with transaction():
                session, doubled = where(number)
                assert query_value("SELECT pg_backend_pid()") == session
                assert (
                    query("SELECT $1::int AS n, %s AS t".replace("%s", "$2"), number, "x")[0]["n"] == number
                )
            assert doubled == 2 * number
            sessions.add(session)
        assert len(sessions) > 1
        for _ in range(5):
            with transaction():
                assert list(numbers(250)) == list(range(250))

        @transactional
        def insert(n):
            return execute("INSERT INTO t VALUES ($1)", n)

        assert [insert(n) for n in range(10)] == [1] * 10
    assert shop.sql("SELECT count(*) FROM t").strip() == "10"


@pytest.mark.parametrize("name", ["psycopg", "psycopg2", "engine", "engine-psycopg2", "django"])
def test_sessions_change_without_transactions(name, shop, pooler) -> None:
    with DRIVERS[name](pooler) as connection, set_connection(connection):
        assert len({where(number)[0] for number in range(20)}) > 1
        assert len({session_of(number) for number in range(1, 20)}) > 1
        assert [query_value("SELECT $1::int", number) for number in range(20)] == list(range(20))
        for _ in range(5):
            assert list(numbers(250)) == list(range(250))


@pytest.mark.parametrize("name", ["psycopg", "asyncpg"])
def test_awaited_drivers(name, shop, pooler) -> None:
    async def work() -> None:
        made = by_asyncpg(pooler, statement_cache_size=0) if name == "asyncpg" else by_async_psycopg(pooler)
        async with made as connection:
            set_connection(connection)
            sessions = set()
            for number in range(20):
                session, doubled = await where_later(number)
                assert doubled == 2 * number
                sessions |= {session, await session_later(1)}
                assert await query("SELECT $1::int AS n", number) == [{"n": number}]
            assert len(sessions) > 1
            async with transaction():
                first, _ = await where_later(1)
                assert (await where_later(1))[0] == first
            assert [item async for item in numbers(250)] == list(range(250))

    asyncio.run(work())


def test_an_engine_over_asyncpg(shop, pooler) -> None:
    """With what SQLAlchemy says of pgbouncer: no cache of statements, and a name of its own for each."""
    from sqlalchemy.ext.asyncio import create_async_engine

    async def work() -> None:
        engine = create_async_engine(
            url(pooler, "asyncpg"),
            connect_args={
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: f"__{uuid4()}__",
            },
        )
        try:
            with set_connection(engine):
                sessions = {(await where_later(number))[0] for number in range(20)}
                assert len(sessions) > 1
                async with transaction():
                    assert await execute("INSERT INTO t VALUES (1)") == 1
                assert [item async for item in numbers(250)] == list(range(250))
        finally:
            await engine.dispose()

    asyncio.run(work())
    assert shop.sql("SELECT count(*) FROM t").strip() == "1"


def test_pools(shop, pooler) -> None:
    async def work() -> None:
        async with by_asyncpg_pool(pooler, statement_cache_size=0) as pool:
            with set_connection(pool):
                assert len({(await where_later(number))[0] for number in range(20)}) > 1
        async with by_async_psycopg_pool(pooler) as pool:
            with set_connection(pool):
                assert len({(await where_later(number))[0] for number in range(20)}) > 1

    asyncio.run(work())
    with by_psycopg_pool(pooler) as pool, set_connection(pool):
        assert len({where(number)[0] for number in range(20)}) > 1
