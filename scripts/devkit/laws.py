"""The laws of the design, checked over the source: who may know whom, who may be unsafe, how long.

Each law is a function from the tree to its findings, so that a test can show it failing on a tree of
its own. A law that has to be broken gets an entry with a reason in the tables below, not a change here.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devkit.paths import CHECKOUT
from devkit.rust_source import RustFile

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60

# Which modules each module of the extension may name. `lib` names all.
BELOW_FEATURES = {"error", "gucs", "pg", "interpreter", "bridge", "convert"}
MAY_NAME: dict[str, set[str]] = {
    "error": set(),
    "gucs": {"error", "pg"},
    "pg": {"error"},
    "interpreter": {"error"},
    "bridge": {"error", "gucs", "pg", "interpreter"},
    "convert": {"error", "gucs", "pg", "interpreter", "bridge"},
    "sql": BELOW_FEATURES,
    "fdw": BELOW_FEATURES,
    "pl": BELOW_FEATURES | {"sql"},
    "wormhole": BELOW_FEATURES | {"pl", "sql"},
}
# The two halves of a feature that meet only in one struct, stored as a node of the plan.
STRANGERS = [(("fdw", "plan"), ("fdw", "exec"))]

SERVER_SIDE = {"pg", "bridge", "convert"}
PYTHON_SIDE = {"interpreter", "bridge", "convert"}
MAY_BE_UNSAFE = SERVER_SIDE | PYTHON_SIDE
# Crates that are a process of their own: they confine it, and start Python in it.
PROCESSES = {"wormhole-worker"}
# Files elsewhere that may contain `unsafe`, each with its reason.
UNSAFE_EXCEPTIONS: dict[str, str] = {}

# Directories whose Python is held to the lengths.
PYTHON_ROOTS = ("python", "scripts", "tests", "bench", "demo")


@dataclass(frozen=True)
class Finding:
    """One breach."""

    law: str
    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text} [{self.law}]"


class Tree:
    """The source below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def extension(self) -> list[RustFile]:
        """The files of the extension crate."""
        return self._rust("src/**/*.rs")

    @cached_property
    def pure(self) -> list[RustFile]:
        """The files of the crates that link without a server."""
        return self._rust("crates/*/src/**/*.rs")

    @cached_property
    def python(self) -> list[tuple[Path, str]]:
        """Python files with their text."""
        paths = [path for root in PYTHON_ROOTS for path in sorted((self.root / root).rglob("*.py"))]
        return [(path.relative_to(self.root), path.read_text()) for path in paths]

    def _rust(self, pattern: str) -> list[RustFile]:
        paths = sorted(self.root.glob(pattern))
        return [RustFile(path.relative_to(self.root), path.read_text()) for path in paths]


def top_module(file: RustFile) -> str:
    """The first module below the crate, or `lib`."""
    return file.module[0] if file.module else "lib"


