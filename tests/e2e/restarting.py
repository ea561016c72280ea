"""A private server that a test may stop as a power cut would, and start again."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg
from devkit.cluster import PORT, SETTINGS, SUPERUSER, hand_over, parent_directory, sweep
from devkit.keeper import Keeper
from devkit.mirror import mirror
from devkit.paths import checkout_id, server_user

if TYPE_CHECKING:
    from types import TracebackType

    from devkit.server import Installation


class RestartingServer(Keeper):
    """A server of the test process itself: the kernel ends it if that process dies.

    Its directory is locked as a `Cluster`'s is, so that `sweep` finds it if nobody removes it.
    """

    def __init__(self, installation: Installation, settings: dict[str, str]) -> None:
        sweep()
        self.base = Path(tempfile.mkdtemp(prefix=f"multicorn-{checkout_id()}-", dir=parent_directory()))
        self.base.chmod(0o755)
        self.lock = (self.base / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.files = self.base / "files"
        for name in ("data", "run", "files"):
            (self.base / name).mkdir()
        (self.base / "data").chmod(0o700)
        for name in ("data", "run", "files"):
            hand_over(self.base / name)
        self.bin = installation.bin
        self.spec = {
            "user": SUPERUSER,
            "port": str(PORT),
            "encoding": "UTF8",
            "locale": "C.UTF-8",
            "settings": {
                name: value.replace("{files}", str(self.files))
                for name, value in {**SETTINGS, **settings}.items()
            },
            "detached": True,
        }
        self.process: subprocess.Popen[bytes] | None = None
        # Nobody asks for the end by a signal here; `wait` looks at it all the same.
        self.wakeup, self.unused = os.pipe()

    def __enter__(self) -> Self:
        try:
            self.initdb()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server and remove its directory."""
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)
        self.lock.close()
        for descriptor in (self.wakeup, self.unused):
            os.close(descriptor)

    def stage(self, source: Path) -> None:
        """Copy a directory to where the server can read it."""
        mirror(source, self.files / source.name)
        hand_over(self.files / source.name)

    def connect(self) -> psycopg.Connection:
        """A connection in autocommit mode."""
        conninfo = f"host={self.base / 'run'} port={PORT} user={SUPERUSER} dbname=postgres"
        return psycopg.connect(conninfo, autocommit=True)

    def stop_immediately(self) -> None:
        """`pg_ctl stop -m immediate`: nothing is written or told any more."""
        user = server_user()
        subprocess.run(
            [str(self.bin / "pg_ctl"), "stop", "-m", "immediate", "-D", str(self.base / "data")],
            check=True,
            capture_output=True,
            cwd=self.base / "run",
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        assert self.process is not None
        self.process.wait()
