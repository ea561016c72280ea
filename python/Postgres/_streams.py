"""Standard streams and warnings as functions of LANGUAGE python see them."""

from __future__ import annotations

import io
import sys

from multicorn import _output as messages
from multicorn import _streams as streams
from Postgres._errors import severities
from Postgres._server import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class _Input(io.TextIOBase):
    """Standard input, which a server process does not have."""

    name = "<stdin>"

    def readable(self) -> bool:
        return True

    def _refuse(self) -> NoReturn:
        raise RuntimeError("a function cannot read from standard input")

    def read(self, size: int | None = -1, /) -> str:
        del size
        self._refuse()

    def readline(self, size: int = -1, /) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        del size
        self._refuse()

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


def install() -> None:
    """Show what functions print, and refuse what they would read. Repeatable."""
    streams.set_redirection(_send_output)
    messages.set_redirection(_send_warning)
    if not isinstance(sys.stdin, _Input):
        sys.stdin = _Input()


def _send_output(stream: str, text: str) -> bool:
    """Send what a function of LANGUAGE python wrote; tell whether it was one."""
    return _send("NOTICE", "00000", f"data written to sys.{stream.strip('<>')}", text)


def _send_warning(message: str, detail: str) -> bool:
    """Send what `warnings.warn` says inside a function; tell whether it was one."""
    return _send("WARNING", "01PPY", message, detail)


def _send(severity: str, code: str, message: str, detail: str) -> bool:
    if not native().pl_in_function():
        return False
    fields = {"message": message, "code": code, "detail": detail}
    native().pl_report(severities[severity], fields, False)  # noqa: FBT003
    return True
