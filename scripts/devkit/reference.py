"""The reference of the modules that functions use, written from their docstrings.

What a module exports is its `__all__`; a name that it imports is looked up where it comes from, in the stub
if the module is the library's own. So neither a server nor an import is needed.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
from dataclasses import dataclass, field
from pathlib import Path

from devkit.paths import CHECKOUT

SOURCE = CHECKOUT / "python"
TARGET = CHECKOUT / "docs" / "reference"
#: Page, module, and the language whose functions it is for.
PAGES = (
    ("plpy", "multicorn.plpy", "plpy"),
    ("Postgres", "Postgres", "python"),
    ("Postgres.values", "Postgres.values", "python"),
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class Found:
    """A name that a module exports: its definitions (several if it is overloaded), or what it equals."""

    name: str
    nodes: list[Definition] = field(default_factory=list)
    same_as: str = ""
    module_text: str = ""


def path_of(module: str) -> Path | None:
    """The file of a module, its stub if it has no source."""
    base = SOURCE.joinpath(*module.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py", base.with_suffix(".pyi"))
    return next((path for path in candidates if path.exists()), None)


def statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """All statements of a module, those for type checkers too."""
    every: list[ast.stmt] = []
    for statement in body:
        every.append(statement)
        if isinstance(statement, (ast.If, ast.Try)):
            every += statements(statement.body)
    return every


class Module:
    """The names that a module's text defines and imports."""

    def __init__(self, name: str) -> None:
        path = path_of(name)
        self.name = name
        self.exists = path is not None
        self.tree = ast.parse(path.read_text()) if path else ast.parse("")
        self.statements = statements(self.tree.body)

    def exports(self) -> list[str]:
        """The names in `__all__`."""
        for statement in self.statements:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
                return list(ast.literal_eval(statement.value))
        return []

    def find(self, name: str) -> Found:
        """What a name stands for, here or where it is imported from."""
        found = Found(name)
        for statement in self.statements:
            if isinstance(statement, Definition) and statement.name == name:
                found.nodes.append(statement)
            elif isinstance(statement, ast.Assign) and name in map(ast.unparse, statement.targets):
                found.same_as = ast.unparse(statement.value)
            elif isinstance(statement, ast.ImportFrom) and statement.module:
                for alias in statement.names:
                    if (alias.asname or alias.name) != name or not path_of(statement.module):
                        continue
                    whole = Module(f"{statement.module}.{alias.name}")
                    if whole.exists:
                        found.module_text = ast.get_docstring(whole.tree) or ""
                    elif statement.module != self.name:
                        there = Module(statement.module).find(alias.name)
                        found.nodes += there.nodes
                        found.same_as = found.same_as or there.same_as
        return found


def shown_arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The parameters without `self` and without annotations."""
    arguments = ast.parse(f"def f({ast.unparse(node.args)}): pass").body[0]
    assert isinstance(arguments, ast.FunctionDef)
    every = arguments.args
    for argument in (*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg):
        if argument is not None:
            argument.annotation = None
    text = ast.unparse(every)
    for own in ("self", "cls", "this"):
        if text == own or text.startswith((f"{own}, ", f"{own}=")):
            text = text.removeprefix(own).removeprefix(", ")
    return text.removeprefix("/, ")


def is_decorated(node: Definition, name: str) -> bool:
    """Whether one of its decorators has that name."""
    return any(ast.unparse(decorator).endswith(name) for decorator in node.decorator_list)


def documentation(nodes: list[Definition]) -> str:
    """The docstring, that of the last definition which has one."""
    texts = [ast.get_docstring(node) for node in nodes]
    return inspect.cleandoc(next((text for text in reversed(texts) if text), ""))


def function_lines(nodes: list[Definition], level: str) -> list[str]:
    """A function, method or property."""
    functions = [node for node in nodes if not isinstance(node, ast.ClassDef)]
    # The definition behind overloads is only how they are implemented.
    chosen = [node for node in functions if is_decorated(node, "overload")]
    if not chosen or len(chosen) < len(functions) - 1:
        chosen = functions
    name = functions[0].name
    if is_decorated(functions[0], "property"):
        head = f"`{name}`"
    else:
        head = ", ".join(dict.fromkeys(f"`{name}({shown_arguments(node)})`" for node in chosen))
    return [f"{level} {head}", "", documentation(nodes), ""]


def class_lines(node: ast.ClassDef) -> list[str]:
    """A class with its public members that are documented."""
    names = map(ast.unparse, node.bases)
    bases = ", ".join(name for name in names if not name.startswith("_"))
    lines = [f"## class `{node.name}`", ""]
    if bases and not bases.startswith(("Generic", "Protocol", "NamedTuple")):
        lines += [f"Below `{bases}`.", ""]
    lines += [documentation([node]), ""]
    methods: dict[str, list[Definition]] = {}
    for member in node.body:
        if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
            methods.setdefault(member.name, []).append(member)
    for name, nodes in methods.items():
        is_special = name.startswith("_") and name != "__call__"
        if not is_special and documentation(nodes):
            lines += function_lines(nodes, "###")
    return lines


def entry(found: Found) -> list[str]:
    """Whatever the name stands for."""
    if found.module_text:
        return [f"## module `{found.name}`", "", inspect.cleandoc(found.module_text), ""]
    classes = [node for node in found.nodes if isinstance(node, ast.ClassDef)]
    if classes:
        return class_lines(classes[-1])
    if found.nodes:
        return function_lines(found.nodes, "##")
    if found.same_as.isidentifier():
        return [f"## `{found.name}`", "", f"The same as `{found.same_as}`.", ""]
    return []


def page(title: str, module: str, language: str) -> str:
    """The whole page."""
    source = Module(module)
    lines = [
        f"# The module `{title}`",
        "",
        f"For functions of `LANGUAGE {language}`. Written by `scripts/reference` from the docstrings.",
        "",
        inspect.cleandoc(ast.get_docstring(source.tree) or ""),
        "",
    ]
    for name in sorted(source.exports(), key=str.lower):
        lines += entry(source.find(name))
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip() + "\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(prog="scripts/reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a page is old")
    options = parser.parse_args(arguments)
    stale = 0
    for title, module, language in PAGES:
        path = TARGET / f"{title}.md"
        text = page(title, module, language)
        if path.exists() and path.read_text() == text:
            continue
        if options.check:
            stale += 1
            print(f"{path.relative_to(CHECKOUT)} is not what the docstrings say; run scripts/reference")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"written: {path.relative_to(CHECKOUT)}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
