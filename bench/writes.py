"""What writes cost: rows given to a class that forgets them, PL/Python called for each, and a local table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cases import PLPYTHON, Case
from measure import Backend, Way

if TYPE_CHECKING:
    from devkit.cluster import Cluster
    from setting import Sizes

COLUMNS = "id int8, name text, amount numeric(12,2), at timestamptz"
WRITTEN = ("insert", "bulk_insert", "update", "delete", PLPYTHON, "heap")
#: Rows that are changed and removed are a tenth of those that are inserted.
PART = 10


def set_up(cluster: Cluster, sizes: Sizes) -> None:
    """Make the tables that are written to, and the one that is read for it."""
    cluster.sql(
        f"""
        CREATE SERVER sink FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
        CREATE FOREIGN TABLE sink_insert ({COLUMNS}) SERVER sink
            OPTIONS (wrapper 'bench_write.Sink', count '{sizes.written // PART}');
        CREATE FOREIGN TABLE sink_bulk_insert ({COLUMNS}) SERVER sink
            OPTIONS (wrapper 'bench_write.Batches', count '0');
        CREATE TABLE sink_heap ({COLUMNS});
        CREATE TABLE source AS
            SELECT i::int8 AS id, 'name ' || i AS name, (i * 1.25)::numeric(12,2) AS amount,
                '2020-01-01'::timestamptz + i * interval '1 second' AS at
            FROM generate_series(1, {sizes.written}) i;
        VACUUM ANALYZE source;
        CREATE FUNCTION py_write(id int8, name text, amount numeric, at timestamptz) RETURNS void
            LANGUAGE plpython3u AS $$\nimport bench_write\nbench_write.write(id, name, amount, at)\n$$;
        """,
        "bench",
    )


class Writes:
    """The cases, in one backend."""

    def __init__(self, backend: Backend, sizes: Sizes) -> None:
        self.backend = backend
        self.sizes = sizes

    def all(self) -> Iterator[Case]:
        """Every case, in the order of the table."""
        yield Case("INSERT … SELECT", self.sizes.written, "row", self.inserts)
        yield Case("changes", self.sizes.written // PART, "row", self.changes)

    def inserts(self) -> dict[str, Way]:
        """All rows of a local table, by each way."""
        ways = {way: self.statement(f"INSERT INTO sink_{way} SELECT * FROM source") for way in WRITTEN[:2]}
        ways[PLPYTHON] = self.statement("SELECT count(py_write(id, name, amount, at)) FROM source")
        ways["heap"] = self.into_heap
        return ways

    def changes(self) -> dict[str, Way]:
        """Each row of the foreign table, in the time that a local table needs to take ten times as many."""
        return {
            "update": self.statement("UPDATE sink_insert SET name = name || 'x'"),
            "delete": self.statement("DELETE FROM sink_insert"),
            "heap": self.into_heap,
        }

    def statement(self, text: str) -> Way:
        return lambda: self.backend.measure(lambda connection: connection.execute(text.encode()))

    def into_heap(self) -> int:
        self.backend.connection.execute("TRUNCATE sink_heap")
        return self.statement("INSERT INTO sink_heap SELECT * FROM source")()
