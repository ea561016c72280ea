"""Types of the module that the extension library makes at interpreter start.

The library creates the module, puts it into `sys.modules` and never removes
it. All functions may be called from any thread: off the main thread messages
are queued and sent when the main thread next enters the library.
"""

from typing import Any

class QueryCancelled(BaseException):
    """The server asks the running statement to end.

    Not an `Exception`: a wrapper's broad `except Exception` must not swallow
    a cancel. Clean up in `finally` and let it pass.
    """

class ServerError(Exception):
    """An error that the server raised below a call made from Python.

    One subclass exists for each SQLSTATE that has been met.
    """

    sqlstate: str
    detail: str | None
    hint: str | None
    context: str | None
    schema_name: str | None
    table_name: str | None
    column_name: str | None
    constraint_name: str | None

def log(
    level: int,
    message: str,
    hint: str | None = None,
    detail: str | None = None,
) -> None:
    """Send one message; `level` is a number of the `logging` module.

    From `logging.ERROR` on it raises `multicorn.utils.MulticornException`
    instead of sending anything.
    """

def print_message(text: str) -> None:
    """Send one message at the level of the setting multicorn.print_level."""

def output_pending() -> None:
    """Note an unfinished line, which the end of the transaction shall send."""

def check_interrupts() -> None:
    """Raise `QueryCancelled` if a cancel, timeout or terminate is pending."""

def sql_execute(
    query: str,
    args: tuple[object, ...],
) -> tuple[list[dict[str, Any]] | None, int]:
    """Run one SQL statement with the values of `$1`, `$2`, ….

    Returns its rows, None for a statement that gives none, and how many rows it
    gave or touched. A failed statement is undone by itself: after
    `ServerError` the transaction goes on. Raises `RuntimeError` where SQL is
    refused; see `multicorn.sql`.
    """

def sql_open(query: str, args: tuple[object, ...]) -> tuple[str, int]:
    """Open a cursor and return its name."""

def sql_fetch(cursor: str, role: int, count: int) -> list[dict[str, Any]]:
    """Return the next rows of a cursor, fewer than `count` only at its end."""

def sql_close(cursor: str) -> None:
    """Close a cursor, where that is possible now."""

def is_main_thread() -> bool:
    """Tell whether the caller runs on the backend's main thread."""

def rights() -> tuple[bool, bool, bool, list[str]] | None:
    """Tell the rights behind the options while a wrapper is being made.

    `(read_files, write_files, superuser, names)`: whether the owners of table
    and server may read and write the server's files, whether the role that
    queries is a superuser, and which options come from its user mapping. None
    at any other time.
    """
