"""Random SELECTs over foreign tables that behave and over some that do not.

Those that behave answer as a local copy of their data does; those that misbehave, by a seed, end no backend.
Deterministic: the seeds are below. A failure names the statement.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from conftest import Database

SEEDS = range(4)
STATEMENTS = 150
TABLES = ("one", "two", "few")
COLUMNS = {"id": "int", "n": "int", "t": "text", "f": "bool"}
DECLARED = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
SIZES = {"one": (40, 3, "tuple"), "two": (25, 5, "dict"), "few": (3, 1, "list")}


def setup(connection: psycopg.Connection, seed: int) -> None:
    """Schemas `good` and `bad` with foreign tables, `local` with a copy of what `good` holds."""
    connection.execute("SET client_min_messages = error")
    connection.execute("CREATE SCHEMA good; CREATE SCHEMA bad; CREATE SCHEMA local")
    for name in ("Good", "Bad"):
        connection.execute(
            f"CREATE SERVER {name} FOREIGN DATA WRAPPER multicorn"
            f" OPTIONS (wrapper 'fuzzed.{name}', seed '{seed}')"
        )
        for table in TABLES:
            rows, salt, mode = SIZES[table]
            connection.execute(
                f"CREATE FOREIGN TABLE {name}.{table} ({DECLARED}) SERVER {name}"
                f" OPTIONS (rows '{rows}', salt '{salt}', mode '{mode}')"
            )
    for table in TABLES:
        connection.execute(f"CREATE TABLE local.{table} AS SELECT * FROM good.{table}")
        connection.execute(f"ANALYZE local.{table}")


class Maker:
    """Makes SELECTs without a schema in their tables; the results are in a definite order or sorted here."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.aliases = 0

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def number(self) -> str:
        return self.pick("0", "1", "3", "7", "12", "-1", "(1 + 2)", "NULL::int", "2147483647")

    def text(self) -> str:
        return self.pick("''", "'a'", "'ab'", "'ä'", "'zz'", "NULL::text", "current_user::text")

    def condition(self, *aliases: str) -> str:
        left = self.random.choice(aliases)
        column, inner = self.pick("id", "n"), self.pick(*TABLES)
        compare = self.pick("=", "<>", "<", "<=", ">", ">=")
        kinds = [
            lambda: f"{left}.{column} {compare} {self.number()}",
            lambda: f"{self.number()} {compare} {left}.{column}",
            lambda: f"{left}.t {self.pick('=', '<>', '<', '>', 'LIKE', '~~*', '~')} {self.text()}",
            lambda: f"{left}.{column} = {self.random.choice(aliases)}.{self.pick('id', 'n')}",
            lambda: f"{left}.t = {self.random.choice(aliases)}.t",
            lambda: f"{left}.{self.pick('n', 't', 'f')} IS {self.pick('', 'NOT ')}NULL",
            lambda: f"{left}.f",
            lambda: f"NOT {left}.f",
            lambda: f"{left}.f IS {self.pick('TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE', 'UNKNOWN')}",
            lambda: f"{left}.{column} IN ({self.number()}, {self.number()}, 5)",
            lambda: f"{left}.{column} {compare} {self.pick('ANY', 'ALL')} (ARRAY[{self.number()}, 4])",
            lambda: f"{left}.{column} BETWEEN {self.number()} AND {self.number()}",
            lambda: f"({left}.{column} = {self.number()} OR {left}.t = {self.text()})",
            lambda: f"{left}.{column} IS DISTINCT FROM {self.number()}",
            lambda: f"CASE WHEN {left}.f THEN {left}.id > 3 ELSE {left}.n < 9 END",
            lambda: f"length({left}.t) {compare} 1",
            lambda: f"{left}.{column} {compare} (SELECT max(id) FROM {inner})",
            lambda: f"{self.pick('', 'NOT ')}EXISTS (SELECT FROM {inner} AS i WHERE i.n = {left}.{column})",
            lambda: (
                f"{left}.{column} IN (SELECT n FROM {inner} WHERE t {self.pick('=', '<>')} {self.text()})"
            ),
            lambda: f"{left} IS NOT NULL",
            lambda: f"({left}.id, {left}.n) {self.pick('=', '<', '>=')} ({self.number()}, {self.number()})",
        ]
        return self.random.choice(kinds)()

    def where(self, *aliases: str) -> str:
        count = self.random.choice([0, 1, 1, 2, 3])
        parts = [self.condition(*aliases) for _ in range(count)]
        return " WHERE " + " AND ".join(parts) if parts else ""

    def source(self) -> tuple[str, list[str]]:
        """FROM without its keyword, and its aliases."""
        first, second = self.alias(), self.alias()
        one, two = self.pick(*TABLES), self.pick(*TABLES)
        join = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN")
        equal = f"{first}.{self.pick('id', 'n')} = {second}.{self.pick('id', 'n')}"
        lateral = f"SELECT * FROM {two} AS l WHERE l.{self.pick('id', 'n')} = {first}.n"
        lateral += self.pick("", " ORDER BY id LIMIT 2")
        some = f"SELECT * FROM {one} ORDER BY id LIMIT {self.pick('5', '0', '100')}"
        kinds = [
            (f"{one} AS {first}", [first]),
            (f"{one} AS {first}", [first]),
            (f"{one} AS {first} {join} {two} AS {second} ON {equal}", [first, second]),
            (f"{one} AS {first} FULL JOIN {two} AS {second} ON {equal}", [first, second]),
            (f"{one} AS {first}, {two} AS {second}", [first, second]),
            (f"{one} AS {first} CROSS JOIN LATERAL ({lateral}) AS {second}", [first, second]),
            (f"{one} AS {first} LEFT JOIN LATERAL ({lateral}) AS {second} ON true", [first, second]),
            (f"({some}) AS {first}", [first]),
            (f"(SELECT * FROM {one} UNION ALL SELECT * FROM {two}) AS {first}", [first]),
        ]
        return self.random.choice(kinds)

    def select(self) -> str:
        source, aliases = self.source()
        tail = source + self.where(*aliases)
        left = aliases[0]
        every = ", ".join(f"{alias}.*" for alias in aliases)
        order = ", ".join(
            f"{alias}.id{self.pick('', ' DESC', ' DESC NULLS LAST', ' NULLS FIRST')}" for alias in aliases
        )
        columns = ", ".join(f"{alias}.{self.pick(*COLUMNS)}" for alias in aliases)
        limit = f"LIMIT {self.pick('3', '0', 'NULL', '50')} OFFSET {self.pick('0', '2', '1000')}"
        inner, as_ = self.pick(*TABLES), self.pick("", "MATERIALIZED ")
        kinds = [
            lambda: f"SELECT {every} FROM {tail}",
            lambda: f"SELECT {columns} FROM {tail}",
            lambda: f"SELECT {left} FROM {tail}",
            lambda: f"SELECT count(*) FROM {tail}",
            lambda: f"SELECT 1 FROM {tail}",
            lambda: f"SELECT count(*), sum({left}.n), min({left}.t), bool_or({left}.f) FROM {tail}",
            lambda: f"SELECT {left}.n, count(*), max({left}.id) FROM {tail} GROUP BY {left}.n",
            lambda: (
                f"SELECT {left}.f, count(DISTINCT {left}.n) FROM {tail} GROUP BY ROLLUP ({left}.f)"
                f" HAVING count(*) > 1"
            ),
            lambda: f"SELECT DISTINCT {left}.n, {left}.t FROM {tail}",
            lambda: f"SELECT {left}.id, sum({left}.n) OVER (ORDER BY {left}.id) FROM {tail} ORDER BY {order}",
            lambda: f"SELECT {left}.id FROM {tail} ORDER BY {order}",
            lambda: f"SELECT {left}.id FROM {tail} ORDER BY {order} {limit}",
            lambda: f"SELECT (SELECT max(s.n) FROM {inner} AS s WHERE s.id = {left}.n) FROM {tail}",
            lambda: f"SELECT id FROM {inner} {self.pick('EXCEPT', 'INTERSECT', 'UNION')} SELECT n FROM few",
            lambda: (
                f"WITH w AS {as_}(SELECT {left}.* FROM {tail}) SELECT count(*) FROM w JOIN w AS y USING (n)"
            ),
        ]
        return self.random.choice(kinds)()


