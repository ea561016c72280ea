"""Random queries give the same rows over a foreign table as over a local one with the same rows."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

COLUMNS = ("id", "grp", "sub", "maybe", "even", "name")
NUMBERS = ("id", "grp", "sub", "maybe")
DEFINITION = '(id int, grp int, sub int, maybe int, even bool, name text COLLATE "C")'
ROWS = (
    "SELECT n, n % 4, n % 3, nullif(n % 5, 0), n % 2 = 0, 'name ' || n % 7 FROM generate_series(1, {rows}) n"
)
SETTINGS = (
    "enable_nestloop",
    "enable_hashjoin",
    "enable_mergejoin",
    "enable_memoize",
    "enable_material",
    "enable_hashagg",
    "enable_incremental_sort",
    "enable_partition_pruning",
)
QUERIES = 60

SETUP = f"""
CREATE SERVER mirrored FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'mirrored.@');
CREATE FOREIGN TABLE far_f {DEFINITION} SERVER mirrored OPTIONS (rows '23', size '100000');
CREATE FOREIGN TABLE far_g {DEFINITION} SERVER mirrored OPTIONS (rows '11', size '11');
CREATE TABLE far_p {DEFINITION} PARTITION BY LIST (grp);
CREATE FOREIGN TABLE far_p0 PARTITION OF far_p FOR VALUES IN (0) SERVER mirrored
    OPTIONS (rows '18', size '10000', grp '0');
CREATE FOREIGN TABLE far_p1 PARTITION OF far_p FOR VALUES IN (1) SERVER mirrored
    OPTIONS (rows '18', size '10', grp '1');
