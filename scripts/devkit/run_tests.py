"""Runs the parts of the test suite and counts them.

The last line is `N passed, N failed` over all parts. A part that ran nothing counts as one failure,
because a runner that finds no tests would otherwise look like success.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from devkit import tally
from devkit.paths import CHECKOUT
from devkit.tally import Tally

PYTHON = CHECKOUT / ".venv" / "bin" / "python"


def echo(command: list[str]) -> str:
    """Run a command, pass its output on line by line, and return it."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode != 0 and not lines:
        print(f"{command[0]} ended with status {process.returncode}")
    return "".join(lines)


def run_unit(_folder: Path) -> Tally:
    """The pure crates: everything of the workspace but the extension, which links only in a server."""
    output = echo(["cargo", "test", "--workspace", "--exclude", "multicorn", "--no-fail-fast"])
    counted = tally.of_cargo("cargo test", output)
    if "could not compile" in output:
        return Tally(counted.part, counted.passed, counted.failed + 1, counted.skipped)
    return counted


def run_regress(folder: Path) -> Tally:
    """PostgreSQL's regression runner."""
    report = folder / "regress"
    echo([str(CHECKOUT / "scripts" / "regress"), "--tally", str(report)])
    return tally.of_line("pg_regress", report.read_text() if report.exists() else "")


def run_pytest(part: str, directory: str, folder: Path) -> Tally:
    """One pytest directory."""
    report = folder / f"{part}.xml"
    echo([str(PYTHON), "-m", "pytest", "-q", f"--junitxml={report}", directory])
    return tally.of_junit(f"pytest {directory}", report)


PARTS: dict[str, Callable[[Path], Tally]] = {
    "unit": run_unit,
    "regress": run_regress,
    "python": lambda folder: run_pytest("python", "tests/python", folder),
    "e2e": lambda folder: run_pytest("e2e", "tests/e2e", folder),
}


def main(arguments: list[str]) -> int:
    """Run the named parts, or all, one after the other, and print a count of each."""
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args(arguments).parts or list(PARTS)
    if unknown := [part for part in chosen if part not in PARTS]:
        parser.error(f"no such part: {' '.join(unknown)}")
    counts: list[Tally] = []
    with tempfile.TemporaryDirectory(prefix="multicorn-test-") as folder:
        for part in chosen:
            print(f"\n==> {part}", flush=True)
            counts.append(PARTS[part](Path(folder)))
    print()
    for count in counts:
        print(count.line())
    failed = sum(count.failed or (0 if count.good else 1) for count in counts)
    print(f"{sum(count.passed for count in counts)} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
