"""Planning with a class that is slow or fails: it can be cancelled, and leaves nothing behind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

SETUP = """
CREATE SERVER watched FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'watched.Watched');
CREATE FOREIGN TABLE f (id int, name text) SERVER watched;
CREATE SERVER journal FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'watched.Journal');
CREATE FOREIGN TABLE journal (entry text) SERVER journal;
"""
#: A statement that calls each method.
CALLS = {
    "__init__": "SELECT id FROM f",
    "get_rel_size": "SELECT id FROM f",
    "get_path_keys": "SELECT id FROM f",
    "can_sort": "SELECT id FROM f ORDER BY id",
    "can_limit": "SELECT id FROM f LIMIT 1",
    "explain": "EXPLAIN SELECT id FROM f",
    "execute": "SELECT id FROM f",
    "row": "SELECT id FROM f",
}


@pytest.fixture
def prepared(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        connection.execute(SETUP)
        connection.execute("SELECT * FROM journal")
        yield connection


def journal(connection: psycopg.Connection) -> list[str]:
    return [entry for (entry,) in connection.execute("SELECT * FROM journal").fetchall()]


def count(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM f").fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("method", CALLS)
def test_a_timeout_ends_every_method(prepared: psycopg.Connection, method: str) -> None:
    prepared.execute(f"ALTER FOREIGN TABLE f OPTIONS (ADD slow_in '{method}')")
    prepared.execute("SET statement_timeout = '100ms'")
    begun = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
        prepared.execute(CALLS[method])
    assert time.monotonic() - begun < 30
    prepared.execute("RESET statement_timeout")
    prepared.execute("ALTER FOREIGN TABLE f OPTIONS (DROP slow_in)")
    assert count(prepared) == 5


@pytest.mark.parametrize("method", CALLS)
def test_an_error_in_every_method_is_survived_by_a_savepoint(
    prepared: psycopg.Connection, method: str
) -> None:
    prepared.execute("BEGIN")
    prepared.execute("DECLARE c CURSOR FOR SELECT id FROM f")
    prepared.execute("FETCH 1 FROM c")
    prepared.execute("SAVEPOINT s")
    prepared.execute(f"ALTER SERVER watched OPTIONS (ADD fails_in '{method}')")
    with pytest.raises(psycopg.errors.FdwError, match="ValueError"):
        prepared.execute(CALLS[method])
    prepared.execute("ROLLBACK TO s")
    assert count(prepared) == 5
    assert prepared.execute("FETCH ALL FROM c").fetchall() == [(2,), (3,), (4,), (5,)]
    prepared.execute("COMMIT")


@pytest.mark.parametrize("method", [method for method in CALLS if method != "__init__"])
def test_a_failed_statement_keeps_no_instance(prepared: psycopg.Connection, method: str) -> None:
    prepared.execute(f"ALTER FOREIGN TABLE f OPTIONS (ADD fails_in '{method}')")
    for _ in range(3):
        with pytest.raises(psycopg.errors.FdwError):
            prepared.execute(CALLS[method])
    entries = journal(prepared)
    assert (entries.count("__init__"), entries.count("__del__")) == (1, 0)
    prepared.execute("ALTER FOREIGN TABLE f OPTIONS (DROP fails_in)")
    assert count(prepared) == 5
    assert journal(prepared)[:2] == ["__del__", "__init__"]


def test_a_failed_execution_in_a_block_is_caught_again_and_again(prepared: psycopg.Connection) -> None:
    prepared.execute("ALTER FOREIGN TABLE f OPTIONS (ADD fails_in 'row')")
    prepared.execute("""
        DO $$
        BEGIN
            FOR n IN 1..200 LOOP
                BEGIN
                    PERFORM id FROM f;
                EXCEPTION WHEN fdw_error THEN
                END;
            END LOOP;
        END $$
    """)
    entries = journal(prepared)
    assert entries.count("execute") == entries.count("end_scan") == 200


@pytest.mark.parametrize("statement", ["SELECT id FROM f", "SELECT id FROM f ORDER BY name LIMIT 1"])
def test_memory_stays_while_a_session_plans_and_fails(prepared: psycopg.Connection, statement: str) -> None:
    def contexts() -> tuple[int, int]:
        row = prepared.execute(
            "SELECT count(*), coalesce(sum(total_bytes), 0) FROM pg_backend_memory_contexts"
            " WHERE name LIKE 'multicorn%'"
        ).fetchone()
        assert row is not None
        return row

    fails = "SELECT 1 / (id - 1) FROM f"
    for round_ in range(60):
        prepared.execute(statement)
        with pytest.raises(psycopg.errors.DivisionByZero):
            prepared.execute(fails)
        if round_ == 10:
            before = contexts()
    assert contexts() == before


def test_a_generic_plan_is_explained_without_values(prepared: psycopg.Connection) -> None:
    if prepared.info.server_version < 160000:
        pytest.skip("EXPLAIN (GENERIC_PLAN) came with PostgreSQL 16")
    rows = prepared.execute(
        "EXPLAIN (GENERIC_PLAN, COSTS off) SELECT name FROM f WHERE id = $1 AND name <> $2::text || 'x'"
    ).fetchall()
    assert [line.strip() for (line,) in rows if "Multicorn" in line] == [
        "Multicorn: id = ?",
        "Multicorn: name <> ?",
    ]
    assert "execute" not in journal(prepared)


def test_a_lookup_by_key_is_prepared_once(prepared: psycopg.Connection) -> None:
    """A driver that prepares: five custom plans, then the generic one for ever."""
    prepared.execute("ALTER FOREIGN TABLE f OPTIONS (ADD key 'id')")
    for number in range(12):
        cursor = prepared.execute("SELECT name FROM f WHERE id = %s", [number % 5 + 1], prepare=True)
        assert cursor.fetchall() == [(f"name {number % 5 + 1}",)]
    row = prepared.execute(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%FROM f%'"
    ).fetchone()
    assert row == (7, 5)