CREATE TABLE far_p2 PARTITION OF far_p FOR VALUES IN (2, 3);
CREATE TABLE near_f {DEFINITION};
CREATE TABLE near_p {DEFINITION};
CREATE TABLE near_g {DEFINITION};
CREATE TABLE l {DEFINITION};
INSERT INTO near_f {ROWS.format(rows=23)};
INSERT INTO near_g {ROWS.format(rows=11)};
INSERT INTO l {ROWS.format(rows=14)};
INSERT INTO near_p {ROWS.format(rows=18)};
INSERT INTO far_p SELECT * FROM near_p WHERE grp > 1;
ANALYZE near_f, near_g, near_p, far_p2, l;
"""


class Maker:
    """Makes queries over `@f`, `@g` and `@p`, which are foreign, in part or not, and `l`."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def table(self) -> str:
        return self.one("@f", "@f", "@g", "@p", "l")

    def number(self) -> str:
        return str(self.random.randint(-1, 13))

    def column(self, aliases: list[str]) -> str:
        return f"{self.random.choice(aliases)}.{self.random.choice(NUMBERS)}"

    def link(self, new: str, aliases: list[str]) -> str:
        """A join condition between a new relation and the ones before it."""
        old = self.random.choice(aliases)
        parts = [
            f"{new}.id = {old}.id",
            f"{new}.{self.one(*NUMBERS)} = {old}.{self.one(*NUMBERS)}",
            f"{new}.grp = {old}.grp AND {new}.sub = {old}.sub",
            f"{new}.id = {old}.id + {self.number()}",
            f"{new}.name = {old}.name",
            f"{new}.id = coalesce({self.column(aliases)}, {old}.id)",
            f"{new}.id = {old}.id AND {new}.maybe IS NOT NULL",
            f"{new}.id = {old}.id AND {old}.grp < {self.number()}",
        ]
        return self.random.choice(parts)

    def sources(self) -> tuple[str, list[str]]:
        """A FROM list and its aliases."""
        aliases = ["a"]
        text = f"{self.table()} a"
        for alias in "bc"[: self.random.choice((0, 1, 1, 2))]:
            kind = self.one("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LATERAL")
            if kind == "LATERAL":
                old = f"{self.random.choice(aliases)}.{self.one('id', 'maybe')}"
                tail = f"ORDER BY t.id {self.one('', 'DESC')} {self.one('', 'LIMIT 2', 'OFFSET 1')}"
                text += (
                    f" {self.one('LEFT JOIN', 'JOIN')} LATERAL (SELECT t.* FROM {self.table()} t"
                    f" WHERE {self.condition(['t'], 0)} AND t.{self.one('id', 'grp')} = {old} {tail}) {alias}"
                    " ON true"
                )
            elif kind == "FULL JOIN":
                text += f" FULL JOIN {self.table()} {alias} ON {alias}.id = {self.random.choice(aliases)}.id"
            else:
                text += f" {kind} {self.table()} {alias} ON {self.link(alias, aliases)}"
            aliases.append(alias)
        return text, aliases

    def condition(self, aliases: list[str], depth: int = 1) -> str:
        """One condition on the relations."""
        alias = self.random.choice(aliases)
        plain = [
            f"{self.column(aliases)} {self.one('=', '<>', '<', '<=', '>', '>=')} {self.number()}",
            f"{self.number()} {self.one('=', '<', '>=')} {self.column(aliases)}",
            f"{alias}.id IN ({self.number()}, {self.number()}, {self.number()})",
            f"{alias}.grp <> ALL ('{{{self.number()},{self.number()}}}')",
            f"{alias}.maybe IS {self.one('', 'NOT ')}NULL",
            f"{self.one('', 'NOT ')}{alias}.even",
            f"{alias}.even IS {self.one('', 'NOT ')}{self.one('TRUE', 'FALSE', 'UNKNOWN')}",
            f"{alias}.name LIKE '%{self.random.randint(0, 6)}'",
            f"{alias}.name {self.one('=', '<', '>=')} 'name {self.random.randint(0, 6)}'",
            f"({alias}.maybe = 1 OR {self.column(aliases)} = {self.number()})",
            f"{alias}.id % 3 = {self.random.randint(0, 2)}",
            f"{alias} IS NOT NULL",
            f"{alias}.id = $1",
            f"{alias}.grp < $1",
            "true",
        ]
        if depth == 0:
            return self.random.choice(plain)
        inner = f"{self.table()} s WHERE {self.condition(['s'], 0)}"
        nested = [
            f"{self.one('', 'NOT ')}EXISTS (SELECT FROM {inner} AND s.id = {alias}.{self.one(*NUMBERS)})",
            f"{alias}.id {self.one('', 'NOT ')}IN (SELECT s.{self.one('id', 'maybe')} FROM {inner})",
            f"{alias}.id > (SELECT {self.one('min', 'max')}(s.grp) FROM {inner})",
            f"{alias}.grp = (SELECT count(*) FROM {inner} AND s.id < {alias}.id)",
            f"{alias}.id = ANY (ARRAY(SELECT s.id FROM {inner}))",
        ]
        return self.random.choice(plain + nested)

    def query(self) -> str:
        """A SELECT whose rows have one order, or none."""
        text, aliases = self.sources()
        conditions = [self.condition(aliases) for _ in range(self.random.randint(0, 2))]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        columns = sorted({self.column(aliases) for _ in range(2)} | {f"{aliases[-1]}.name"})
        listed = ", ".join(columns)
        shape = self.one("rows", "rows", "rows", "whole", "group", "distinct", "window", "total", "union")
        select = f"SELECT {listed} FROM {text}{where}"
        if shape == "whole":
            # Without an order: rows that differ only in other columns have none.
            return f"SELECT {', '.join(aliases)}, {listed} FROM {text}{where}"
        if shape == "group":
            columns = columns[:1]
            select = f"SELECT {columns[0]}, count(*), sum({aliases[0]}.id) FROM {text}{where} GROUP BY 1"
        elif shape == "distinct":
            select = f"SELECT DISTINCT {listed} FROM {text}{where}"
        elif shape == "window":
            select = (
                f"SELECT {listed}, sum({aliases[0]}.id) OVER (PARTITION BY {columns[0]}) FROM {text}{where}"
            )
        elif shape == "total":
            return f"SELECT count(*), sum({aliases[0]}.id), max({aliases[-1]}.maybe) FROM {text}{where}"
        elif shape == "union":
            return f"({select}) {self.one('UNION ALL', 'UNION', 'EXCEPT', 'INTERSECT')} ({select} LIMIT NULL)"
        return select + self.tail(columns)

    def tail(self, columns: list[str]) -> str:
        """ORDER BY every column that is shown, so that LIMIT chooses from equal rows only."""
        if self.random.random() < 0.4:
            return ""
        keys = [f"{c} {self.one('', 'DESC')} {self.one('', 'NULLS FIRST', 'NULLS LAST')}" for c in columns]
        return f" ORDER BY {', '.join(keys)}"

    def single(self) -> str:
        """A query of one table with everything that may be pushed: order, LIMIT, OFFSET."""
        where = self.one("", "", f" WHERE {self.condition(['a'])}")
        order = self.one(
            "a.id", "a.id DESC", "a.grp DESC, a.id", "a.maybe NULLS FIRST, a.id", "a.name, a.id DESC"
        )
        limit = self.one("", f" LIMIT {self.random.randint(0, 30)}", " LIMIT $1", " LIMIT NULL")
        offset = self.one("", "", f" OFFSET {self.random.randint(0, 12)}")
        inner = f"SELECT a.* FROM {self.one('@f', '@g', '@p')} a{where} ORDER BY {order}{limit}{offset}"
        return self.one(
            inner,
            inner,
            f"SELECT count(*), sum(id) FROM ({inner}) s",
            f"SELECT * FROM ({inner}) s WHERE grp = 1 ORDER BY id",
            f"SELECT s.id, l.note FROM ({inner}) s LEFT JOIN (SELECT id, name AS note FROM l) l USING (id)"
            " ORDER BY s.id",
        )


