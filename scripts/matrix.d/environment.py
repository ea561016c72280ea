"""What an environment is: a PostgreSQL, a Python, and a copy of the checkout to build beside them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checkout import CHECKOUT
from jobs import MatrixError, answer, run

FOLDER_VARIABLE = "MULTICORN_MATRIX_DIR"


@dataclass(frozen=True)
class Environment(ABC):
    """One version's environment in `folder`, made once and used again."""

    major: int
    folder: Path

    @property
    @abstractmethod
    def checkout(self) -> Path:
        """Where the copy of the checkout is, seen from here."""

    @property
    @abstractmethod
    def pg_config(self) -> str:
        """The server's pg_config, seen from inside."""

    @abstractmethod
    def prepare(self, log: Path) -> None:
        """Make the environment unless it is there; raises `MatrixError`."""

    @abstractmethod
    def remove(self) -> None:
        """Remove everything in `folder`, and what was made from it elsewhere."""

    @abstractmethod
    def inside(self, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` inside, in the copy of the checkout."""

    def run(self, command: Sequence[str], log: Path) -> None:
        """Run a command inside; raises `CommandError` when it fails."""
        run(self.inside(command), log, name=" ".join(command))

    def ask(self, command: Sequence[str]) -> str:
        """What a command prints inside."""
        return answer(self.inside(command))

    def postgresql_version(self) -> str:
        """Such as 17.11, or 19beta1."""
        return self.ask([self.pg_config, "--version"]).split()[1]

    def python_version(self) -> str:
        """The system's Python inside, which the extension links."""
        return self.ask(["/usr/bin/python3", "-c", "import platform; print(platform.python_version())"])


def work_folder() -> Path:
    """The folder of all environments, created if needed.

    Raises `MatrixError` when it cannot be written, or lies in the checkout: the tools that walk the
    checkout (ruff, git, the copy itself) would walk whole Debian systems.
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    path = Path(chosen or Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "multicorn-matrix")
    path = path.resolve()
    if path.is_relative_to(CHECKOUT):
        raise MatrixError(f"{path} lies inside the checkout; set {FOLDER_VARIABLE} to another folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MatrixError(f"{error}; set {FOLDER_VARIABLE} to a folder that you may write") from None
    if not os.access(path, os.W_OK):
        raise MatrixError(f"{path} is not writable; set {FOLDER_VARIABLE} to a folder that you may write")
    return path
