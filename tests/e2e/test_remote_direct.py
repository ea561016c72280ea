"""UPDATE, DELETE, TRUNCATE and ANALYZE of a table in another PostgreSQL database, by one statement there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from far import Far, far_database, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

REMOTE = """
CREATE TABLE things (id serial PRIMARY KEY, name text, n int, day date, price numeric);
CREATE TABLE parts (thing int REFERENCES things, n int);
CREATE TABLE statements (text text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO statements VALUES (TG_OP || ' ' || current_query()); RETURN NULL; END $$;
CREATE TRIGGER note AFTER UPDATE OR DELETE OR TRUNCATE ON things FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE VIEW positive AS SELECT * FROM things WHERE n > 0;
CREATE TABLE split (id int, n int) PARTITION BY LIST (n);
CREATE TABLE split0 PARTITION OF split FOR VALUES IN (0);
CREATE TABLE split1 PARTITION OF split FOR VALUES IN (1);
"""
COLUMNS = "id int, name text, n int, day date, price numeric"
LOCAL = f"""
CREATE FOREIGN TABLE t ({COLUMNS}) SERVER far OPTIONS (tablename 'things');
CREATE FOREIGN TABLE narrow (id int, price numeric(8, 1)) SERVER far OPTIONS (tablename 'things');
CREATE FOREIGN TABLE parts (thing int, n int) SERVER far OPTIONS (tablename 'parts');
CREATE FOREIGN TABLE positive ({COLUMNS}) SERVER far OPTIONS (tablename 'positive', primary_key 'id');
CREATE FOREIGN TABLE split (id int, n int) SERVER far OPTIONS (tablename 'split', primary_key 'id');
"""
FILL = """
INSERT INTO things SELECT i, 'row ' || i, i % 10, date '2020-01-01' + i, i / 100.0
    FROM generate_series(1, 1000) i
"""


@pytest.fixture
def far(database: Database) -> Iterator[Far]:
    with far_database(database, REMOTE + ";" + FILL) as remote:
        database.sql(LOCAL)
        with database.connect() as connection:
            yield Far(connection, remote)


def statements(far: Far) -> int:
    """How many statements have changed things since the last look."""
    return int(far.there("WITH seen AS (DELETE FROM statements RETURNING 1) SELECT count(*) FROM seen")[0][0])


# One statement there, and how many rows it is to change.
DIRECT = [
    ("UPDATE t SET n = 77", 1000),
    ("UPDATE t SET n = 78, name = NULL WHERE id = 5", 1),
    ("UPDATE t SET name = 'x' || 5 * 2 WHERE n = 78 AND name IS NULL", 1),
    ("UPDATE t SET day = 'infinity', price = 'NaN' WHERE id IN (7, 8, NULL)", 2),
    ("UPDATE t SET price = 1 WHERE name LIKE 'row 1_'", 10),
    ("UPDATE t SET price = 2 WHERE day < '2020-01-11'", 7),
    ("UPDATE t SET n = 5 WHERE id = 4000", 0),
    ("UPDATE t SET n = 5 WHERE id = NULL::int", 0),
    ("DELETE FROM t WHERE id BETWEEN 900 AND 909", 10),
    ("DELETE FROM t WHERE id > ALL (ARRAY[980, 990])", 10),
    ("DELETE FROM positive WHERE id = 950", 1),
    ("DELETE FROM t", 979),
]


def test_one_statement_changes_all(far: Far) -> None:
    statements(far)
    for statement, rows in DIRECT:
        assert far.count(statement) == rows, statement
        # The planner itself knows that nothing is equal to NULL.
        assert statements(far) == (0 if "NULL::int" in statement else 1), statement
    assert far.there("SELECT count(*) FROM things") == [(0,)]


def test_parameters(far: Far) -> None:
    """Seven times, so that the last ones use a plan that knows no values."""
    far.run("PREPARE change (int, text) AS UPDATE t SET name = $2 WHERE id = $1 AND n = ANY ($3)")
    statements(far)
    for number in range(1, 8):
        assert far.count(f"EXECUTE change ({number}, 'new', '{{1,2,3,NULL}}')") == (1 if number < 4 else 0)
        assert statements(far) == 1
    assert far.there("SELECT count(*) FROM things WHERE name = 'new'") == [(3,)]
    assert far.count("EXECUTE change (NULL, 'x', NULL)") == 0
    far.run("PREPARE remove (text) AS DELETE FROM t WHERE name = $1")
    for number in range(4, 11):
        assert far.count(f"EXECUTE remove ('row {number}')") == 1
    assert far.there("SELECT min(id) FROM things WHERE id > 3") == [(11,)]


# The server has to see the rows: each is looked at here, and changed by a statement of its own.
BY_ROW = [
    ("UPDATE t SET n = n + 1 WHERE id < 4", 3),
    ("UPDATE t SET n = 1 WHERE id < 4 AND lower(name) <> 'row 2'", 2),
    ("UPDATE t SET n = 1 WHERE id < 3 RETURNING id", 2),
    ("UPDATE narrow SET price = 7 WHERE price = 0.1", 10),
    ("DELETE FROM t WHERE id < 4 AND n + 0 = 1", 3),
    ("DELETE FROM t USING parts WHERE parts.thing = t.id", 0),
]


def test_what_is_left_to_single_statements(far: Far) -> None:
    statements(far)
    for statement, rows in BY_ROW:
        assert far.count(statement) == rows, statement
        assert statements(far) == rows, statement


def test_what_explain_shows(far: Far) -> None:
    update = far.plan("UPDATE t SET n = 1 WHERE id = 5")
    assert "Foreign Update on public.t" in update
    delete = far.plan("DELETE FROM t WHERE id = 5 AND lower(name) = 'x'")
    assert "Foreign Delete" not in delete
    assert "Delete on public.t" in delete


def test_a_rollback_undoes_it(far: Far) -> None:
    far.run("BEGIN", "UPDATE t SET n = 0 WHERE n = 1", "SAVEPOINT s", "DELETE FROM t WHERE n = 0")
    assert far.run("SELECT count(*) FROM t WHERE n = 0") == [(0,)]
    far.run("ROLLBACK TO s")
    assert far.run("SELECT count(*) FROM t WHERE n = 0") == [(200,)]
    far.run("ROLLBACK")
    assert far.there("SELECT count(*) FROM things WHERE n = 0") == [(100,)]


def test_an_error_is_the_remote_one(far: Far) -> None:
    far.run("INSERT INTO parts VALUES (5, 1)")
    assert "23503 | could not delete from" in text(far.fails("DELETE FROM t WHERE id = 5"))
    assert "23505 | could not update rows of" in text(far.fails("UPDATE t SET id = 1"))
    assert far.there("SELECT count(*) FROM things WHERE id = 5") == [(1,)]


def test_a_remote_table_of_partitions(far: Far) -> None:
    far.run("INSERT INTO split SELECT i, i % 2 FROM generate_series(1, 2000) i")
    assert far.count("UPDATE split SET n = 1 WHERE id <= 100") == 100
    assert far.count("UPDATE split SET n = n - 1 WHERE n = 1 AND id <= 10") == 10
    assert far.there("SELECT count(*) FROM split1") == [(1040,)]
    far.run("ANALYZE split")
    assert far.run("SELECT reltuples FROM pg_class WHERE relname = 'split'") == [(2000.0,)]


# TRUNCATE


def test_truncate(far: Far) -> None:
    far.run("BEGIN", "TRUNCATE parts")
    assert "0A000 | could not truncate a table of" in text(far.fails("TRUNCATE t"))
    far.run("ROLLBACK")
    assert far.there("SELECT count(*) FROM things") == [(1000,)]
    far.run("INSERT INTO parts VALUES (5, 1)", "TRUNCATE t CASCADE")
    assert far.there("SELECT (SELECT count(*) FROM things), (SELECT count(*) FROM parts)") == [(0, 0)]
    assert statements(far) == 1


def test_truncate_and_the_next_number(far: Far) -> None:
    next_number = "INSERT INTO t (n) VALUES (1) RETURNING id"
    far.remote.sql("SELECT setval('things_id_seq', 41)")
    far.run("TRUNCATE t CONTINUE IDENTITY CASCADE")
    assert far.run(next_number) == [(42,)]
    far.run("BEGIN", "TRUNCATE t RESTART IDENTITY CASCADE")
    assert far.run(next_number) == [(1,)]
    far.run("ROLLBACK")
    assert far.run(next_number) == [(43,)]


# ANALYZE


def test_analyze(far: Far) -> None:
    far.run("SET default_statistics_target = 100", "ANALYZE t")
    assert far.run("SELECT reltuples FROM pg_class WHERE relname = 't'") == [(1000.0,)]
    found = dict(far.run("SELECT attname::text, n_distinct FROM pg_stats WHERE tablename = 't'"))
    assert (found["id"], found["n"]) == (-1.0, 10.0)
    histogram = (
        "SELECT histogram_bounds::text::date[] FROM pg_stats WHERE tablename = 't' AND attname = 'day'"
    )
    days = far.run(histogram)[0][0]
    assert (str(days[0]), str(days[-1])) == ("2020-01-02", "2022-09-27")


def test_analyze_of_a_part(far: Far) -> None:
    """300 rows are wanted; they lie in more pages than that, of which some are read."""
    far.remote.sql(
        "TRUNCATE things CASCADE; INSERT INTO things SELECT i, repeat('x', 1000), i % 10, NULL, i"
        " FROM generate_series(1, 8000) i"
    )
    pages = far.there("SELECT pg_relation_size('things') / 8192")[0][0]
    assert pages > 900
    far.run("SET default_statistics_target = 1", "ANALYZE t")
    rows = far.run("SELECT reltuples FROM pg_class WHERE relname = 't'")[0][0]
    # All pages hold the same number of rows, and about a third of them was read.
    assert 5000 < rows < 11000
    bounds = far.run(
        "SELECT histogram_bounds::text::int[] FROM pg_stats WHERE tablename = 't' AND attname = 'id'"
    )[0][0]
    assert bounds[0] < 1000
    assert bounds[-1] > 7000
    far.run("ANALYZE positive")
    assert far.run("SELECT reltuples FROM pg_class WHERE relname = 'positive'") == [(7200.0,)]
