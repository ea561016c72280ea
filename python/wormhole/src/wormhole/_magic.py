"""`%load_ext wormhole`: cells that run inside the database.

    %%wormhole 5 -c other
    def twice(x):
        return 2 * query_value("SELECT $1::int", x)

The functions of a cell become remote functions of the notebook, and its last one is called with what stands
behind `%%wormhole`, if it takes no more than that.
"""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any, cast

from wormhole._errors import CaptureError
from wormhole._remote import Remote, remote


def load(shell: Any) -> None:
    """Register the magic."""

    def wormhole(line: str, cell: str) -> Any:
        """Run the cell inside the database."""
        return run(shell, line, cell)

    shell.register_magic_function(wormhole, magic_kind="cell")


def run(shell: Any, line: str, cell: str) -> Any:
    """Make the cell's functions remote, and call what is to be called."""
    words = expressions(line)
    connection = None
    if "-c" in words:
        at = words.index("-c")
        named = words[at + 1] if len(words) > at + 1 else ""
        if named not in shell.user_ns:
            raise CaptureError(f"-c wants a variable with a connection, and there is none named {named!r}")
        connection = shell.user_ns[named]
        del words[at : at + 2]
    made = define(cell, shell.user_ns, connection)
    if made is None:
        raise CaptureError("the cell is empty")
    shell.user_ns[made.name] = made
    arguments = [eval(word, shell.user_ns) for word in words]  # noqa: S307 - it is the notebook's own code
    if not arguments and any(p.default is p.empty and p.kind in NEEDED for p in parameters(made)):
        return made
    return made(*arguments)


def expressions(line: str) -> list[str]:
    """The words of a line; one that is no expression by itself, as `[1,`, goes on with the next."""
    found: list[str] = []
    rest = ""
    for word in re.findall(r"\s*\S+", line):
        rest = f"{rest}{word}" if rest else word.strip()
        if rest == "-c" or _is_expression(rest):
            found.append(rest)
            rest = ""
    return [*found, rest] if rest else found


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


NEEDED = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


def parameters(function: Remote[..., Any]) -> list[inspect.Parameter]:
    """What a function takes."""
    return list(function.__signature__.parameters.values())


def define(cell: str, space: dict[str, Any], connection: Any = None) -> Remote[..., Any] | None:
    """The last function of a cell as a remote one; a cell of statements becomes the body of one.

    Its last line's value is what it returns, as in any cell.
    """
    tree = ast.parse(cell)
    if not tree.body:
        return None
    if not isinstance(tree.body[-1], ast.FunctionDef | ast.AsyncFunctionDef):
        cell = _as_function(tree)
    code = compile(cell, _named(cell), "exec")
    exec(code, space)  # noqa: S102 - it defines functions, as the cell says
    last = ast.parse(cell).body[-1]
    assert isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101
    found = space[last.name]
    if isinstance(found, Remote):
        return cast("Remote[..., Any]", found)
    return remote(connection=connection)(found)


def _as_function(tree: ast.Module) -> str:
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        tree.body[-1] = ast.copy_location(ast.Return(last.value), last)
    function = ast.parse("def cell(): pass")
    # Not the text, indented: that would change strings of several lines.
    cast("ast.FunctionDef", function.body[0]).body = tree.body
    return ast.unparse(ast.fix_missing_locations(function)) + "\n"


def _named(cell: str) -> str:
    """Keep the cell's text where `inspect` finds it."""
    import linecache

    name = f"<wormhole cell {len(linecache.cache)}>"
    linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
    return name
