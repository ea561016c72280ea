"""Copies trees and files incrementally and atomically."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from stat import S_ISDIR

from devkit.paths import make_readable


def replace_file(source: Path, target: Path) -> bool:
    """Copy one file unless the target has its size, time and mode; True when it was copied.

    The copy is renamed into place: writing into a library that a running server has mapped crashes it.
    """
    new = source.stat()
    mode = (new.st_mode | 0o444) & 0o755
    try:
        old = target.lstat()
        same = (old.st_size, old.st_mtime_ns, old.st_mode & 0o777) == (
            new.st_size,
            new.st_mtime_ns,
            mode,
        )
    except FileNotFoundError:
        same = False
    if same:
        return False
    make_readable(target.parent)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    shutil.copyfile(source, fresh)
    fresh.chmod(mode)
    os.utime(fresh, ns=(new.st_atime_ns, new.st_mtime_ns))
    fresh.replace(target)
    return True


def mirror(source: Path, target: Path) -> int:
    """Bring `target` up to date with `source` and return how many files were copied.

    Links are followed: Debian's share directory links to files elsewhere that the copy needs as well.
    Nothing is removed from `target`.
    """
    copied = 0
    make_readable(target)
    with os.scandir(source) as entries:
        for entry in entries:
            path = Path(entry.path)
            try:
                mode = entry.stat().st_mode
            except FileNotFoundError:
                continue  # a dangling link, such as one to a package that is not installed
            if S_ISDIR(mode):
                copied += mirror(path, target / entry.name)
            else:
                copied += replace_file(path, target / entry.name)
    return copied


def mirror_exactly(source: Path, target: Path, *, suffixes: tuple[str, ...]) -> int:
    """Make `target` hold exactly the files of `source` with these suffixes; return how many changed.

    Whatever else `target` holds is removed: a module that was deleted or renamed here must not stay
    importable there, neither as source nor as byte code.
    """
    wanted = {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and path.name.endswith(suffixes)
    }
    changed = 0
    for path in sorted(target.rglob("*"), reverse=True):
        relative = path.relative_to(target)
        if S_ISDIR(path.lstat().st_mode):
            if not any(path.iterdir()):
                path.rmdir()
        elif relative not in wanted and not _is_bytecode_of(relative, wanted):
            path.unlink()
            changed += 1
    for relative in sorted(wanted):
        changed += replace_file(source / relative, target / relative)
    return changed


def _is_bytecode_of(relative: Path, wanted: set[Path]) -> bool:
    """True for `a/__pycache__/m.cpython-311.pyc` when `a/m.py` is wanted."""
    if relative.parent.name != "__pycache__":
        return False
    return relative.parent.parent / f"{relative.name.split('.')[0]}.py" in wanted
