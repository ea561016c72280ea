"""What CREATE FUNCTION warns of: a body that has no entry for its signature.

The body is read, not executed: a restored dump may name what does not exist
yet. Where the entry's form cannot be known without executing, nothing is said.
"""

import ast
import re
from collections.abc import Iterator

from Postgres._errors import severities
from Postgres._server import native

_ENTRY = re.compile(
    r"(before|after)_(insert|update|delete)(_statement)?"
    r"|(before|after)_truncate_statement"
    r"|instead_of_(insert|update|delete)"
)
_EVENT = re.compile(
    r"on_(ddl_command_start|ddl_command_end|table_rewrite|sql_drop|login)"
)
# Decorators of this package that leave the parameters as they are.
_TRANSPARENT = frozenset({"pytypes", "Stateful"})


def warn(signature: str, tree: ast.Module, role: str, arguments: int) -> None:
    """Send a WARNING if the body cannot serve its calls.

    `role` is `function`, `trigger` or `event trigger`, `arguments` how many a
    call passes.
    """
    text = _complaint(tree, role, arguments)
    if text is not None:
        fields = {
            "message": f"function {signature} {text}",
            "code": "01PPY",
            "hint": _hint(role, arguments),
        }
        native().pl_report(severities["WARNING"], fields, True)  # noqa: FBT003


def _hint(role: str, arguments: int) -> str:
    if role == "trigger":
        return "Entries are named after the event, as in before_insert(td, new)."
    if role == "event trigger":
        return "Entries are named after the event, as in on_ddl_command_start(td)."
    return f"A call passes {_arguments(arguments)} to main."


def _arguments(number: int) -> str:
    return "one argument" if number == 1 else f"{number} arguments"


def _complaint(tree: ast.Module, role: str, arguments: int) -> str | None:
    names = set(_bound(tree.body))
    if "*" in names:
        return None
    if role == "function":
        if "main" not in names:
            return "has no entry: its body defines no main"
        return _misfit(tree, arguments)
    pattern = _ENTRY if role == "trigger" else _EVENT
    if not any(pattern.fullmatch(name) for name in names):
        return "has no entry for any event that it could serve"
    return None


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements bind in their module; `*` for all."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.alias):
                yield (node.asname or node.name).partition(".")[0]
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.Call) and _is_dynamic(node.func):
                yield "*"


def _is_dynamic(function: ast.expr) -> bool:
    """Tell whether a call may bind any name."""
    names = {"exec", "globals", "setattr"}
    return isinstance(function, ast.Name) and function.id in names


def _misfit(tree: ast.Module, arguments: int) -> str | None:
    """Say why the only definition of `main` cannot take the arguments."""
    found = [node for node in ast.walk(tree) if _defines_main(node)]
    main = found[0] if len(found) == 1 else None
    if not isinstance(main, ast.FunctionDef) or main not in tree.body:
        return None
    if not all(_is_transparent(decorator) for decorator in main.decorator_list):
        return None
    parameters = main.args
    positional = len(parameters.posonlyargs) + len(parameters.args)
    required = positional - len(parameters.defaults)
    if any(default is None for default in parameters.kw_defaults):
        return "has a main with keyword-only parameters that no call gives"
    if arguments < required or (arguments > positional and parameters.vararg is None):
        return f"has a main that takes {_arguments(positional)}"
    return None


def _defines_main(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == "main"
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Store):
        return False
    return node.id == "main"


def _is_transparent(decorator: ast.expr) -> bool:
    if isinstance(decorator, ast.Attribute):
        return decorator.attr in _TRANSPARENT
    return isinstance(decorator, ast.Name) and decorator.id in _TRANSPARENT
