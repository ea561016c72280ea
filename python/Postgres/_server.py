"""The one door from this package to the extension library."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NATIVE = "multicorn._native"


def native() -> Any:
    """Return the native module.

    Raises RuntimeError in a Python that no server has started.
    """
    module = sys.modules.get(_NATIVE)
    if module is None:
        raise RuntimeError("the Postgres module works only inside a server process")
    return module
