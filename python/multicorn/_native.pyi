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

def wormhole_run(
    query: str, args: tuple[object, ...]
) -> tuple[list[str], list[tuple[Any, ...]], int]:
    """Run a statement for a remote function.

    Returns the names of its columns, its rows, and how many it gave or touched.
    """

def wormhole_open(query: str, args: tuple[object, ...]) -> str:
    """Open a portal for a remote function and return its name."""

def wormhole_fetch(
    portal: str, count: int
) -> tuple[list[str], list[tuple[Any, ...]], int]:
    """Return the next rows of a portal, fewer than `count` only at its end."""

def wormhole_close(portal: str) -> None:
    """Close a portal, where that is possible now."""

def is_main_thread() -> bool:
    """Tell whether the caller runs on the backend's main thread."""

def rights() -> tuple[bool, bool, bool, list[str]] | None:
    """Tell the rights behind the options while a wrapper is being made.

    `(read_files, write_files, superuser, names)`: whether the owners of table
    and server may read and write the server's files, whether the role that
    queries is a superuser, and which options come from its user mapping. None
    at any other time.
    """

def quote_identifier(name: str) -> str:
    """Return a name as SQL wants it."""

def quote_literal(text: str) -> str:
    """Return a text as a literal of SQL."""

class _Statement:
    """A prepared statement, kept by the library; see `Postgres.Statement`."""

    count: int

def pl_report(level: int, fields: dict[str, str | None], inhibit: bool) -> None:
    """Send a message with everything that ereport takes, or raise it.

    `level` is one of the server's own; from ERROR on it is raised as
    `Postgres.Exception`. `inhibit` leaves out the CONTEXT that languages add.
    """

def pl_exception(fields: dict[str, str | None]) -> Exception:
    """Make an error that arrives at the client as the server's own would."""

def pl_begin() -> int:
    """Open a subtransaction and return its number."""

def pl_end(number: int, keep: bool) -> None:
    """Close a subtransaction: release it, or roll it back."""

def pl_end_transaction(commit: bool) -> None:
    """Commit or roll back, and begin the next transaction."""

def pl_is_ready() -> bool:
    """Tell whether an action on the database would be let pass now."""

def pl_read_only() -> bool:
    """Tell whether the running function is STABLE or IMMUTABLE."""

def pl_in_function() -> bool:
    """Tell whether a function of LANGUAGE python is what runs now."""

def pl_prepare(text: str) -> _Statement:
    """Prepare one statement, whose parameters' types the server finds out."""

def pl_fetch(portal: str, kind: str, count: int, column: bool) -> list[Any]:
    """Return the next rows of a portal, or values of its first column."""

def pl_move(portal: str, kind: str, count: int) -> int:
    """Move a portal's place, and return over how many rows."""

def pl_close(portal: str) -> None:
    """Close a portal, where that is possible now."""

def pl_script(text: str) -> None:
    """Run several statements without parameters."""

def pl_load(oid: int, role: str) -> None:
    """Load a function of LANGUAGE python, unless it is loaded."""

def pl_clear() -> None:
    """Forget every loaded function."""

def pl_procedures() -> int:
    """Return a number that grows whenever a function changed."""

def pl_era() -> int:
    """Return a number that grows at each end of a transaction and each rollback."""

def pl_call_site() -> dict[Any, Any] | None:
    """Return what the place that called the running function keeps."""