def each_match(file: RustFile, pattern: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Matches in the code, with their lines."""
    for found in re.finditer(pattern, file.code):
        yield file.line_of(found.start()), found


def arrows(tree: Tree) -> Iterator[Finding]:
    """A module names only the modules that its row of the table allows."""
    for file in tree.extension:
        own = top_module(file)
        if own == "lib":
            continue
        if own not in MAY_NAME:
            yield Finding("arrows", file.path, 1, f"module `{own}` has no row in the table of arrows")
            continue
        for line, path in file.crate_paths():
            if path and path[0] != own and path[0] not in MAY_NAME[own]:
                yield Finding("arrows", file.path, line, f"`{own}` may not name `{'::'.join(path)}`")


def strangers(tree: Tree) -> Iterator[Finding]:
    """The planner side and the executor side do not name each other."""
    pairs = STRANGERS + [(right, left) for left, right in STRANGERS]
    for file in tree.extension:
        for own, other in pairs:
            if file.module[: len(own)] != own:
                continue
            for line, path in file.crate_paths():
                if path[: len(other)] == other:
                    text = f"`{'::'.join(own)}` may not name `{'::'.join(path)}`"
                    yield Finding("strangers", file.path, line, text)


def fences(tree: Tree) -> Iterator[Finding]:
    """The server's functions are called behind one fence, CPython's behind the other."""
    for file in tree.extension:
        own = top_module(file)
        if own == "interpreter":
            for line, found in each_match(file, r"\b(pgrx|pg_sys)\s*::"):
                yield Finding("fences", file.path, line, f"the interpreter's side names `{found[1]}`")
        if own == "pg":
            for line, _ in each_match(file, r"\bpyo3\b"):
                yield Finding("fences", file.path, line, "the server's side names `pyo3`")
        if own not in SERVER_SIDE:
            yield from server_calls(file)
        if own not in PYTHON_SIDE:
            for line, _ in each_match(file, r"\bpyo3\s*::\s*(ffi\b|\{[^;]*\bffi\b)"):
                yield Finding("fences", file.path, line, "`pyo3::ffi` outside of its fence")


def server_calls(file: RustFile) -> Iterator[Finding]:
    """Calls of the server's functions, written out or imported; types and constants are free."""
    for line, found in each_match(file, r"\bpg_sys\s*::\s*([a-zA-Z_]\w*)\s*\("):
        yield Finding("fences", file.path, line, f"calls the server's `{found[1]}` outside of its fence")
    for line, _ in each_match(file, r"\bpg_sys\s*::\s*\*"):
        yield Finding("fences", file.path, line, "imports all of `pg_sys` outside of its fence")
    for _, found in each_match(file, r"\buse\s+(?:pgrx\s*::\s*)?pg_sys\s*::\s*(\{[^}]*\}|\w+)\s*;"):
        for name in re.findall(r"\w+", found[1]):
            for line, _ in each_match(file, rf"(?<![\w.:])(?<!fn )(?<!::){name}\s*\("):
                text = f"calls the server's `{name}` outside of its fence"
                yield Finding("fences", file.path, line, text)


def unsafe_places(tree: Tree) -> Iterator[Finding]:
    """`unsafe` stands in the fences, the bridge and the converters alone."""
    for file in tree.extension:
        # Attributes such as `#[unsafe(no_mangle)]` promise a unique name and touch no memory.
        places = [line for line, _ in each_match(file, r"(?<!\[)\bunsafe\b(?!\s*\(\s*no_mangle)")]
        if not places:
            continue
        if top_module(file) not in MAY_BE_UNSAFE and str(file.path) not in UNSAFE_EXCEPTIONS:
            yield Finding("unsafe", file.path, places[0], "`unsafe` outside of fences, bridge and converters")


def pure_crates(tree: Tree) -> Iterator[Finding]:
    """The pure crates forbid unsafe code and know neither pgrx nor pyo3; a process does not know pgrx."""
    for file in tree.pure:
        if file.path.parts[1] in PROCESSES:
            for line, _ in each_match(file, r"\bpgrx\b"):
                yield Finding("pure", file.path, line, "a process of its own names `pgrx`")
            continue
        if file.path.name == "lib.rs" and "#![forbid(unsafe_code)]" not in file.code:
            yield Finding("pure", file.path, 1, "a pure crate says `#![forbid(unsafe_code)]`")
        for line, found in each_match(file, r"\b(pgrx|pyo3)\b"):
            yield Finding("pure", file.path, line, f"a pure crate names `{found[1]}`")


def lengths(tree: Tree) -> Iterator[Finding]:
    """Files and functions stay short enough to be read at once."""
    for file in tree.extension + tree.pure:
        yield from too_long_file(file.path, file.text)
        for function in file.functions():
            yield from too_long_function(file.path, function.name, function.first, function.last)
    for path, text in tree.python:
        yield from too_long_file(path, text)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from too_long_function(path, node.name, node.lineno, node.end_lineno or node.lineno)


def too_long_file(path: Path, text: str) -> Iterator[Finding]:
    """A finding when the file is too long."""
    count = len(text.splitlines())
    if count > MAX_FILE_LINES:
        yield Finding("length", path, count, f"{count} lines, more than {MAX_FILE_LINES}")


def too_long_function(path: Path, name: str, first: int, last: int) -> Iterator[Finding]:
    """A finding when the function is too long; signature and closing line count."""
    count = last - first + 1
    if count > MAX_FUNCTION_LINES:
        yield Finding("length", path, first, f"`{name}` has {count} lines, more than {MAX_FUNCTION_LINES}")


def openings(tree: Tree) -> Iterator[Finding]:
    """Each Rust file opens with what it is for."""
    for file in tree.extension + tree.pure:
        if not file.text.lstrip().startswith("//!"):
            yield Finding("opening", file.path, 1, "opens without a `//!` paragraph")


def reasons(tree: Tree) -> Iterator[Finding]:
    """Each `allow` and `expect` has a reason: in the attribute, behind it, or on the line above."""
    for file in tree.extension + tree.pure:
        lines = file.text.splitlines()
        for found in re.finditer(r"#!?\[(allow|expect)\s*\(([^\]]*)\]", file.code, re.DOTALL):
            first, last = file.line_of(found.start()), file.line_of(found.end())
            above = lines[first - 2].strip() if first > 1 else ""
            beside = lines[last - 1]
            if re.search(r"\breason\s*=", found[2]) or "// " in beside or re.match(r"//[^!/]", above):
                continue
            yield Finding("reasons", file.path, first, f"`{found[1]}` without a reason")


LAWS: list[Callable[[Tree], Iterator[Finding]]] = [
    arrows,
    strangers,
    fences,
    unsafe_places,
    pure_crates,
    lengths,
    openings,
    reasons,
]


def check(root: Path) -> list[Finding]:
    """All findings of all laws."""
    tree = Tree(root)
    return [finding for law in LAWS for finding in law(tree)]


def main() -> int:
    """Print the findings; a tree without Rust files is an error, not a success."""
    tree = Tree(CHECKOUT)
    if not tree.extension:
        print("laws: there is no Rust source to check", file=sys.stderr)
        return 1
    findings = check(CHECKOUT)
    for finding in findings:
        print(finding)
    files = len(tree.extension) + len(tree.pure) + len(tree.python)
    print(f"laws: {len(LAWS)} laws, {files} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
