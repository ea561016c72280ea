"""Shows the native module as the server's Python has it."""

import inspect
import types
from collections.abc import Iterator
from typing import Any

from multicorn import ForeignDataWrapper, _native


def kind_of(member: Any) -> str:
    """The first base of a class, or `function`."""
    if isinstance(member, type):
        return member.__bases__[0].__name__
    return "function" if callable(member) else type(member).__name__


def parameters_of(member: Any) -> str | None:
    """Names and defaults of a function's parameters, as in `a, b=None`."""
    if isinstance(member, type):
        return None
    found = inspect.signature(member).parameters.values()
    return ", ".join(one.name if one.default is one.empty else f"{one.name}={one.default!r}" for one in found)


class NativeView(ForeignDataWrapper):
    """One row for each public member of `multicorn._native`: name, kind, parameters."""

    def execute(self, quals: object, columns: object) -> Iterator[dict[str, str | None]]:
        assert isinstance(_native, types.ModuleType)
        for name, member in vars(_native).items():
            if not name.startswith("_") and not isinstance(member, types.ModuleType):
                yield {"name": name, "kind": kind_of(member), "parameters": parameters_of(member)}
