"""What is measured: each case is a set of ways to one result, by the name of its column in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from measure import Backend, Way
from psycopg.pq import ExecStatus
from setting import STYLES, Sizes

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn

PLPYTHON = "plpython3u"
# Look-ups in one message to the server: their answers fit the socket's buffer.
BATCH = 250
SCANNED = ("dict", "tuple", "prebuilt", PLPYTHON, "file_fdw", "heap")


@dataclass(frozen=True)
class Case:
    """One line of the table. `unit` is what one measurement is divided by, for the time of one."""

    name: str
    unit: int
    of: str
    ways: Callable[[], dict[str, Way]]
    slow: bool = False


def source(shape: str, way: str) -> str:
    """What stands in FROM for a whole table."""
    match way:
        case "plpython3u":
            # A function that returns a plain type names its one column by an alias.
            return f"py_{shape}() AS f" + ("(n)" if shape == "numbers" else "")
        case "file_fdw":
            return f"file_{shape}"
        case "heap":
            return f"heap_{shape}"
        case style:
            return f"mc_{shape}_{style}"


def rows_of(protocol: PGconn) -> int:
    """Reads what a batch returned, to its end; raises what a look-up raised."""
    rows = 0
    while True:
        result = protocol.get_result()
        if result is None:  # between two look-ups
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            return rows
        if result.status != ExecStatus.TUPLES_OK:
            raise SystemExit(result.error_message.decode())
        rows += result.ntuples


class Cases:
    """The cases over one database; scans share a backend, so that all ways read the very same objects."""

    def __init__(self, conninfo: str, sizes: Sizes) -> None:
        self.conninfo = conninfo
        self.sizes = sizes
        self.backend = Backend(conninfo)
        # Python starts with the wrappers' directory on its path, whoever uses it afterwards.
        self.backend.run("SELECT v FROM mc_first")

    def all(self) -> Iterator[Case]:
        """Every case, in the order of the table."""
        rows = self.sizes.rows
        every = [
            f"count({name})" for name in ("i8", "f8", "t", "tz", "num", "js", "by", "bo", "da", "uu", "ar")
        ]
        yield self.scan("count(*)", "numbers", "count(*)")
        yield self.scan("sum(int8)", "numbers", "sum(n)")
        yield self.scan("4 text columns", "texts", "count(a), count(b), count(c), count(d)")
        yield self.scan("11 mixed columns", "mixed", ", ".join(every))
        yield self.scan("1 of 11 columns", "mixed", "count(t)")
        lookups = self.sizes.lookups
        yield Case("nested-loop lookups", lookups, "lookup", self.joins)
        yield Case("prepared lookups", self.sizes.prepared, "lookup", self.prepared)
        yield Case("first call in a backend", 1, "call", self.first_calls)
        yield Case("import of a schema", self.sizes.imported, "table", self.imports, slow=True)
        assert rows

    def scan(self, name: str, shape: str, selected: str) -> Case:
        """Aggregates over a whole table: nothing is sent, and the columns they name are really read."""

        def ways() -> dict[str, Way]:
            return {way: self.statement(f"SELECT {selected} FROM {source(shape, way)}") for way in SCANNED}

        return Case(name, self.sizes.rows[shape], "row", ways)

    def statement(self, text: str) -> Way:
        return lambda: self.backend.run(text)

    def joins(self) -> dict[str, Way]:
        """A look-up for each row of a local table. file_fdw would read its whole file for each."""
        # Memoize would spare the look-ups of ids that come twice.
        for method in ("hashjoin", "mergejoin", "memoize"):
            self.backend.connection.execute(f"SET enable_{method} = off".encode())
        queries = {
            style: f"SELECT count(f.v) FROM driver d JOIN find_{style} f ON f.id = d.id" for style in STYLES
        }
        queries[PLPYTHON] = "SELECT count(f.v) FROM driver d, LATERAL py_find(d.id) f"
        queries["heap"] = "SELECT count(f.v) FROM driver d JOIN heap_pairs f ON f.id = d.id"
        for query in queries.values():
            self.must_look_up(query)
        return {way: self.statement(query) for way, query in queries.items()}

    def must_look_up(self, query: str) -> None:
        """A plan that scans everything once would be compared with look-ups."""
        plan = self.backend.connection.execute(f"EXPLAIN {query}".encode()).fetchall()
        text = "\n".join(line for (line,) in plan)
        if "Nested Loop" not in text or "Memoize" in text or "Materialize" in text:
            message = f"not a nested loop of look-ups:\n{text}"
            raise SystemExit(message)

    def prepared(self) -> dict[str, Way]:
        """One-row look-ups by a prepared statement over the extended protocol."""
        queries = {style: f"SELECT v FROM find_{style} WHERE id = $1" for style in STYLES}
        queries[PLPYTHON] = "SELECT v FROM py_find($1)"
        queries["heap"] = "SELECT v FROM heap_pairs WHERE id = $1"
        for way, query in queries.items():
            self.backend.connection.execute(f"PREPARE look_up_{way} (int8) AS {query}".encode())
        return {way: self.executions(f"look_up_{way}") for way in queries}

    def executions(self, name: str) -> Way:
        """All look-ups, in batches that are sent at once.

        A backend that waits for each would mostly be measured falling asleep and waking up.
        """
        ids = [number * 7919 % self.sizes.rows["pairs"] for number in range(self.sizes.prepared)]
        statement = name.encode()

        def work(connection: psycopg.Connection) -> None:
            protocol = connection.pgconn
            protocol.enter_pipeline_mode()
            for start in range(0, len(ids), BATCH):
                batch = ids[start : start + BATCH]
                for wanted in batch:
                    protocol.send_query_prepared(statement, [b"%d" % wanted])
                protocol.pipeline_sync()
                found = rows_of(protocol)
                assert found == len(batch), f"{found} rows for {len(batch)} look-ups"
            protocol.exit_pipeline_mode()

        return lambda: self.backend.measure(work)

    def first_calls(self) -> dict[str, Way]:
        """A query in a backend that has run none but its greeting."""
        queries = {
            "prebuilt": "SELECT v FROM mc_first",
            PLPYTHON: "SELECT v FROM py_first()",
            "file_fdw": "SELECT v FROM file_first",
            "heap": "SELECT v FROM heap_first",
        }
        return {way: self.in_new_backend(query) for way, query in queries.items()}

    def in_new_backend(self, query: str) -> Way:
        def run() -> int:
            backend = Backend(self.conninfo)
            backend.run("SELECT 1")
            try:
                return backend.run(query)
            finally:
                backend.close()

        return run

    def imports(self) -> dict[str, Way]:
        """Only this extension has a schema to import; the others create as many tables."""
        count = self.sizes.imported
        columns = "(id int8, a text, b numeric(10,2), c timestamptz, d jsonb)"

        def creating(create: str) -> str:
            return f"DO $$ BEGIN FOR i IN 1..{count} LOOP EXECUTE format('{create}', i); END LOOP; END $$"

        foreign = f"CREATE FOREIGN TABLE imported.t%s {columns} SERVER files OPTIONS (filename ''/dev/null'')"
        statements = {
            "prebuilt": f"IMPORT FOREIGN SCHEMA s FROM SERVER many INTO imported OPTIONS (count '{count}')",
            PLPYTHON: f"DO $$ BEGIN PERFORM py_import({count}); END $$",
            "file_fdw": creating(foreign),
            "heap": creating(f"CREATE TABLE imported.t%s {columns}"),
        }
        return {way: self.importing(statement) for way, statement in statements.items()}

    def importing(self, statement: str) -> Way:
        def run() -> int:
            self.backend.connection.execute("DROP SCHEMA IF EXISTS imported CASCADE; CREATE SCHEMA imported")
            # The catalogue's own vacuuming, as a server in use has it: dead rows would slow the next down.
            self.backend.connection.execute("VACUUM pg_class, pg_attribute, pg_type, pg_depend")
            before = self.backend.cpu()
            self.backend.connection.execute(statement.encode())
            return self.backend.cpu() - before

        return run

    def generic_plans(self) -> tuple[int, int]:
        """How many of twelve executions of a prepared look-up had a generic and a custom plan."""
        connection = self.backend.connection
        connection.execute("PREPARE bench_lookup(int8) AS SELECT v FROM find_prebuilt WHERE id = $1")
        for number in range(12):
            connection.execute(f"EXECUTE bench_lookup({number})".encode())
        row = connection.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'bench_lookup'"
        ).fetchone()
        connection.execute("DEALLOCATE bench_lookup")
        assert row is not None
        return row[0], row[1]
