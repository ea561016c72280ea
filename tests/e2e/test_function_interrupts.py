"""Cancel, timeout and terminate end functions of both languages, whatever they do and wherever they do it."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from running import signal_soon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

LANGUAGES = ("plpy", "python")
WAYS = {
    "timeout": ("57014", "canceling statement due to statement timeout"),
    "pg_cancel_backend": ("57014", "canceling statement due to user request"),
    "pg_terminate_backend": ("57P01", "terminating connection due to administrator command"),
}
# Seconds; three tries, since a machine may be busy with something else.
LIMIT = 0.1
ATTEMPTS = 3

# Each would go on for ever, or for a minute.
SERIES = "SELECT generate_series(1, 1000000)"
SWALLOWS = "while True:\n    try:\n        {}\n    except Exception:\n        pass"
LOOP = "while True:\n    pass"
BODIES = {
    "loop": LOOP,
    "sleep": "import time\ntime.sleep(60)",
    "except Exception": "import time\nwhile True:\n    try:\n        time.sleep(60)\n"
    "    except Exception:\n        pass",
    "generator": "sum(1 for _ in iter(int, 1))",
    "sql": {
        "plpy": "plpy.execute('SELECT pg_sleep(60)')",
        "python": "sqleval('pg_sleep(60)::text')",
    },
    "sql, caught": {
        "plpy": "while True:\n    try:\n        plpy.execute('SELECT pg_sleep(60)')\n"
        "    except Exception:\n        pass",
        "python": "while True:\n    try:\n        with xact():\n            sqleval('pg_sleep(60)::text')\n"
        "    except Exception:\n        pass",
    },
    "many statements": {
        "plpy": "while True:\n    plpy.execute('SELECT 1')",
        "python": "one = prepare('SELECT 1')\nwhile True:\n    one.first()",
    },
    "subtransaction": {
        "plpy": "with plpy.subtransaction():\n    while True:\n        pass",
        "python": "with xact():\n    while True:\n        pass",
    },
    "subtransactions": {
        "plpy": "while True:\n    with plpy.subtransaction():\n        plpy.execute('SELECT 1')",
        "python": "while True:\n    with xact():\n        sqleval('1')",
    },
    "cursor": {
        "plpy": f"while True:\n    for row in plpy.cursor('{SERIES}'):\n        pass",
        "python": f"while True:\n    for row in prepare('{SERIES}').rows():\n        pass",
    },
    "inner function": "def forever():\n    while True:\n        pass\nclass Holder:\n"
    "    def __enter__(self): return self\n    def __exit__(self, *error): return False\n"
    "with Holder():\n    forever()",
}


def body_in(language: str, body: str | dict[str, str]) -> str:
    return body if isinstance(body, str) else body[language]


def create(language: str, name: str, body: str, returns: str = "text") -> str:
    """The function, as each language writes one."""
    if language == "python":
        body = "def main():\n" + textwrap.indent(body, "    ")
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS {returns} LANGUAGE {language} AS $fn$\n{body}\n$fn$"


def fails(connection: psycopg.Connection, statement: str) -> psycopg.errors.Diagnostic:
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.diag
    message = "no error"
    raise AssertionError(message)


def seconds_to_end(database: Database, way: str, statement: str) -> float:
    """Interrupt the statement, and return how long it lived on; checks error and session."""
    with database.connect() as connection:
        connection.execute("SELECT warm()")
        if way == "timeout":
            connection.execute("SET statement_timeout = 100")
            start = time.monotonic() + 0.1
            diag = fails(connection, statement)
            taken = time.monotonic() - start
            connection.execute("SET statement_timeout = 0")
        else:
            with signal_soon(database.conninfo, way, connection.info.backend_pid) as when:
                diag = fails(connection, statement)
                end = time.monotonic()
            taken = end - when[0]
        assert (diag.sqlstate, diag.message_primary) == WAYS[way]
        if way != "pg_terminate_backend":
            assert connection.execute("SELECT warm()").fetchone() == ("warm",)
            assert connection.execute("SELECT count(*) FROM pg_cursors WHERE name <> ''").fetchone() == (0,)
    return taken


def ends_in_time(database: Database, way: str, statement: str) -> None:
    taken: list[float] = []
    while len(taken) < ATTEMPTS and min(taken, default=LIMIT) >= LIMIT:
        taken.append(seconds_to_end(database, way, statement))
    assert min(taken) < LIMIT


@pytest.fixture
def prepared(database: Database) -> Iterator[Database]:
    database.sql(create("plpy", "warm", "plpy.execute('SELECT 1')\nreturn 'warm'"))
    return database


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("way", WAYS)
def test_a_function_ends(prepared: Database, language: str, name: str, way: str) -> None:
    prepared.sql(create(language, "f", body_in(language, BODIES[name])))
    ends_in_time(prepared, way, "SELECT f()")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", WAYS)
def test_a_block_ends(prepared: Database, language: str, way: str) -> None:
    ends_in_time(prepared, way, f"DO LANGUAGE {language} $${LOOP}$$")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("statement", ["SELECT f()", "SELECT count(*) FROM f()", "SELECT f() LIMIT 5"])
def test_a_set_ends(prepared: Database, language: str, statement: str) -> None:
    body = "yield '1'\nwhile True:\n    pass"
    prepared.sql(create(language, "f", body, "SETOF text"))
    for way in WAYS:
        ends_in_time(prepared, way, statement)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_set_without_an_end_ends(prepared: Database, language: str) -> None:
    prepared.sql(create(language, "f", "while True:\n    yield '1'", "SETOF text"))
    ends_in_time(prepared, "timeout", "SELECT count(*) FROM f()")
    prepared.sql(create(language, "f", "import itertools\nreturn itertools.repeat('1')", "SETOF text"))
    ends_in_time(prepared, "pg_cancel_backend", "SELECT count(*) FROM f()")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", WAYS)
def test_a_trigger_ends(prepared: Database, language: str, way: str) -> None:
    body = LOOP if language == "plpy" else "def before_insert(td, new):\n" + textwrap.indent(LOOP, "    ")
    prepared.sql(
        f"""
        CREATE TABLE t (id int);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE {language} AS $fn$\n{body}\n$fn$;
        CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
        """
    )
    ends_in_time(prepared, way, "INSERT INTO t VALUES (1)")


@pytest.mark.parametrize("inner", LANGUAGES)
@pytest.mark.parametrize("outer", LANGUAGES)
@pytest.mark.parametrize("way", WAYS)
def test_nested_functions_end_though_each_catches_exceptions(
    prepared: Database, outer: str, inner: str, way: str
) -> None:
    calls = {
        "plpy": SWALLOWS.format("plpy.execute('SELECT g()')"),
        "python": "while True:\n    try:\n        with xact():\n            sqleval('g()')\n"
        "    except Exception:\n        pass",
    }
    swallows = (
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass"
    )
    prepared.sql(create(inner, "g", swallows))
    prepared.sql(create(outer, "f", calls[outer]))
    ends_in_time(prepared, way, "SELECT f()")


@pytest.mark.parametrize("language", LANGUAGES)
def test_finally_blocks_run_and_may_write_nothing_that_stays(prepared: Database, language: str) -> None:
    body = {
        "plpy": "try:\n    with plpy.subtransaction():\n        plpy.execute('INSERT INTO t VALUES (1)')\n"
        "        while True:\n            pass\nfinally:\n    plpy.warning('finally')",
        "python": "import Postgres\ntry:\n    with xact():\n        prepare('INSERT INTO t VALUES (1)')()\n"
        "        while True:\n            pass\nfinally:\n    Postgres.WARNING('finally')",
    }
    prepared.sql("CREATE TABLE t (id int)")
    prepared.sql(create(language, "f", body[language]))
    heard: list[str | None] = []
    with prepared.connect() as connection:
        connection.add_notice_handler(lambda diag: heard.append(diag.message_primary))
        connection.execute("SELECT warm()")
        connection.execute("SET statement_timeout = 100")
        assert fails(connection, "SELECT f()").sqlstate == "57014"
        assert heard == ["finally"]
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_procedure_ends_and_what_it_committed_stays(prepared: Database, language: str) -> None:
    body = {
        "plpy": "plpy.execute('INSERT INTO t VALUES (1)')\nplpy.commit()\n"
        "plpy.execute('INSERT INTO t VALUES (2)')\nwhile True:\n    pass",
        "python": "import Postgres\nprepare('INSERT INTO t VALUES (1)')()\nPostgres.commit()\n"
        "prepare('INSERT INTO t VALUES (2)')()\nwhile True:\n    pass",
    }[language]
    if language == "python":
        body = "def main():\n" + textwrap.indent(body, "    ")
    prepared.sql("CREATE TABLE t (id int)")
    prepared.sql(f"CREATE PROCEDURE p() LANGUAGE {language} AS $fn$\n{body}\n$fn$")
    with prepared.connect() as connection:
        connection.execute("SELECT warm()")
        connection.execute("SET statement_timeout = 100")
        assert fails(connection, "CALL p()").sqlstate == "57014"
        assert connection.execute("SELECT id FROM t").fetchall() == [(1,)]
