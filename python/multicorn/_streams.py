"""Standard output and error of Python code that runs inside the server.

A backend's real standard output leads nowhere a user looks. Writes are
gathered into lines, and each line becomes one message.
"""

from __future__ import annotations

import io
from _thread import _local as _thread_local  # `threading` costs a start too much

from multicorn._server import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO, TextIO

    Redirection = Callable[[str, str], bool]

# A line longer than this is sent in pieces: a progress bar that never ends
# its line would otherwise grow without bound in a long session.
_LONGEST_LINE = 65_536


_redirections: list[Redirection] = []


def set_redirection(redirection: Redirection) -> None:
    """Ask `redirection` first where the text of a stream goes.

    It gets the stream's name and the text, and tells whether it has sent it.
    """
    _redirections[:] = [redirection]


class _ThreadState(_thread_local):
    """Per thread: the unfinished line, and whether a message is being sent."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: str = ""
        self.sending: bool = False


class MessageStream(io.TextIOBase):
    """A text file whose lines become messages to the client.

    Each thread has its own unfinished line, so that lines of several threads
    do not mix. Writing never fails: output is a courtesy, not a reason to end
    a query.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._state = _ThreadState()
        self._bytes = _BytesOf(self)

    @property
    def name(self) -> str:
        """The stream's name, as `<stdout>`."""
        return self._name

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Always UTF-8; the server converts to the client's encoding."""
        return "utf-8"

    @property
    def errors(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How undecodable bytes written to `buffer` are shown."""
        return "backslashreplace"

    @property
    def buffer(self) -> BinaryIO:
        """The same stream, taking bytes."""
        raw: Any = self._bytes
        return raw

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Return False: no colours, no progress bars."""
        return False

    def write(self, text: str) -> int:
        """Send the finished lines; keep the rest for later."""
        state = self._state
        finished, newline, rest = (state.pending + text).rpartition("\n")
        state.pending = rest
        if newline:
            self._send(finished)
        if len(rest) > _LONGEST_LINE:
            self.flush()
        elif rest:
            native().output_pending()
        return len(text)

    def flush(self) -> None:
        """Send the unfinished line of this thread."""
        pending, self._state.pending = self._state.pending, ""
        if pending:
            self._send(pending)

    def close(self) -> None:
        """Send what is left; the stream stays usable.

        A library that closes sys.stdout must not silence the session.
        """
        self.flush()

    def _send(self, text: str) -> None:
        state = self._state
        # The server side may itself print while it sends (a deallocator, a
        # signal handler written in Python); that output is dropped, or the
        # two would call each other without end.
        if state.sending or not text.strip():
            return
        state.sending = True
        text = text.replace("\0", "\\x00")
        try:
            if not any(send(self._name, text) for send in _redirections):
                for line in text.split("\n"):
                    if line.strip():
                        native().print_message(line)
        except Exception:  # noqa: BLE001, S110 - see the class
            pass
        finally:
            state.sending = False


class _BytesOf(io.RawIOBase):
    """The `buffer` of a MessageStream, for code that writes bytes."""

    def __init__(self, text: MessageStream) -> None:
        super().__init__()
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        chunk = bytes(memoryview(data))  # pyright: ignore[reportArgumentType]
        self._text.write(chunk.decode("utf-8", "backslashreplace"))
        return len(chunk)

    def flush(self) -> None:
        self._text.flush()


def as_text_io(stream: MessageStream) -> TextIO:
    """Return the stream as the type that `sys.stdout` is declared with."""
    text: Any = stream
    return text
