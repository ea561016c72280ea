"""Wormhole: what a call costs, in the server's process and confined, and what it saves.

Times are wall-clock times, as a confined call is done by two processes. Calls are measured inside of one
statement that makes many, so that neither the client nor its round trip counts; the dashboard is measured
as an application has it, round trips and all.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import setting  # noqa: F401 - it makes devkit importable
from devkit.paths import CHECKOUT
from devkit.wire import Wire

if TYPE_CHECKING:
    from devkit.cluster import Cluster

DATABASE = "bench_remote"
ROLE = "bench_remote"
CALLS = 2000
"""Calls in one statement."""

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
CREATE FUNCTION plpy_add(value int) RETURNS int LANGUAGE plpython3u AS $$
return value + 2
$$;
CREATE FUNCTION plpy_json(given jsonb) RETURNS jsonb LANGUAGE plpython3u AS $$
import json
return json.dumps({{"r": json.loads(given)["a"][0] + 2, "w": False}})
$$;
ANALYZE;
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

    def calls(self) -> tuple[list[Row], list[Target]]:
        """A call that adds two numbers, and one that asks as many queries as it is told."""
        add, ask = self.functions.add, self.functions.ask
        arguments = '{"a": [1], "k": {}}'
        with self.session() as inside, self.session(confined=True) as outside:
            for session in (inside, outside):
                add.on(session).install()
                ask.on(session).install()
            call = "SELECT count(wormhole_execute(%s, %s::jsonb)) FROM generate_series(1, %s)"
            plpy = "SELECT count(plpy_add(1)) FROM generate_series(1, %s)"
            json = "SELECT count(plpy_json(%s::jsonb)) FROM generate_series(1, %s)"

            def many(session: Any, function: Any, given: str, count: int = CALLS) -> float:
                return timed(lambda: session.execute(call, [function.id, given, count])) / count

            ways = {
                "plpython3u": lambda: timed(lambda: inside.execute(plpy, [CALLS])) / CALLS,
                "plpython3u, jsonb": lambda: timed(lambda: inside.execute(json, [arguments, CALLS])) / CALLS,
                "in process": lambda: many(inside, add, arguments),
                "confined": lambda: many(outside, add, arguments),
            }
            adding = self.interleave(ways)
            hundred, none = '{"a": [100]}', '{"a": [0]}'
            asking = self.interleave(
                {
                    "in process": lambda: (
                        (many(inside, ask, hundred, 20) - many(inside, ask, none, 20)) / 100
                    ),
                    "confined": lambda: (
                        (many(outside, ask, hundred, 20) - many(outside, ask, none, 20)) / 100
                    ),
                }
            )
        targets = [
            Target("in-process call, of PL/Python's", adding["in process"] / adding["plpython3u"], 1.5, ""),
            Target(
                "in-process call, of PL/Python's with jsonb",
                adding["in process"] / adding["plpython3u, jsonb"],
                1.5,
                "",
            ),
            Target("confined call, over one in process", adding["confined"] - adding["in process"], 40, "µs"),
            Target("query of a confined function, over", asking["confined"] - asking["in process"], 30, "µs"),
        ]
        return [("a call", adding), ("a query inside", asking)], targets

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
    for part in (remote.calls, remote.workers, remote.dashboards, remote.crowd):
        found, wanted = part()
        for name, ways in found:
            print(
                f"{name:22}" + "".join(f"{way:>19} {value:8.1f}" for way, value in ways.items()), flush=True
            )
        rows += found
        targets += wanted
    print("\nTargets of remote functions")
    for target in targets:
        print(target.line())
    return {"rows": dict(rows), "targets": [vars(target) for target in targets]}
