"""Owns one private server from initdb until its directory is gone.

Run as `python -m devkit.keeper BASE LOCK_FD` by `devkit.cluster`. Prints `ready`, or one line with the
reason and then the log. Ends the server on SIGTERM, SIGINT and SIGHUP, when the server ends by itself,
and, unless detached, when standard input closes: that is how it learns that its owner was killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from devkit.cluster import hand_over
from devkit.paths import server_user

START_SECONDS = 120.0
FAST_STOP_SECONDS = 15.0
IMMEDIATE_STOP_SECONDS = 10.0
PR_SET_PDEATHSIG = 1
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH")


class Stop(Exception):  # noqa: N818 - the ordinary end, not an error
    """The owner is gone or asked for the end."""


class Keeper:
    """The server's life; `base` is the directory that is removed at the end."""

    def __init__(self, base: Path, spec: dict[str, Any]) -> None:
        self.base = base
        self.spec = spec
        self.bin = Path(spec["bin"])
        self.process: subprocess.Popen[bytes] | None = None
        self.wakeup, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, ignore)

    def run(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a program of the server's as the server's user, its output going to the log."""
        user = server_user()
        # A short environment: what a wrapper sees must not depend on who started the tests.
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        environment |= {"LANG": "C.UTF-8", "HOME": user.pw_dir if user else str(Path.home())}
        with (self.base / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.base / "run",
                env=environment,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - the keeper has one thread
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=os.getgrouplist(user.pw_name, user.pw_gid) if user else None,
            )
        return self.process

    def wait(
        self,
        process: subprocess.Popen[bytes],
        seconds: float | None,
        *,
        stoppable: bool = True,
    ) -> bool:
        """Wait until `process` ended (True) or the time is over (False).

        Raises `Stop` when a signal came or the owner closed the pipe, if `stoppable`.
        """
        if process.poll() is not None:
            return True
        handle = os.pidfd_open(process.pid)
        watched = [handle]
        if stoppable:
            watched += [self.wakeup] if self.spec["detached"] else [self.wakeup, sys.stdin.fileno()]
        try:
            readable, _, _ = select.select(watched, [], [], seconds)
        finally:
            os.close(handle)
        if handle in readable:
            process.wait()
            return True
        if readable:
            raise Stop
        return False

    def initdb(self) -> None:
        """Make the data directory; raises `SystemExit` when initdb fails."""
        command = [
            str(self.bin / "initdb"),
            "-D",
            str(self.base / "data"),
            "-U",
            self.spec["user"],
            "-A",
            "trust",
        ]
        command += [
            "--no-sync",
            "-E",
            self.spec["encoding"],
            "--locale",
            self.spec["locale"],
        ]
        process = self.run(command)
        self.wait(process, START_SECONDS)
        if process.returncode != 0:
            raise SystemExit("initdb failed")

    def start(self) -> None:
        """Start the server and return when it accepts connections."""
        options = {
            **self.spec["settings"],
            "port": self.spec["port"],
            "unix_socket_directories": str(self.base / "run"),
        }
        # In the file and not on the command line, so that ALTER SYSTEM still has the last word.
        with (self.base / "data" / "postgresql.conf").open("a") as conf:
            for name, value in options.items():
                conf.write("{} = '{}'\n".format(name, value.replace("'", "''")))
        process = self.run([str(self.bin / "postgres"), "-D", str(self.base / "data")])
        end = time.monotonic() + START_SECONDS
        # The server announces itself in a file only, so the file is read again every 20 ms.
        while not self.is_ready():
            if self.wait(process, 0.02):
                raise SystemExit("the server ended while starting")
            if time.monotonic() > end:
                raise SystemExit(f"the server was not ready after {START_SECONDS:.0f} s")

    def is_ready(self) -> bool:
        """True when the eighth line of postmaster.pid says so."""
        try:
            lines = (self.base / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return [line.strip() for line in lines[7:8]] == ["ready"]

    def stop(self) -> None:
        """End the server, ever less politely."""
        process = self.process
        if process is None:
            return
        for number, seconds in (
            (signal.SIGINT, FAST_STOP_SECONDS),
            (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS),
        ):
            if process.poll() is None:
                process.send_signal(number)
            if self.wait(process, seconds, stoppable=False):
                return
        process.kill()
        process.wait()

    def live(self) -> None:
        """From nothing to the end."""
        try:
            self.initdb()
            self.start()
            print("ready", flush=True)
            process = self.process
            assert process is not None
            self.wait(process, None)
        except Stop:
            pass
        except SystemExit as reason:
            print(reason)
            print((self.base / "log").read_text(errors="replace"), flush=True)
        finally:
            self.stop()
            shutil.rmtree(self.base, ignore_errors=True)


def ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal is seen through the wakeup descriptor, where `select` waits for it."""


def die_with_parent() -> None:
    """Ask the kernel for an immediate shutdown of the server when the keeper itself is killed.

    Called after the change of user, which would clear the request.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


def main() -> int:
    """Read the specification, live, and always remove the directory; the lock goes with the process."""
    base = Path(sys.argv[1])
    spec = json.loads((base / "spec.json").read_text())
    for name in ("data", "run"):
        (base / name).mkdir()
        (base / name).chmod(0o700)
        hand_over(base / name)
    hand_over(base / "files")
    Keeper(base, spec).live()
    return 0


if __name__ == "__main__":
    sys.exit(main())
