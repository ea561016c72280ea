"""Where things are: the checkout, and the state that must be readable by the server's user.

PostgreSQL refuses to run as root. When root works, the server runs as `postgres`, who can read neither
root's home nor a checkout inside it, so the private PostgreSQL and the virtual environment then live
under /var/cache; an ordinary user keeps them in the checkout.
"""

from __future__ import annotations

import hashlib
import os
import pwd
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"


def checkout_id() -> str:
    """A short name for this checkout, so that two of them never share state."""
    return hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:10]


def am_root() -> bool:
    """True when servers have to run as another user."""
    return os.geteuid() == 0


def state_directory() -> Path:
    """The directory of everything made for this checkout outside of cargo's target, created if needed."""
    if am_root():
        path = Path("/var/cache/multicorn") / f"{CHECKOUT.name}-{checkout_id()}"
    else:
        path = CHECKOUT / "build" / "private"
    make_readable(path)
    return path


def make_readable(path: Path) -> None:
    """Create `path` and its parents for everybody to read, whatever the umask says."""
    if path.is_dir():
        return
    make_readable(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(0o755)


def server_user() -> pwd.struct_passwd | None:
    """The user to run servers as, or None for the current one.

    Raises `SystemExit` with an explanation when root has no `postgres` user to hand over to.
    """
    if not am_root():
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        message = "PostgreSQL does not run as root and there is no user `postgres` to run it as"
        raise SystemExit(message) from None
