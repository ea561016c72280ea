"""Sessions that write to another database through foreign tables, all at once, and a mirror that tells.

Each session does in its transactions the same to a table of the other database and to a local one: inserts,
changes, removals, savepoints that are kept or undone, commits and rollbacks. However they interleave, both
tables have to be equal in the end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from devkit.cluster import Cluster

REMOTE = "soak_remote"
COLUMNS = "id bigint, session int, n int, note text"


@dataclass
class Outcome:
    """What was done, and what went wrong."""

    commits: int = 0
    rollbacks: int = 0
    rows: int = 0
    problems: list[str] = field(default_factory=list)


def set_up(cluster: Cluster, database: str) -> None:
    """Make the other database, the foreign table in `database`, and its mirror."""
    cluster.sql(f"CREATE DATABASE {REMOTE}")
    cluster.sql(f"CREATE TABLE things ({COLUMNS}, PRIMARY KEY (id))", REMOTE)
    parameters = psycopg.conninfo.conninfo_to_dict(cluster.conninfo(REMOTE))
    url = (
        f"postgresql+psycopg://{parameters['user']}@/{REMOTE}"
        f"?host={parameters['host']}&port={parameters['port']}"
    )
    cluster.sql(
        f"""
        CREATE SERVER crowd FOREIGN DATA WRAPPER multicorn
            OPTIONS (wrapper 'multicorn.sqlalchemyfdw.SqlAlchemyFdw', db_url '{url}');
        CREATE FOREIGN TABLE far ({COLUMNS}) SERVER crowd OPTIONS (tablename 'things', primary_key 'id');
        CREATE TABLE near ({COLUMNS}, PRIMARY KEY (id));
        """,
        database,
    )


def run(cluster: Cluster, database: str, sessions: int, seconds: float) -> Outcome:
    """Let them write for so long, and compare."""
    end = time.monotonic() + seconds
    outcomes = [Outcome() for _ in range(sessions)]

    def work(number: int) -> None:
        with psycopg.connect(cluster.conninfo(database)) as connection:
            Session(connection, number, outcomes[number]).until(end)

    with ThreadPoolExecutor(sessions) as pool:
        done = [pool.submit(work, number) for number in range(sessions)]
    for number, future in enumerate(done):
        error = future.exception()
        if error is not None:
            outcomes[number].problems.append(f"session {number}: {error!r}")
    total = Outcome(
        sum(each.commits for each in outcomes),
        sum(each.rollbacks for each in outcomes),
        problems=[problem for each in outcomes for problem in each.problems],
    )
    compare(cluster, database, total)
    return total


def compare(cluster: Cluster, database: str, total: Outcome) -> None:
    """Note every row that only one of the tables has."""
    with (
        psycopg.connect(cluster.conninfo(database)) as here,
        psycopg.connect(cluster.conninfo(REMOTE)) as there,
    ):
        near = set(here.execute("SELECT * FROM near").fetchall())
        far = set(there.execute("SELECT * FROM things").fetchall())
    total.rows = len(near)
    total.problems += [f"only in the local table: {row}" for row in sorted(near - far)[:5]]
    total.problems += [f"only in the other database: {row}" for row in sorted(far - near)[:5]]


class Session:
    """One of them. What it does follows from its number."""

    def __init__(self, connection: psycopg.Connection, number: int, outcome: Outcome) -> None:
        self.connection = connection
        self.number = number
        self.outcome = outcome
        self.random = random.Random(number)
        self.next_id = number * 1_000_000

    def until(self, end: float) -> None:
        """Transaction after transaction."""
        while time.monotonic() < end:
            for _ in range(self.random.randint(1, 4)):
                self.step()
            if self.random.random() < 0.3:
                self.connection.rollback()
                self.outcome.rollbacks += 1
            else:
                self.connection.commit()
                self.outcome.commits += 1

    def step(self) -> None:
        """One change, perhaps below a savepoint that is undone."""
        choice = self.random.random()
        if choice < 0.4:
            self.change()
            return
        self.connection.execute("SAVEPOINT s")
        self.change()
        if choice < 0.7:
            self.connection.execute("ROLLBACK TO s")
        self.connection.execute("RELEASE s")

    def change(self) -> None:
        """The same statement on both tables."""
        choice = self.random.random()
        if choice < 0.6:
            first, count = self.next_id, self.random.randint(1, 20)
            self.next_id += count
            rows = (
                f"SELECT i, {self.number}, i % 7, 'row ' || i"
                f" FROM generate_series({first}, {first + count - 1}) i"
            )
            self.both(lambda table: f"INSERT INTO {table} {rows}")
        elif choice < 0.8:
            rest = self.random.randint(0, 6)
            where = f"session = {self.number} AND n = {rest}"
            self.both(lambda table: f"UPDATE {table} SET note = note || '!' WHERE {where}")
        else:
            rest = self.random.randint(0, 20)
            where = f"session = {self.number} AND id % 21 = {rest}"
            self.both(lambda table: f"DELETE FROM {table} WHERE {where}")

    def both(self, statement: Callable[[str], str]) -> None:
        for table in ("far", "near"):
            self.connection.execute(statement(table).encode())
