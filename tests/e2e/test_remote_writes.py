"""SqlAlchemyFdw writes to another database of the same cluster, as one transaction with the local writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Database

THINGS = """
CREATE TABLE things (id serial PRIMARY KEY, name varchar(10) UNIQUE NOT NULL, n int DEFAULT 7 CHECK (n > 0));
CREATE VIEW broken AS SELECT 1 / (n - n) AS id FROM things;
"""


class Far:
    """A connection with the foreign tables `t` and `broken`, and what the remote database holds."""

    def __init__(self, connection: psycopg.Connection, rows: Callable[[], list[tuple[object, ...]]]) -> None:
        self.connection = connection
        self.rows = rows

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements; the rows of the last one, none if it has no result."""
        cursor = self.connection.cursor()
        for statement in statements:
            cursor.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

    def fails(self, statement: str) -> str:
        """Run a statement that must fail, and return the message and its detail."""
        with pytest.raises(psycopg.Error) as caught:
            self.connection.execute(statement)  # type: ignore[arg-type]
        return f"{caught.value.diag.message_primary} {caught.value.diag.message_detail}"


def far_tables(url: str) -> str:
    return f"""
    CREATE SERVER far FOREIGN DATA WRAPPER multicorn
        OPTIONS (wrapper 'multicorn.sqlalchemyfdw.SqlAlchemyFdw', db_url '{url}');
    CREATE FOREIGN TABLE t (id int, name text, n int) SERVER far
        OPTIONS (tablename 'things', primary_key 'id');
    CREATE FOREIGN TABLE broken (id int) SERVER far OPTIONS (tablename 'broken');
    CREATE TABLE near (id int PRIMARY KEY);
    """


@pytest.fixture
def remote(database: Database) -> Iterator[Database]:
    """The other database, which is not the test's own."""
    database.cluster.sql("CREATE DATABASE e2e_remote")
    other = type(database)(database.cluster, "e2e_remote")
    other.sql(THINGS)
    yield other
    database.cluster.sql("DROP DATABASE e2e_remote WITH (FORCE)")


@pytest.fixture
def far(database: Database, remote: Database) -> Iterator[Far]:
    parameters = psycopg.conninfo.conninfo_to_dict(remote.conninfo)
    url = (
        f"postgresql+psycopg://{parameters['user']}@/{remote.name}"
        f"?host={parameters['host']}&port={parameters['port']}"
    )
    database.sql(far_tables(url))

    def rows() -> list[tuple[object, ...]]:
        with remote.connect() as connection:
            return connection.execute("SELECT id, name, n FROM things ORDER BY id").fetchall()

    with database.connect() as connection:
        yield Far(connection, rows)


def test_what_is_stored_is_returned(far: Far) -> None:
    assert far.run("INSERT INTO t (name) VALUES ('a'), ('b') RETURNING *") == [(1, "a", None), (2, "b", None)]
    assert far.run("UPDATE t SET n = 3 WHERE id = 2 RETURNING n + 1") == [(4,)]
    assert far.run("DELETE FROM t WHERE id = 1 RETURNING name") == [("a",)]
    far.run("INSERT INTO t (id, name, n) SELECT i, 'row ' || i, i FROM generate_series(10, 1500) i")
    assert len(far.rows()) == 1492


def test_a_rollback_undoes_both_sides(far: Far) -> None:
    far.run("BEGIN", "INSERT INTO t (id, name) VALUES (1, 'a')", "INSERT INTO near VALUES (1)", "ROLLBACK")
    assert far.rows() == []
    far.run("BEGIN", "INSERT INTO t (id, name) VALUES (1, 'a')", "SAVEPOINT s")
    assert "unique" in far.fails("INSERT INTO t (id, name) VALUES (2, 'a')")
    far.run("ROLLBACK TO s", "INSERT INTO t (id, name) VALUES (3, 'c')", "COMMIT")
    assert [row[0] for row in far.rows()] == [1, 3]


def test_a_read_that_fails_in_a_savepoint_loses_nothing(far: Far) -> None:
    """The failing read would have given up the remote transaction, and its commit would undo it all."""
    far.run("BEGIN", "INSERT INTO t VALUES (1, 'a', 1)", "SAVEPOINT s")
    assert "division by zero" in far.fails("SELECT * FROM broken")
    far.run("ROLLBACK TO s", "INSERT INTO t (id, name) VALUES (2, 'b')", "COMMIT")
    assert [row[0] for row in far.rows()] == [1, 2]


def test_a_remote_that_is_gone_aborts_the_local_commit(far: Far, remote: Database) -> None:
    far.run("BEGIN", "INSERT INTO near VALUES (1)", "INSERT INTO t (id, name) VALUES (1, 'a')")
    remote.sql(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert "could not commit in" in far.fails("COMMIT")
    assert far.run("SELECT * FROM near") == []
    assert far.rows() == []
    far.run("INSERT INTO t (id, name) VALUES (1, 'a')")
    assert len(far.rows()) == 1
