"""Foreign tables, python, plpy and plpython3u inside one another, in any order.

Each writes a row, then calls the next by SQL. An error is raised at each depth and caught at each depth above
it, or not at all: what was written below the catcher is undone, what was written above it stays, and the
session goes on.
"""

from __future__ import annotations

import itertools
import textwrap
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

LANGUAGES = ("python", "plpy", "plpython3u", "fdw")

PLAIN = """
own, _, rest = plan.partition(" ")
name, does = own.split(":")
plpy.execute(plpy.prepare("INSERT INTO public.log (entry) VALUES ($1)", ["text"]), [name])
if does == "value":
    raise ValueError(name)
if does == "server":
    plpy.execute("SELECT 1 / 0")
if not rest:
    return name
following = rest.partition(":")[0]
query = plpy.prepare("SELECT public.step_%s($1) AS result" % following, ["text"])
if does == "catch":
    try:
        return name + ">" + query.execute([rest])[0]["result"]
    except Exception as error:
        return name + " caught " + type(error).__mro__[1].__name__
return name + ">" + query.execute([rest])[0]["result"]
"""

SET_UP = f"""
CREATE TABLE log (entry text);
CREATE SERVER nested FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'nested.Step');
CREATE FOREIGN TABLE steps (plan text, result text) SERVER nested;
CREATE FUNCTION step_fdw(wanted text) RETURNS text LANGUAGE sql AS
    'SELECT result FROM public.steps WHERE plan = wanted';
CREATE FUNCTION step_plpy(plan text) RETURNS text LANGUAGE plpy AS $$ {PLAIN} $$;
CREATE FUNCTION step_plpython3u(plan text) RETURNS text LANGUAGE plpython3u AS $$ {PLAIN} $$;
CREATE FUNCTION step_python(plan text) RETURNS text LANGUAGE python AS $$
def main(plan):
    own, _, rest = str(plan).partition(" ")
    name, does = own.split(":")
    prepare("INSERT INTO public.log (entry) VALUES ($1)")(name)
    if does == "value":
        raise ValueError(name)
    if does == "server":
        sqleval("1 / 0")
    if not rest:
        return name
    following = rest.partition(":")[0]
    def call():
        return name + ">" + str(prepare(f"SELECT public.step_{{following}}($1)").first(rest))
    if does == "catch":
        try:
            with xact():
                return call()
        except Exception as error:
            return name + " caught"
    return call()
$$;
"""


@pytest.fixture
def nested(database: Database) -> Iterator[psycopg.Connection]:
    database.sql("CREATE EXTENSION plpython3u")
    database.sql(SET_UP)
    with database.connect() as connection:
        yield connection


def plan(order: tuple[str, ...], raised: int, kind: str, caught: int | None) -> str:
    """What each depth shall do."""
    does = ["call"] * len(order)
    does[raised] = kind
    if caught is not None:
        does[caught] = "catch"
    return " ".join(f"{language}:{action}" for language, action in zip(order, does, strict=True))


def entries(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("DELETE FROM log RETURNING entry").fetchall()
    return [row[0] for row in rows]


def call(connection: psycopg.Connection, first: str, text: str) -> str:
    row = connection.execute(f"SELECT step_{first}(%s)".encode(), [text]).fetchone()
    assert row is not None
    return row[0]


def check(connection: psycopg.Connection, order: tuple[str, ...]) -> None:
    """Every place of an error and of its catcher, for one order."""
    whole = " ".join(f"{language}:call" for language in order)
    for raised in range(len(order)):
        for kind in ("value", "server"):
            for caught in (None, *range(raised)):
                text = plan(order, raised, kind, caught)
                if caught is None:
                    with pytest.raises(psycopg.Error) as error:
                        call(connection, order[0], text)
                    words = order[raised] if kind == "value" else "division by zero"
                    assert words in str(error.value), text
                    assert entries(connection) == []
                else:
                    result = call(connection, order[0], text)
                    assert f"{order[caught]} caught" in result, text
                    assert result.startswith("".join(f"{one}>" for one in order[:caught])), text
                    assert entries(connection) == list(order[: caught + 1]), text
    assert call(connection, order[0], whole) == ">".join(order)
    assert entries(connection) == list(order)


@pytest.mark.needs("plpython3u")
@pytest.mark.parametrize("first", LANGUAGES)
def test_every_order_of_the_four(nested: psycopg.Connection, first: str) -> None:
    for order in itertools.permutations(LANGUAGES):
        if order[0] == first:
            check(nested, order)
    state = nested.execute("SELECT current_user = session_user, current_setting('search_path')").fetchone()
    assert state == (True, '"$user", public')


@pytest.mark.needs("plpython3u")
def test_a_language_inside_itself(nested: psycopg.Connection) -> None:
    for language in LANGUAGES:
        check(nested, (language,) * 3)


@pytest.mark.needs("plpython3u")
def test_a_trigger_writes_to_a_foreign_table_whose_class_calls_a_function(
    nested: psycopg.Connection,
) -> None:
    nested.execute(
        textwrap.dedent("""
        CREATE TABLE watched (id int);
        CREATE FUNCTION watch() RETURNS trigger LANGUAGE python AS $$
        insert = prepare("INSERT INTO calls (plan) VALUES ($1)")
        def after_insert(td, new):
            insert(str(new["id"]))
        $$;
        CREATE TRIGGER watch AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION watch();
        CREATE SERVER caller FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'nested_write.Caller');
        CREATE FOREIGN TABLE calls (plan text) SERVER caller;
        CREATE FUNCTION noted(what text) RETURNS text LANGUAGE plpy AS $$
        plpy.execute("INSERT INTO public.log VALUES (%s)" % plpy.quote_literal(what))
        return 1 // (5 - int(what))
        $$;
        """).encode()
    )
    nested.execute("INSERT INTO watched VALUES (1), (2)")
    assert entries(nested) == ["1", "2"]
    with pytest.raises(psycopg.Error, match="ZeroDivisionError"):
        nested.execute("INSERT INTO watched VALUES (3), (5)")
    assert entries(nested) == []
    nested.execute("BEGIN; INSERT INTO watched VALUES (6); SAVEPOINT s")
    with pytest.raises(psycopg.Error, match="ZeroDivisionError"):
        nested.execute("INSERT INTO watched VALUES (5)")
    nested.execute("ROLLBACK TO s; INSERT INTO watched VALUES (7); COMMIT")
    assert entries(nested) == ["6", "7"]
    rows = nested.execute("SELECT id FROM watched ORDER BY id").fetchall()
    assert rows == [(1,), (2,), (6,), (7,)]


@pytest.mark.needs("plpython3u")
def test_one_module_of_the_user_serves_both_languages(database: Database) -> None:
    database.sql("CREATE EXTENSION plpython3u")
    body = """
    import user_of_plpy
    return user_of_plpy.count()
    """
    with database.connect() as connection:
        for language in ("plpython3u", "plpy"):
            connection.execute(
                f"CREATE FUNCTION by_{language}() RETURNS text LANGUAGE {language} AS $${body}$$"
            )
        for order in (("plpython3u", "plpy"), ("plpy", "plpython3u")):
            for language in order:
                row = connection.execute(f"SELECT by_{language}()").fetchone()
                assert row == ("1 row, caught SPIError",)
