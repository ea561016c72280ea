"""Makes .venv from requirements-dev.txt, again whenever that file or the system's Python changes.

The system's Python is used on purpose: the server's interpreter is the one that libpython of
python3-dev gives, and demo and tests lend this environment to the server (`multicorn.virtualenv`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from devkit.paths import CHECKOUT, SYSTEM_PYTHON, am_root, state_directory

REQUIREMENTS = CHECKOUT / "requirements-dev.txt"
LINK = CHECKOUT / ".venv"


def directory() -> Path:
    """The environment itself; for root `.venv` is a link to it, so that the server's user can read it."""
    return state_directory() / "venv" if am_root() else LINK


def wanted_stamp() -> str:
    """What the environment was made from: the requirements, this Python, and the place it was made for."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes())
    digest.update(f"{platform.python_version()} {directory()}".encode())
    return digest.hexdigest()


def is_current(stamp: str) -> bool:
    """True when nothing needs doing."""
    try:
        return (directory() / ".made-from").read_text() == stamp and LINK.resolve() == directory().resolve()
    except OSError:
        return False


def make(stamp: str) -> None:
    """Build the environment from nothing; the stamp is written last, so a broken one is made again."""
    target = directory()
    print(f"bootstrap: making {target}", file=sys.stderr)
    shutil.rmtree(target, ignore_errors=True)
    os.umask(0o022)  # the server's user must be able to read it, also under a strict umask
    subprocess.run([SYSTEM_PYTHON, "-m", "venv", str(target)], check=True, stdin=subprocess.DEVNULL)
    pip = [
        str(target / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True, stdin=subprocess.DEVNULL)
    if target != LINK:
        if LINK.is_symlink():
            LINK.unlink()
        elif LINK.exists():
            shutil.rmtree(LINK)
        LINK.symlink_to(target)
    (target / ".made-from").write_text(stamp)


def main() -> int:
    """Make the environment unless it is current; two callers at once wait for each other."""
    if sys.prefix != sys.base_prefix:
        sys.exit("bootstrap: run by a virtual environment's Python; use /usr/bin/python3")
    stamp = wanted_stamp()
    if is_current(stamp):
        return 0
    with (state_directory() / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current(stamp):
            make(stamp)
    return 0


if __name__ == "__main__":
    sys.exit(main())
