r"""Runs PostgreSQL's own pg_regress over tests/pg_regress, each test in its own database.

A database of its own lets the tests run in parallel and in any order, and keeps one test's leftovers
from another. Roles, servers of other clusters and settings changed by ALTER SYSTEM are shared: a test
that needs the cluster for itself has the line `-- regress: alone` and runs after the others. A test that
uses other extensions names them in a line `-- regress: needs plpython3u hstore` and is skipped, and counted
as skipped, on a server that was built without them.

What a test finds: the extension created, `tests/pg_regress/wrappers` importable, and in the environment
(psql's \getenv) MULTICORN_TEST_FILES, a writable copy of `tests/pg_regress/data`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devkit import server
from devkit.cluster import Cluster
from devkit.install import install_into
from devkit.paths import CHECKOUT
from devkit.tally import Tally

SUITE = CHECKOUT / "tests" / "pg_regress"
TEMPLATE = "regress_template"
SETTINGS = {"multicorn.python_path": "{files}/wrappers"}


@dataclass(frozen=True)
class Outcome:
    """One test: whether it passed, and what to show when it did not."""

    name: str
    passed: bool
    report: str


def names(chosen: list[str]) -> list[str]:
    """The tests to run: those named, else all; a name may be a prefix such as `fdw_`."""
    every = sorted(path.stem for path in (SUITE / "sql").glob("*.sql"))
    if not chosen:
        return every
    found = [
        name
        for name in every
        if any(name == one or (one.endswith("_") and name.startswith(one)) for one in chosen)
    ]
    if not found:
        message = f"no such test: {' '.join(chosen)}; there are {' '.join(every)}"
        raise SystemExit(message)
    return found


def needs_the_cluster_alone(name: str) -> bool:
    """True when the test's file says so in a comment line."""
    text = (SUITE / "sql" / f"{name}.sql").read_text()
    return re.search(r"^-- regress: alone", text, re.MULTILINE) is not None


def needed_extensions(name: str) -> set[str]:
    """What the test's `-- regress: needs` lines name."""
    text = (SUITE / "sql" / f"{name}.sql").read_text()
    return {
        word for line in re.findall(r"^-- regress: needs (.*)$", text, re.MULTILINE) for word in line.split()
    }


def split_skipped(every: list[str], cluster: Cluster) -> tuple[list[str], list[str]]:
    """The tests that can run on this server, and those that cannot, each of which is announced."""
    available = set(cluster.sql("SELECT name FROM pg_available_extensions").split())
    runnable: list[str] = []
    skipped: list[str] = []
    for name in every:
        missing = needed_extensions(name) - available
        if missing:
            print(f"skip     {name}: this PostgreSQL lacks {' '.join(sorted(missing))}", flush=True)
        (skipped if missing else runnable).append(name)
    return runnable, skipped


