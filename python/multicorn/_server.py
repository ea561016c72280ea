"""The one door from Python code to the extension library.

The native module is looked up at each call, not bound at import: if another
language's Python imported this package before the extension started its own
side, the package would otherwise stay deaf for the life of the backend.
"""

import sys
from typing import Protocol, cast

from multicorn import _fallback

_NATIVE = "multicorn._native"


class NativeModule(Protocol):
    """What `multicorn._native` and its stand-in both offer."""

    def log(
        self,
        level: int,
        message: str,
        hint: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Send one message to the server."""
        ...

    def print_message(self, text: str) -> None:
        """Send one message at the level of multicorn.print_level."""
        ...

    def output_pending(self) -> None:
        """Note an unfinished line."""
        ...

    def check_interrupts(self) -> None:
        """Raise QueryCancelled if the statement must end."""
        ...

    def is_main_thread(self) -> bool:
        """Tell whether the caller is the backend's main thread."""
        ...

    def rights(self) -> tuple[bool, bool, bool, list[str]] | None:
        """Tell the rights behind the options of the wrapper being made."""
        ...


def native() -> NativeModule:
    """Return the native module, or the stand-ins outside a server."""
    return cast("NativeModule", sys.modules.get(_NATIVE, _fallback))
