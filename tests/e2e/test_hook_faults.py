"""Each method of a class that fails in each phase: the session stays usable, and no hook is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from running import written_since

from conftest import Database

TABLES = """
CREATE SERVER faulty FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'faulty.Faulty');
CREATE SERVER control FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'faulty.Control');
CREATE FOREIGN TABLE t (id int, note text) SERVER faulty OPTIONS (name 't');
CREATE FOREIGN TABLE b (id int, note text) SERVER faulty OPTIONS (name 'b', batch '2');
CREATE FOREIGN TABLE control (entry text) SERVER control;
"""
WRITES = (
    "INSERT INTO t VALUES (1, 'one'), (2, 'two')",
    "INSERT INTO b SELECT i FROM generate_series(10, 13) i",
    "UPDATE t SET note = 'changed' WHERE id = 1",
    "SELECT count(*) FROM t",
    "DELETE FROM t WHERE id = 2",
    "ANALYZE t",
    "TRUNCATE b",
)
# The ways a transaction can go; a failing statement of it is passed over as an application would.
COURSES = {
    "alone": WRITES,
    "commit": ("BEGIN", *WRITES, "COMMIT"),
    "rollback": ("BEGIN", *WRITES, "ROLLBACK"),
    "release": ("BEGIN", WRITES[0], "SAVEPOINT s", *WRITES[1:], "RELEASE s", WRITES[3], "COMMIT"),
    "undo": ("BEGIN", WRITES[0], "SAVEPOINT s", *WRITES[1:], "ROLLBACK TO s", WRITES[3], "COMMIT"),
    "error": ("BEGIN", WRITES[0], "SAVEPOINT s", *WRITES[1:4], "SELECT 1 / 0", "ROLLBACK TO s", "COMMIT"),
}
# Where each method is called.
IN_ALL = ("alone", "commit", "undo")
METHODS = {
    **dict.fromkeys(("execute", "insert", "bulk_insert", "update", "delete"), IN_ALL),
    **dict.fromkeys(("end_scan", "end_modify", "begin"), IN_ALL),
    **dict.fromkeys(("truncate", "analyze"), ("alone", "commit")),
    "pre_commit": ("alone", "commit", "release", "undo"),
    "commit": ("alone", "commit", "release"),
    "rollback": ("rollback",),
    "sub_begin": ("release", "undo"),
    "sub_commit": ("release",),
    "sub_rollback": ("undo", "error"),
}


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    database.sql(TABLES)
    with database.connect() as made:
        made.execute("SET multicorn.hook_timeout = '150ms'")
        yield made


def fail_in(connection: psycopg.Connection, method: str, how: str) -> None:
    connection.execute("INSERT INTO control VALUES (%s)", [f"{method} {how}"])


def take_journal(connection: psycopg.Connection) -> list[str]:
    return [entry for (entry,) in connection.execute("SELECT entry FROM control").fetchall()]


def go(connection: psycopg.Connection, course: str) -> int:
    """Run the statements, and return how many failed."""
    failed = 0
    for statement in COURSES[course]:
        try:
            connection.execute(statement.encode())
        except psycopg.Error:
            failed += 1
    with suppress(psycopg.Error):
        connection.execute("ROLLBACK")
    return failed


def check(journal: list[str], failing: str) -> None:
    """Each beginning has one end, and nothing ends that has not begun."""
    levels: list[str] = []
    open_transaction = False
    for entry in journal:
        call, _, level = entry.partition(" ")
        if call == "begin":
            assert not open_transaction, journal
            open_transaction = failing != "begin"
        elif call in {"commit", "rollback"}:
            assert open_transaction, journal
            open_transaction = False
            levels.clear()
        elif call == "sub_begin" and failing != "sub_begin":
            levels.append(level)
        elif call in {"sub_commit", "sub_rollback"}:
            # A release that failed is undone in turn.
            known = level in levels
            assert known or failing == "sub_commit", journal
            if known and failing != "sub_commit":
                levels.remove(level)
    assert not open_transaction, journal
    # A cancel may come before the class is asked.
    assert journal.count("execute") <= journal.count("end_scan") - journal.count("analyze"), journal


@pytest.mark.parametrize("method", METHODS)
def test_a_failing_method(connection: psycopg.Connection, method: str) -> None:
    """All in one session, which has to be like any other after each of them."""
    for course in METHODS[method]:
        for how in ("raise", "exit", "hang"):
            if how == "hang":
                connection.execute("SET statement_timeout = '150ms'")
            fail_in(connection, method, how)
            go(connection, course)
            fail_in(connection, "nothing", "raise")
            journal = take_journal(connection)
            assert any(entry.split()[1] == method for entry in journal), "the method was not called"
            for name in ("t", "b"):
                check([entry[2:] for entry in journal if entry.startswith(name)], method)
            connection.execute("SET statement_timeout = 0")
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert go(connection, "release") == 0, (course, how)
            take_journal(connection)
            assert connection.execute("SELECT id FROM t").fetchall() == [(1,)]
            connection.execute("DELETE FROM t")
            take_journal(connection)


@pytest.mark.parametrize(
    ("method", "course"), [("commit", "commit"), ("rollback", "rollback"), ("sub_rollback", "undo")]
)
def test_a_warning_has_its_traceback_in_the_log(
    database: Database, connection: psycopg.Connection, method: str, course: str
) -> None:
    """The client is told what is wrong; where it is wrong is for those who run the server."""
    told: list[tuple[str | None, str | None]] = []
    connection.add_notice_handler(
        lambda diag: told.append((diag.severity_nonlocalized, diag.message_detail)),
    )
    fail_in(connection, method, "raise")
    size = database.cluster.log.stat().st_size
    assert go(connection, course) == 0
    assert ("WARNING", f"{method} fails") in told
    log = written_since(database.cluster.log, size)
    warning = log[log.index("WARNING:  Error in python: ValueError") :]
    assert "Traceback (most recent call last):" in warning
    assert f"in {method}\n" in warning
