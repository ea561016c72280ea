"""The part of the package `wormhole` that serves remote functions, without the client.

The package's own `__init__` is the client's interface and imports what a client needs,
asyncio among it: a third of a second and more threads than a backend should know of.
"""

import importlib
import importlib.util
import sys
from types import ModuleType

NAME = "wormhole"


class _Shell(ModuleType):
    """The package, until somebody asks for a name of the client's interface."""

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if name.startswith("_") or spec is None or spec.loader is None:
            # A module of the package, which the import statement then imports.
            raise AttributeError(name)
        object.__setattr__(self, "__class__", ModuleType)
        spec.loader.exec_module(self)
        return getattr(self, name)


def server() -> ModuleType:
    """Import the module that runs functions in the server's own process."""
    if NAME not in sys.modules:
        spec = importlib.util.find_spec(NAME)
        if spec is None or spec.submodule_search_locations is None:
            message = "the package wormhole is not installed beside the extension"
            raise ImportError(message)
        shell = _Shell(NAME)
        shell.__spec__ = spec
        shell.__file__ = spec.origin
        shell.__path__ = spec.submodule_search_locations
        sys.modules[NAME] = shell
    return importlib.import_module("wormhole._server")
