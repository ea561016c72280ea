"""The text of one function: found, freed of what belongs to the client only, and its names.

Lines stay lines, so that a remote traceback leads back to the file. Decorators of this package and those
above them are dropped; defaults that are no constants are replaced by their values; `async` and `await` are
dropped, since a statement there is answered at once.
"""

from __future__ import annotations

import ast
import inspect
import io
import symtable
import textwrap
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from wormhole._errors import CaptureError
from wormhole._literal import NotPlain, literal, modules_of

Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Text:
    """One function as it is sent: its lines, and where in a file the first of them stands."""

    name: str
    lines: list[str]
    file: str
    first: int
    is_async: bool
    annotated: bool
    names: set[str] = field(default_factory=set[str])
    chains: set[str] = field(default_factory=set[str])
    """Dotted names that begin with one of `names`, as `xml.etree.ElementTree.parse`."""
    modules: set[str] = field(default_factory=set[str])
    """Modules that the values of its defaults need."""
    decorators: int = 0
    """How many decorators are sent."""


def source_of(function: FunctionType) -> tuple[str, str, int]:
    """The text of a function, its file, and the line it begins in, counting from 1.

    Raises `CaptureError` when Python has no text for it.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or function.__code__.co_filename
    except (OSError, TypeError):
        raise CaptureError(
            f"Cannot get source for function {function.__qualname__}: it was defined neither in a file nor in"
            " a cell; use remote(source=...)"
        ) from None
    return "".join(lines), file, max(first, 1)


def text_of(function: FunctionType, is_ours: Callable[[str], bool]) -> Text:
    """Read a function's text; `is_ours` tells a decorator of this package by its dotted name."""
    source, file, first = source_of(function)
    if function.__code__.co_name == "<lambda>":
        raise CaptureError(f"a lambda ({file}, line {first}) cannot be sent; make it a def")
    lines = _lines(source)
    wrapped = lines[:1] and lines[0][:1].isspace()
    tree = _parse(f"if 1:\n{source}" if wrapped else source, function)
    outer = tree.body[0]
    node = outer.body[0] if wrapped and isinstance(outer, ast.If) else outer
    if not isinstance(node, Def) or not _is_of(node, function):
        raise CaptureError(f"{file} has changed since {function.__qualname__} was loaded; load it again")
    if wrapped:
        ast.increment_lineno(node, -1)
    edits = _Edits(lines)
    kept = _drop_decorators(node, edits, is_ours)
    modules = _fix_defaults(node, function, edits)
    if any(isinstance(part, ASYNC) for part in ast.walk(node)):
        _drop_async(edits)
    result = edits.apply()[kept:]
    text = _finish(function.__code__.co_name, result, file, first + kept, node)
    text.modules = modules
    text.decorators = len(node.decorator_list)
    return text


def _is_of(node: Def, function: FunctionType) -> bool:
    """Whether a text can be that of a function: its name, its parameters and how many have a default."""
    args, code = node.args, function.__code__
    names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return (
        node.name == function.__code__.co_name
        and len(names) == len(own)
        # In a class `__x` is `_Class__x`.
        and all(there.endswith(name) for there, name in zip(own, names, strict=True))
        and len(args.defaults) == len(function.__defaults__ or ())
    )


def text_of_source(source: str, name: str | None) -> tuple[Text, Def]:
    """A module text that is given as it is; the function is the one named, else the last one."""
    if source[:1].isspace():
        source = textwrap.dedent(source)
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise CaptureError(f"the source is no Python: {error}") from None
    body = [part for node in tree.body for part in (node.body if isinstance(node, ast.If) else [node])]
    defs = [node for node in body if isinstance(node, Def) and name in (None, node.name)]
    if not defs:
        raise CaptureError(f"the source has no function {name or 'at all'}")
    node = defs[-1]
    edits = _Edits(_lines(source))
    if any(isinstance(part, ASYNC) for part in ast.walk(tree)):
        _drop_async(edits)
    is_async = isinstance(node, ast.AsyncFunctionDef)
    text = Text(node.name, edits.apply(), "<source>", 1, is_async, annotated=False)
    return text, node


def is_generator(node: Def) -> bool:
    """Whether a function yields: itself, and not one that is defined inside of it."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(part, Def | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(part)
    return False


ASYNC = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await, ast.comprehension)


def _parse(source: str, function: FunctionType) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise CaptureError(f"the source of {function.__qualname__} cannot be read: {error}") from None


def _lines(source: str) -> list[str]:
    # Not `splitlines`: it also splits at characters that may stand in a string.
    return source.removesuffix("\n").split("\n")


class _Edits:
    """Replacements in lines, applied from the end so that earlier places stay where they are."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.spans: list[tuple[int, int, int, int, str]] = []

    def replace(self, node: ast.expr, text: str) -> None:
        """Put text in the place of an expression; the lines that it took stay, empty."""
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        start = self.column(first, node.col_offset)
        end = self.column(last, node.end_col_offset or 0)
        self.spans.append((first, start, last, end, text))

    def column(self, line: int, offset: int) -> int:
        """A column in characters; the syntax tree counts bytes."""
        return len(self.lines[line].encode()[:offset].decode())

    def apply(self) -> list[str]:
        """The lines after all edits."""
        lines = list(self.lines)
        for first, start, last, end, text in sorted(self.spans, reverse=True):
            tail = lines[last][end:]
            lines[first] = lines[first][:start] + text + ("" if last > first else tail)
            for between in range(first + 1, last):
                lines[between] = ""
            if last > first:
                lines[last] = tail
        return lines


