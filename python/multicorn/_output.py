"""Python's print, warnings and failures, as messages of the server.

The server side calls `install()` once, after it has started Python, and
`flush()` when a statement ends. Records of `logging` are sent by
`multicorn._logging`, from the moment on when something imports that module.
"""

from __future__ import annotations

import sys
from _thread import _local as _thread_local  # `threading` costs a start too much

from multicorn._imports import after
from multicorn._secrets import mask
from multicorn._server import native
from multicorn._streams import MessageStream, as_text_io

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from types import ModuleType, TracebackType
    from typing import TextIO

    from multicorn._streams import Redirection

_WARNING = 30


class _Busy(_thread_local):
    now: bool = False


busy = _Busy()
"""Whether this thread is sending a message."""


def send(level: int, message: str, detail: str | None = None) -> None:
    """Send a message, at most at WARNING; never raise, never recurse.

    The flag is per thread: a message that is sent while another is being sent
    (a `__str__` that logs, a deallocator that warns) is dropped. A cancel is
    not an `Exception` and passes.
    """
    if busy.now:
        return
    busy.now = True
    try:
        native().log(
            min(level, _WARNING),
            _clean(message),
            None,
            None if detail is None else _clean(detail),
        )
    except Exception:  # noqa: BLE001, S110 - reporting must not become an error
        pass
    finally:
        busy.now = False


def _clean(text: str) -> str:
    # A NUL would end the message early on the C side.
    return mask(text).replace("\0", "\\x00")


_redirections: list[Redirection] = []


def set_redirection(redirection: Redirection) -> None:
    """Ask `redirection` first where a warning goes.

    It gets message and place, and tells whether it has sent the warning.
    """
    _redirections[:] = [redirection]


def _showwarning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if file is not None:
        import warnings

        file.write(warnings.formatwarning(message, category, filename, lineno, line))
        return
    text, place = f"{category.__name__}: {message}", f"{filename}:{lineno}"
    if not any(redirect(text, place) for redirect in _redirections):
        send(_WARNING, text, place)


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread is not None else "unknown"
    _send_exception(f"a thread ended with an error: {name}", args.exc_value)


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    what = unraisable.err_msg or "an error could not be raised"
    _send_exception(what, unraisable.exc_value, unraisable.exc_traceback)


def _send_exception(
    what: str,
    error: BaseException | None,
    trace: TracebackType | None = None,
) -> None:
    if error is None:
        send(_WARNING, what)
        return
    import traceback

    try:
        lines = traceback.format_exception(
            type(error), error, trace or error.__traceback__
        )
        detail = "".join(lines).rstrip()
    except Exception:  # noqa: BLE001 - a __str__ that raises
        detail = type(error).__name__
    send(_WARNING, f"{what}: {type(error).__name__}", detail)


_streams: list[MessageStream] = []


def install() -> None:
    """Route logging, warnings, print and thread failures to the server.

    May be called again; it then does nothing.
    """
    if _streams:
        return
    # Python's C code shows warnings through this module only if it is there.
    import warnings

    warnings.showwarning = _showwarning
    after("logging", _log_to_server)
    after("threading", _watch_threads)
    sys.unraisablehook = _unraisable
    output, error = MessageStream("<stdout>"), MessageStream("<stderr>")
    sys.stdout, sys.stderr = as_text_io(output), as_text_io(error)
    _streams.extend((output, error))


def _log_to_server(_logging: ModuleType) -> None:
    from multicorn._logging import attach

    attach()


def _watch_threads(threads: ModuleType) -> None:
    threads.__dict__["excepthook"] = _thread_failed


def flush() -> None:
    """Send unfinished lines of this thread: the statement has ended."""
    for stream in _streams:
        stream.flush()
