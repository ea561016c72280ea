"""Stand-ins for `multicorn._native` where there is no server.

Unit tests of wrappers run in a plain Python. Messages go to the process's
standard error, so that a developer sees them; nothing can be cancelled.
"""

import logging
import sys
import threading
from typing import Any, ClassVar

from multicorn._exceptions import MulticornException


class QueryCancelled(BaseException):
    """The server asks the running statement to end (never raised here)."""


class ServerError(Exception):
    """An error of the server (never raised here)."""

    sqlstate: str = "XX000"
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    schema_name: str | None = None
    table_name: str | None = None
    column_name: str | None = None
    constraint_name: str | None = None


class _Labels:
    """The server's own names of the message levels, by logging's numbers."""

    by_level: ClassVar[dict[int, str]] = {
        logging.DEBUG: "DEBUG1",
        logging.INFO: "NOTICE",
        logging.WARNING: "WARNING",
    }


def log(
    level: int,
    message: str,
    hint: str | None = None,
    detail: str | None = None,
) -> None:
    """Write the message to the real standard error, as psql would show it."""
    if level >= logging.ERROR:
        raise MulticornException(message, level, hint, detail)
    # sys.stderr may be a stream of ours, which would call this function again.
    stream = sys.__stderr__
    if stream is None:
        return
    lines = [f"{_Labels.by_level.get(level, 'NOTICE')}:  {message}"]
    if detail is not None:
        lines.append(f"DETAIL:  {detail}")
    if hint is not None:
        lines.append(f"HINT:  {hint}")
    stream.write("\n".join(lines) + "\n")


def print_message(text: str) -> None:
    """Write one line of a wrapper's output to the real standard output."""
    stream = sys.__stdout__
    if stream is not None:
        stream.write(text + "\n")


def output_pending() -> None:
    """Do nothing: there is no transaction whose end would send the line."""


def check_interrupts() -> None:
    """Do nothing: without a server nothing asks for a cancel."""


def is_main_thread() -> bool:
    """Tell whether the caller runs on Python's main thread."""
    return threading.current_thread() is threading.main_thread()


def rights() -> tuple[bool, bool, bool, list[str]] | None:
    """Allow everything: who runs a plain Python has its rights anyway."""
    return (True, True, True, [])


def sql_execute(
    query: str,
    args: tuple[object, ...],
) -> tuple[list[dict[str, Any]] | None, int]:
    """Raise RuntimeError: there is no server to run it."""
    raise _no_server(query, args)


def sql_open(query: str, args: tuple[object, ...]) -> tuple[str, int]:
    """Raise RuntimeError: there is no server to run it."""
    raise _no_server(query, args)


def sql_fetch(cursor: str, role: int, count: int) -> list[dict[str, Any]]:
    """Raise RuntimeError: there is no server that has cursors."""
    raise _no_server(cursor, role, count)


def sql_close(cursor: str) -> None:
    """Do nothing: there are no cursors."""


def _no_server(*_asked: object) -> RuntimeError:
    return RuntimeError("SQL can be run only inside a server")
