"""Wormhole: what a call costs, in the server's process and confined, and what it saves.

In process the backend's CPU time counts, as for other functions. Everything else is wall-clock time, since a
confined call is done by two processes. Calls are measured inside of one statement that makes many, so that
neither the client nor its round trip counts; calls by a client and the dashboard are measured as an
application has them, round trips and all.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import setting  # noqa: F401 - it makes devkit importable
from devkit.paths import CHECKOUT
from devkit.wire import Wire
from measure import Backend, interleave

if TYPE_CHECKING:
    from devkit.cluster import Cluster

DATABASE = "bench_remote"
ROLE = "bench_remote"
CALLS = 2000
"""Calls in one statement."""
NEAR = 50_000
"""The same in process, so many that beginning and ending the statement is nothing beside them."""

SET_UP = f"""
CREATE EXTENSION plpython3u;
CREATE EXTENSION multicorn;
CREATE ROLE {ROLE} LOGIN;
GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_call, wormhole_typed TO {ROLE};
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE orders (id serial PRIMARY KEY, user_id int, amount numeric);
CREATE INDEX ON orders (user_id);
INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 1000) n;
INSERT INTO orders (user_id, amount) SELECT n % 1000 + 1, n FROM generate_series(1, 10000) n;
GRANT SELECT ON users, orders TO {ROLE};
CREATE FUNCTION plpy_add(value int) RETURNS int LANGUAGE plpy AS $$
return value + 2
$$;
CREATE FUNCTION plpy_json(given jsonb) RETURNS jsonb LANGUAGE plpy AS $$
import json
return json.dumps({{"r": json.loads(given)["a"][0] + 2, "w": False}})
$$;
CREATE FUNCTION plpython_add(value int) RETURNS int LANGUAGE plpython3u AS $$
return value + 2
$$;
CREATE TABLE numbers AS SELECT n::int FROM generate_series(1, {NEAR}) n;
VACUUM ANALYZE;
"""


@dataclass(frozen=True)
class Target:
    """At most so much, in microseconds or as a share."""

    name: str
    measured: float
    most: float
    unit: str

    def line(self) -> str:
        """As it is printed."""
        verdict = "met" if self.measured <= self.most else "NOT MET"
        return f"  {self.name:44} {self.measured:8.2f} {self.unit:3} at most {self.most:6.1f}  {verdict}"


Row = tuple[str, dict[str, float]]


class Remote:
    """The measurements; each returns rows of microseconds by way."""

    def __init__(self, cluster: Cluster, rounds: int) -> None:
        # The package is imported from the checkout, as the tests do.
        import sys

        sys.path.insert(0, str(CHECKOUT / "python" / "wormhole" / "src"))
        import remote_functions

        self.functions = remote_functions
        self.cluster = cluster
        self.rounds = rounds
        cluster.sql(f"CREATE DATABASE {DATABASE}")
        cluster.sql(SET_UP, DATABASE)

    def conninfo(self, *, confined: bool = False, directory: Path | None = None) -> str:
        """A superuser's functions run in process, others' confined."""
        found = self.cluster.conninfo(DATABASE)
        if confined:
            found = found.replace("user=postgres", f"user={ROLE}")
        return found.replace(str(self.cluster.socket_directory), str(directory)) if directory else found

    def interleave(self, ways: dict[str, Callable[[], float]]) -> dict[str, float]:
        """The median of each, one after the other in each round."""
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way()
        for _ in range(self.rounds):
            for name, way in ways.items():
                taken[name].append(way())
        return {name: statistics.median(values) for name, values in taken.items()}

    def near(self) -> tuple[list[Row], list[Target]]:
        """A call in process that adds two numbers: CPU time, beside functions with the same body."""
        arguments = """'{"a": [1]}'"""
        backend = Backend(self.conninfo())
        try:
            made = self.functions.add.on(backend.connection).install()
            calls = {
                "plpython3u": "plpython_add(n)",
                "plpy": "plpy_add(n)",
                "value": f"wormhole_value('{made}', NULL::int, n)",
                "typed": f"(wormhole_typed('{made}', NULL::int, n)).value",
                "plpy, jsonb": f"plpy_json({arguments}::jsonb)",
                "call": f"(wormhole_call('{made}', {arguments}::json)).value",
                "execute": f"wormhole_execute('{made}', {arguments}::jsonb)",
            }
            texts = {name: f"SELECT count({call}) FROM numbers" for name, call in calls.items()}
            ways = {name: partial(backend.run, text) for name, text in texts.items()}
            samples = interleave(ways, max(self.rounds // 5, 3))
        finally:
            backend.close()
        row = {name: (samples.median(name) or 0.0) / NEAR / 1000 for name in ways}
        targets = [
            Target(f"wormhole_{name}, of {of}", samples.share(name, of) or 0.0, 1.5, "")
            for name, of in (
                ("value", "plpy"),
                ("typed", "plpy"),
                ("call", "plpy, jsonb"),
                ("execute", "plpy, jsonb"),
            )
        ]
        return [("a call, CPU time", row)], targets

    def calls(self) -> tuple[list[Row], list[Target]]:
        """A call that adds two numbers, and one that asks as many queries as it is told."""
        add, ask = self.functions.add, self.functions.ask
        with self.session() as inside, self.session(confined=True) as outside:
            for session in (inside, outside):
                add.on(session).install()
                ask.on(session).install()
            tagged = "SELECT count((wormhole_call(%s, %s::json)).state) FROM generate_series(1, %s)"
            typed = "SELECT count((wormhole_typed(%s, NULL::int, %s::int)).state) FROM generate_series(1, %s)"

            def many(session: Any, call: str, function: Any, given: object, count: int = CALLS) -> float:
                return timed(lambda: session.execute(call, [function.id, given, count])) / count

            arguments = '{"a": [1]}'
            adding = self.interleave(
                {
                    "in process": lambda: many(inside, tagged, add, arguments),
                    "confined": lambda: many(outside, tagged, add, arguments),
                    "confined, typed": lambda: many(outside, typed, add, 1),
                }
            )

            def query(session: Any) -> float:
                return (many(session, typed, ask, 100, 20) - many(session, typed, ask, 0, 20)) / 100

            asking = self.interleave(
                {"in process": lambda: query(inside), "confined": lambda: query(outside)}
            )
        targets = [
            Target("confined call, over one in process", adding["confined"] - adding["in process"], 40, "µs"),
            Target("query of a confined function, over", asking["confined"] - asking["in process"], 30, "µs"),
        ]
        return [("a call", adding), ("a query inside", asking)], targets

    def clients(self) -> tuple[list[Row], list[Target]]:
        """A call as a client makes it, with values of SQL and in tagged JSON, beside the smallest query."""
        with self.session() as session:
            typed, tagged = self.functions.add.on(session), self.functions.add_any.on(session)
            typed(1), tagged(1)

            def each(work: Callable[[], object], count: int = 100) -> float:
                return timed(lambda: [work() for _ in range(count)]) / count

            ways = {
                "SELECT": lambda: each(lambda: session.execute("SELECT %s::int + 2", [1]).fetchone()),
                "values": lambda: each(lambda: typed(1)),
                "tagged": lambda: each(lambda: tagged(1)),
            }
            found = self.interleave(ways)
        return [("by the client", found)], []

    def workers(self) -> tuple[list[Row], list[Target]]:
        """A call after the worker was lost, as by a timeout: another is made by the helper that is there."""
        add, spin = self.functions.add, self.functions.spin
        with self.session(confined=True) as session:
            one, lose = add.on(session), spin.on(session)
            one(1)

            def first() -> float:
                session.execute("SET statement_timeout = '5ms'")
                with suppress(psycopg.errors.QueryCanceled):
                    lose()
                session.execute("RESET statement_timeout")
                return timed(lambda: one(1))

            lose.install()
            found = self.interleave({"a new worker": first, "the same again": lambda: timed(lambda: one(1))})
        taken = (found["a new worker"] - found["the same again"]) / 1000
        return [("a confined call", found)], [Target("a new worker", taken, 5, "ms")]

    def dashboards(self) -> tuple[list[Row], list[Target]]:
        """Three queries by the client, or one call that makes them."""
        rows: list[Row] = []
        for delay in (0.0, 0.001):
            with (
                self.wire(delay) as directory,
                self.session(directory=directory) as inside,
                self.session(confined=True, directory=directory) as outside,
            ):
                rows.append((f"dashboard, {delay * 1000:.0f} ms away", self.dashboard(inside, outside)))
        far = rows[-1][1]
        return rows, [
            Target("dashboard 1 ms away, of 3 queries", far["in process"] / far["3 queries"], 0.5, "")
        ]

    def dashboard(self, inside: Any, outside: Any) -> dict[str, float]:
        """The three ways, over these sessions."""
        functions = self.functions
        one, two = functions.dashboard.on(inside), functions.dashboard.on(outside)
        return self.interleave(
            {
                "3 queries": lambda: timed(lambda: functions.three_queries(inside, 7)),
                "in process": lambda: timed(lambda: one(7)),
                "confined": lambda: timed(lambda: two(7)),
            }
        )

    def crowd(self) -> tuple[list[Row], list[Target]]:
        """The same call by eight sessions at once: time for a call, seen from all of them."""
        count = 200

        def work(session: Any) -> None:
            bound = self.functions.dashboard.on(session)
            for _ in range(count):
                bound(7)

        found: dict[str, float] = {}
        for name, confined in (("in process", False), ("confined", True)):
            for number in (1, 8):
                sessions = [
                    psycopg.connect(self.conninfo(confined=confined), autocommit=True) for _ in range(number)
                ]
                for session in sessions:
                    self.functions.dashboard.on(session)(7)
                threads = [threading.Thread(target=work, args=[session]) for session in sessions]
                begin = time.perf_counter()
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                found[f"{name}, {number}"] = (time.perf_counter() - begin) * 1e6 / (count * number)
                for session in sessions:
                    session.close()
        return [("dashboard, by sessions", found)], []

    @contextmanager
    def session(self, *, confined: bool = False, directory: Path | None = None) -> Iterator[Any]:
        """A connection in autocommit mode."""
        where = self.conninfo(confined=confined, directory=directory)
        with psycopg.connect(where, autocommit=True) as connection:
            yield connection

    @contextmanager
    def wire(self, delay: float) -> Iterator[Path | None]:
        """The directory of a socket behind which the server is so many seconds away, None for no detour."""
        if not delay:
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="w") as name:
            made = Wire(self.cluster.socket_directory / ".s.PGSQL.5432", Path(name), delay)
            try:
                yield Path(name)
            finally:
                made.close()


def timed(work: Callable[[], object]) -> float:
    """Microseconds."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1e6


def measure(cluster: Cluster, rounds: int) -> dict[str, object]:
    """Print the table and the targets, and return both for the JSON file."""
    remote = Remote(cluster, rounds * 20)
    print("\nRemote functions: microseconds by the clock (median)\n")
    rows: list[Row] = []
    targets: list[Target] = []
    for part in (remote.near, remote.calls, remote.clients, remote.workers, remote.dashboards, remote.crowd):
        found, wanted = part()
        for name, ways in found:
            print(
                f"{name:22}" + "".join(f"{way:>19} {value:8.2f}" for way, value in ways.items()), flush=True
            )
        rows += found
        targets += wanted
    print("\nTargets of remote functions")
    for target in targets:
        print(target.line())
    return {"rows": dict(rows), "targets": [vars(target) for target in targets]}