def ordered(rows: list[tuple[object, ...]], statement: str) -> list[str]:
    """Rows in a form to compare: without ORDER BY at the end their order means nothing."""
    shown = [repr(row) for row in rows]
    has_order = " ORDER BY " in statement.rsplit(")", 1)[-1]
    return shown if has_order else sorted(shown)


def outcome(connection: psycopg.Connection, schema: str, statement: str) -> list[str] | str:
    """The rows, or the error's SQLSTATE."""
    connection.execute(f"SET search_path = {schema}, public")
    try:
        return ordered(connection.execute(statement).fetchall(), statement)
    except psycopg.Error as error:
        return str(error.diag.sqlstate)


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_that_behave_answer_as_local_ones(database: Database, seed: int) -> None:
    maker = Maker(seed)
    with database.connect() as connection:
        setup(connection, seed)
        for _ in range(STATEMENTS):
            statement = maker.select()
            for mode in ("auto", "force_generic_plan"):
                connection.execute(f"SET plan_cache_mode = {mode}")
                found = outcome(connection, "good", statement)
                assert isinstance(found, list), f"{found}: {statement}"
                assert found == outcome(connection, "local", statement), statement


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_that_misbehave_end_no_backend(database: Database, seed: int) -> None:
    """The fixture looks into the server's log; here the session has to live on."""
    maker = Maker(1_000 + seed)
    ends = {"rows": 0, "error": 0}
    with database.connect() as connection:
        setup(connection, seed)
        pid = connection.info.backend_pid
        connection.execute("SET search_path = bad, public; SET client_min_messages = error")
        for number in range(STATEMENTS):
            select = maker.select()
            for statement in forms(maker, select, number):
                try:
                    connection.execute(statement)
                    ends["rows"] += 1
                except psycopg.Error as error:
                    if error.diag.sqlstate is None or error.diag.sqlstate.startswith("XX"):
                        pytest.fail(f"{statement}: {error}")
                    ends["error"] += 1
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
            assert connection.execute("SELECT pg_backend_pid()").fetchone() == (pid,), select
        # Both must happen often, or the test tests nothing.
        assert min(ends.values()) > STATEMENTS / 4, ends
        check_good_tables(connection)


