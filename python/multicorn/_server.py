"""The one door from Python code to the extension library.

The native module is looked up at each call, not bound at import: if another
language's Python imported this package before the extension started its own
side, the package would otherwise stay deaf for the life of the backend.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from multicorn._server_protocol import NativeModule

_NATIVE = "multicorn._native"


def native() -> NativeModule:
    """Return the native module, or the stand-ins outside a server."""
    found: Any = sys.modules.get(_NATIVE)
    if found is None:
        # Outside a server only, where the start is nobody's concern.
        from multicorn import _fallback

        found = _fallback
    return found
