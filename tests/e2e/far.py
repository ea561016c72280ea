"""What the tests of SqlAlchemyFdw against a second PostgreSQL database share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devkit.cluster import Cluster

    from conftest import Database

Rows = list[tuple[Any, ...]]


class Far:
    """A local session, and a way to look at the remote database behind its foreign tables."""

    def __init__(self, connection: psycopg.Connection, remote: Database) -> None:
        self.connection = connection
        self.remote = remote

    def run(self, *statements: str) -> Rows:
        """Run statements; the rows of the last one, none if it has no result."""
        cursor = self.connection.cursor()
        for statement in statements:
            cursor.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

    def count(self, statement: str) -> int:
        """Run a statement and return the number of rows in its command tag."""
        return self.connection.execute(statement).rowcount  # type: ignore[arg-type]

    def plan(self, query: str) -> str:
        """The plan, with the remote statements."""
        return "\n".join(line for (line,) in self.run(f"EXPLAIN (COSTS OFF, VERBOSE) {query}"))

    def fails(self, statement: str) -> psycopg.Error:
        """Run a statement that must fail, and return the error."""
        with pytest.raises(psycopg.Error) as caught:
            self.connection.execute(statement)  # type: ignore[arg-type]
        return caught.value

    def there(self, query: str) -> Rows:
        """Ask the remote database itself."""
        with self.remote.connect() as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]


def text(error: psycopg.Error) -> str:
    """All that a client is told."""
    diag = error.diag
    parts = (diag.sqlstate, diag.message_primary, diag.message_detail, diag.message_hint)
    return " | ".join(str(part) for part in parts if part)


def url(cluster: Cluster, database: str) -> str:
    """A database of a cluster as `db_url`."""
    return f"postgresql+psycopg://postgres@/{database}?host={cluster.socket_directory}&port=5432"


def server(cluster: Cluster, database: str, options: str = "", wrapper: str = "") -> str:
    """The statement that makes the foreign server `far`."""
    wrapper = wrapper or "multicorn.sqlalchemyfdw.SqlAlchemyFdw"
    return (
        "CREATE SERVER far FOREIGN DATA WRAPPER multicorn"
        f" OPTIONS (wrapper '{wrapper}', db_url '{url(cluster, database)}'{options})"
    )


@contextmanager
def far_database(database: Database, script: str) -> Iterator[Database]:
    """A second database of the same cluster, made by the script, and the server `far` for it."""
    cluster, name = database.cluster, "e2e_remote"
    cluster.sql(f"CREATE DATABASE {name}")
    try:
        remote = type(database)(cluster, name)
        remote.sql(script)
        database.sql(server(cluster, name))
        yield remote
    finally:
        cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")
