"""What the tests of Wormhole's client share: connections of every driver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg

Settings = dict[str, str]


def settings(conninfo: str) -> Settings:
    """The parts of a connection string."""
    return dict(part.split("=", 1) for part in conninfo.split())


def url(conninfo: str, driver: str) -> str:
    """The same for SQLAlchemy."""
    s = settings(conninfo)
    return f"postgresql+{driver}://{s['user']}@/{s['dbname']}?host={s['host']}&port={s['port']}"


@contextmanager
def closing(connection: Any) -> Iterator[Any]:
    """Close at the end; psycopg2's own context manager does not."""
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def by_psycopg(conninfo: str, *, autocommit: bool = True) -> Iterator[Any]:
    with psycopg.connect(conninfo, autocommit=autocommit) as connection:
        yield connection


def by_psycopg_pool(conninfo: str) -> Any:
    import psycopg_pool

    return psycopg_pool.ConnectionPool(conninfo, min_size=1, max_size=2, open=True)


@contextmanager
def by_psycopg2(conninfo: str, *, autocommit: bool = True) -> Iterator[Any]:
    import psycopg2

    with closing(psycopg2.connect(conninfo)) as connection:
        connection.autocommit = autocommit
        yield connection


@contextmanager
def by_engine(conninfo: str, driver: str = "psycopg") -> Iterator[Any]:
    import sqlalchemy

    engine = sqlalchemy.create_engine(url(conninfo, driver))
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def by_alchemy_connection(conninfo: str, driver: str = "psycopg") -> Iterator[Any]:
    with by_engine(conninfo, driver) as engine, engine.connect() as connection:
        yield connection


@contextmanager
def by_session(conninfo: str, driver: str = "psycopg2") -> Iterator[Any]:
    from sqlalchemy.orm import Session

    with by_engine(conninfo, driver) as engine, Session(engine) as session:
        yield session


@contextmanager
def by_django(conninfo: str) -> Iterator[Any]:
    from django.conf import settings as django_settings
    from django.db import connections

    s = settings(conninfo)
    wanted = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": s["dbname"],
        "USER": s["user"],
        "HOST": s["host"],
        "PORT": s["port"],
    }
    if not django_settings.configured:
        django_settings.configure(DATABASES={"default": wanted}, USE_TZ=True)
    connection = connections["default"]
    connection.settings_dict.update(wanted)
    try:
        yield connection
    finally:
        connection.close()


DRIVERS: dict[str, Callable[[str], Any]] = {
    "psycopg": by_psycopg,
    "psycopg-confined": lambda conninfo: by_psycopg(conninfo.replace("=postgres", "=wormhole_app")),
    "psycopg-transactional": lambda conninfo: by_psycopg(conninfo, autocommit=False),
    "psycopg-pool": by_psycopg_pool,
    "psycopg2": by_psycopg2,
    "psycopg2-transactional": lambda conninfo: by_psycopg2(conninfo, autocommit=False),
    "engine": by_engine,
    "engine-psycopg2": lambda conninfo: by_engine(conninfo, "psycopg2"),
    "alchemy": by_alchemy_connection,
    "session": by_session,
    "django": by_django,
}
"""Waiting drivers by name."""


@asynccontextmanager
async def by_async_psycopg(conninfo: str, *, autocommit: bool = True) -> AsyncIterator[Any]:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=autocommit) as connection:
        yield connection


@asynccontextmanager
async def by_asyncpg(conninfo: str, **options: Any) -> AsyncIterator[Any]:
    import asyncpg

    s = settings(conninfo)
    connection = await asyncpg.connect(
        host=s["host"], port=int(s["port"]), user=s["user"], database=s["dbname"], **options
    )
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def by_asyncpg_pool(conninfo: str, **options: Any) -> AsyncIterator[Any]:
    import asyncpg

    s = settings(conninfo)
    where = {"host": s["host"], "port": int(s["port"]), "user": s["user"], "database": s["dbname"]}
    async with asyncpg.create_pool(**where, min_size=1, max_size=2, **options) as pool:
        yield pool


@asynccontextmanager
async def by_async_engine(conninfo: str, driver: str = "asyncpg") -> AsyncIterator[Any]:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url(conninfo, driver))
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def by_async_session(conninfo: str) -> AsyncIterator[Any]:
    from sqlalchemy.ext.asyncio import AsyncSession

    async with by_async_engine(conninfo, "psycopg") as engine, AsyncSession(engine) as session:
        yield session


@asynccontextmanager
async def by_async_psycopg_pool(conninfo: str) -> AsyncIterator[Any]:
    import psycopg_pool

    async with psycopg_pool.AsyncConnectionPool(conninfo, min_size=1, max_size=2, open=False) as pool:
        yield pool


ASYNC_DRIVERS: dict[str, Callable[[str], Any]] = {
    "psycopg": by_async_psycopg,
    "psycopg-transactional": lambda conninfo: by_async_psycopg(conninfo, autocommit=False),
    "psycopg-pool": by_async_psycopg_pool,
    "asyncpg": by_asyncpg,
    "asyncpg-pool": by_asyncpg_pool,
    "async-engine": by_async_engine,
    "async-session": by_async_session,
}
"""Awaited drivers by name."""
