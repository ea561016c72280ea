"""What SqlAlchemyFdw has a remote database check gives the rows that the local server would choose.

Each condition is asked of a foreign table and of a local copy of its rows, with its value written out and
as a parameter that the plan does not know.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from far import Far, far_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Database

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
REMOTE = """
CREATE TYPE pair AS (a int, b int);
CREATE TABLE odd (
    id int PRIMARY KEY, t text, v text, i bigint, n numeric, m numeric, f float8, r real, d date, s timestamp,
    z timestamptz, y bool, b bytea, u uuid, c pair, w char(5), k smallint
);
INSERT INTO odd VALUES
    (1, 'abc', 'abc', 1, 1.5, 0.149, 0.1, 0.1, '2020-01-01', '2020-01-01 10:00:00.4', '2020-01-01Z', true,
        '\\x', '00000000-0000-0000-0000-000000000001', (1, 2), 'ab', 1),
    (2, 'ABC', 'abc  ', 2, 'NaN', 0.151, 'NaN', 'NaN', 'infinity', 'infinity', '-infinity', false,
        '\\x00ff', 'ffffffff-ffff-ffff-ffff-ffffffffffff', (NULL, NULL), 'abc', 2),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (4, 'a%_\\c', 'ab', -5, 1.50, 0.15, 'Infinity', 1e-30, '0044-03-15 BC', '2020-01-01 09:59:59.6',
        '2020-06-01 12:00+02', true, '\\x00', '00000000-0000-0000-0000-000000000001', (1, NULL), '', 32767),
    (5, 'été ☃', 'abd', 9223372036854775807, 123456789012345678901234567890.5, 12.25, -0.0, 3.4e38,
        '9999-12-31', '2020-01-01 10:00:00.5', '2020-01-01 00:00:00.000001Z', false, '\\x01',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', (2, 2), 'abc', -1),
    (6, 'abc ', 'a', 0, '-Infinity', 0, 5e-324, -1, '2020-01-02', '2021-01-01', '2021-01-01Z', NULL,
        '\\x00ff00', NULL, (0, 0), 'x', 0),
    (7, '', '', -9223372036854775808, 0, -0.15, 1e300, 0, '1970-01-01', '0001-01-01', '1970-01-01Z', true,
        '\\xff', 'ffffffff-ffff-ffff-ffff-fffffffffffe', (NULL, 1), 'abcde', -32768);
"""
COLUMNS = """id int, t text, v varchar(3), i bigint, n numeric, m numeric(5, 1), f float8, r real, d date,
    s timestamp(0), z timestamptz, y bool, b bytea, u uuid, c text, w char(5), k int"""
TEXTS = ["abc", "ABC", "", "a%_\\c", "été ☃", "abc ", "nothing", "abc  ", "ab", "abcd"]
# Column, its type, and values to compare it with.
VALUES: list[tuple[str, str, list[str]]] = [
    ("t", "text", TEXTS),
    ("t", "name", ["abc", "été ☃"]),
    ("v", "text", TEXTS),
    ("i", "bigint", ["1", "-5", "9223372036854775807", "-9223372036854775808"]),
    ("k", "bigint", ["1", "40000", "-32768", "9223372036854775807"]),
    ("k", "numeric", ["1", "1.0", "1.5"]),
    (
        "n",
        "numeric",
        ["1.5", "NaN", "Infinity", "-Infinity", "0", "123456789012345678901234567890.5", "1e400"],
    ),
    ("m", "numeric", ["0.1", "0.2", "0.15", "12.3", "NaN", "0"]),
    ("f", "float8", ["0.1", "NaN", "Infinity", "0", "5e-324", "1e300"]),
    ("f", "float4", ["0.1", "Infinity", "0"]),
    ("f", "numeric", ["0.1", "NaN"]),
    ("r", "real", ["0.1", "1e-30", "NaN", "3.4e38"]),
    ("d", "date", ["2020-01-01", "infinity", "0044-03-15 BC", "9999-12-31", "0001-01-01"]),
    ("d", "timestamp", ["2020-01-01 10:00", "2020-01-01", "infinity"]),
    ("d", "timestamptz", ["2020-01-01 00:00+00", "2019-12-31 23:00-03"]),
    ("s", "timestamp", ["2020-01-01 10:00:00", "infinity", "2020-01-01 10:00:01"]),
    ("s", "date", ["2021-01-01"]),
    ("z", "timestamptz", ["2020-01-01Z", "2020-01-01 00:00:00.000001Z", "-infinity", "1970-01-01Z"]),
    ("z", "date", ["2020-01-01", "2020-06-01"]),
    ("y", "bool", ["true", "false"]),
    ("b", "bytea", ["\\x", "\\x00ff", "\\x00", "\\xff"]),
    ("u", "uuid", ["00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
    ("c", "text", ["(1,2)", "(,)"]),
    ("w", "char(5)", ["ab", "abc", "abc  "]),
]
PLAIN = [
    *(f"{column} IS {word}NULL" for column in "tvinmfrdszybucwk" for word in ("", "NOT ")),
    "y",
    "NOT y",
    *(f"y IS {word}{truth}" for word in ("", "NOT ") for truth in ("TRUE", "FALSE", "UNKNOWN")),
    "t IN ('abc', 'ABC', NULL)",
    "t <> ALL ('{abc,nothing}')",
    "t <> ALL ('{abc,NULL}')",
    "v IN ('abc', 'ab')",
    "v IN ('a', 'ab')",
    "i > ANY ('{0,5}')",
    "i = ALL ('{}')",
    "n IN ('NaN', 1.5)",
    "n = ANY (ARRAY[1.5, 'NaN', 'Infinity'])",
    "id = ANY (ARRAY(SELECT generate_series(1, 5000, 2)))",
    "id <> ALL (ARRAY(SELECT generate_series(1, 5000, 2)))",
    "t ~~* 'AB%'",
    "t ILIKE 'É%'",
]
PATTERNS = ["abc", "a%", "%c", "a\\%\\_%", "_bc", "é__ ☃", "", "%", "abc%", "%b%", "ab\\c"]


def conditions(
    values: list[tuple[str, str, list[str]]], texts: tuple[str, ...]
) -> Iterator[tuple[str, str, Any]]:
    """Conditions with `{}` for the value, its type, and the value."""
    for column, kind, found in values:
        for value in found:
            for operator in COMPARISONS:
                yield f"{column} {operator} {{}}", kind, value
        if kind in {"char(5)", "name"}:
            continue
        for operator, word in (("=", "ANY"), ("<>", "ALL"), ("<", "ANY"), (">=", "ALL")):
            for items in ([], [*found, None], [found[0]] * 1500):
                yield f"{column} {operator} {word} ({{}})", f"{kind}[]", items
    for column in texts:
        for pattern in PATTERNS:
            for operator in ("LIKE", "NOT LIKE", "ILIKE"):
                yield f"{column} {operator} {{}}", "text", pattern


def check(connection: psycopg.Connection, asked: list[tuple[str, str, Any]], plain: list[str]) -> None:
    """Compare the foreign table `odd` with its copy `same`."""
    connection.execute("SET plan_cache_mode = force_generic_plan; SET jit = off")
    for condition, kind, value in asked:
        for written in (True, False):
            same, odd = (
                ids(connection, table, condition, kind, value, written=written) for table in ("same", "odd")
            )
            assert odd == same, (condition, kind, value, "written" if written else "parameter")
    for condition in plain:
        same, odd = (
            connection.execute(f"SELECT id FROM {table} WHERE {condition} ORDER BY id").fetchall()  # type: ignore[arg-type]
            for table in ("same", "odd")
        )
        assert odd == same, condition


def ids(
    connection: psycopg.Connection, table: str, condition: str, kind: str, value: Any, *, written: bool
) -> list[Any]:
    """The rows that a table has for one condition."""
    if written:
        literal = psycopg.sql.Literal(value).as_string(connection)
        query = condition.format(f"{literal}::{kind}")
        return connection.execute(f"SELECT id FROM {table} WHERE {query} ORDER BY id").fetchall()  # type: ignore[arg-type]
    # The type in the name keeps the statement apart from others of the same text.
    query = f"SELECT id FROM {table} WHERE {condition.format('%s::' + kind)} ORDER BY id"
    return connection.execute(query, [value], prepare=True).fetchall()  # type: ignore[arg-type]


@pytest.fixture
def far(database: Database) -> Iterator[Far]:
    with far_database(database, REMOTE) as remote:
        database.sql(
            f"CREATE FOREIGN TABLE odd ({COLUMNS}) SERVER far OPTIONS (tablename 'odd');"
            "CREATE TABLE same AS TABLE odd;"
        )
        with database.connect() as connection:
            yield Far(connection, remote)


def test_postgresql(far: Far) -> None:
    check(far.connection, list(conditions(VALUES, ("t", "v"))), PLAIN)


def test_another_time_zone(far: Far) -> None:
    """A date is compared with a moment by the session's zone, which is not the remote session's."""
    far.run("SET TimeZone = 'Pacific/Auckland'")
    some = [each for each in VALUES if each[0] in "dsz"]
    check(far.connection, list(conditions(some, ())), [])


FOLDED = """
CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE odd (id int PRIMARY KEY, t text COLLATE folding, v varchar(10) COLLATE folding);
CREATE UNIQUE INDEX ON odd (t, id);
"""
CITEXT = """
CREATE EXTENSION citext;
CREATE TABLE odd (id int PRIMARY KEY, t citext, v citext);
"""
CASES = """
INSERT INTO odd VALUES (1, 'abc', 'abc'), (2, 'ABC', 'ABC'), (3, NULL, NULL), (4, 'été ☃', 'ab');
INSERT INTO odd VALUES (5, 'a%_\\c', ''), (6, 'Abd', 'ABC ');
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(FOLDED, id="collation"),
        pytest.param(CITEXT, id="citext", marks=pytest.mark.needs("citext")),
    ],
)
def test_remote_texts_that_ignore_case(database: Database, script: str) -> None:
    """Here they do not: what the remote column takes for equal is not the question."""
    if script == FOLDED and not has_icu(database):
        pytest.skip("this PostgreSQL lacks ICU")
    with far_database(database, script + CASES), database.connect() as connection:
        connection.execute(
            "CREATE FOREIGN TABLE odd (id int, t text, v varchar(10)) SERVER far OPTIONS (tablename 'odd');"
            "CREATE TABLE same AS TABLE odd"
        )
        asked = list(conditions([("t", "text", TEXTS), ("v", "text", TEXTS)], ("t", "v")))
        check(connection, asked, ["t IN ('abc', 'x')", "t <> ALL ('{abc,x}')"])
        query = 'SELECT id FROM {} ORDER BY t COLLATE "C", id'
        same, odd = (connection.execute(query.format(table)).fetchall() for table in ("same", "odd"))  # type: ignore[arg-type]
        assert odd == same


