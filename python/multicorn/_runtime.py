"""What the server side needs done in Python when it has started it.

Called once, by the extension library, after the package was imported.
"""

from __future__ import annotations

import os
import sys

from multicorn._imports import after
from multicorn._signals import protect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_CONTEXT = "multiprocessing.context"


def start(cancelled: type[BaseException], cancel_again: Callable[[], None]) -> None:
    """Prepare this Python for life inside a server process. Repeatable.

    `cancelled` is the exception that ends a statement, `cancel_again` asks for
    it to be raised once more.
    """
    protect()
    if not isinstance(sys.unraisablehook, _UnraisableHook):
        hook = _UnraisableHook(sys.unraisablehook, cancelled, cancel_again)
        sys.unraisablehook = hook
    if not sys.executable or not os.path.basename(sys.executable).startswith("python"):
        sys.executable = _find_python()
    after(_CONTEXT, _spawn_by_default)


class _UnraisableHook:
    """Keeps a cancel that came while a destructor ran, which cannot raise."""

    def __init__(
        self,
        report: Callable[[sys.UnraisableHookArgs], object],
        cancelled: type[BaseException],
        cancel_again: Callable[[], None],
    ) -> None:
        self._report = report
        self._cancelled = cancelled
        self._cancel_again = cancel_again

    def __call__(self, unraisable: sys.UnraisableHookArgs, /) -> None:
        if issubclass(unraisable.exc_type, self._cancelled):
            self._cancel_again()
        else:
            self._report(unraisable)


def _find_python() -> str:
    """Return the interpreter that belongs to this library, or ''.

    multiprocessing starts its children with it; inside a server Python cannot
    tell its own place from the name of the running program.
    """
    import sysconfig  # rarely needed, and slow to import

    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    directories = (
        sysconfig.get_config_var("BINDIR"),
        os.path.join(sys.base_prefix, "bin"),
    )
    for directory in directories:
        path = os.path.join(str(directory), name)
        if os.access(path, os.X_OK):
            return path
    return ""


def _spawn_by_default(context: ModuleType) -> None:
    """Make 'spawn' the start method, unless the code has chosen one.

    Before Python 3.14 the default is 'fork', which a server process refuses.
    """
    default = context._default_context
    if default._actual_context is None:
        default._default_context = context._concrete_contexts["spawn"]
