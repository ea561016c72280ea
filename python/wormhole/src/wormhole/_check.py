"""What a function's source may look like, judged before it is compiled: for messages, never as the boundary.

Who is not trusted runs in a confined process, whatever this lets through. What it gives is an early and
understandable answer: which module is not allowed, or which name does nothing good on a server.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

MODULE_NOT_ALLOWED = "WH001"
SOURCE_REFUSED = "WH002"


class Refused(Exception):  # noqa: N818 - it is an answer
    """A source, or a module, is refused: SQLSTATE, message, HINT and DETAIL for the client."""

    def __init__(
        self, sqlstate: str, message: str, hint: str | None = None, detail: str | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.hint = hint
        self.detail = detail


NAMES = frozenset(
    {
        "__builtins__",
        "__import__",
        "__loader__",
        "__spec__",
        "breakpoint",
        "compile",
        "eval",
        "exec",
        "input",
        "open",
    }
)
"""Names that are not there on a server, or lead around the list of modules."""

ATTRIBUTES = frozenset(
    {
        "__base__", "__bases__", "__builtins__", "__closure__", "__code__", "__globals__", "__import__",
        "__loader__", "__mro__", "__reduce__", "__reduce_ex__", "__spec__", "__subclasses__",
        "ag_code", "ag_frame", "cr_code", "cr_frame", "gi_code", "gi_frame", "tb_frame",
        "f_back", "f_builtins", "f_code", "f_globals", "f_locals",
    }
)  # fmt: skip
"""Attributes by which Python code reaches the interpreter's insides, and no ordinary code does."""

ALWAYS = frozenset({"__future__", "wormhole"})
"""Modules that need no permission."""


class Modules:
    """Which modules functions may import. The entry for the longest part of a dotted name decides."""

    def __init__(self, allowed: Iterable[str] = (), refused: Iterable[str] = ()) -> None:
        self._verdicts = dict.fromkeys(allowed, True) | dict.fromkeys(refused, False)
        self._known: dict[str, bool] = {}

    def allows(self, module: str) -> bool:
        """Whether `module` may be imported."""
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = self._judge(module)
        return known

    def _judge(self, module: str) -> bool:
        if module.partition(".")[0] in ALWAYS:
            return True
        name = module
        while name:
            verdict = self._verdicts.get(name)
            if verdict is not None:
                return verdict
            name = name.rpartition(".")[0]
        return False

    def demand(self, module: str, line: int | None = None) -> None:
        """Raise `Refused` unless `module` may be imported."""
        if self.allows(module):
            return
        literal = module.replace("'", "''")
        row = f"(module_name, allowed) VALUES ('{literal}', true);"
        hint = f"A superuser can allow it: INSERT INTO wormhole_allowed_modules {row}"
        detail = None if line is None else f"It is imported in line {line} of the source."
        raise Refused(MODULE_NOT_ALLOWED, f'module "{module}" is not allowed', hint, detail)

    def demand_from(self, module: str, names: Iterable[str], line: int | None = None) -> None:
        """The same for `from module import names`, some of which may be modules of the package."""
        self.demand(module, line)
        for name in names:
            if name != "*":
                self.demand(f"{module}.{name}", line)


def check(name: str, source: str, modules: Modules) -> None:
    """Raise `Refused` for a source that cannot be parsed, defines no `name`, or asks for what it may not."""
    tree = _parse(source)
    if not any(_defines(node, name) for node in tree.body):
        raise Refused(SOURCE_REFUSED, f'the source defines no function "{name}"')
    bound = set(_bound(tree))
    for node in ast.walk(tree):
        _judge(node, modules, bound)


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        where = f"Line {error.lineno}: {(error.text or '').strip()}" if error.lineno else None
        raise Refused(SOURCE_REFUSED, f"the source cannot be parsed: {error.msg}", None, where) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Refused(SOURCE_REFUSED, f"the source cannot be parsed: {error or 'too complex'}") from None


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return False


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg


def _judge(node: ast.AST, modules: Modules, bound: set[str]) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            modules.demand(alias.name, node.lineno)
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            raise Refused(SOURCE_REFUSED, "a function has no package to import from", None, _line(node))
        modules.demand_from(node.module or "", [alias.name for alias in node.names], node.lineno)
    elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
        raise Refused(SOURCE_REFUSED, f'attribute "{node.attr}" is not allowed', None, _line(node))
    elif isinstance(node, ast.Name) and node.id in NAMES and node.id not in bound:
        raise Refused(SOURCE_REFUSED, f'name "{node.id}" is not allowed', None, _line(node))


def _line(node: ast.expr | ast.stmt) -> str:
    return f"It stands in line {node.lineno} of the source."
