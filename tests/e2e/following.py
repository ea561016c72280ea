"""A streaming standby of a private cluster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
from devkit.cluster import PORT, SUPERUSER
from restarting import RestartingServer

if TYPE_CHECKING:
    from devkit.cluster import Cluster


class Standby(RestartingServer):
    """A copy of `primary` that follows it, made by pg_basebackup."""

    def __init__(self, primary: Cluster) -> None:
        super().__init__(primary.installation, {})
        self.primary = primary

    def initdb(self) -> None:
        """Copy the primary; `-R` writes how to follow it."""
        command = [str(self.bin / "pg_basebackup"), "-D", str(self.base / "data"), "-R", "-X", "stream"]
        command += ["-c", "fast", "--no-sync", "-h", str(self.primary.socket_directory)]
        command += ["-p", str(PORT), "-U", SUPERUSER]
        process = self.run(command)
        assert self.wait(process, 60), "pg_basebackup did not end"
        assert process.returncode == 0, (self.base / "log").read_text()

    def conninfo(self, database: str) -> str:
        """A libpq connection string."""
        return f"host={self.base / 'run'} port={PORT} user={SUPERUSER} dbname={database}"

    def catch_up(self) -> None:
        """Wait until everything that the primary has written is replayed here."""
        position = self.primary.sql("SELECT pg_current_wal_insert_lsn()").strip()
        self.primary.sql("CHECKPOINT")  # commits are flushed asynchronously there
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            for _ in range(1000):
                row = connection.execute(
                    "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [position]
                ).fetchone()
                if row is not None and row[0]:
                    return
                time.sleep(0.01)
        raise AssertionError(f"the standby never came to {position}")
