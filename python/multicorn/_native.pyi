"""Types of the module that the extension library makes at interpreter start.

The library creates the module, puts it into `sys.modules` and never removes
it. All functions may be called from any thread: off the main thread messages
are queued and sent when the main thread next enters the library.
"""

from collections.abc import Sequence

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

def execute(
    query: str,
    args: Sequence[object] | None = None,
) -> list[dict[str, object]] | int:
    """Run one SQL statement; its parameters are `$1`, `$2`, ….

    Returns the rows, booleans, integers and floats as such and every other
    type as its text, or the number of rows that the statement touched. A
    failed statement is undone by itself: after `ServerError` the transaction
    goes on. Raises `RuntimeError` off the main thread and in hooks.
    """

def is_main_thread() -> bool:
    """Tell whether the caller runs on the backend's main thread."""

def rights() -> tuple[bool, bool, bool, list[str]] | None:
    """Tell the rights behind the options while a wrapper is being made.

    `(read_files, write_files, superuser, names)`: whether the owners of table
    and server may read and write the server's files, whether the role that
    queries is a superuser, and which options come from its user mapping. None
    at any other time.
    """
