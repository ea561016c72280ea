"""`Postgres.Exception`, with one subclass per SQLSTATE, and what an error says."""

from __future__ import annotations

from multicorn import _conditions
from multicorn._typing import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Final

    from Postgres._error_data import ErrorData

NAMES: Final[dict[str, str]] = {
    **dict(_conditions.CONDITIONS),
    "PY000": "python_error",
    "PY001": "python_exception",
    "PY002": "python_protocol_violation",
    "PY999": "python_relay",
}
"""The conditions by SQLSTATE, with those of this language."""

severities: Final[dict[str, int]] = {
    "DEBUG5": 10,
    "DEBUG4": 11,
    "DEBUG3": 12,
    "DEBUG2": 13,
    "DEBUG1": 14,
    "DEBUG": 14,
    "LOG": 15,
    "INFO": 17,
    "NOTICE": 18,
    "WARNING": 19,
    "ERROR": 21,
    "FATAL": 22,
    "PANIC": 23,
}
"""The server's message levels by name; a higher number is more severe."""

_SEVERITY: Final = {
    number: name for name, number in severities.items() if name != "DEBUG"
}
_DETAILS: Final = (
    "severity",
    "detail",
    "hint",
    "context",
    "schema_name",
    "table_name",
    "column_name",
    "datatype_name",
    "constraint_name",
    "internal_query",
    "cursorpos",
    "internal_position",
    "filename",
    "line",
    "function",
)


def make_sqlstate(code: str) -> int:
    """Return the SQLSTATE packed into the server's number for it.

    `code` is five characters of 0-9 and A-Z; anything else is a ValueError.
    """
    _check_sqlstate(code)
    return sum(
        ((ord(character) - 0x30) & 0x3F) << (6 * at)
        for at, character in enumerate(code)
    )


def unpack_sqlstate(number: int) -> str:
    """Return the five characters of a packed SQLSTATE."""
    code = "".join(chr(((number >> (6 * at)) & 0x3F) + 0x30) for at in range(5))
    _check_sqlstate(code)
    return code


def _check_sqlstate(code: str) -> None:
    if not _conditions.is_sqlstate(code):
        raise ValueError(f"{code!r} is not an SQLSTATE: five of 0-9 and A-Z")


def sqlstate_of(code: str | int) -> str:
    """Return the SQLSTATE that a `code` argument names, in either form."""
    if isinstance(code, int):
        return unpack_sqlstate(code)
    _check_sqlstate(code)
    return code


class Exception(Exception):  # noqa: A001, N818 - the interface's name
    """An error of the database.

    Each SQLSTATE has a subclass, and so has each class of SQLSTATEs (the first
    two characters): `Postgres.exceptions.UniqueViolation` is 23505 and below
    `Postgres.exceptions.IntegrityConstraintViolation`, which is 23000.

    `code` is the SQLSTATE, `errno` the same as a number, `message` the text,
    `severity` a key of `severities`, `details` a dict of whatever else is known,
    and `pg_errordata` all of it (`ErrorData`). `schema_name`, `table_name`,
    `column_name`, `datatype_name` and `constraint_name` are None where the error
    has nothing to do with one.

    An error that was raised by the database may be caught only outside of an
    `xact()` block that it undoes; see `xact`.
    """

    sqlstate: ClassVar[str] = "XX000"
    _data: ErrorData

    def __init__(self, message: str = "", *more: object) -> None:
        super().__init__(message, *more)
        # Named tuples need `typing`, which a session without errors does without.
        from Postgres._error_data import ErrorData

        code = type(self).sqlstate
        self._data = ErrorData(message, code=code, sqlerrcode=make_sqlstate(code))

    @property
    def pg_errordata(self) -> ErrorData:
        """Everything that the server says of the error."""
        return self._data

    @property
    def message(self) -> str:
        """The primary message."""
        return self._data.message

    @property
    def code(self) -> str:
        """The SQLSTATE: five characters."""
        return self._data.code

    @property
    def errno(self) -> int:
        """The SQLSTATE as `make_sqlstate` packs it."""
        return self._data.sqlerrcode

    @property
    def severity(self) -> str:
        """A key of `severities`: ERROR or FATAL."""
        return self._data.severity

    @property
    def details(self) -> dict[str, Any]:
        """What is known beside message and code, by the names of `ErrorData`."""
        known = {name: getattr(self._data, name) for name in _DETAILS}
        return {name: value for name, value in known.items() if value}

    @property
    def detail(self) -> str | None:
        """The DETAIL, or None."""
        return self._data.detail

    @property
    def hint(self) -> str | None:
        """The HINT, or None."""
        return self._data.hint

    @property
    def context(self) -> str | None:
        """The CONTEXT, or None."""
        return self._data.context

    @property
    def schema_name(self) -> str | None:
        """The schema of the object that the error is about, or None."""
        return self._data.schema_name

    @property
    def table_name(self) -> str | None:
        """The table that the error is about, or None."""
        return self._data.table_name

    @property
    def column_name(self) -> str | None:
        """The column that the error is about, or None."""
        return self._data.column_name

    @property
    def datatype_name(self) -> str | None:
        """The data type that the error is about, or None."""
        return self._data.datatype_name

    @property
    def constraint_name(self) -> str | None:
        """The constraint that was violated, or None."""
        return self._data.constraint_name


_classes: Final[dict[str, type[Exception]]] = {}


def class_for(code: str) -> type[Exception]:
    """Return the subclass of `Postgres.Exception` for a SQLSTATE.

    The same SQLSTATE always gives the same class, known to the server or not.
    ValueError if it is none.
    """
    known = _classes.get(code)
    if known is not None:
        return known
    _check_sqlstate(code)
    parent = code[:2] + "000"
    base = class_for(parent) if code != parent and parent in NAMES else Exception
    condition = NAMES.get(code)
    name = f"Exception_{code}" if condition is None else class_name(code)
    text = f"SQLSTATE {code}: {(condition or 'without a name').replace('_', ' ')}."
    attributes = {
        "__doc__": text,
        "__module__": "Postgres.exceptions",
        "sqlstate": code,
    }
    made = cast("type[Exception]", type(name, (base,), attributes))
    return _classes.setdefault(code, made)


def class_name(code: str) -> str:
    """Return the name of a known SQLSTATE's class.

    A few conditions have two SQLSTATEs; the later one's class bears the code.
    """
    condition = NAMES[code]
    name = _conditions.class_name(condition)
    first = next(other for other, same in NAMES.items() if same == condition)
    return name if first == code else name + code


def from_fields(fields: dict[str, Any]) -> Exception:
    """Make the exception of an error, from the fields of `ErrorData`."""
    from Postgres._error_data import ErrorData

    severity = _SEVERITY.get(fields["elevel"], "ERROR")
    data = ErrorData(severity=severity, **fields)
    error = class_for(data.code)(data.message)
    error._data = data
    return error
