"""Random writes do the same to a foreign table as to a local one, and return the same rows."""

from __future__ import annotations

import random

import psycopg
import pytest

from conftest import Database

STATEMENTS = 40
COLUMNS = "(id int, grp int, note text, v numeric(10, 2), maybe int)"
OTHER_ORDER = "(maybe int, gone int, v numeric(10, 2), id int, note text, grp int)"
# `foreign` tables are local ones on the near side.
SHAPES = {
    "plain": f"CREATE foreign TABLE @ {COLUMNS} server",
    "inherited": f"""
        CREATE TABLE @ {COLUMNS};
        CREATE foreign TABLE @1 {OTHER_ORDER} server;
        ALTER TABLE @1 DROP COLUMN gone; ALTER TABLE @1 INHERIT @;
        CREATE TABLE @2 {OTHER_ORDER};
        ALTER TABLE @2 DROP COLUMN gone; ALTER TABLE @2 INHERIT @;
        CREATE foreign TABLE @3 () INHERITS (@) server""",
    "parent": f"""
        CREATE foreign TABLE @ {COLUMNS} server;
        CREATE TABLE @1 () INHERITS (@);
        CREATE foreign TABLE @2 {OTHER_ORDER} server;
        ALTER TABLE @2 DROP COLUMN gone; ALTER TABLE @2 INHERIT @""",
    "partitioned": f"""
        CREATE TABLE @ {COLUMNS} PARTITION BY LIST (grp);
        CREATE foreign TABLE @0 PARTITION OF @ FOR VALUES IN (0) server;
        CREATE TABLE @12 PARTITION OF @ FOR VALUES IN (1, 2) PARTITION BY LIST (grp);
        CREATE foreign TABLE @1 (maybe int, note text, v numeric(10, 2), grp int, id int) server;
        ALTER TABLE @12 ATTACH PARTITION @1 FOR VALUES IN (1);
        CREATE TABLE @2 PARTITION OF @12 FOR VALUES IN (2);
        CREATE TABLE @3 PARTITION OF @ DEFAULT""",
}
LEAVES = {
    "plain": ("",),
    "inherited": ("", "1", "2", "3"),
    "parent": ("", "1", "2"),
    "partitioned": ("0", "1", "2", "3"),
}


class Maker:
    """Makes statements that write to `@`, or to a table below it."""

    def __init__(self, seed: int, shape: str) -> None:
        self.random = random.Random(seed)
        self.shape = shape
        self.last = 1000

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def number(self) -> str:
        return str(self.random.randint(-1, 9))

    def table(self) -> str:
        return "@" + self.one("", *LEAVES[self.shape])

    def condition(self) -> str:
        number = self.number()
        return self.one(
            f"t.id {self.one('=', '<', '>=')} {number}",
            f"t.grp = {number}",
            f"t.grp <> ALL ('{{{number}}}')",
            f"t.id = ANY ('{{{number}, 7, NULL}}')",
            f"t.maybe IS {self.one('', 'NOT ')}NULL",
            f"t.note = 'n{number}'",
            "t.note LIKE 'n%'",
            "t.id % 2 = 0",
            "t.v > 1.5",
            "t.maybe < $1",
            "t.id IN (SELECT id FROM l WHERE maybe IS NULL)",
            "t.grp = (SELECT min(grp) FROM l)",
            "t IS NOT NULL",
        )

    def where(self) -> str:
        return " AND ".join(self.condition() for _ in range(self.random.randint(1, 2)))

    def returning(self) -> str:
        return self.one("", "", "RETURNING t.*", "RETURNING t.id, upper(t.note)", "RETURNING t")

    def update(self) -> str:
        values = {
            "note": ("'x'", "NULL", "t.note || 'a'", "(SELECT l.note FROM l WHERE l.id = t.grp)"),
            "v": ("1.005", "$1", "t.v + 1", "t.id"),
            "maybe": ("NULL", "DEFAULT", "nullif(t.maybe, 3)", "(SELECT max(id) FROM l)"),
        }
        chosen = self.random.sample(sorted(values), self.random.randint(1, 2))
        assignments = ", ".join(f"{name} = {self.one(*values[name])}" for name in chosen)
        joined = self.one("", "", "", "FROM l ")
        link = " AND l.id = t.grp" if joined else ""
        return (
            f"UPDATE {self.table()} t SET {assignments} {joined}WHERE {self.where()}{link} {self.returning()}"
        )

    def delete(self) -> str:
        joined = self.one("", "", "USING l ")
        link = " AND l.id = t.grp" if joined else ""
        rest = self.one("t.id % 3 = 1", f"t.grp = {self.number()}")
        return (
            f"DELETE FROM {self.table()} t {joined}WHERE {self.where()} AND {rest}{link} {self.returning()}"
        )

    def insert(self) -> str:
        rows: list[str] = []
        for _ in range(self.random.randint(1, 7)):
            self.last += 1
            maybe = self.one("NULL", self.number())
            rows.append(f"({self.last}, {self.number()}, 'n{self.number()}', 1.239, {maybe})")
        name = "@" if self.shape == "partitioned" else self.table()
        columns = "id, grp, note, v, maybe"
        return f"INSERT INTO {name} AS t ({columns}) VALUES {', '.join(rows)} {self.returning()}"

    def simple(self) -> str:
        """What a class can do to all rows at once."""
        number = self.number()
        where = self.one(
            f"t.grp = {number}", f"t.id > {number} AND t.maybe = 2", f"t.id = ANY ('{{{number},8}}')"
        )
        change = self.one(
            "UPDATE @ t SET note = upper('y'), v = $1", "UPDATE @ t SET maybe = NULL", "DELETE FROM @ t"
        )
        return f"{change} WHERE {where}".replace("@", self.table())

    def statement(self) -> str:
        kind = self.random.choice(
            (self.insert, self.update, self.update, self.delete, self.simple, self.simple)
        )
        text = kind()
        if self.random.random() < 0.2:
            return f"WITH done AS ({text}) SELECT count(*) FROM l"
        return text