def has_icu(database: Database) -> bool:
    # One of them is in the catalogue of every build, from PostgreSQL 16 on.
    query = "SELECT count(*) > 0 FROM pg_collation WHERE collname LIKE '%-x-icu'"
    return database.sql(query).strip() == "t"


SQLITE = """
CREATE TABLE odd (
    id INTEGER PRIMARY KEY, t TEXT, v VARCHAR(9) COLLATE NOCASE, i BIGINT, n NUMERIC, m DECIMAL(9, 3),
    f DOUBLE, r REAL, d DATE, s TIMESTAMP, y BOOLEAN, b BLOB, k INT
);
INSERT INTO odd VALUES
    (1, 'abc', 'abc', 1, 1.5, 0.149, 0.1, 0.1, '2020-01-01', '2020-01-01 10:00:00.4', 1, x'', 1),
    (2, 'ABC', 'abc  ', 2, 0.1, 0.151, 1e300, 0.25, '2020-01-02 BC', '2020-01-01T10:00:00.6', 0, x'00ff', 2),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (4, x'616263', x'616263', -5, 3, 0.15, -1, 1e-30, '20200103', 'Jan 1 2020 10:00', 'yes', 'abc', 32767),
    (5, 'été ☃', 'abd', 9223372036854775807, 12345678901234567, 12.25, 0, 3.4e38, '9999-12-31',
        '2020-01-01 10:00:00.5', 0.0, '\\x0102', -1),
    (6, 'abc ', 'ABC', 0, -7, 0, 5e-324, -1, '2020-01-02', '2021-01-01', '', x'00ff00', 0),
    (7, '', '', -9223372036854775807, 0, -0.15, 1e-5, 0, '1970-01-01', '1999-01-01', 2.5, x'ff', -32768),
    (8, 'a%_\\c', 'ab', 7, 100, 99, 99, 99, '2020-12-31', '2020-06-01', 1, 'x''00''', 5);
"""
SQLITE_COLUMNS = """id int, t text, v varchar(3), i bigint, n numeric, m numeric(5, 1), f float8, r real,
    d date, s timestamp(0), y bool, b bytea, k int"""


