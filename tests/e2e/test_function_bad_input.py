"""Functions that do what no function should: a clear error or no effect, and the session lives on."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

LANGUAGES = ("plpy", "python")


def main(language: str, body: str) -> str:
    """The body as each language has it."""
    return body if language == "plpy" else "def main():\n" + textwrap.indent(body, "    ")


class Session:
    """A connection that has to live on."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.pid = connection.info.backend_pid
        self.returns: dict[str, str] = {}

    def create(self, language: str, body: str, returns: str = "text", name: str = "f") -> None:
        if self.returns.setdefault(name, returns) != returns:
            self.connection.execute(f"DROP FUNCTION {name}()".encode())
            self.returns[name] = returns
        head = f"CREATE OR REPLACE FUNCTION {name}() RETURNS {returns} LANGUAGE {language}"
        self.connection.execute(f"{head} AS $fn$\n{main(language, body)}\n$fn$".encode())

    def one(self, statement: str = "SELECT f()") -> object:
        row = self.connection.execute(statement.encode()).fetchone()
        return row[0] if row else None

    def error(self, statement: str = "SELECT f()") -> str:
        """The error's text; the same backend goes on afterwards."""
        with pytest.raises(psycopg.Error) as error:
            self.connection.execute(statement.encode())
        assert self.one("SELECT pg_backend_pid()") == self.pid
        self.create("plpy", "return 'fine'", name="fine")
        assert self.one("SELECT fine()") == "fine"
        return str(error.value.diag.message_primary)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.connect() as connection:
        yield Session(connection)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import sys\nsys.exit()", "SystemExit"),
        ("exit(4)", "SystemExit: 4"),
        ("raise KeyboardInterrupt('stop')", "KeyboardInterrupt: stop"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise BaseException('base')", "BaseException: base"),
        ("raise MemoryError('none left')", "MemoryError: none left"),
        (
            "class Odd(Exception):\n    def __str__(self): 1 / 0\nraise Odd",
            "the text of this Odd is not available",
        ),
        ("raise Exception('x' * 100000)", "xxxx"),
        ("raise Exception('a\\0b')", "a"),
        ("raise Exception('\\ud800')", "ud800"),
        ("raise ExceptionGroup('several', [ValueError(1), KeyError(2)])", "several"),
        ("def f(): return f()\nreturn f()", "RecursionError"),
        ("import os\nos.fork()", "a server process must not be forked"),
        ("import os\nos.abort", "function"),
    ],
)
def test_exceptions_of_every_kind(session: Session, language: str, body: str, text: str) -> None:
    session.create(language, body)
    if body.endswith("os.abort"):
        return
    assert text in session.error()


@pytest.mark.parametrize("language", LANGUAGES)
def test_recursion_through_sql_ends(session: Session, language: str) -> None:
    body = {"plpy": "return plpy.execute('SELECT f()')", "python": "return sqleval('f()')"}[language]
    session.connection.execute("SET max_stack_depth = '1MB'")
    session.create(language, body)
    error = session.error()
    ends = ("stack depth limit exceeded", "RecursionError")
    assert any(text in error for text in ends), error


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_generator_that_raises_half_way(session: Session, language: str) -> None:
    session.create(language, "yield '1'\nyield '2'\nraise ValueError('half-way')", "SETOF text")
    for statement in ("SELECT count(*) FROM f()", "SELECT f()"):
        assert "half-way" in session.error(statement)
    assert session.connection.execute("SELECT f() LIMIT 2").fetchall() == [("1",), ("2",)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("returns", "body", "text"),
    [
        ("int", "return 'x'", "invalid input syntax"),
        ("int", "return 10 ** 100", "out of range"),
        ("int[]", "return [1, [2]]", "dimensions"),
        ("int", "return object()", ""),
        ("void", "return 5", "did not return None"),
        ("SETOF int", "return 5", "cannot be iterated"),
        ("TABLE (a int, b int)", "return [(1, 2, 3)]", ""),
        ("TABLE (a int, b int)", "return [5]", ""),
        ("date", "return 'no date'", "invalid input syntax for type date"),
        ("text", "class A:\n    def __str__(self): raise KeyError('no text')\nreturn A()", "no text"),
        ("text", "class A:\n    def __str__(self): return 5\nreturn A()", "__str__ returned non-string"),
    ],
)
def test_results_of_the_wrong_kind(
    session: Session, language: str, returns: str, body: str, text: str
) -> None:
    session.create(language, body, returns)
    assert text in session.error("SELECT * FROM f()")


