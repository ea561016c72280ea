"""Runs programs whose output goes to a log, and ends them with everything they started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 30.0  # a cluster's keeper needs up to 25 s to stop its server and remove its directory


class MatrixError(Exception):
    """Something that the user can mend; the text says what to do."""


class CommandError(MatrixError):
    """A program failed; `log` has its output."""

    def __init__(self, name: str, status: int, log: Path) -> None:
        super().__init__(f"`{name}` ended with status {status}; see {log}")
        self.log = log


def say(text: str) -> None:
    """Tell the user how far we are; standard output is for the table."""
    print(f"matrix: {text}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    name: str | None = None,
) -> None:
    """Append a program's output to `log`; raises `CommandError` unless it ends with status 0.

    `name` is what log and error call it, where the command line begins with wrappers around it.
    The program gets a process group of its own, so that Ctrl-C or a signal to us ends all of it.
    """
    with log.open("ab") as output:
        # The whole command line would put lent settings into the log, a proxy's password among them.
        output.write(f"+ {name or ' '.join(command)}\n".encode())
        output.flush()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    try:
        status = process.wait()
    except BaseException:
        end_group(process)
        raise
    if status != 0:
        raise CommandError(name or Path(command[0]).name, status, log)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask a program and its children to end, and kill those that do not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
            return


def answer(command: Sequence[str], directory: Path | None = None) -> str:
    """What a program prints, without the last newline; raises `MatrixError` with its messages."""
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=directory
        )
    except FileNotFoundError:
        raise MatrixError(f"{command[0]} is missing") from None
    if done.returncode != 0:
        raise MatrixError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.rstrip("\n")


@contextlib.contextmanager
def alone(folder: Path) -> Generator[None, None, None]:
    """Hold a version's environment: two runs in one folder would test a mixture of two checkouts."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run in {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
