"""Reads Rust source as far as the laws need: code without comments and strings, functions, paths.

Not a parser. It knows enough of the lexical rules never to take a comment or a string for code, and
brackets are matched on what is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_TOKEN = re.compile(
    r"""
      (?P<line>//[^\n]*)
    | (?P<block>/\*)
    | (?P<raw>\b(?:b|c)?r(?P<hashes>\#*)")
    | (?P<string>\b[bc]"|")
    | (?P<char>(?:\bb)?'(?:\\(?:u\{[^}]*\}|x[0-9a-fA-F]{2}|.)|[^\\'\n])')
    """,
    re.VERBOSE | re.DOTALL,
)
_PATH_START = re.compile(r"\b(crate|super|self)\s*::")
_SEGMENT = re.compile(r"\s*([A-Za-z_]\w*|\*|\{)")
_FUNCTION = re.compile(r"\bfn\s+([A-Za-z_]\w*)")


def code_of(text: str) -> str:
    """The text with comments and the insides of literals blanked out; every offset stays the same."""
    pieces: list[str] = []
    at = 0
    while found := _TOKEN.search(text, at):
        end = _end_of_token(text, found)
        pieces += [text[at : found.start()], re.sub(r"[^\n]", " ", text[found.start() : end])]
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


def _end_of_token(text: str, found: re.Match[str]) -> int:
    """Where the comment or literal that starts at `found` ends."""
    if found["block"]:
        depth, at = 1, found.end()
        while depth and (mark := re.compile(r"/\*|\*/").search(text, at)):
            depth += 1 if mark[0] == "/*" else -1
            at = mark.end()
        return at if depth == 0 else len(text)
    if found["raw"]:
        end = text.find('"' + found["hashes"], found.end())
        return len(text) if end < 0 else end + 1 + len(found["hashes"])
    if found["string"]:
        closing = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL).match(text, found.end())
        return closing.end() if closing else len(text)
    return found.end()


@dataclass(frozen=True)
class Function:
    """A function with a body: its name and its first and last line, counted from 1."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class RustFile:
    """One source file, by its path relative to the checkout."""

    path: Path
    text: str

    @cached_property
    def code(self) -> str:
        """The text without comments and literals."""
        return code_of(self.text)

    @property
    def module(self) -> tuple[str, ...]:
        """Where the file stands in its crate: `src/fdw/plan/limit.rs` is `fdw`, `plan`, `limit`."""
        parts = list(self.path.with_suffix("").parts)
        parts = parts[parts.index("src") + 1 :]
        if parts[-1] in ("mod", "lib", "main"):
            parts.pop()
        return tuple(parts)

    def line_of(self, offset: int) -> int:
        """The line, counted from 1, of a place in the text."""
        return self.text.count("\n", 0, offset) + 1

    def functions(self) -> Iterator[Function]:
        """Every `fn` with a body, nested ones too."""
        for found in _FUNCTION.finditer(self.code):
            body = self._body(found.end())
            if body is not None:
                yield Function(found[1], self.line_of(found.start()), self.line_of(body))

    def _body(self, at: int) -> int | None:
        """Where the body after a signature ends, or None for a declaration."""
        depth = 0
        for mark in re.compile(r"[(\[{}\]);]").finditer(self.code, at):
            if mark[0] in "([":
                depth += 1
            elif mark[0] in ")]":
                depth -= 1
            elif depth == 0:
                return self._closing(mark.start()) if mark[0] == "{" else None
        return None

    def _closing(self, at: int) -> int:
        """Where the brace that opens at `at` closes."""
        depth = 0
        for mark in re.compile(r"[{}]").finditer(self.code, at):
            depth += 1 if mark[0] == "{" else -1
            if depth == 0:
                return mark.start()
        return len(self.code)

    def crate_paths(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Every path into this crate that is written out, as (line, segments below the crate).

        `use` groups are taken apart; `super` and `self` are resolved by the file's own place.
        """
        for found in _PATH_START.finditer(self.code):
            if self.code[: found.start()].endswith("::") or self.code[: found.start()].endswith("$"):
                continue  # the tail of a longer path, which was read from its start
            line = self.line_of(found.start())
            above = {"crate": (), "self": self.module, "super": self.module[:-1]}[found[1]]
            for tail in self._tails(found.end()):
                yield line, _climb(above, tail)

    def _tails(self, at: int) -> list[tuple[str, ...]]:
        """The paths that start at `at`, behind a `::`."""
        found = _SEGMENT.match(self.code, at)
        if found is None:
            return [()]
        if found[1] == "{":
            return self._group(found.end())
        if self.code.startswith("!", found.end()):
            return [()]  # a macro lives at the crate's root whatever file defines it
        more = re.compile(r"\s*::").match(self.code, found.end())
        if more is None:
            return [(found[1],)]
        return [(found[1], *tail) for tail in self._tails(more.end())]

    def _group(self, at: int) -> list[tuple[str, ...]]:
        """The paths inside `{…}`, whose first item starts at `at`."""
        paths: list[tuple[str, ...]] = []
        depth = 0
        paths += self._tails(at)
        for mark in re.compile(r"[{},]").finditer(self.code, at):
            if mark[0] == "{":
                depth += 1
            elif mark[0] == "}":
                if depth == 0:
                    break
                depth -= 1
            elif depth == 0 and not re.compile(r"\s*\}").match(self.code, mark.end()):
                paths += self._tails(mark.end())
        return paths


def _climb(above: tuple[str, ...], tail: tuple[str, ...]) -> tuple[str, ...]:
    """Join a path to the module it starts from, one step up for each further `super`."""
    while tail[:1] == ("super",):
        above, tail = above[:-1], tail[1:]
    return above + tail
