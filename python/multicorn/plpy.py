"""What functions of `LANGUAGE plpy` have from the server: PL/Python's module.

A function finds it as the name `plpy`; modules of your own say `import plpy`,
and get PL/Python's while a function of PL/Python's runs. Everything here is
for functions: in a wrapper class it raises RuntimeError.

Each action that the server is asked for runs in a subtransaction of its own: a
failed one is undone by itself and raises `SPIError`, and the function may
go on.
"""

from __future__ import annotations

from multicorn import _plpy, _plpy_errors
from multicorn._plpy import PLyCursor, PLyPlan, PLyResult, cursor, execute, prepare
from multicorn._plpy_errors import Error, Fatal, SPIError, spiexceptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Final, Never, Self

__all__ = [
    "Error",
    "Fatal",
    "PLyCursor",
    "PLyPlan",
    "PLyResult",
    "PLySubtransaction",
    "SPIError",
    "commit",
    "cursor",
    "debug",
    "error",
    "execute",
    "fatal",
    "info",
    "log",
    "notice",
    "prepare",
    "quote_ident",
    "quote_literal",
    "quote_nullable",
    "rollback",
    "spiexceptions",
    "subtransaction",
    "warning",
]


class PLySubtransaction:
    """A subtransaction, for `with`: released at its end, rolled back by an exception.

    `enter` and `exit` do the same by hand. It can be used once.
    """

    __slots__ = ("_is_over", "_number")

    def __init__(self) -> None:
        self._number: int | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        if self._number is not None:
            raise ValueError("this subtransaction has already been entered")
        if self._is_over:
            raise ValueError("this subtransaction has already been exited")
        self._number = _plpy.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._number is None:
            raise ValueError("this subtransaction has not been entered")
        if self._is_over:
            raise ValueError("this subtransaction has already been exited")
        if _plpy.innermost() != self._number:
            raise ValueError("there is no subtransaction to exit from")
        self._is_over = True
        _plpy.finish(kind is None)

    enter = __enter__
    exit = __exit__


def subtransaction() -> PLySubtransaction:
    """Return a subtransaction to be entered by `with`."""
    return PLySubtransaction()


def commit() -> None:
    """Commit, and begin the next transaction.

    In procedures that were called by CALL outside of a transaction block, and
    in DO blocks. Raises one of `spiexceptions` where the server refuses.
    """
    _plpy.end(commit=True)


def rollback() -> None:
    """Roll back, and begin the next transaction; where `commit` can be called."""
    _plpy.end(commit=False)


def quote_literal(string: str, /) -> str:
    """Return a text as a literal of SQL."""
    return _plpy.quote_literal(_text(string, "quote_literal"))


def quote_nullable(string: str | None, /) -> str:
    """Return a text as a literal of SQL, `NULL` for None."""
    return "NULL" if string is None else quote_literal(string)


def quote_ident(string: str, /) -> str:
    """Return a name as SQL wants it: in quotes if it needs them."""
    return _plpy.quote_identifier(_text(string, "quote_ident"))


def _text(value: object, function: str) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"{function}() argument 1 must be str, not {type(value).__name__}")


_FIELDS: Final = (
    "detail",
    "hint",
    "sqlstate",
    "schema_name",
    "table_name",
    "column_name",
    "datatype_name",
    "constraint_name",
)


#: What PL/Python says of an error that names no code.
_INTERNAL: Final = "XX000"


def _message(
    args: tuple[object, ...], keywords: dict[str, object]
) -> tuple[str, dict[str, str | None]]:
    fields: dict[str, str | None] = dict.fromkeys(_FIELDS)
    text = str(args[0] if len(args) == 1 else args)
    for name, value in keywords.items():
        if name == "message":
            if args:
                raise TypeError("argument 'message' given by name and position")
            text = str(value)
        elif name in fields:
            fields[name] = None if value is None else str(value)
        else:
            raise TypeError(
                f"'{name}' is an invalid keyword argument for this function"
            )
    code = fields["sqlstate"]
    if code is not None:
        from multicorn._conditions import is_sqlstate

        if not is_sqlstate(code):
            raise ValueError("invalid SQLSTATE code")
    return text, fields


def _say(level: str, args: tuple[object, ...], keywords: dict[str, object]) -> None:
    text, fields = _message(args, keywords)
    _plpy.say(level, text, list(fields.values()))


def debug(*args: object, **keywords: object) -> None:
    """Send a message of level DEBUG2. See `notice` for the keywords."""
    _say("debug", args, keywords)


def log(*args: object, **keywords: object) -> None:
    """Send a message of level LOG. See `notice` for the keywords."""
    _say("log", args, keywords)


def info(*args: object, **keywords: object) -> None:
    """Send a message of level INFO, which every client gets."""
    _say("info", args, keywords)


def notice(*args: object, **keywords: object) -> None:
    """Send a message of level NOTICE.

    Its text is the one positional argument, or `message=`; several are shown
    as a tuple. `detail`, `hint`, `sqlstate`, `schema_name`, `table_name`,
    `column_name`, `datatype_name` and `constraint_name` go with it.
    """
    _say("notice", args, keywords)


def warning(*args: object, **keywords: object) -> None:
    """Send a message of level WARNING. See `notice` for the keywords."""
    _say("warning", args, keywords)


def _failure(
    args: tuple[object, ...], keywords: dict[str, object]
) -> tuple[str, dict[str, str | None]]:
    text, fields = _message(args, keywords)
    fields["sqlstate"] = fields["sqlstate"] or _INTERNAL
    return text, fields


def error(*args: object, **keywords: object) -> Never:
    """Raise `Error`, which ends the statement unless it is caught.

    The keywords are those of `notice`; without `sqlstate` the code is XX000.
    """
    raise _plpy_errors.make(Error, *_failure(args, keywords))


def fatal(*args: object, **keywords: object) -> Never:
    """Raise `Fatal`, which ends the session unless it is caught."""
    raise _plpy_errors.make(Fatal, *_failure(args, keywords))
