"""An answer of a class without an end can be cancelled, though no Python code runs that could notice."""

from __future__ import annotations

import psycopg
import pytest

from conftest import Database

TABLE = """
CREATE SERVER endless FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE t (id {type}) SERVER endless OPTIONS (wrapper 'endless.{name}', endless '{method}');
"""


@pytest.mark.parametrize(
    ("method", "statement"),
    [
        ("get_path_keys", "SELECT * FROM t"),
        ("can_filter", "SELECT * FROM t WHERE id = 1"),
        ("accept", "SELECT * FROM t WHERE id = 1"),
        ("explain", "EXPLAIN SELECT * FROM t"),
        ("sample", "ANALYZE t"),
        (
            "import_schema",
            "IMPORT FOREIGN SCHEMA x FROM SERVER endless INTO public OPTIONS (wrapper 'endless.Endless')",
        ),
    ],
)
def test_an_endless_answer_is_cancelled(database: Database, method: str, statement: str) -> None:
    name = "Accepting" if method == "accept" else "Endless"
    database.sql(TABLE.format(name=name, method=method, type="int"))
    cancelled(database, statement)


@pytest.mark.parametrize("kind", ["int[]", "json", "jsonb"])
def test_an_endless_value_is_cancelled(database: Database, kind: str) -> None:
    database.sql(TABLE.format(name="Endless", method="value", type=kind))
    cancelled(database, "SELECT * FROM t")


def cancelled(database: Database, statement: str) -> None:
    with database.connect() as connection:
        connection.execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(statement.encode())
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_as_many_rows_as_were_given(database: Database) -> None:
    database.sql(TABLE.format(name="Endless", method="bulk_insert", type="int"))
    with (
        database.connect() as connection,
        pytest.raises(psycopg.Error, match="returned more than 2 rows for 2 that it was given"),
    ):
        connection.execute("INSERT INTO t VALUES (1), (2)")