@pytest.fixture(params=["Mirrored", "Exactly", "Partly"])
def prepared(database: Database, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        connection.execute(SETUP.replace("mirrored.@", f"mirrored.{request.param}").encode())
        yield connection


def answer(connection: psycopg.Connection, query: str, prefix: str, mode: str) -> list[str] | str:
    """The rows as text, in their order if the query has one, or the error."""
    text = query.replace("@", f"{prefix}_")
    connection.execute(f"SET plan_cache_mode = {mode}".encode())
    try:
        connection.execute(f"PREPARE q(int) AS {text}".encode())
        try:
            rows = [repr(row) for row in connection.execute("EXECUTE q(3)").fetchall()]
        finally:
            connection.execute("DEALLOCATE q")
    except psycopg.Error as error:
        return type(error).__name__
    return rows if " ORDER BY " in query.rpartition(")")[2] else sorted(rows)


@pytest.mark.parametrize("seed", range(2))
def test_random_queries_give_the_same_rows(prepared: psycopg.Connection, seed: int) -> None:
    maker = Maker(seed)
    found = 0
    for _ in range(QUERIES):
        query = maker.one(maker.query(), maker.single())
        off = [name for name in SETTINGS if maker.random.random() < 0.2]
        mode = maker.one("force_generic_plan", "force_custom_plan")
        for name in off:
            prepared.execute(f"SET {name} = off".encode())
        pairs = maker.one("on", "off")
        prepared.execute(f"SET enable_partitionwise_join = {pairs}".encode())
        far, near = (answer(prepared, query, prefix, mode) for prefix in ("far", "near"))
        assert far == near, f"{query}\n-- {mode}, off: {off}"
        found += isinstance(far, list)
        prepared.execute("RESET ALL")
    # A generator of nothing but errors would agree with itself.
    assert found > QUERIES * 0.9
