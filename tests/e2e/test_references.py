"""Conversions let go of every Python object, whichever way they end.

A server error leaves the row loop by longjmp, past every destructor; what the loop held then has to
belong to somebody else.
"""

from __future__ import annotations

import time

import psycopg
import pytest

SETUP = """
    CREATE TYPE pair AS (x int, y text);
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE SERVER s FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'counted.Counted');
    CREATE SERVER l FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'counted.Live');
    CREATE FOREIGN TABLE live (n int) SERVER l;
"""

CASES = [
    ("[(Thing(), Thing())]", "a text, b text", None),
    ("[(Thing(), Thing())]", "a text, b int", "invalid input syntax for type integer"),
    ("[[Thing(), Thing()]]", "a text, b int", "invalid input syntax for type integer"),
    ("[{'a': Thing(), 'b': Thing()}]", "a text, b int", "invalid input syntax for type integer"),
    ("({'a': Thing(), 'b': Mute()} for i in range(3))", "a text, b text", "ValueError"),
    ("(Thing() for i in range(3))", "a text", "is an object of class Thing"),
    ("[Makes(), Makes()]", "a text, b text", None),
    ("[Makes(), Makes()]", "a text, b int", "invalid input syntax for type integer"),
    ("[Lists(), Lists()]", "a text, b text", None),
    ("[Lists(), Lists()]", "a text, b int", "invalid input syntax for type integer"),
    ("[([Thing(), Thing()], {Thing()})]", "a text[], b text[]", None),
    ("[([Thing(), Thing()], {Thing()})]", "a text[], b int[]", "invalid input syntax for type integer"),
    ("[([[Thing()], [Thing(), Thing()]],)]", "a text[]", "matching dimensions"),
    ("[((Thing() for i in range(9)),)]", "a int[]", "invalid input syntax for type integer"),
    ("[({'a': [{Thing('1')}]},)]", "a jsonb", "no JSON form"),
    ("[({'a': [{1}, {'b': '\\0'}], 'c': Thing()},)]", "a jsonb", "NUL"),
    ("[({'a': [{1, 2}, Makes()]},)]", "a json", "no JSON form"),
    ("[((Thing('1'), Thing('5')),)]", "a int4range", None),
    ("[((Thing('5'), Thing('1')),)]", "a int4range", "range lower bound"),
    ("[(namespace(lower=Thing('1'), upper=Thing()),)]", "a int4range", "invalid input syntax"),
    ("[([(Thing('1'), Thing('5'))],)]", "a int4multirange", None),
    ("[((Thing('1'), Thing()),)]", "a pair", None),
    ("[((Thing(), Thing()),)]", "a pair", "invalid input syntax for type integer"),
    ("[(Makes(),)]", "a pair", "invalid input syntax for type integer"),
    ("[(Thing('-1'),)]", "a positive", "violates check constraint"),
    ("[(Thing('2020-02-30'),)]", "a date", "out of range"),
    ("[(Thing('x'),)]", "a numeric", "invalid input syntax"),
]


def live(connection: psycopg.Connection) -> int:
    """How many counted objects are alive in the backend."""
    row = connection.execute("SELECT n FROM live").fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(("rows", "columns", "error"), CASES)
def test_nothing_stays_behind(
    connection: psycopg.Connection, rows: str, columns: str, error: str | None
) -> None:
    connection.execute(SETUP)
    literal = rows.replace("'", "''")
    connection.execute(f"CREATE FOREIGN TABLE t ({columns}) SERVER s OPTIONS (rows '{literal}')")
    for _ in range(20):
        if error is None:
            connection.execute("SELECT * FROM t")
        else:
            with pytest.raises(psycopg.Error, match=error):
                connection.execute("SELECT * FROM t")
    assert live(connection) == 0


def test_a_row_whose_end_never_comes_is_bounded_by_hook_timeout(connection: psycopg.Connection) -> None:
    connection.execute(SETUP)
    connection.execute(
        "CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (rows '([Clinging()] for i in (1, 2))')"
    )
    connection.execute("SET multicorn.hook_timeout = '500ms'")
    start = time.monotonic()
    with pytest.raises(psycopg.Error, match="invalid input syntax"):
        connection.execute("SELECT * FROM t")
    assert time.monotonic() - start < 10
    assert connection.execute("SELECT 1").fetchone() == (1,)
