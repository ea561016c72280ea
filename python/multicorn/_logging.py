"""Python's logging, as messages of the server.

A `logging` record never ends a statement: `logger.error("...")` reports a
trouble that the library has dealt with, so ERROR and CRITICAL records arrive
as WARNING. Only `multicorn.utils.log_to_postgres` raises. The root logger's
level is left alone (WARNING unless a wrapper sets another): at DEBUG, common
libraries would format a message for every row.
"""

import logging
import traceback
from typing import cast

from multicorn._output import busy, send


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
        if busy.now:
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


def attach() -> None:
    """Give the root logger the server's handler, once."""
    root = logging.getLogger()
    if not any(isinstance(handler, ServerHandler) for handler in root.handlers):
        root.addHandler(ServerHandler())
