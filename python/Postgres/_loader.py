"""Modules of functions of `LANGUAGE python`, made from the catalogue's source.

A function's module is `sys.modules[str(oid)]`; its `__file__` is what
`regprocedure` shows, under which tracebacks find the source.
"""

from __future__ import annotations

import sys

from multicorn._traceback import forget as unlabel
from multicorn._traceback import label, source_of
from Postgres._function import Function
from Postgres._start import start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any


# Every module has one; importlib.machinery, whose name for it is ModuleSpec, would
# have to be imported.
_SPEC: Any = sys.__spec__.__class__


class Loader:
    """A PEP 451 loader for the module of one function.

    `get_source`, `get_code` and `is_package` answer for the function's own name,
    its OID as text, and raise ImportError for any other.
    """

    def __init__(self, name: str, file: str, source: str) -> None:
        self.name = name
        self.file = file
        self.source = source

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Let the import system make the module."""
        del spec

    def exec_module(self, module: ModuleType) -> None:
        """Run the body in the module."""
        exec(self.get_code(self.name), module.__dict__)  # noqa: S102 - the function that was asked for

    def get_source(self, fullname: str) -> str:
        """Return the body as CREATE FUNCTION has it."""
        self._only(fullname)
        return self.source

    def get_code(self, fullname: str) -> CodeType:
        """Compile the body; raises SyntaxError."""
        self._only(fullname)
        return compile(_body(self.source), self.file, "exec", dont_inherit=True)

    def is_package(self, fullname: str) -> bool:
        """Return False: a function is a module without parts."""
        self._only(fullname)
        return False

    def _only(self, fullname: str) -> None:
        if fullname != self.name:
            message = f"this loader is of {self.name!r}, not of {fullname!r}"
            raise ImportError(message, name=fullname)


def _body(source: str) -> str:
    """Return the source without the blanks between `$$` and its first word."""
    return source.lstrip(" \t")


def load(oid: int, signature: str, source: str) -> Callable[..., object]:
    """Import the module of a function anew, and return its entry `main`.

    Raises AttributeError if there is none, TypeError if it cannot be called, and
    whatever the module's own code raises; then the module is not kept.
    """
    module = _imported(str(oid), signature, source)
    main: object = getattr(module, "main", None)
    if main is None:
        message = f"function {signature} has no entry: its body defines no main"
        raise _of_language(AttributeError(message))
    if not callable(main):
        kind = type(main).__name__
        message = f"main of function {signature} is a {kind} and cannot be called"
        raise _of_language(TypeError(message))
    return main


def _of_language(error: Exception) -> Exception:
    """Give an error of the language, not of the function's code, its SQLSTATE."""
    error.__dict__["sqlstate"] = "PY000"
    return error


def load_module(oid: int, signature: str, source: str) -> ModuleType:
    """Import the module of a trigger's function anew."""
    return _imported(str(oid), signature, source)


def forget(oid: int) -> None:
    """Let go of the module and the source of a function that was dropped."""
    module = sys.modules.pop(str(oid), None)
    if module is not None:
        _unlabel(module)


def _unlabel(module: ModuleType) -> None:
    loader = getattr(module, "__loader__", None)
    if isinstance(loader, Loader) and source_of(loader.file) is loader.source:
        unlabel(loader.file)


def check(signature: str, source: str, role: str, arguments: int) -> None:
    """Raise SyntaxError for a body that cannot be compiled; warn of a missing entry.

    `role` is `function`, `trigger` or `event trigger`, `arguments` how many a
    call passes.
    """
    Loader("", signature, source).get_code("")
    import ast

    from Postgres._validate import warn

    warn(signature, ast.parse(_body(source)), role, arguments)


def run_block(source: str) -> None:
    """Run a DO block as a module of its own."""
    file = "<DO block>"
    code = compile(_body(source), file, "exec", dont_inherit=True)
    label(file, f'File "{file}"', source)
    exec(code, {"__name__": "__main__", "__file__": file, "__builtins__": __builtins__})  # noqa: S102 - as above


def _imported(name: str, file: str, source: str) -> ModuleType:
    loader = Loader(name, file, source)
    module: ModuleType = type(sys)(name)
    spec: ModuleSpec = _SPEC(name, loader, origin=file)
    module.__spec__ = spec
    module.__loader__ = loader  # pyright: ignore[reportAttributeAccessIssue] - as above
    module.__file__ = file
    module.__dict__["__func__"] = Function(int(name))
    before = sys.modules.get(name)
    if before is not None:
        _unlabel(before)
    label(file, f'File "{file}"', source)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


start()