class Suite:
    """The cluster with its template database, and where results go."""

    def __init__(self, cluster: Cluster, pg_regress: Path, results: Path) -> None:
        self.cluster = cluster
        self.pg_regress = pg_regress
        self.results = results
        self.files = cluster.stage(SUITE / "data")
        cluster.stage(SUITE / "wrappers")
        cluster.sql(f"CREATE DATABASE {TEMPLATE}")
        cluster.sql("CREATE EXTENSION multicorn", TEMPLATE)

    def run(self, name: str) -> Outcome:
        """Run one test in a fresh copy of the template and drop the database if it passed."""
        database = f"regress_{name}"
        self.cluster.sql(f'CREATE DATABASE "{database}" TEMPLATE {TEMPLATE}')
        output = self.results / name
        (output / "results").mkdir(parents=True)
        command = [
            str(self.pg_regress),
            f"--inputdir={SUITE}",
            f"--outputdir={output}",
            f"--bindir={self.cluster.installation.bin}",
            f"--dbname={database}",
            f"--user={self.cluster.environment()['PGUSER']}",
            f"--host={self.cluster.socket_directory}",
            f"--port={self.cluster.environment()['PGPORT']}",
            "--use-existing",
            name,
        ]
        environment = self.cluster.environment()
        # pg_regress takes host, port and user from its options and warns about the variables.
        for variable in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"):
            del environment[variable]
        environment["MULTICORN_TEST_FILES"] = str(self.files)
        done = subprocess.run(
            command,
            env=environment,
            cwd=output,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            self.cluster.sql(f'DROP DATABASE "{database}" WITH (FORCE)')
            return Outcome(name, passed=True, report="")
        return Outcome(name, passed=False, report=self._report(output, done.stdout))

    @staticmethod
    def _report(output: Path, said: str) -> str:
        """The difference where there is one, else what pg_regress said."""
        diffs = output / "regression.diffs"
        return diffs.read_text(errors="replace") if diffs.exists() else said


def keep_results(results: Path, outcomes: list[Outcome]) -> None:
    """Leave the actual output of failed tests in tests/pg_regress/results, to look at or to accept."""
    kept = SUITE / "results"
    kept.mkdir(exist_ok=True)
    for old in kept.glob("*.out"):
        old.unlink()
    for outcome in outcomes:
        actual = results / outcome.name / "results" / f"{outcome.name}.out"
        if not outcome.passed and actual.exists():
            (kept / actual.name).write_bytes(actual.read_bytes())


def run_all(chosen: list[str], jobs: int) -> Tally:
    """Run the tests and print one line each, then the differences."""
    original = server.find()
    copy = server.private_copy(original)
    install_into(copy)
    every = names(chosen)
    with (
        tempfile.TemporaryDirectory(prefix="regress-") as folder,
        Cluster(installation=copy, settings=SETTINGS) as cluster,
    ):
        runnable, skipped = split_skipped(every, cluster)
        alone = [name for name in runnable if needs_the_cluster_alone(name)]
        together = [name for name in runnable if name not in alone]
        suite = Suite(cluster, original.pg_regress, Path(folder))
        with ThreadPoolExecutor(jobs) as pool:
            outcomes = [announce(outcome) for outcome in pool.map(suite.run, together)]
        outcomes += [announce(suite.run(name)) for name in alone]
        for outcome in outcomes:
            if not outcome.passed:
                print(f"\n--- {outcome.name} ---\n{outcome.report}")
        keep_results(Path(folder), outcomes)
        if not all(outcome.passed for outcome in outcomes):
            print_crashes(cluster.log)
    return Tally(
        "pg_regress",
        passed=sum(outcome.passed for outcome in outcomes),
        failed=sum(not outcome.passed for outcome in outcomes),
        skipped=len(skipped),
    )


def print_crashes(log: Path) -> None:
    """Show the log's lines about backends that died; a lost connection alone does not tell why."""
    for line in log.read_text(errors="replace").splitlines():
        if "was terminated by signal" in line or "PANIC" in line or "Failed process was" in line:
            print(line)


def announce(outcome: Outcome) -> Outcome:
    """Print one test's line as soon as it is known."""
    print(f"{'ok      ' if outcome.passed else 'not ok  '} {outcome.name}", flush=True)
    return outcome


def main(arguments: list[str]) -> int:
    """Command line: names or prefixes ending in `_`; `--tally FILE` is for the test runner."""
    parser = argparse.ArgumentParser(prog="scripts/regress", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2))
    parser.add_argument("--accept", action="store_true", help="replace expected output by what failed")
    parser.add_argument("--tally", type=Path)
    options = parser.parse_args(arguments)
    tally = run_all(options.names, options.jobs)
    if options.accept:
        for actual in (SUITE / "results").glob("*.out"):
            (SUITE / "expected" / actual.name).write_bytes(actual.read_bytes())
            print(f"accepted {actual.name}")
    if options.tally:
        options.tally.write_text(tally.line())
    print(tally.line())
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