def check_good_tables(connection: psycopg.Connection) -> None:
    """Nothing of the misbehaviour has rubbed off."""
    for table in TABLES:
        good = outcome(connection, "good", f"SELECT * FROM {table}")
        assert good == outcome(connection, "local", f"SELECT * FROM {table}")


def forms(maker: Maker, select: str, number: int) -> list[str]:
    """Statements that run the SELECT in one of several ways."""
    name = f"p{number}"
    declare = f"DECLARE c CURSOR FOR {select}"
    handler = "EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $do$"
    loop = f"FOR r IN {select} LOOP IF i > 3 THEN RAISE division_by_zero; END IF; END LOOP; {handler}"
    ways = [
        [select],
        [select],
        [f"EXPLAIN {select}"],
        [f"EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON, TIMING off) {select}"],
        [f"PREPARE {name} AS {select}", *[f"EXECUTE {name}"] * 7, f"DEALLOCATE {name}"],
        ["BEGIN", declare, "FETCH 3 FROM c", "FETCH ALL FROM c", "CLOSE c", "COMMIT"],
        [
            "BEGIN",
            declare.replace("c CURSOR", "c SCROLL CURSOR"),
            "FETCH 5 FROM c",
            "FETCH -2 FROM c",
            "COMMIT",
        ],
        [f"DECLARE h CURSOR WITH HOLD FOR {select}", "FETCH 1 FROM h", "CLOSE h"],
        ["BEGIN", "SAVEPOINT s", select, "ROLLBACK TO s", select, "RELEASE s", "COMMIT"],
        [f"DO $do$ DECLARE r record; BEGIN FOR i IN 1..5 LOOP BEGIN {loop}"],
        [f"CREATE TEMP TABLE kept AS SELECT count(*) FROM ({select}) AS q", "DROP TABLE IF EXISTS kept"],
        [f"SELECT count(*) FROM ({select}) AS q, few WHERE few.id < 2"],
    ]
    return maker.random.choice(ways)
