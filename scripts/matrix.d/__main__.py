"""Builds Multicorn and runs its tests on several versions of PostgreSQL.

    scripts/matrix 16 17 18             build and test on these versions; print a table and put it into
                                        docs/versions.md
    scripts/matrix prepare VERSION …    only make the environments
    scripts/matrix build VERSION …      make them, copy the checkout into them and compile it
    scripts/matrix shell VERSION [-- COMMAND …]
                                        a shell or a command in the copy, as it was last built or tested
    scripts/matrix remove [VERSION …]   remove environments, all of them without a version

Versions 15, 17 and 18 are Debian releases in a folder, made by debootstrap, and need root; 16 is a package
of PyPI. Environments are kept in $MULTICORN_MATRIX_DIR, else in $XDG_CACHE_HOME/multicorn-matrix, else in
/var/cache/multicorn-matrix, about 3 GB each. Debian packages come from the mirror of the machine's apt, or
from $MULTICORN_MATRIX_MIRROR.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from checkout import copy_to, revision
from debian import DebianFolder
from environment import Environment, work_folder
from jobs import CommandError, MatrixError, alone, say
from pypi import PypiServer
from results import Row, counts, record, table

# The Debian release that has the version as its own; Python comes with the release.
SUITES = {15: "bookworm", 17: "trixie", 18: "sid"}
FROM_PYPI = 16
COMMANDS = ("prepare", "build", "shell", "remove")
LOG_LINES_SHOWN = 40


@dataclass(frozen=True)
class Outcome:
    """What one version came to."""

    row: Row
    passed: bool


def environment(major: int) -> Environment:
    """The environment of a version; its folder is created."""
    folder = work_folder() / str(major)
    folder.mkdir(exist_ok=True)
    if major == FROM_PYPI:
        return PypiServer(major, folder)
    return DebianFolder(major, folder, SUITES[major])


def fresh_log(place: Environment, step: str) -> Path:
    """An empty log for one step of one version."""
    log = place.folder / f"{step}.log"
    log.write_text("")
    return log


def prepare(place: Environment) -> None:
    """Make the environment, or bring an old one up to date with the host's settings."""
    place.prepare(fresh_log(place, "prepare"))


def build(place: Environment) -> None:
    """Copy the checkout and compile it; the first time installs PostgreSQL and the tools as well."""
    # The checkout may go on while its copy is tested.
    (place.folder / "revision").write_text(revision())
    copy_to(place.checkout)
    log = fresh_log(place, "build")
    say(f"{place.major}: building; the log is {log}")
    place.run(["make", "build"], log)


def test(place: Environment) -> None:
    """Run all tests."""
    log = fresh_log(place, "test")
    say(f"{place.major}: testing; the log is {log}")
    place.run(["make", "test"], log)


STEPS: dict[str, Callable[[Environment], None]] = {"prepare": prepare, "build": build, "test": test}


def versions_of(place: Environment) -> tuple[str, str]:
    """PostgreSQL's and Python's full versions, as far as they can be told."""
    try:
        return place.postgresql_version(), place.python_version()
    except MatrixError:
        return str(place.major), "-"


def run_version(major: int) -> Outcome:
    """All steps of one version; a failure becomes a line of the table, not the end of the run."""
    start = time.monotonic()
    place = environment(major)
    result = "passed"
    with alone(place.folder):
        for name in ("test.log", "revision"):
            (place.folder / name).unlink(missing_ok=True)
        for step, action in STEPS.items():
            try:
                action(place)
            except MatrixError as error:
                result = f"failed: {step}"
                explain(major, step, error)
                break
        log = place.folder / "test.log"
        cells = counts(log.read_text(errors="replace") if log.exists() else "")
        versions = versions_of(place)
        tested = place.folder / "revision"
        commit = tested.read_text() if tested.exists() else revision()
    minutes = f"{(time.monotonic() - start) / 60:.1f}"
    return Outcome(Row((*versions, *cells, result, minutes, commit)), result == "passed")


def explain(major: int, step: str, error: MatrixError) -> None:
    """Say why a step failed, with the end of its log."""
    say(f"{major}: {step} failed: {error}")
    if isinstance(error, CommandError):
        for line in error.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]:
            print(f"    {line}", file=sys.stderr)


def run_all(majors: list[int]) -> int:
    """Test the versions one after the other; returns 1 when one of them failed."""
    revision()  # fails early where the checkout is not git's
    outcomes = [run_version(major) for major in majors]
    rows = [outcome.row for outcome in outcomes]
    print(table(rows))
    record(rows)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def build_only(majors: list[int], *, compile_too: bool) -> int:
    """The commands `prepare` and `build`."""
    for major in majors:
        place = environment(major)
        with alone(place.folder):
            try:
                prepare(place)
                if compile_too:
                    build(place)
            except CommandError as error:
                explain(major, "build" if compile_too else "prepare", error)
                return 1
    return 0


def shell(majors: list[int], command: list[str]) -> int:
    """Become a shell or a command inside one environment."""
    if len(majors) != 1:
        raise MatrixError("shell takes one version")
    place = environment(majors[0])
    if not place.checkout.exists():
        raise MatrixError(f"there is no environment yet; run scripts/matrix build {majors[0]}")
    line = place.inside(command or ["bash"])
    sys.stdout.flush()
    os.execvp(line[0], line)


def remove(majors: list[int]) -> int:
    """Remove environments."""
    for major in majors or [*SUITES, FROM_PYPI]:
        if (work_folder() / str(major)).exists():
            place = environment(major)
            with alone(place.folder):
                place.remove()
            say(f"{major}: removed {place.folder}")
    return 0


def majors_of(words: list[str]) -> list[int]:
    """Version numbers from the command line, each once; raises `MatrixError` for others."""
    known = sorted([*SUITES, FROM_PYPI])
    for word in words:
        if not word.isdecimal() or int(word) not in known:
            raise MatrixError(f"no such version: {word}; there are {' '.join(map(str, known))}")
    return list(dict.fromkeys(int(word) for word in words))


def raise_exit(number: int, _frame: FrameType | None) -> None:
    """Let SIGTERM and SIGHUP unwind the stack, so that what we started is ended."""
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Take the command line apart; what follows `--` is a command for `shell`."""
    rest: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, rest = arguments[:at], arguments[at + 1 :]
    command = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "test"
    if any(word in {"-h", "--help"} for word in arguments) or (command != "remove" and not arguments):
        print(__doc__)
        return 0
    majors = majors_of(arguments)
    if command == "shell":
        return shell(majors, rest)
    if rest:
        raise MatrixError(f"{command} takes no command after --")
    if command == "remove":
        return remove(majors)
    if command == "test":
        return run_all(majors)
    return build_only(majors, compile_too=command == "build")


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, raise_exit)
    os.umask(0o022)  # the server's user reads what we make, also under a strict umask
    try:
        sys.exit(main(sys.argv[1:]))
    except MatrixError as problem:
        say(str(problem))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
