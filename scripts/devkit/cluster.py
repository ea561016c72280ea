"""Private PostgreSQL clusters that are always removed.

A `Cluster` is a directory under /tmp with data, socket and log, served on its own Unix socket only, and
a keeper process (`devkit.keeper`) that owns the server. The keeper ends server and directory when its
owner closes the cluster or dies in whatever way: both hold one end of a pipe.

    with Cluster() as cluster:
        subprocess.run([cluster.psql, "-c", "select 1"], env=cluster.environment())
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from devkit import server
from devkit.mirror import mirror
from devkit.paths import CHECKOUT, am_root, checkout_id, make_readable, server_user

PORT = 5432  # part of the socket's name only: nothing listens on TCP
SUPERUSER = "postgres"
# The longest socket path that the kernel takes is 107 bytes, `/run/.s.PGSQL.5432.lock` included.
LONGEST_BASE = 80

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "max_prepared_transactions": "10",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "update_process_title": "on",
}


class ClusterError(RuntimeError):
    """A cluster did not start; the text ends with the server's own log."""


class SqlError(RuntimeError):
    """A statement run by `Cluster.sql` failed."""


def parent_directory() -> Path:
    """Where cluster directories go: TMPDIR unless the server's user could not use it or it is too long."""
    chosen = tempfile.gettempdir()
    if am_root() or len(chosen) + len(f"/multicorn-{checkout_id()}-12345678") > LONGEST_BASE:
        return Path("/tmp")  # noqa: S108 - made there by mkdtemp only
    return Path(chosen)


def sweep() -> None:
    """Remove what clusters of this checkout left behind whose keeper was killed.

    A living cluster's keeper holds the lock file, so a lock that can be had means that nobody is left.
    """
    owners = {os.geteuid()}
    for base in parent_directory().glob(f"multicorn-{checkout_id()}-*"):
        if base.is_symlink() or base.lstat().st_uid not in owners:
            continue
        try:
            with (base / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(base, ignore_errors=True)
        except (FileNotFoundError, BlockingIOError):
            continue


class Cluster:
    """One running private cluster.

    `settings` are server settings beyond `SETTINGS`; `{files}` in a value is the directory that
    `stage` copies to. `encoding` and `locale` go to initdb. With `detached` the cluster outlives
    this process, until `stop_keeper` or a reboot.
    """

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        encoding: str = "UTF8",
        locale: str = "C.UTF-8",
        detached: bool = False,
        installation: server.Installation | None = None,
    ) -> None:
        self.installation = installation or server.private_copy(server.find())
        sweep()
        self.base = Path(tempfile.mkdtemp(prefix=f"multicorn-{checkout_id()}-", dir=parent_directory()))
        self.base.chmod(0o755)
        self.socket_directory = self.base / "run"
        self.data = self.base / "data"
        self.log = self.base / "log"
        self.files = self.base / "files"
        self.files.mkdir()
        self.keeper = self._start_keeper(
            {
                "bin": str(self.installation.bin),
                "user": SUPERUSER,
                "port": str(PORT),
                "encoding": encoding,
                "locale": locale,
                "settings": {
                    name: value.replace("{files}", str(self.files))
                    for name, value in {**SETTINGS, **(settings or {})}.items()
                },
                "detached": detached,
            }
        )

    def _start_keeper(self, spec: Mapping[str, object]) -> subprocess.Popen[str]:
        (self.base / "spec.json").write_text(json.dumps(spec))
        unlocked = self.base / "lock.new"
        # Not our own stderr: a detached keeper would hold it open, and whoever reads it would wait.
        with unlocked.open("w") as lock, self.log.open("ab") as log:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unlocked.rename(self.base / "lock")  # visible to `sweep` only once it is held
            keeper = subprocess.Popen(
                [
                    sys.executable,
                    "-B",
                    "-m",
                    "devkit.keeper",
                    str(self.base),
                    str(lock.fileno()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # the terminal's Ctrl-C is for the owner, which then closes us
                pass_fds=[lock.fileno()],
                env={**os.environ, "PYTHONPATH": str(CHECKOUT / "scripts")},
                cwd="/",
            )
        assert keeper.stdout is not None
        answer = keeper.stdout.readline().strip()
        if answer != "ready":
            rest = keeper.stdout.read()
            end_keeper(keeper)
            if not answer and self.log.exists():
                rest = self.log.read_text(errors="replace")  # the keeper failed without cleaning up
            message = f"the private cluster did not start: {answer or 'the keeper died'}\n{rest}"
            raise ClusterError(message)
        return keeper

    @property
    def psql(self) -> Path:
        """The psql of this cluster's PostgreSQL."""
        return self.installation.bin / "psql"

    def environment(self, database: str = "postgres") -> dict[str, str]:
        """The current environment with libpq's variables pointing here, and no others of libpq's."""
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PG") or name == "PG_CONFIG"
        }
        ours |= {
            "PGHOST": str(self.socket_directory),
            "PGPORT": str(PORT),
            "PGUSER": SUPERUSER,
            "PGDATABASE": database,
        }
        return ours

    def conninfo(self, database: str = "postgres") -> str:
        """A libpq connection string."""
        return f"host={self.socket_directory} port={PORT} user={SUPERUSER} dbname={database}"

    def stage(self, source: Path, name: str | None = None) -> Path:
        """Copy a file or directory to where the server's user can read and write it; return the copy.

        A checkout may be readable by its owner only.
        """
        target = self.files / (name or source.name)
        if source.is_dir():
            mirror(source, target)
        else:
            make_readable(target.parent)
            shutil.copyfile(source, target)
        hand_over(target)
        return target

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run statements by psql, stop at the first error, return the unaligned output.

        Raises `SqlError` with psql's messages.
        """
        options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        done = subprocess.run(
            [str(self.psql), *options],
            input=text,
            env=self.environment(database),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise SqlError(f"{done.stderr.strip()}\nin: {text.strip()}")
        return done.stdout

    def close(self) -> None:
        """Stop the server and remove its directory; returns when both are gone."""
        end_keeper(self.keeper)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def end_keeper(keeper: subprocess.Popen[str]) -> None:
    """Tell a keeper by the pipe that its owner is done, and wait for it."""
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    keeper.stdin.close()
    keeper.wait()
    keeper.stdout.close()


def hand_over(path: Path) -> None:
    """Give a file or tree to the server's user, when that is somebody else."""
    user = server_user()
    if user is None:
        return
    for place in [path, *path.rglob("*")]:
        os.chown(place, user.pw_uid, user.pw_gid, follow_symlinks=False)


def stop_keeper(pid: int) -> None:
    """End a detached cluster by its keeper's process id, and wait until it is gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        # A process handle becomes readable when its process has ended.
        select.select([handle], [], [])
    finally:
        os.close(handle)