def content(connection: psycopg.Connection, side: str, shape: str) -> list[str]:
    """Every table's own rows."""
    tables = [side + leaf for leaf in LEAVES[shape]]
    queries = [f"SELECT '{name[len(side) :]}', id, grp, note, v, maybe FROM ONLY {name}" for name in tables]
    return sorted(repr(row) for row in connection.execute(" UNION ALL ".join(queries).encode()).fetchall())


def do(
    connection: psycopg.Connection, statement: str, mode: str, argument: str
) -> tuple[str | None, list[str]]:
    """What the statement says that it did, and the rows that it returns."""
    connection.execute(f"SET plan_cache_mode = {mode}".encode())
    connection.execute(f"PREPARE q(int) AS {statement}".encode())
    cursor = connection.execute(f"EXECUTE q({argument})".encode())
    rows = sorted(repr(row) for row in cursor.fetchall()) if cursor.description else []
    connection.execute("DEALLOCATE q")
    return cursor.statusmessage, rows


@pytest.mark.parametrize("wrapper", ["Twin", "Changed", "Wholesale"])
@pytest.mark.parametrize("shape", SHAPES)
def test_random_writes_do_the_same(database: Database, shape: str, wrapper: str) -> None:
    maker = Maker(len(shape), shape)
    rows = "SELECT i, i % 5, 'n' || i % 6, i, nullif(i % 4, 0) FROM generate_series({0}1, {0}9) i"
    with database.connect(prepare_threshold=None) as connection:
        connection.execute(
            f"""CREATE SERVER twin FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'twin.{wrapper}');
            CREATE TABLE l (id int, grp int, note text, maybe int);
            INSERT INTO l SELECT i, i % 4, 'l' || i, nullif(i % 3, 0) FROM generate_series(0, 9) i;
            ANALYZE l""".encode()
        )
        for number, piece in enumerate(SHAPES[shape].split(";")):
            far = piece.replace("server", f"SERVER twin OPTIONS (name '{number}')").replace(
                "foreign", "FOREIGN"
            )
            connection.execute(far.replace("@", "far").encode())
            near = piece.replace(" server", "").replace(" foreign", "")
            connection.execute(near.replace("@", "near").encode())
        for side in ("far", "near"):
            for number, leaf in enumerate(("",) if shape == "partitioned" else LEAVES[shape]):
                target = f"{side}{leaf} (id, grp, note, v, maybe)"
                connection.execute(f"INSERT INTO {target} {rows.format(number)}".encode())
        for _ in range(STATEMENTS):
            statement = maker.statement()
            mode = maker.one("force_generic_plan", "force_custom_plan")
            argument = maker.one("NULL", "1", "2")
            far, near = (
                do(connection, statement.replace("@", side), mode, argument) for side in ("far", "near")
            )
            assert far == near, f"{statement}\n-- {mode}, {argument}"
            contents = [content(connection, side, shape) for side in ("far", "near")]
            assert contents[0] == contents[1], f"{statement}\n-- {mode}, {argument}"
