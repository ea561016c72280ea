"""Compares this extension with PL/Python, file_fdw and local tables by the backend's CPU time.

Prints a table and writes JSON. It is not a test: the status is 0 whatever the numbers say.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import functions
import remote
import writes
from cases import PLPYTHON, SCANNED, Case, Cases
from functions import CALLED, Functions
from measure import Samples, interleave
from setting import FULL, QUICK, bench_cluster, set_up
from writes import WRITTEN, Writes

DEFAULT_JSON = Path(__file__).resolve().parents[1] / "build" / "bench.json"


TITLE = "CPU time of the backend for a row, look-up, call or table (median), and its share of PL/Python's"


@dataclass(frozen=True)
class Target:
    """At most this share of another way's CPU time."""

    case: str
    way: str
    most: float
    of: str = PLPYTHON


TARGETS = (
    Target("sum(int8)", "prebuilt", 0.15),
    Target("4 text columns", "prebuilt", 0.15),
    Target("11 mixed columns", "prebuilt", 0.25),
    Target("1 of 11 columns", "prebuilt", 0.10),
    Target("nested-loop lookups", "tuple", 1.0),
    Target("prepared lookups", "tuple", 1.0),
    Target("INSERT … SELECT", "insert", 1.0),
    Target("INSERT … SELECT", "bulk_insert", 0.6),
    # Of what ten times as many rows cost a local table.
    Target("changes", "update", 0.6, "heap"),
    Target("changes", "delete", 0.35, "heap"),
    Target("int call", "plpy", 0.6),
    Target("int call", "python", 0.8),
    Target("text call", "plpy", 0.6),
    Target("numeric a*b+c", "plpy", 0.5),
    Target("numeric a*b+c", "python", 0.5),
    Target("row trigger", "plpy", 0.8),
    Target("row trigger", "python", 0.8),
    Target("rows of a set", "plpy", 0.5),
    Target("rows of a set", "python", 0.5),
    Target("rows of a query", "plpy", 0.6),
    Target("rows of a query", "python", 0.6),
    Target("statement as a set", "python", 1.5, "query"),
)


def duration(nanoseconds: float | None) -> str:
    """Three digits and a unit."""
    if nanoseconds is None:
        return "–"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"


def print_header(title: str, columns: Sequence[str]) -> None:
    print(f"\n{title}\n")
    print(f"{'':24}" + "".join(f"{way:>18}" for way in columns))


def print_case(case: Case, samples: Samples, columns: Sequence[str]) -> None:
    cells: list[str] = []
    for way in columns:
        median, share = samples.median(way), samples.share(way, PLPYTHON)
        time = duration(median / case.unit if median is not None else None)
        cells.append(f"{time}  {share:.2f}" if share is not None and way != PLPYTHON else time)
    print(f"{case.name:24}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def print_targets(measured: dict[str, Samples], plans: tuple[int, int]) -> list[dict[str, object]]:
    """Each target with what was measured; returns the same for the JSON file."""
    results: list[dict[str, object]] = []
    print("\nTargets (share of another way's CPU time)")
    for target in TARGETS:
        share = measured[target.case].share(target.way, target.of) if target.case in measured else None
        if share is None:
            continue
        met = share <= target.most
        print(
            f"  {target.case:20} {target.way:12} {share:.3f} of {target.of:10}  at most {target.most:.2f}  "
            + ("met" if met else "NOT MET")
        )
        results.append(
            {
                "case": target.case,
                "way": target.way,
                "of": target.of,
                "share": share,
                "at_most": target.most,
                "met": met,
            }
        )
    generic, custom = plans
    met = generic > 0 and custom <= 5
    print(f"  prepared look-up: {custom} custom plans, then {generic} generic  {'met' if met else 'NOT MET'}")
    return results


def write_json(path: Path, cases: list[Case], measured: dict[str, Samples], rest: dict[str, object]) -> None:
    """Every sample in nanoseconds, so that other figures can be made from them."""
    body = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cases": [
            {
                "name": case.name,
                "unit": case.of,
                "units_per_sample": case.unit,
                "nanoseconds": measured[case.name].by_way,
            }
            for case in cases
        ],
        **rest,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=1) + "\n")
    print(f"\nwritten to {path}")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer rows and rounds: a minute in place of ten"
    )
    parser.add_argument("--only", metavar="TEXT", action="append", help="only cases whose name contains TEXT")
    parser.add_argument("--rounds", type=int, help="rounds of each case")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, help="where the samples go")
    return parser.parse_args(arguments)


def measure(table: Table, options: argparse.Namespace, rounds: int) -> dict[str, Samples]:
    """Print one table of cases, those that were chosen, and return what was measured by their names."""
    chosen = [case for case in table.cases if not options.only or any(t in case.name for t in options.only)]
    if not chosen:
        return {}
    print_header(table.title, table.columns)
    measured: dict[str, Samples] = {}
    for case in chosen:
        measured[case.name] = interleave(case.ways(), min(rounds, 3) if case.slow else rounds)
        print_case(case, measured[case.name], table.columns)
    return measured


@dataclass(frozen=True)
class Table:
    """Cases that have the same ways."""

    title: str
    columns: Sequence[str]
    cases: Sequence[Case]


def main(arguments: list[str]) -> int:
    """Measure, print, write."""
    options = parse(arguments)
    sizes = QUICK if options.quick else FULL
    rounds = options.rounds or sizes.rounds
    with bench_cluster() as cluster:
        set_up(cluster, sizes)
        writes.set_up(cluster, sizes)
        functions.set_up(cluster, sizes)
        cases = Cases(cluster.conninfo("bench"), sizes)
        reads = Table(TITLE, SCANNED, list(cases.all()))
        changes = Table("Writes: the same for a row", WRITTEN, list(Writes(cases.backend, sizes).all()))
        calls = Table("Functions: a call or row", CALLED, list(Functions(cases.backend, sizes).all()))
        measured: dict[str, Samples] = {}
        for table in (reads, changes, calls):
            measured |= measure(table, options, rounds)
        chosen_remote = not options.only or any(text in "remote" for text in options.only)
        far = remote.measure(cluster, rounds) if chosen_remote else None
        if not measured and far is None:
            print("no case has such a name", file=sys.stderr)
            return 2
        plans = cases.generic_plans()
        version = cases.backend.connection.info.server_version
        cases.backend.close()
    targets = print_targets(measured, plans)
    chosen = [case for case in (*reads.cases, *changes.cases, *calls.cases) if case.name in measured]
    rest: dict[str, object] = {
        "server_version": version,
        "targets": targets,
        "generic_plans": plans[0],
        "remote": far,
    }
    write_json(options.json, chosen, measured, rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
