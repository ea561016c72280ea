"""FilesystemFdw in a server: what it writes follows the transaction, and one transaction writes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conftest import Database


@pytest.fixture
def notes(database: Database) -> Iterator[Path]:
    """The directory of the table `notes`, which the server may write."""
    root = Path(database.cluster.sql("SELECT current_setting('data_directory')").strip()) / "notes"
    database.sql(
        f"""
        CREATE SERVER files FOREIGN DATA WRAPPER multicorn
            OPTIONS (wrapper 'multicorn.fsfdw.FilesystemFdw', root_dir '{root}');
        CREATE FOREIGN TABLE notes (topic text, number int, body text, path text) SERVER files
            OPTIONS (pattern '{{topic}}/{{number:d}}.txt', content_column 'body', filename_column 'path');
        COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; mkdir {root}';
        """
    )
    yield root
    database.sql(f"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -r {root}'")


def contents(database: Database) -> list[tuple[object, ...]]:
    with database.connect() as connection:
        return connection.execute("SELECT path, body FROM notes ORDER BY path").fetchall()


@pytest.mark.usefixtures("notes")
def test_writes_follow_the_transaction(database: Database) -> None:
    with database.connect() as connection:
        run = connection.execute
        assert run("INSERT INTO notes VALUES ('a', 1, 'one'), ('b', 2, 'two') RETURNING path").fetchall() == [
            ("a/1.txt",),
            ("b/2.txt",),
        ]
        run("BEGIN; INSERT INTO notes VALUES ('c', 3, 'three'); UPDATE notes SET body = 'x'")
        # Its own writes are seen by it alone.
        assert len(run("SELECT * FROM notes WHERE body = 'x'").fetchall()) == 3
        assert contents(database) == [("a/1.txt", "one"), ("b/2.txt", "two")]
        run("ROLLBACK")
        assert contents(database) == [("a/1.txt", "one"), ("b/2.txt", "two")]
        run("BEGIN; UPDATE notes SET number = 9 WHERE topic = 'a'; SAVEPOINT s; DELETE FROM notes")
        run("ROLLBACK TO s; COMMIT")
        assert contents(database) == [("a/9.txt", "one"), ("b/2.txt", "two")]
        with pytest.raises(psycopg.Error, match="exists already"):
            run("INSERT INTO notes VALUES ('z', 1, 'new'), ('b', 2, 'again')")
        assert contents(database) == [("a/9.txt", "one"), ("b/2.txt", "two")]
        assert run("DELETE FROM notes RETURNING topic").fetchall() == [("a",), ("b",)]
        assert contents(database) == []


def test_a_write_that_cannot_be_done_aborts_the_commit(database: Database, notes: Path) -> None:
    database.sql(
        f"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; touch {notes}/file'; CREATE TABLE local (n int)"
    )
    with database.connect() as connection:
        connection.execute("BEGIN; INSERT INTO local VALUES (1); INSERT INTO notes VALUES ('file', 1, 'x')")
        with pytest.raises(psycopg.Error, match="could not write below"):
            connection.execute("COMMIT")
        assert connection.execute("SELECT count(*) FROM local").fetchone() == (0,)
        connection.execute("INSERT INTO notes VALUES ('good', 1, 'x')")
    assert contents(database) == [("good/1.txt", "x")]


@pytest.mark.usefixtures("notes")
def test_one_transaction_writes_at_a_time(database: Database) -> None:
    with database.connect() as first, database.connect() as second:
        first.execute("BEGIN; INSERT INTO notes VALUES ('a', 1, 'first')")
        second.execute("SET statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            second.execute("INSERT INTO notes VALUES ('a', 2, 'second')")
        # Who waited is let in as soon as the first is done.
        first.execute("COMMIT")
        second.execute("SET statement_timeout = 0; INSERT INTO notes VALUES ('a', 2, 'second')")
    assert contents(database) == [("a/1.txt", "first"), ("a/2.txt", "second")]


@pytest.mark.usefixtures("notes")
def test_files_can_be_analyzed(database: Database) -> None:
    database.sql("INSERT INTO notes SELECT 't' || i % 3, i, 'x' FROM generate_series(1, 30) i; ANALYZE notes")
    with database.connect() as connection:
        said: list[str] = []
        connection.add_notice_handler(lambda message: said.append(message.message_primary or ""))
        connection.execute("ANALYZE VERBOSE notes")
    assert '"notes": table contains 30 rows; 30 rows in sample' in said
    found = database.sql(
        "SELECT attname, n_distinct FROM pg_stats WHERE tablename = 'notes' AND attname IN ('topic', 'path')"
        " ORDER BY 1"
    )
    assert found.split() == ["path|-1", "topic|3"]