@pytest.mark.parametrize("language", LANGUAGES)
def test_results_too_large(session: Session, language: str) -> None:
    session.create(language, "return 'x' * (2 ** 30 + 10)")
    assert session.error() != ""
    session.create(language, "return b'x' * (2 ** 30)", "bytea")
    assert session.error() != ""
    session.create(language, "return [1] * (2 ** 28)", "int8[]")
    assert session.error() != ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_function_that_replaces_or_drops_itself_runs_to_its_end(session: Session, language: str) -> None:
    runs = {"plpy": "plpy.execute({!r})", "python": "prepare({!r})()"}[language]
    other = main(language, "return 'second'")
    replace = f"CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE {language} AS $x$\n{other}\n$x$"
    session.create(language, runs.format(replace) + "\nreturn 'first'")
    assert session.one() == "first"
    assert session.one() == "second"
    session.create(language, runs.format("DROP FUNCTION f()") + "\nreturn 'dropped'")
    assert session.one() == "dropped"
    assert "does not exist" in session.error()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_set_that_replaces_its_function_runs_to_its_end(session: Session, language: str) -> None:
    runs = {"plpy": "plpy.execute({!r})", "python": "prepare({!r})()"}[language]
    other = main(language, "return ['second']")
    replace = f"CREATE OR REPLACE FUNCTION f() RETURNS SETOF text LANGUAGE {language} AS $x$\n{other}\n$x$"
    session.create(language, f"yield 'a'\n{runs.format(replace)}\nyield 'b'", "SETOF text")
    assert session.connection.execute("SELECT f()").fetchall() == [("a",), ("b",)]
    assert session.connection.execute("SELECT f()").fetchall() == [("second",)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_threads_that_are_left_running_do_no_harm(session: Session, language: str) -> None:
    asks = {"plpy": "plpy.execute('SELECT 1')", "python": "prepare('SELECT 1')()"}[language]
    session.create(
        language,
        f"""\
import threading, time
heard = []
def work():
    try:
        {asks}
    except BaseException as error:
        heard.append(type(error).__name__)
    time.sleep(0.05)
thread = threading.Thread(target=work, daemon=True)
thread.start()
time.sleep(0.02)
return ",".join(heard)
""",
    )
    assert session.one() == "RuntimeError"
    for _ in range(20):
        assert session.one() == "RuntimeError"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_belongs_to_the_server_outlives_its_function_harmlessly(session: Session, language: str) -> None:
    """Rows, plans and cursors kept in a global, and used after their transaction."""
    if language == "plpy":
        keeps = "GD['kept'] = plpy.execute('SELECT generate_series(1, 9) g'), plpy.cursor('SELECT 1'),"
        keeps += " plpy.prepare('SELECT 1 AS one'), plpy.subtransaction()\nreturn 'kept'"
        uses = (
            "rows, cursor, plan, subtransaction = GD['kept']\n"
            "said = [len([r for r in rows]), plan.execute()[0]['one']]\n"
            "leave = lambda: subtransaction.exit(None, None, None)\n"
            "for use in (cursor.close, lambda: next(cursor), leave):\n"
            "    try: said.append(use())\n"
            "    except ValueError as error: said.append(str(error))\n"
            "return repr(said)"
        )
    else:
        keeps = "import builtins\nbuiltins.kept = prepare('SELECT 1'), list(prepare('SELECT 2').rows())\n"
        keeps += "return 'kept'"
        uses = "plan, rows = kept\nreturn repr([int(plan.first()), [int(row[0]) for row in rows]])"
    session.create(language, keeps)
    session.create(language, uses, name="g")
    assert session.one() == "kept"
    expected = {
        "plpy": "[9, 1, 'closing a cursor in an aborted subtransaction', 'iterating a closed cursor',"
        " 'this subtransaction has not been entered']",
        "python": "[1, [2]]",
    }[language]
    assert session.one("SELECT g()") == expected
    assert session.one("SELECT g()").__class__ is str


def test_forged_and_deleted_names_change_nothing(session: Session) -> None:
    session.create("plpy", "global plpy, SD\nplpy = None\nSD = 5\nreturn 'set'")
    assert session.one() == "set"
    session.create("plpy", "return plpy.execute('SELECT 1')[0]['?column?']", "int")
    assert session.one() == 1
    session.create(
        "plpy",
        "import sys\nfor name in list(sys.modules):\n    if 'plpy' in name:\n"
        "        del sys.modules[name]\nreturn 'removed'",
    )
    assert session.one() == "removed"
    session.create("plpy", "return plpy.execute('SELECT 2 AS n')[0]['n']", "int")
    assert session.one() == 2
    session.create("plpy", "import plpy\nplpy.execute = None\nreturn 'lost'")
    assert session.one() == "lost"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_body_that_is_none_is_refused(session: Session, language: str) -> None:
    for body in ("return (", "def f(:", "\x01", "return 'é'\nbreak outside"):
        with pytest.raises(psycopg.Error, match="could not compile"):
            session.create(language, body)
    session.connection.execute("SET check_function_bodies = off")
    session.create(language, "return (")
    assert "could not compile" in session.error()


def test_only_superusers_create_functions(session: Session) -> None:
    session.connection.execute("CREATE ROLE bad_input_user; SET ROLE bad_input_user")
    try:
        for language in LANGUAGES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.create(language, "return '1'")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.connection.execute(f"DO LANGUAGE {language} 'pass'".encode())
    finally:
        session.connection.execute("RESET ROLE; DROP ROLE bad_input_user")
