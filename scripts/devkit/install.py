"""Installs the built library, the SQL and the Python package, into a private PostgreSQL or the real one."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from devkit import server
from devkit.mirror import mirror_exactly, replace_file
from devkit.paths import CHECKOUT, SYSTEM_PYTHON

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", CHECKOUT / "target"))
LIBRARY = CHECKOUT / TARGET / "release" / "libmulticorn.so"
WORKER = CHECKOUT / TARGET / "release" / "multicorn-worker"
PYTHON_FILES = (".py", ".pyi", "py.typed")


def install_into(target: server.Installation) -> int:
    """Install everything into `target` and return how many files changed.

    Raises `SystemExit` when the library was not built; `PermissionError` when `target` is not ours.
    """
    for built in (LIBRARY, WORKER):
        if not built.exists():
            message = f"{built} is missing; run `make build` first"
            raise SystemExit(message)
    extension = target.directory("SHAREDIR") / "extension"
    changed = replace_file(LIBRARY, target.directory("PKGLIBDIR") / "multicorn.so")
    changed += replace_file(WORKER, target.directory("PKGLIBDIR") / "multicorn-worker")
    changed += replace_file(CHECKOUT / "multicorn.control", extension / "multicorn.control")
    changed += _install_sql(extension)
    changed += _install_python(extension / "multicorn" / "python")
    return changed


def _install_sql(extension: Path) -> int:
    """Copy the SQL scripts and remove the others: a stale upgrade path would still be taken."""
    scripts = {path.name: path for path in (CHECKOUT / "sql").glob("multicorn--*.sql")}
    changed = 0
    for old in extension.glob("multicorn--*.sql"):
        if old.name not in scripts:
            old.unlink()
            changed += 1
    for name, path in scripts.items():
        changed += replace_file(path, extension / name)
    return changed


def _install_python(target: Path) -> int:
    """Copy the Python packages and compile them.

    The server's user cannot write byte code next to files that root installed; without it every new
    backend would compile the package again.
    """
    packages = {
        "multicorn": CHECKOUT / "python" / "multicorn",
        "Postgres": CHECKOUT / "python" / "Postgres",
        "wormhole": CHECKOUT / "python" / "wormhole" / "src" / "wormhole",
    }
    changed = sum(
        mirror_exactly(source, target / name, suffixes=PYTHON_FILES) for name, source in packages.items()
    )
    if changed:
        compile_all = [
            SYSTEM_PYTHON,
            "-m",
            "compileall",
            "-q",
            "--invalidation-mode",
            "timestamp",
            str(target),
        ]
        subprocess.run(compile_all, check=True, stdin=subprocess.DEVNULL)
    return changed


def remove_from(target: server.Installation) -> int:
    """Remove everything that `install_into` installs; return how many files there were."""
    extension = target.directory("SHAREDIR") / "extension"
    libraries = target.directory("PKGLIBDIR")
    files = [libraries / "multicorn.so", libraries / "multicorn-worker", extension / "multicorn.control"]
    files += extension.glob("multicorn--*.sql")
    present = [path for path in files if path.exists()]
    for path in present:
        path.unlink()
    shutil.rmtree(extension / "multicorn", ignore_errors=True)
    return len(present)


def main(arguments: list[str] | None = None) -> int:
    """Command line: the private copy unless `--real`; `--major` and `--pg-config` only answer."""
    parser = argparse.ArgumentParser(prog="scripts/install", description=__doc__)
    parser.add_argument("--real", action="store_true", help="install into PG_CONFIG's PostgreSQL itself")
    parser.add_argument("--remove", action="store_true", help="uninstall instead")
    parser.add_argument("--major", action="store_true", help="only print the major version that is used")
    parser.add_argument("--pg-config", action="store_true", help="only print the pg_config that is used")
    options = parser.parse_args(arguments)
    original = server.find()
    if options.major:
        print(original.major)
        return 0
    if options.pg_config:
        print(original.pg_config)
        return 0
    target = original if options.real else server.private_copy(original)
    try:
        changed = remove_from(target) if options.remove else install_into(target)
    except PermissionError as error:
        print(f"install: {error}\nAs another user than root: sudo scripts/install --real", file=sys.stderr)
        return 1
    print(f"install: PostgreSQL {target.major} in {target.bin.parent}: {changed} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
