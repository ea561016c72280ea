"""Facts about the session, and small functions of the server."""

from __future__ import annotations

import time
from functools import cache

from Postgres._server import native
from Postgres._statement import Statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final


@cache
def _statement(text: str) -> Statement:
    return Statement(text)


def _value(text: str, *arguments: Any) -> Any:
    return _statement(text).first(*arguments)


def quote_ident(name: str) -> str:
    """Return the name as an SQL identifier, in double quotes if it needs them."""
    return native().quote_identifier(str(name))


def quote_literal(text: object) -> str:
    """Return the text as an SQL literal, in single quotes.

    None is TypeError: NULL is no literal; see `quote_nullable`.
    """
    if text is None:
        raise TypeError("quote_literal takes no None; quote_nullable does")
    string = str(text)
    quoted = "'" + string.replace("'", "''").replace("\\", "\\\\") + "'"
    return "E" + quoted if "\\" in string else quoted


def quote_nullable(text: object) -> str:
    """Return the text as an SQL literal, and None as the word NULL."""
    return "NULL" if text is None else quote_literal(text)


def notify(channel: str, payload: str | None = None) -> None:
    """Send a notification to the sessions that LISTEN to the channel.

    It is sent when the transaction commits.
    """
    _value("SELECT pg_catalog.pg_notify($1, $2)", str(channel), payload or "")


def sleep(seconds: float) -> None:
    """Wait so many seconds. A cancel, a time-out or a terminate ends the wait."""
    time.sleep(max(0.0, float(seconds)))


def cancel_backend(pid: int) -> bool:
    """Cancel the statement of another session; tell whether it was signalled."""
    return bool(_value("SELECT pg_catalog.pg_cancel_backend($1)", pid))


def terminate_backend(pid: int) -> bool:
    """End another session; tell whether it was signalled."""
    return bool(_value("SELECT pg_catalog.pg_terminate_backend($1, 0)", pid))


def clock_timestamp() -> Any:
    """Return the time now, as timestamptz; it changes while a statement runs."""
    return _value("SELECT pg_catalog.clock_timestamp()")


def statement_timestamp() -> Any:
    """Return the time when the client's statement arrived, as timestamptz."""
    return _value("SELECT pg_catalog.statement_timestamp()")


def transaction_timestamp() -> Any:
    """Return the time when the transaction began, as timestamptz."""
    return _value("SELECT pg_catalog.transaction_timestamp()")


_PATH: Final = (
    " FROM pg_catalog.unnest(pg_catalog.current_schemas($1)) WITH ORDINALITY"
    " AS path(name, place)"
)


def current_schemas(include_temps: bool = False) -> list[str]:  # noqa: FBT001, FBT002
    """Return the names of the schemas of the search path that exist, in order.

    With `include_temps` also those that are searched without being named:
    pg_catalog, and the session's temporary schema once it is used.
    """
    text = "SELECT path.name" + _PATH + " ORDER BY place"
    return [str(name) for name in _statement(text).column(include_temps)]


def current_schemas_oid(include_temps: bool = False) -> list[int]:  # noqa: FBT001, FBT002
    """Return the same as OIDs."""
    text = (
        "SELECT schema.oid"
        + _PATH
        + " JOIN pg_catalog.pg_namespace AS schema"
        + " ON schema.nspname OPERATOR(pg_catalog.=) path.name ORDER BY place"
    )
    return [int(oid) for oid in _statement(text).column(include_temps)]


_ROLE: Final = (
    "SELECT oid FROM pg_catalog.pg_roles"
    " WHERE rolname OPERATOR(pg_catalog.=) {}::pg_catalog.name"
)


def uid() -> int:
    """Return the OID of the role whose rights the session has now."""
    return int(_value(_ROLE.format("current_user")))


def session_uid() -> int:
    """Return the OID of the role that the session belongs to."""
    return int(_value(_ROLE.format("session_user")))


_ACTIVITY: Final = (
    "SELECT {} FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())"
)


def _version_info() -> tuple[int, int, int, str, int]:
    number = int(str(_value("SELECT pg_catalog.current_setting('server_version_num')")))
    text = str(_value("SELECT pg_catalog.current_setting('server_version')"))
    major, minor = divmod(number, 10_000)
    for state in ("devel", "alpha", "beta", "rc"):
        _, found, rest = text.partition(state)
        if found:
            digits = rest.split()[0] if rest.split() else ""
            return major, minor, 0, state, int(digits) if digits.isdigit() else 0
    return major, minor, 0, "final", 0


def _optional_int(value: Any) -> int | None:
    return None if value is None else int(value)


FACTS: Final[dict[str, Callable[[], Any]]] = {
    "backend_start": lambda: _value(_ACTIVITY.format("backend_start")),
    "client_addr": lambda: _value("SELECT pg_catalog.inet_client_addr()"),
    "client_port": lambda: _optional_int(
        _value("SELECT pg_catalog.inet_client_port()")
    ),
    "current_database": lambda: str(_value("SELECT pg_catalog.current_database()")),
    "encoding": lambda: str(
        _value("SELECT pg_catalog.current_setting('server_encoding')")
    ),
    "version": lambda: str(_value("SELECT pg_catalog.version()")),
    "version_info": _version_info,
}
"""Facts that do not change while the session lives, asked for when first used."""
