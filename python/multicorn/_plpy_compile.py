"""Bodies of `LANGUAGE plpy`, made into functions.

A body is that of a function whose parameters are the SQL function's. PL/Python
makes the arguments globals; here they are parameters, which is faster and right
in a recursion, unless the body declares one of them `global`, as code written
for PL/Python does in order to assign to it.
"""

from __future__ import annotations

import _ast

from multicorn._traceback import forget as unlabel
from multicorn._traceback import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Generator, Iterator, Sequence
    from types import CodeType, FunctionType
    from typing import Any

    _Body = Callable[..., object]

GD: dict[str, object] = {}
"""PL/Python's `GD`: shared by all functions of the session."""

_LIST = "args"
# `ast` and `inspect` would cost a session's first call more than the rest of it.
_ONLY_AST = 0x400
_GENERATOR = 0x20
# `types` spells it FunctionType.
_FUNCTION: Any = type(lambda: None)


def function(
    name: str, oid: int, parameters: Sequence[str], source: str
) -> Callable[..., object]:
    """Make the body of a function callable with its arguments in order.

    `parameters` has an empty string for each parameter without a name. Raises
    SyntaxError for a body that is none, with the body's own line numbers.
    """
    file = _file(oid)
    body = _made(file, parameters, source)
    label(file, f'PL/Python function "{name}"', source)
    return body


def forget(oid: int) -> None:
    """Let go of what is kept for a function that was dropped."""
    unlabel(_file(oid))


def _file(oid: int) -> str:
    return f"<plpy function {oid}>"


def block(source: str) -> None:
    """Run a DO block."""
    file = "<plpy block>"
    body = _made(file, (), source)
    label(file, "PL/Python anonymous code block", source)
    body()


def _made(file: str, parameters: Sequence[str], source: str) -> _Body:
    tree = _parsed(source, file)
    parameters = [name if _can_be_named(name) else "" for name in parameters]
    named = [parameter for parameter in parameters if parameter]
    as_globals = not _declared_global(tree).isdisjoint([*named, _LIST])
    own: list[str] = []
    if not as_globals:
        own = [parameter or f"_unnamed_{at}" for at, parameter in enumerate(parameters)]
        if _LIST not in named and _mentions(tree, _LIST):
            own.append(_LIST)
    code = _compiled(file, own, tree)
    namespace: dict[str, object] = {
        "__name__": "__main__",
        "__builtins__": __builtins__,
        "SD": {},
        "GD": GD,
        "plpy": _plpy(),
    }
    body: FunctionType = _FUNCTION(code, namespace)
    if as_globals:
        return _with_globals(body, namespace, named, list(parameters))
    if len(own) > len(parameters):
        return _with_list(body)
    return body


def _can_be_named(name: str) -> bool:
    """Whether code can name a parameter so: in SQL a name may be any text."""
    if not name.isidentifier():
        return False
    try:
        _tree(f"{name} = 0", "")
    except SyntaxError:  # a keyword
        return False
    return True


def _parsed(source: str, file: str) -> ast.Module:
    try:
        return _tree(source, file)
    except IndentationError:
        # PL/Python indents the body itself, so that `$$ return 1 $$` is one.
        try:
            tree = _tree(f"if True:\n{source}", file)
        except SyntaxError as error:
            if error.lineno is not None:
                error.lineno -= 1
            raise error.with_traceback(None) from None
        for node in _walk(tree):
            for attribute in ("lineno", "end_lineno"):
                line = getattr(node, attribute, None)
                if line is not None:
                    setattr(node, attribute, line - 1)
        whole: Any = tree.body[0]
        tree.body = whole.body
        return tree
    except SyntaxError as error:
        raise error.with_traceback(None) from None


def _tree(source: str, file: str) -> ast.Module:
    tree: Any = compile(source, file, "exec", _ONLY_AST, dont_inherit=True)
    return tree


def _walk(tree: ast.AST) -> Iterator[Any]:
    """Yield each node of the tree, in no order."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in node._fields:
            value: Any = getattr(node, name, None)
            # Only lists of nodes and single nodes are looked into.
            waiting += value if type(value) is list else (value,)
        waiting = [item for item in waiting if isinstance(item, _ast.AST)]


def _plpy() -> object:
    from multicorn import _plpy_import, plpy

    _plpy_import.install()
    return plpy


def _mentions(tree: ast.AST, name: str) -> bool:
    return any(isinstance(node, _ast.Name) and node.id == name for node in _walk(tree))


def _declared_global(tree: ast.AST) -> set[str]:
    declared: set[str] = set()
    for node in _walk(tree):
        if isinstance(node, _ast.Global):
            declared.update(node.names)
    return declared


def _compiled(file: str, parameters: Sequence[str], tree: ast.Module) -> CodeType:
    """Compile the body as that of a function; its lines keep their numbers."""
    frame = _tree(f"def body({', '.join(parameters)}): pass", file)
    definition: Any = frame.body[0]
    definition.body = tree.body or definition.body
    code = compile(frame, file, "exec", dont_inherit=True)
    made: CodeType = next(item for item in code.co_consts if hasattr(item, "co_code"))
    return made.replace(co_name="<module>")


def _with_list(body: _Body) -> _Body:
    """Pass the arguments as a list, too."""

    def call(*arguments: object) -> object:
        return body(*arguments, list(arguments))

    return call


def _with_globals(
    body: FunctionType,
    namespace: dict[str, object],
    named: Sequence[str],
    parameters: Sequence[str],
) -> _Body:
    """Set the arguments as globals for each run of the body, as PL/Python does."""
    own = [*named, _LIST]

    def enter(values: dict[str, object]) -> dict[str, object]:
        before = {name: namespace[name] for name in own if name in namespace}
        namespace.update(values)
        return before

    def leave(before: dict[str, object]) -> dict[str, object]:
        values = {name: namespace.pop(name) for name in own if name in namespace}
        namespace.update(before)
        return values

    def values_of(arguments: Sequence[object]) -> dict[str, object]:
        pairs = zip(parameters, arguments, strict=True)
        return {_LIST: list(arguments)} | {name: value for name, value in pairs if name}

    def call(*arguments: object) -> object:
        before = enter(values_of(arguments))
        try:
            return body()
        finally:
            leave(before)

    def generate(*arguments: object) -> Generator[object]:
        rows: Any = body()
        values = values_of(arguments)
        try:
            while True:
                before = enter(values)
                try:
                    row = next(rows)
                except StopIteration:
                    return
                finally:
                    values = leave(before)
                yield row
        finally:
            rows.close()

    return generate if body.__code__.co_flags & _GENERATOR else call