@pytest.fixture
def path(database: Database, tmp_path: Path) -> Path:
    """The SQLite file, where the server's account may read and write it."""
    made = tmp_path / "odd.sqlite"
    connection = sqlite3.connect(made)
    connection.executescript(SQLITE)
    connection.close()
    return database.cluster.stage(made)


def test_sqlite(database: Database, path: Path) -> None:
    unknown = {"z", "u", "c", "w"}
    wanted = [each for each in VALUES if each[0] not in unknown]
    plain = [each for each in PLAIN if each[0] not in unknown]
    with database.connect() as connection:
        connection.execute(
            "CREATE SERVER far FOREIGN DATA WRAPPER multicorn"
            f" OPTIONS (wrapper 'multicorn.sqlalchemyfdw.SqlAlchemyFdw', db_url 'sqlite:///{path}');"
            f"CREATE FOREIGN TABLE odd ({SQLITE_COLUMNS}) SERVER far OPTIONS (tablename 'odd');"
            "CREATE TABLE same AS TABLE odd"
        )
        check(connection, list(conditions(wanted, ("t", "v"))), plain)


EXACT = [
    ("t = 'abc'", True),
    ("t <> 'abc'", True),
    ("t LIKE 'a%'", True),
    ("t ILIKE 'a%'", False),
    ("t < 'b'", False),
    ("v = 'ab'", True),
    ("v = 'abc'", False),
    ("i = 1", True),
    ("k > 5", True),
    ("n = 'NaN'", True),
    ("m = 0.1", False),
    ("f = 0.1", True),
    ("r = 0.1::real", False),
    ("d = '2020-01-01'", True),
    ("d = 'infinity'", False),
    ("s = '2020-01-01'", False),
    ("z = '2020-01-01Z'", True),
    ("y", True),
    ("b = '\\x00'", True),
    ("u IS NULL", True),
    ("c IS NULL", True),
    ("w = 'ab'", False),
    ("t = ANY ('{abc,NULL}')", True),
]


def test_what_is_exact(far: Far) -> None:
    """These the server does not check again, and LIMIT goes with them."""
    for condition, exact in EXACT:
        plan = far.plan(f"SELECT id FROM odd WHERE {condition} LIMIT 2")
        assert ("Exact Quals" in plan) is exact, plan
        assert ("Filter" not in plan) is exact, plan
        assert ("LIMIT" in plan) is exact, plan
