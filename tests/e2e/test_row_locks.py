"""Rows that somebody else changes while a statement waits for them.

EvalPlanQual checks them again, with the foreign table's row as it was read, and runs subqueries anew.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

SETUP = """
CREATE SERVER watched FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'watched.Watched');
CREATE FOREIGN TABLE f (id int, name text) SERVER watched {options};
CREATE TABLE l (id int PRIMARY KEY, fid int, note text);
INSERT INTO l VALUES (1, 1, 'one'), (2, 2, 'two');
ANALYZE l;
"""
#: How the foreign table is joined: as a whole, or by a lookup for each row.
WAYS = {"whole": "", "lookup": "OPTIONS (key 'id')"}


@pytest.fixture(params=WAYS)
def prepared(database: Database, request: pytest.FixtureRequest) -> Database:
    with database.connect() as connection:
        connection.execute(SETUP.format(options=WAYS[request.param]))
    return database


class Waiting:
    """A statement that runs in a thread of its own until somebody lets it go on."""

    def __init__(self, connection: psycopg.Connection, query: str) -> None:
        self.connection = connection
        self.query = query
        self.rows: list[tuple[Any, ...]] | None = None
        self.error: psycopg.Error | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            cursor = self.connection.execute(self.query)
            self.rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            self.error = error

    def result(self) -> list[tuple[Any, ...]]:
        """The rows, when the statement has ended; raises its error."""
        self.thread.join(30)
        assert not self.thread.is_alive(), "the statement still waits"
        if self.error is not None:
            raise self.error
        assert self.rows is not None
        return self.rows


@contextmanager
def waiting(database: Database, connection: psycopg.Connection, query: str) -> Iterator[Waiting]:
    """The statement, begun, when it waits for another transaction."""
    statement = Waiting(connection, query)
    statement.thread.start()
    with database.connect() as watch:
        deadline = time.monotonic() + 30
        while True:
            row = watch.execute(
                "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s",
                [connection.info.backend_pid],
            ).fetchone()
            if row == (True,):
                break
            assert time.monotonic() < deadline, f"it never waited; error: {statement.error}"
            time.sleep(0.01)
    yield statement


def after_change(database: Database, change: str, query: str) -> list[tuple[Any, ...]]:
    """What `query` returns when it had to wait for a transaction that made `change`."""
    with database.connect(autocommit=False) as other, database.connect() as mine:
        other.execute(change)
        with waiting(database, mine, query) as statement:
            other.commit()
            return statement.result()


LOCKED = "SELECT l.id, l.note, f.name FROM l JOIN f ON f.id = l.fid ORDER BY l.id FOR UPDATE OF l"


def test_a_joined_row_is_returned_as_it_is_now(prepared: Database) -> None:
    rows = after_change(prepared, "UPDATE l SET note = 'new' WHERE id = 1", LOCKED)
    assert rows == [(1, "new", "name 1"), (2, "two", "name 2")]


def test_a_row_that_no_longer_joins_is_left_out(prepared: Database) -> None:
    rows = after_change(prepared, "UPDATE l SET fid = 3 WHERE id = 1", LOCKED)
    assert rows == [(2, "two", "name 2")]


def test_a_deleted_row_is_left_out(prepared: Database) -> None:
    assert after_change(prepared, "DELETE FROM l WHERE id = 2", LOCKED) == [(1, "one", "name 1")]


def test_the_foreign_table_on_the_nullable_side(prepared: Database) -> None:
    query = (
        "SELECT l.id, l.note, f.name, f FROM l LEFT JOIN f ON f.id = l.fid AND f.name <> 'name 2'"
        " ORDER BY l.id FOR UPDATE OF l"
    )
    rows = after_change(prepared, "UPDATE l SET note = 'new'", query)
    assert rows == [(1, "new", "name 1", '(1,"name 1")'), (2, "new", None, None)]
    rows = after_change(prepared, "UPDATE l SET fid = 3 WHERE id = 1", query)
    assert rows == [(1, "new", None, None), (2, "new", None, None)]


def test_a_row_that_the_condition_no_longer_lets_pass(prepared: Database) -> None:
    query = (
        "SELECT l.id, f.name FROM l JOIN f ON f.id = l.fid WHERE l.note || f.name <> 'goname 1'"
        " ORDER BY l.id FOR NO KEY UPDATE OF l"
    )
    assert after_change(prepared, "UPDATE l SET note = 'go' WHERE id = 1", query) == [(2, "name 2")]


def test_update_from_the_foreign_table(prepared: Database) -> None:
    query = (
        "UPDATE l SET note = l.note || ' ' || f.name FROM f WHERE f.id = l.fid AND l.id = 1 RETURNING l.*, f"
    )
    rows = after_change(prepared, "UPDATE l SET note = 'new' WHERE id = 1", query)
    assert rows == [(1, 1, "new name 1", '(1,"name 1")')]
    assert after_change(prepared, "UPDATE l SET fid = 2 WHERE id = 1", query) == []


def test_delete_using_the_foreign_table(prepared: Database) -> None:
    query = "DELETE FROM l USING f WHERE f.id = l.fid AND f.name = 'name 2' RETURNING l.note"
    assert after_change(prepared, "UPDATE l SET note = 'new'", query) == [("new",)]


def test_merge_from_the_foreign_table(prepared: Database) -> None:
    query = (
        "MERGE INTO l USING f ON f.id = l.fid WHEN MATCHED AND l.note = 'new' THEN UPDATE SET note = f.name"
        " WHEN MATCHED AND l.id = 2 THEN UPDATE SET note = 'old'"
    )
    assert after_change(prepared, "UPDATE l SET note = 'new' WHERE id = 2", query) == []
    with prepared.connect() as connection:
        rows = connection.execute("SELECT note FROM l ORDER BY id").fetchall()
    assert rows == [("one",), ("name 2",)]


SUBQUERY = (
    "SELECT id, note, (SELECT name FROM f WHERE f.id = l.fid) FROM l"
    " WHERE (SELECT name FROM f WHERE f.id = l.fid) <> 'name 3' AND id < 3 ORDER BY id FOR UPDATE"
)


def test_a_subquery_runs_anew_for_the_changed_row(prepared: Database) -> None:
    rows = after_change(prepared, "UPDATE l SET fid = 4 WHERE id = 1", SUBQUERY)
    assert rows == [(1, "one", "name 4"), (2, "two", "name 2")]
    rows = after_change(prepared, "UPDATE l SET fid = 3 WHERE id = 1", SUBQUERY)
    assert rows == [(2, "two", "name 2")]


def test_an_initplan_of_the_foreign_table(prepared: Database) -> None:
    query = "SELECT id, note FROM l WHERE id < (SELECT max(id) FROM f) AND note <> 'gone' FOR UPDATE"
    rows = after_change(prepared, "UPDATE l SET note = 'new' WHERE id = 1", query)
    assert sorted(rows) == [(1, "new"), (2, "two")]


def test_a_recheck_under_a_savepoint_leaves_the_cursor_usable(prepared: Database) -> None:
    with prepared.connect(autocommit=False) as mine, prepared.connect(autocommit=False) as other:
        mine.execute(f"DECLARE c CURSOR FOR {SUBQUERY}")
        mine.execute("SAVEPOINT s")
        other.execute("UPDATE l SET fid = 4 WHERE id = 1")
        with waiting(prepared, mine, "FETCH 1 FROM c") as statement:
            other.commit()
            assert statement.result() == [(1, "one", "name 4")]
        mine.execute("ROLLBACK TO s")
        other.execute("UPDATE l SET fid = 5 WHERE id = 2")
        with waiting(prepared, mine, "FETCH 1 FROM c") as statement:
            other.commit()
            assert statement.result() == [(2, "two", "name 5")]
        assert mine.execute("FETCH 1 FROM c").fetchall() == []


def test_every_scan_of_a_recheck_ends(prepared: Database) -> None:
    with prepared.connect() as connection:
        connection.execute(
            "CREATE SERVER journal FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'watched.Journal');"
            "CREATE FOREIGN TABLE journal (entry text) SERVER journal"
        )
    with prepared.connect(autocommit=False) as other, prepared.connect() as mine:
        mine.execute("SELECT * FROM journal")
        other.execute("UPDATE l SET fid = 4 WHERE id = 1")
        with waiting(prepared, mine, SUBQUERY) as statement:
            other.commit()
            statement.result()
        entries = [entry for (entry,) in mine.execute("SELECT * FROM journal").fetchall()]
    # Two subqueries, each in the query and in its recheck.
    assert entries.count("end_scan") == 4
    assert entries.count("execute") >= 4
