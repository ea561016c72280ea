"""Messages to the client and the server's log, and errors of one's own."""

from __future__ import annotations

from Postgres._errors import Exception, class_for, severities, sqlstate_of  # noqa: A004
from Postgres._server import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def ereport(
    severity: str | int,
    message: object,
    code: str | int | None = None,
    detail: str | None = None,
    hint: str | None = None,
    context: str | None = None,
    *,
    inhibit_pl_context: bool = False,
    schema_name: str | None = None,
    table_name: str | None = None,
    column_name: str | None = None,
    datatype_name: str | None = None,
    constraint_name: str | None = None,
) -> None:
    """Send a message, or raise an error.

    `severity` is a key of `severities` or its number. Below ERROR the message
    goes to the client and the log, as the settings client_min_messages and
    log_min_messages say. ERROR is raised as `Postgres.Exception`, in the
    subclass of its SQLSTATE; FATAL too, and when it has left the function it
    ends the session, which no `except` prevents. PANIC is refused: ValueError.

    `code` is the SQLSTATE, as five characters or as `make_sqlstate` packs them;
    the default is 00000, 01000 for WARNING, XX000 for errors. `detail`, `hint`
    and `context` become DETAIL, HINT and CONTEXT, the names those of the
    objects that the message is about. `inhibit_pl_context` leaves out of the
    CONTEXT what the language itself adds: the function, and the traceback.
    """
    level = severities.get(severity.upper()) if isinstance(severity, str) else severity
    if level is None or level not in severities.values():
        raise ValueError(f"unknown severity: {severity!r}")
    if level >= severities["PANIC"]:
        raise ValueError("PANIC would end every session of the server; it is refused")
    fields = {
        "message": str(message),
        "code": _code(level) if code is None else sqlstate_of(code),
        "detail": detail,
        "hint": hint,
        "context": context,
        "schema_name": schema_name,
        "table_name": table_name,
        "column_name": column_name,
        "datatype_name": datatype_name,
        "constraint_name": constraint_name,
    }
    native().pl_report(level, fields, inhibit_pl_context)


def _code(level: int) -> str:
    if level >= severities["ERROR"]:
        return "XX000"
    return "01000" if level == severities["WARNING"] else "00000"


def DEBUG(  # noqa: N802 - the server's name
    message: object,
    code: str | int | None = None,
    detail: str | None = None,
    hint: str | None = None,
    context: str | None = None,
    *,
    inhibit_pl_context: bool = False,
) -> None:
    """Send a message of the level DEBUG1; see `ereport`."""
    inhibit = inhibit_pl_context
    ereport("DEBUG", message, code, detail, hint, context, inhibit_pl_context=inhibit)


def LOG(  # noqa: N802
    message: object,
    code: str | int | None = None,
    detail: str | None = None,
    hint: str | None = None,
    context: str | None = None,
    *,
    inhibit_pl_context: bool = False,
) -> None:
    """Send a message of the level LOG: to the server's log; see `ereport`."""
    inhibit = inhibit_pl_context
    ereport("LOG", message, code, detail, hint, context, inhibit_pl_context=inhibit)


def INFO(  # noqa: N802
    message: object,
    code: str | int | None = None,
    detail: str | None = None,
    hint: str | None = None,
    context: str | None = None,
    *,
    inhibit_pl_context: bool = False,
) -> None:
    """Send a message of the level INFO: always to the client; see `ereport`."""
    inhibit = inhibit_pl_context
    ereport("INFO", message, code, detail, hint, context, inhibit_pl_context=inhibit)


def NOTICE(  # noqa: N802
    message: object,
    code: str | int | None = None,
    detail: str | None = None,
    hint: str | None = None,
    context: str | None = None,
    *,
    inhibit_pl_context: bool = False,
) -> None:
    """Send a message of the level NOTICE; see `ereport`."""
    inhibit = inhibit_pl_context
    ereport("NOTICE", message, code, detail, hint, context, inhibit_pl_context=inhibit)


def WARNING(  # noqa: N802
    message: object,
    code: str | int | None = None,
    detail: str | None = None,
    hint: str | None = None,
    context: str | None = None,
    *,
    inhibit_pl_context: bool = False,
) -> None:
    """Send a message of the level WARNING; see `ereport`."""
    inhibit = inhibit_pl_context
    ereport("WARNING", message, code, detail, hint, context, inhibit_pl_context=inhibit)


def ERROR(  # noqa: N802
    message: object,
    code: str | int | None = None,
    detail: str | None = None,
    hint: str | None = None,
    context: str | None = None,
    *,
    inhibit_pl_context: bool = False,
) -> NoReturn:
    """Raise an error of the database: `Postgres.Exception`; see `ereport`.

    As any error of the database it fails the function if it is caught without
    an `xact()` that it undoes.
    """
    inhibit = inhibit_pl_context
    ereport("ERROR", message, code, detail, hint, context, inhibit_pl_context=inhibit)
    raise AssertionError


def FATAL(  # noqa: N802
    message: object,
    code: str | int | None = None,
    detail: str | None = None,
    hint: str | None = None,
    context: str | None = None,
    *,
    inhibit_pl_context: bool = False,
) -> NoReturn:
    """End the session with a message; see `ereport`.

    `finally` blocks still run; catching the exception does not help.
    """
    inhibit = inhibit_pl_context
    ereport("FATAL", message, code, detail, hint, context, inhibit_pl_context=inhibit)
    raise AssertionError


def raise_for(code: str, message: str, **fields: str | None) -> NoReturn:
    """Raise an error of this package as one of the database."""
    raise error(code, message, **fields)


def error(code: str, message: str, **fields: str | None) -> Exception:
    """Make an exception that arrives at the client with its SQLSTATE.

    Unlike ERROR it does not put the function into the failed state: nothing
    has happened in the database.
    """
    class_for(code)
    return native().pl_exception({"message": message, "code": code, **fields})
