"""What is to be done once a module has been imported by whoever needs it.

Importing `logging` or `threading` at the start of each session would cost more
than all else there, and most sessions do without.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from _typeshed.importlib import MetaPathFinderProtocol


def after(name: str, action: Callable[[ModuleType], object]) -> None:
    """Call `action` with the module of that name: now, or when it is imported.

    Repeatable: a later call for the same name replaces the action.
    """
    module = sys.modules.get(name)
    if module is not None:
        action(module)
        return
    _waiting[name] = action
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


_waiting: dict[str, Callable[[ModuleType], object]] = {}


class _Finder:
    """Stands before the finders that know where modules are."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        action = _waiting.pop(name, None)
        if action is None:
            return None
        spec = _found_by_others(self, name, path, target)
        if spec is None or spec.loader is None:
            _waiting[name] = action
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            action(module)

        spec.loader.exec_module = exec_module
        return spec


def _found_by_others(
    finder: MetaPathFinderProtocol,
    name: str,
    path: Sequence[str] | None,
    target: ModuleType | None,
) -> ModuleSpec | None:
    for other in sys.meta_path:
        spec = None if other is finder else other.find_spec(name, path, target)
        if spec is not None:
            return spec
    return None