def _drop_decorators(node: Def, edits: _Edits, is_ours: Callable[[str], bool]) -> int:
    """Blank what is dropped, and return how many lines at the beginning go altogether."""
    ours = [at for at, item in enumerate(node.decorator_list) if is_ours(_dotted(item))]
    for at, item in enumerate(node.decorator_list):
        # What stands above `@remote` decorates what stays on the client.
        if ours and (at <= ours[0] or at in ours):
            for line in range(item.lineno - 1, item.end_lineno or item.lineno):
                edits.lines[line] = ""
    kept = [
        item for at, item in enumerate(node.decorator_list) if not ours or (at > ours[0] and at not in ours)
    ]
    node.decorator_list = kept
    return (kept[0].lineno if kept else node.lineno) - 1


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _dotted(node.func)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _fix_defaults(node: Def, function: FunctionType, edits: _Edits) -> set[str]:
    """Defaults were evaluated where the function was defined; what is no constant is sent as its value.

    Returns the modules that the new texts need.
    """
    modules: set[str] = set()
    for name, default, value in _defaults(node, function):
        try:
            ast.literal_eval(default)
        except ValueError:
            try:
                text = literal(value)
            except NotPlain:
                kind = type(value).__qualname__
                raise CaptureError(
                    f"{function.__qualname__} has a default that cannot be sent: {name} is a {kind}"
                ) from None
            modules.update(modules_of(text))
            edits.replace(default, text)
    return modules


def _defaults(node: Def, function: FunctionType) -> Iterator[tuple[str, ast.expr, Any]]:
    named = [*node.args.posonlyargs, *node.args.args]
    values = function.__defaults__ or ()
    last = named[len(named) - len(values) :]
    for arg, default, value in zip(last, node.args.defaults, values, strict=True):
        yield arg.arg, default, value
    for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if default is not None:
            yield arg.arg, default, (function.__kwdefaults__ or {})[arg.arg]


def _drop_async(edits: _Edits) -> None:
    for token in _tokens(edits.lines):
        if token.type == tokenize.NAME and token.string in {"async", "await"}:
            (line, start), (_, end) = token.start, token.end
            text = edits.lines[line - 1]
            while text[end : end + 1] == " ":
                end += 1
            edits.spans.append((line - 1, start, line - 1, end, ""))


def _tokens(lines: Iterable[str]) -> Iterator[tokenize.TokenInfo]:
    reader = io.StringIO("".join(f"{line}\n" for line in lines)).readline
    try:
        yield from tokenize.generate_tokens(reader)
    except (tokenize.TokenError, IndentationError):
        return  # a nested function ends deeper than the reader expects; all its tokens were given


def _finish(name: str, lines: list[str], file: str, first: int, node: Def) -> Text:
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    if indent and _has_long_string(lines):
        # To move the lines would change the strings.
        lines, first = ["if 1:", *lines, f"{name} = {name}"], first - 1
    elif indent:
        lines = [line.removeprefix(indent) if line.strip() else "" for line in lines]
    while lines and not lines[-1].strip():
        lines.pop()
    text = Text(name, lines, file, first, isinstance(node, ast.AsyncFunctionDef), _is_annotated(node))
    _check_scopes(node, name)
    text.names = _names("\n".join([FUTURE, *lines]), name)
    text.chains = {chain for part in ast.walk(node) for chain in _chain(part)}
    return text


FUTURE = "from __future__ import annotations"


def _has_long_string(lines: list[str]) -> bool:
    return any(token.start[0] != token.end[0] and token.type not in PLAIN for token in _tokens(lines))


PLAIN = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)


def _is_annotated(node: Def) -> bool:
    return any(
        isinstance(part, ast.AnnAssign)
        or (isinstance(part, ast.arg) and part.annotation is not None)
        or (isinstance(part, Def) and part.returns is not None)
        for part in ast.walk(node)
    )


def _check_scopes(node: Def, name: str) -> None:
    for part in ast.walk(node):
        if isinstance(part, ast.Global):
            raise CaptureError(
                f"{name} assigns the global {part.names[0]}; what it sets there would not come back"
            )


def _names(source: str, name: str) -> set[str]:
    """Every name that the text uses and does not bind itself."""
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, name, "exec")
    except SyntaxError as error:
        # `nonlocal x` where x is a variable of the enclosing function, which does not come along
        raise CaptureError(f"{name} cannot be sent: {error.msg}") from None
    if any(isinstance(part, ast.Await) for part in ast.walk(tree)):
        raise CaptureError(f"{name} cannot be sent: it has an await inside of an f-string")
    found: set[str] = set()
    waiting = [table]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        for symbol in scope.get_symbols():
            outside = symbol.is_global() if scope is not table else not symbol.is_assigned()
            if outside and symbol.is_referenced():
                found.add(symbol.get_name())
    return found


def _chain(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and "?" not in (dotted := _dotted(node)):
        yield dotted
