"""Errors of drivers as errors of the server: one line, its SQLSTATE, no secrets.

SQLAlchemy's own text repeats the statement, its parameters and a link, and
some drivers repeat the connection string.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from sqlalchemy import exc
from sqlalchemy.engine import URL

from multicorn._exceptions import MulticornException
from multicorn._secrets import mask_values
from multicorn.utils import ERROR

UNIQUE_VIOLATION: Final = "23505"
LOCK_NOT_AVAILABLE: Final = "55P03"
CONNECTION_FAILURE: Final = "08006"
#: COMMIT was sent, and no answer came.
UNKNOWN_OUTCOME: Final = "08007"

# https://www.sqlite.org/rescode.html, by their names.
_SQLITE: Final[Mapping[str, str]] = {
    "SQLITE_CONSTRAINT_UNIQUE": UNIQUE_VIOLATION,
    "SQLITE_CONSTRAINT_PRIMARYKEY": UNIQUE_VIOLATION,
    "SQLITE_CONSTRAINT_ROWID": UNIQUE_VIOLATION,
    "SQLITE_CONSTRAINT_NOTNULL": "23502",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "23503",
    "SQLITE_CONSTRAINT_CHECK": "23514",
    "SQLITE_BUSY": LOCK_NOT_AVAILABLE,
    "SQLITE_BUSY_SNAPSHOT": "40001",
    "SQLITE_LOCKED": LOCK_NOT_AVAILABLE,
}
# ER_DUP_ENTRY and so on, the same numbers in MySQL and MariaDB.
_MYSQL: Final[Mapping[int, str]] = {
    1048: "23502",
    1062: UNIQUE_VIOLATION,
    1205: LOCK_NOT_AVAILABLE,
    1213: "40P01",
    1451: "23503",
    1452: "23503",
    3819: "23514",
    4025: "23514",
}

_CODE: Final = re.compile(r"[1-9A-Z][0-9A-Z]{4}|0[3-9A-Z][0-9A-Z]{3}")
# The remote server is going down: that is no more than a lost connection here,
# where clients would take 57P01 for the end of their own.
_GOING_DOWN: Final = "57P"


def sqlstate(error: exc.SQLAlchemyError) -> str | None:
    """Return the SQLSTATE, as far as the driver tells or implies one."""
    if not isinstance(error, exc.DBAPIError):
        return None
    found = _told(error.orig)
    if found is not None and not found.startswith(_GOING_DOWN):
        return found
    return CONNECTION_FAILURE if found or error.connection_invalidated else None


def _told(original: object) -> str | None:
    # First what is told by number or name: MySQL's own code for a duplicate is
    # 23000, as for a foreign key.
    number = _first(original)
    name: object = getattr(original, "sqlite_errorname", None)
    if isinstance(number, int) and number in _MYSQL:
        return _MYSQL[number]
    if isinstance(name, str) and name in _SQLITE:
        return _SQLITE[name]
    codes: list[object] = [
        getattr(original, "sqlstate", None),
        getattr(original, "pgcode", None),
        _fields(original).get("C"),
    ]
    for code in codes:
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return None


def _first(original: object) -> object:
    if isinstance(original, BaseException) and original.args:
        return original.args[0]
    return None


def _fields(original: object) -> Mapping[str, object]:
    """Return the fields of PostgreSQL's message, which pg8000 gives as a dict."""
    first = _first(original)
    return cast("Mapping[str, object]", first) if isinstance(first, dict) else {}


def translated(
    error: exc.SQLAlchemyError, doing: str, shown: str, url: URL
) -> MulticornException:
    """Return the error to raise; `shown` is the URL as it may be seen."""
    original = error.orig if isinstance(error, exc.DBAPIError) else None
    primary, detail = _texts(error, original)
    password = url.password
    secret = password if password is None else str(password)
    code = sqlstate(error)
    return MulticornException(
        f"could not {doing} {shown}: {mask_values(primary, secret)}",
        ERROR,
        hint=_LOCK_HINT if code == LOCK_NOT_AVAILABLE else None,
        detail=mask_values(detail, secret),
        sqlstate=code,
    )


_LOCK_HINT: Final = (
    "Another session holds it, maybe one that waits for this one. How long to wait"
    ' is told by the server\'s option "lock_timeout".'
)


def _texts(
    error: exc.SQLAlchemyError, original: BaseException | None
) -> tuple[str, str]:
    """Return the message and its detail."""
    if original is None:
        return str(error).partition("\n")[0], _raised(type(error).__name__)
    kind = type(original).__name__
    diagnostics: Any = getattr(original, "diag", None)
    fields = _fields(original)
    primary: object = getattr(diagnostics, "message_primary", fields.get("M"))
    if isinstance(primary, str):
        detail: object = getattr(diagnostics, "message_detail", fields.get("D"))
        return primary, detail if isinstance(detail, str) else _raised(kind)
    return str(original).strip() or kind, _raised(kind)


def _raised(kind: str) -> str:
    return f"The database driver raised {kind}."
