"""Which adapter speaks to a connection: found by the package that its class comes from.

No driver is imported here before a connection of it is there.
"""

from __future__ import annotations

from typing import Any

from wormhole._errors import ConnectionMissing
from wormhole.drivers._base import Adapter, AsyncAdapter

KNOWN = "psycopg, psycopg2, asyncpg, SQLAlchemy or Django"


def adapter_for(connection: Any) -> Adapter | AsyncAdapter:
    """The adapter for a connection, engine, session, pool or alias; raises TypeError for anything else."""
    if isinstance(connection, Adapter | AsyncAdapter):
        return connection
    for kind in type(connection).__mro__:
        top = kind.__module__.partition(".")[0]
        found = _find(top, kind.__name__, connection)
        if found is not None:
            return found
    if connection is None:
        raise ConnectionMissing("no connection: None was given")
    name = f"{type(connection).__module__}.{type(connection).__qualname__}"
    raise TypeError(f"a {name} is no connection of {KNOWN}")


def _find(package: str, name: str, connection: Any) -> Adapter | AsyncAdapter | None:
    match package, name:
        case "psycopg", "Connection":
            from wormhole.drivers import psycopg3

            return psycopg3.Psycopg(connection)
        case "psycopg", "AsyncConnection":
            from wormhole.drivers import psycopg3

            return psycopg3.AsyncPsycopg(connection)
        case "psycopg_pool", "ConnectionPool":
            from wormhole.drivers import psycopg3

            return psycopg3.Pool(connection)
        case "psycopg_pool", "AsyncConnectionPool":
            from wormhole.drivers import psycopg3

            return psycopg3.AsyncPool(connection)
        case "psycopg2", "connection":
            from wormhole.drivers import psycopg2

            return psycopg2.Psycopg2(connection)
        case "asyncpg", "Connection" | "PoolConnectionProxy":
            from wormhole.drivers import asyncpg

            return asyncpg.Asyncpg(connection)
        case "asyncpg", "Pool":
            from wormhole.drivers import asyncpg

            return asyncpg.Pool(connection)
        case "sqlalchemy", _:
            from wormhole.drivers import sqlalchemy

            return sqlalchemy.find(name, connection)
        case "django", "BaseDatabaseWrapper" | "ConnectionProxy":
            from wormhole.drivers import django

            return django.Django(connection)
        case _:
            return None
