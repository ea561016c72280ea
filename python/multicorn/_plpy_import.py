"""What `import plpy` gives: this extension's module, or PL/Python's own.

Both languages may live in one session, and a module of the user's may serve
functions of both. Which of the two modules is meant is decided at each use of
a name, by the function that runs. PL/Python's own functions have its module
as a global and never come here.
"""

from __future__ import annotations

import sys

from multicorn import _plpy, plpy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    _Module = ModuleType
else:
    _Module = type(sys)

_NAME = "plpy"


class _Either(_Module):
    def __init__(self, theirs: ModuleType) -> None:
        super().__init__(_NAME, theirs.__doc__)
        self.__dict__["_theirs"] = theirs

    def __getattr__(self, name: str) -> Any:
        chosen = plpy if _plpy.is_running() else self.__dict__["_theirs"]
        return getattr(chosen, name)

    def __dir__(self) -> list[str]:
        return dir(plpy)


def install() -> None:
    """Let `import plpy` give the right module from now on. Repeatable."""
    theirs = sys.modules.get(_NAME)
    if theirs is None:
        sys.modules[_NAME] = plpy
    elif theirs is not plpy and not isinstance(theirs, _Either):
        either = sys.modules[_NAME] = _Either(theirs)
        # Modules that imported it for functions of PL/Python.
        for module in list(sys.modules.values()):
            names = getattr(module, "__dict__", {})
            if module is not sys and names.get(_NAME) is theirs:
                names[_NAME] = either
