"""Python's logging, warnings and print, as messages of the server.

The server side calls `install()` once, after it has started Python, and
`flush()` when a statement ends.

A `logging` record never ends a statement: `logger.error("...")` reports a
trouble that the library has dealt with, so ERROR and CRITICAL records arrive
as WARNING. Only `multicorn.utils.log_to_postgres` raises. The root logger's
level is left alone (WARNING unless a wrapper sets another): at DEBUG, common
libraries would format a message for every row.
"""

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Final, TextIO, cast

from multicorn._secrets import mask
from multicorn._server import native
from multicorn._streams import MessageStream, as_text_io


class _Busy(threading.local):
    def __init__(self) -> None:
        super().__init__()
        self.now: bool = False


_busy: Final = _Busy()


def send(level: int, message: str, detail: str | None = None) -> None:
    """Send a message, at most at WARNING; never raise, never recurse.

    The flag is per thread: a message that is sent while another is being sent
    (a `__str__` that logs, a deallocator that warns) is dropped. A cancel is
    not an `Exception` and passes.
    """
    if _busy.now:
        return
    _busy.now = True
    try:
        native().log(
            min(level, logging.WARNING),
            _clean(message),
            None,
            None if detail is None else _clean(detail),
        )
    except Exception:  # noqa: BLE001, S110 - reporting must not become an error
        pass
    finally:
        _busy.now = False


def _clean(text: str) -> str:
    # A NUL would end the message early on the C side.
    return mask(text).replace("\0", "\\x00")


class ServerHandler(logging.Handler):
    """Sends each record to the server; its traceback becomes the DETAIL."""

    def createLock(self) -> None:  # noqa: N802 - the base class's name
        """Have no lock.

        A cancel can arrive between taking it and releasing it, and would
        leave it taken. The native side takes messages from any thread.
        """
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit, without a lock."""
        # From Python 3.12 on a filter may return another record.
        passed = cast("bool | logging.LogRecord", self.filter(record))
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record."""
        if _busy.now:
            return
        level = _server_level(record.levelno)
        try:
            message, detail = self.format(record), _trace_of(record)
        except Exception as error:  # noqa: BLE001 - whatever a __str__ raises
            message = f"a log message could not be formatted: {record.msg!r}"
            detail = f"{type(error).__name__} at {record.pathname}:{record.lineno}"
        send(level, message, detail)

    def format(self, record: logging.LogRecord) -> str:
        """Return the message alone: level and time are the server's affair."""
        if self.formatter is not None:
            return self.formatter.format(record)
        return record.getMessage()


def _server_level(level: int) -> int:
    """Round a level of one's own making (15, 25) down to one with a name."""
    for named in (logging.WARNING, logging.INFO):
        if level >= named:
            return named
    return logging.DEBUG


def _trace_of(record: logging.LogRecord) -> str | None:
    if record.exc_info and record.exc_info[0] is not None:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return record.stack_info


Redirection = Callable[[str, str], bool]
_redirections: Final[list[Redirection]] = []


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
        file.write(warnings.formatwarning(message, category, filename, lineno, line))
        return
    text, place = f"{category.__name__}: {message}", f"{filename}:{lineno}"
    if not any(redirect(text, place) for redirect in _redirections):
        send(logging.WARNING, text, place)


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread is not None else "unknown"
    _send_exception(f"a thread ended with an error: {name}", args.exc_value)


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    what = unraisable.err_msg or "an error could not be raised"
    _send_exception(what, unraisable.exc_value, unraisable.exc_traceback)


def _send_exception(
    what: str,
    error: BaseException | None,
    trace: TracebackType | None = None,
) -> None:
    if error is None:
        send(logging.WARNING, what)
        return
    try:
        lines = traceback.format_exception(
            type(error), error, trace or error.__traceback__
        )
        detail = "".join(lines).rstrip()
    except Exception:  # noqa: BLE001 - a __str__ that raises
        detail = type(error).__name__
    send(logging.WARNING, f"{what}: {type(error).__name__}", detail)


_streams: Final[list[MessageStream]] = []


def install() -> None:
    """Route logging, warnings, print and thread failures to the server.

    May be called again; it then does nothing.
    """
    if _streams:
        return
    root = logging.getLogger()
    if not any(isinstance(handler, ServerHandler) for handler in root.handlers):
        root.addHandler(ServerHandler())
    warnings.showwarning = _showwarning
    threading.excepthook = _thread_failed
    sys.unraisablehook = _unraisable
    output, error = MessageStream("<stdout>"), MessageStream("<stderr>")
    sys.stdout, sys.stderr = as_text_io(output), as_text_io(error)
    _streams.extend((output, error))


def flush() -> None:
    """Send unfinished lines of this thread: the statement has ended."""
    for stream in _streams:
        stream.flush()
