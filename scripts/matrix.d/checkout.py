"""Copies the checkout, uncommitted changes included, to where it is built."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path

from jobs import answer

CHECKOUT = Path(__file__).resolve().parents[2]
# What a build makes in the copy and the next one goes on from; .gitignore names them too.
KEPT = ("target", ".venv", "build")


def git(*arguments: str) -> str:
    """Ask git; the owner is not checked, because root may test a user's checkout."""
    return answer(["git", "-c", f"safe.directory={CHECKOUT}", *arguments], CHECKOUT)


def revision() -> str:
    """The short commit, with a + when the working tree differs from it."""
    # docs/versions.md is what a run writes: the run before must not make this one look changed.
    changed = git("status", "--porcelain", "--", ".", ":!docs/versions.md")
    return git("rev-parse", "--short=7", "HEAD") + ("+" if changed else "")


def copy_to(target: Path) -> None:
    """Make `target` hold what git knows or would add; what an earlier build made there stays.

    A file that did not change is not touched, and one that did gets the present time: cargo compares
    times only, and would take an older file for one that it has compiled already.
    """
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    wanted = {Path(name) for name in listed if name and os.path.lexists(CHECKOUT / name)}
    target.mkdir(exist_ok=True)
    remove_others(target, wanted)
    for path in sorted(wanted):
        source, copy = CHECKOUT / path, target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            copy.unlink(missing_ok=True)
            copy.symlink_to(source.readlink())
        elif copy.is_symlink() or not copy.exists() or not filecmp.cmp(source, copy, shallow=False):
            copy.unlink(missing_ok=True)
            shutil.copyfile(source, copy)
        if not source.is_symlink():
            shutil.copymode(source, copy)


def remove_others(target: Path, wanted: set[Path]) -> None:
    """Remove files that the checkout no longer has: a deleted test would still run."""
    for folder, folders, files in os.walk(target):
        here = Path(folder)
        if here == target:
            folders[:] = [name for name in folders if name not in KEPT]
        for name in files + [name for name in folders if (here / name).is_symlink()]:
            path = here / name
            if path.relative_to(target) not in wanted:
                path.unlink()
