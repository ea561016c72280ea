"""Finds a PostgreSQL installation and copies it to where we may install into it.

The server finds `$libdir` and its share directory relative to its own executable, so a copy of bin, lib
and share that keeps their places relative to each other is a complete private PostgreSQL, and its
pg_config says so.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devkit.mirror import mirror
from devkit.paths import make_readable, state_directory

SUPPORTED = (18, 17, 16, 15)


@dataclass(frozen=True)
class Installation:
    """One PostgreSQL, known by its pg_config."""

    pg_config: Path

    @functools.cached_property
    def answers(self) -> dict[str, str]:
        """Everything that pg_config says, by its upper-case name."""
        text = subprocess.run([self.pg_config], check=True, capture_output=True, text=True).stdout
        return dict(re.findall(r"^(\S+) = (.*)$", text, re.MULTILINE))

    def directory(self, name: str) -> Path:
        """A directory by pg_config's name for it, such as PKGLIBDIR."""
        return Path(self.answers[name])

    @property
    def bin(self) -> Path:
        """Where postgres, initdb and psql are."""
        return self.directory("BINDIR")

    @property
    def major(self) -> int:
        """The major version; a beta counts as its release."""
        found = re.match(r"PostgreSQL (\d+)", self.answers["VERSION"])
        if found is None:
            message = f"{self.pg_config} says version {self.answers['VERSION']!r}"
            raise SystemExit(message)
        return int(found.group(1))

    @property
    def pg_regress(self) -> Path:
        """PostgreSQL's own regression runner, shipped with the server headers."""
        return Path(self.answers["PGXS"]).parents[1] / "test" / "regress" / "pg_regress"


def find() -> Installation:
    """PG_CONFIG's PostgreSQL, else the newest supported one, else the first one on PATH."""
    chosen = os.environ.get("PG_CONFIG")
    if chosen:
        return Installation(Path(chosen))
    for major in SUPPORTED:
        home = Path(f"/usr/lib/postgresql/{major}/bin")
        if (home / "postgres").exists() and (home / "pg_config").exists():
            return Installation(home / "pg_config")
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if (Path(folder) / "pg_config").exists():
            return Installation(Path(folder) / "pg_config")
    message = "no PostgreSQL found; run scripts/bootstrap, or set PG_CONFIG"
    raise SystemExit(message)


def private_copy(original: Installation) -> Installation:
    """The private counterpart of `original`, brought up to date file by file.

    Only what changed is copied. Files that the original does not have are left alone: they are what we
    install ourselves.
    """
    root = state_directory() / f"pg{original.major}"
    make_readable(root)
    folders = [original.directory(name) for name in ("BINDIR", "PKGLIBDIR", "SHAREDIR")]
    libdir = original.directory("LIBDIR")
    if folders[1].is_relative_to(libdir):
        # A build of its own, with libpq inside the prefix and found relative to the executable.
        folders[1] = libdir
    prefix = Path(os.path.commonpath(folders))
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in folders:
            mirror(folder, root / folder.relative_to(prefix))
    copy = Installation(root / original.bin.relative_to(prefix) / "pg_config")
    if not copy.directory("PKGLIBDIR").is_relative_to(root) or not copy.directory("SHAREDIR").is_relative_to(
        root
    ):
        message = (
            f"{original.pg_config} cannot be relocated: its copy still points to the original directories"
        )
        raise SystemExit(message)
    return copy
