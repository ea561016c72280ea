"""Finding a wrapper's class by its dotted name, and saying why it failed.

Errors keep Python's own classes and words, which existing users and tests
know; what helps to repair the mistake is in the attribute `hint`, which the
server shows as HINT.
"""

import contextlib
import importlib
import sys
from collections.abc import Iterable
from types import ModuleType


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `name` is most likely a misspelling of."""
    # Loaded for an error only: each session would pay for it at its start.
    import difflib

    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.7)
    return by_folded[close[0]] if close else None


def load_class(dotted: str) -> type:
    """Import `package.module.Class` and return the class.

    Raises ModuleNotFoundError if no such module exists, AttributeError if the
    module has no such name, TypeError if the name is not a class, ValueError
    if `dotted` has no dot. An error raised by the module's own code comes
    through as it is. All carry a `hint`.
    """
    module_name, dot, class_name = dotted.rpartition(".")
    if not dot or not module_name or not class_name:
        raise _with_hint(
            ValueError(f"{dotted!r} does not name a class in a module"),
            "Write the wrapper as 'module.Class' or 'package.module.Class'.",
        )
    module = _import(module_name)
    try:
        found: object = getattr(module, class_name)
    except AttributeError:
        error = AttributeError(f"module {module_name!r} has no class {class_name!r}")
        raise _with_hint(error, _class_hint(module, class_name)) from None
    if not isinstance(found, type):
        raise _with_hint(
            TypeError(f"{dotted!r} is a {type(found).__name__}, not a class"),
            _class_hint(module, class_name),
        )
    return found


def _import(module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name
        if missing is not None and _is_or_contains(missing, module_name):
            new = ModuleNotFoundError(
                f"No module named {missing!r}", name=missing, path=error.path
            )
            raise _with_hint(new, _module_hint(missing)) from None
        raise _with_hint(error, _inner_hint(module_name, missing)) from None
    # A script that was not meant to be imported may call sys.exit().
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the module raises
        raise _with_hint(error, _inner_hint(module_name, None)) from None


def _is_or_contains(package: str, module_name: str) -> bool:
    return module_name == package or module_name.startswith(package + ".")


def _with_hint(error: BaseException, hint: str) -> BaseException:
    # An exception class with slots refuses new attributes; its own words
    # then have to do.
    with contextlib.suppress(AttributeError, TypeError):
        error.__dict__.setdefault("hint", hint)
    return error


def _inner_hint(module_name: str, missing: str | None) -> str:
    found = f"The module {module_name!r} was found, but its own code raised this"
    if missing is None:
        return f"{found} while being imported."
    return f"{found}: it needs {missing!r}, which is not installed. {_path_text()}"


def _module_hint(missing: str) -> str:
    near = suggest(missing, _modules_beside(missing))
    question = f"Did you mean {near!r}? " if near is not None else ""
    return question + _path_text()


def _path_text() -> str:
    shown = ", ".join(repr(entry) for entry in sys.path)
    return f"Python looked in sys.path: [{shown}]"


def _modules_beside(missing: str) -> list[str]:
    """Return the dotted names of the modules in the same package."""
    import pkgutil

    parent, dot, _ = missing.rpartition(".")
    path: Iterable[str] | None = None
    if dot:
        path = getattr(sys.modules.get(parent), "__path__", None)
        if path is None:
            return []
    names = [parent + dot + module.name for module in pkgutil.iter_modules(path)]
    if not dot:
        names.extend(sys.builtin_module_names)
    return names


def _class_hint(module: ModuleType, class_name: str) -> str:
    classes = sorted(
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and not name.startswith("_")
    )
    near = suggest(class_name, classes)
    if near is not None:
        return f"Did you mean '{module.__name__}.{near}'?"
    where = f"The module was loaded from {getattr(module, '__file__', None)!r}"
    if not classes:
        return f"{where}, it has no classes. {_path_text()}"
    return f"{where}, its classes are: {', '.join(classes)}. {_path_text()}"
