"""What functions of `LANGUAGE plpy` have from the server: PL/Python's module.

A function finds it as the name `plpy`; modules of your own say `import plpy`,
and get PL/Python's while a function of PL/Python's runs. Everything here is
for functions: in a wrapper class it raises RuntimeError.

Each action that the server is asked for runs in a subtransaction of its own: a
failed one is undone by itself and raises `SPIError`, and the function may
go on.
"""

import contextlib
import re
import sys
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Never, Self, cast, overload

from multicorn import _plpy_errors
from multicorn._plpy_errors import Error, Fatal, SPIError, spiexceptions

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

_Columns = tuple[list[str], list[int], list[int]]
_Outcome = tuple[int, int, list[dict[str, Any]] | None, _Columns | None]


def _server() -> Any:
    module = sys.modules.get("multicorn._native")
    if module is None:
        raise RuntimeError("plpy can be used only inside a server")
    return module


class PLyResult(list[dict[str, Any]]):
    """What a statement gave: a sequence of rows, each a dict by column name.

    It can be indexed, sliced, iterated and assigned to as a list.
    """

    __slots__ = ("_columns", "_nrows", "_status")

    def __init__(self, outcome: _Outcome) -> None:
        self._status, self._nrows, rows, self._columns = outcome
        super().__init__(rows or ())

    def nrows(self) -> int:
        """Return how many rows the statement gave, inserted, changed or removed."""
        return self._nrows

    def status(self) -> int:
        """Return the server's code for what was done: 5 is a SELECT, 7 an INSERT."""
        return self._status

    def colnames(self) -> list[str]:
        """Return the names of the columns. Raises `Error` if there are none."""
        return list(self._described()[0])

    def coltypes(self) -> list[int]:
        """Return the types of the columns, as OIDs."""
        return list(self._described()[1])

    def coltypmods(self) -> list[int]:
        """Return the type modifiers of the columns, -1 for none."""
        return list(self._described()[2])

    def _described(self) -> _Columns:
        if self._columns is None:
            raise Error("command did not produce a result set")
        return self._columns

    def __str__(self) -> str:
        return (
            f"<PLyResult status={self._status} nrows={self._nrows}"
            f" rows={super().__repr__()}>"
        )

    __repr__ = __str__

    def __reduce__(self) -> Never:
        raise TypeError("cannot pickle 'PLyResult' object")


class PLyPlan:
    """A prepared statement, as `prepare` makes it; it lives as long as you keep it."""

    __slots__ = ("_native",)

    def __init__(self, handle: Any) -> None:
        self._native = handle

    def execute(
        self, arguments: Sequence[Any] | None = None, limit: int = 0
    ) -> PLyResult:
        """Run the plan with values for its parameters, and return what it gives.

        `limit` bounds the rows, 0 is no bound. Raises `SPIError`.
        """
        values = self._values(arguments, "execute")
        return PLyResult(self._native.execute(values, limit))

    def cursor(self, arguments: Sequence[Any] | None = None) -> "PLyCursor":
        """Open a cursor over the rows of the plan. Raises `SPIError`."""
        return PLyCursor(self._native.open(self._values(arguments, "cursor")))

    def status(self) -> bool:
        """Return True: a plan that exists can be run."""
        return True

    def _values(self, arguments: object, action: str) -> tuple[Any, ...]:
        given: Sequence[Any] = ()
        if arguments is not None:
            if not _is_sequence(arguments):
                raise TypeError(
                    f"plpy.{action} takes a sequence as its second argument"
                )
            given = cast("Sequence[Any]", arguments)
        expected = len(self._native)
        if len(given) != expected:
            noun = "argument" if expected == 1 else "arguments"
            raise TypeError(
                f"Expected sequence of {expected} {noun}, got {len(given)}: {given}"
            )
        return tuple(given)


def _is_sequence(value: object) -> bool:
    if isinstance(value, (str, dict)):
        return False
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")


_cursors: Final[weakref.WeakSet["PLyCursor"]] = weakref.WeakSet()


class PLyCursor:
    """The rows of a query, fetched as they are asked for; an iterator over dicts.

    It ends with the function's transaction, but for `commit` and `rollback`,
    which it survives, and with the subtransaction in which it was opened.
    """

    __slots__ = ("__weakref__", "_portal")

    def __init__(self, portal: str) -> None:
        self._portal: str | None = portal
        _cursors.add(self)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> dict[str, Any]:
        if self._portal is None:
            raise ValueError("iterating a closed cursor")
        outcome = _server().plpy_fetch(self._portal, 1)
        if outcome is None:
            raise ValueError("iterating a cursor in an aborted subtransaction")
        rows = outcome[2]
        if not rows:
            raise StopIteration
        return rows[0]

    def fetch(self, count: int) -> PLyResult:
        """Return the next rows, at most `count`; none at the end."""
        if self._portal is None:
            raise ValueError("fetch from a closed cursor")
        outcome = _server().plpy_fetch(self._portal, count)
        if outcome is None:
            raise ValueError("fetch from a cursor in an aborted subtransaction")
        return PLyResult(outcome)

    def close(self) -> None:
        """Give the rows up; a second call does nothing."""
        portal, self._portal = self._portal, None
        if portal is not None and not _server().plpy_close(portal):
            raise ValueError("closing a cursor in an aborted subtransaction")

    def __del__(self) -> None:
        portal = getattr(self, "_portal", None)
        if portal is not None and _server().plpy_is_running():
            self._portal = None
            # What fails here, the end of the transaction closes.
            with contextlib.suppress(RuntimeError, SPIError):
                _server().plpy_close(portal)

    @property
    def portal(self) -> str | None:
        """The name of its portal, None for a closed one."""
        return self._portal


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
        self._number = _server().plpy_begin()
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
        if _server().plpy_innermost() != self._number:
            raise ValueError("there is no subtransaction to exit from")
        self._is_over = True
        _server().plpy_finish(kind is None)

    enter = __enter__
    exit = __exit__


@overload
def execute(query: str, limit: int = ..., /) -> PLyResult: ...
@overload
def execute(
    query: PLyPlan, arguments: Sequence[Any] | None = ..., limit: int = ..., /
) -> PLyResult: ...
def execute(query: object, *more: Any) -> PLyResult:
    """Run a statement and return what it gives.

    `execute(query[, limit])` runs a text, which may hold several statements;
    `execute(plan[, arguments[, limit]])` one that was prepared. Raises
    `SPIError`, more exactly one of `spiexceptions`, if it fails.
    """
    if isinstance(query, str):
        return PLyResult(_server().plpy_execute(query, *(more or (0,))))
    if isinstance(query, PLyPlan):
        return query.execute(*more)
    raise Error("plpy.execute expected a query or a plan")


def prepare(query: str, argtypes: Sequence[str] | None = None, /) -> PLyPlan:
    """Prepare a statement for running it often.

    `argtypes` names the types of `$1`, `$2`, … as a cast does: `["int", "text[]"]`.
    """
    if argtypes is None:
        argtypes = ()
    elif not _is_sequence(argtypes):
        raise Error("second argument of plpy.prepare must be a sequence")
    names: list[object] = list(argtypes)
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise Error(
                f"plpy.prepare: type name at ordinal position {position}"
                " is not a string"
            )
    return PLyPlan(_server().plpy_prepare(query, names))


@overload
def cursor(query: str, /) -> PLyCursor: ...
@overload
def cursor(query: PLyPlan, arguments: Sequence[Any] | None = ..., /) -> PLyCursor: ...
def cursor(query: object, *more: Any) -> PLyCursor:
    """Open a cursor over the rows of a query or of a prepared statement."""
    if isinstance(query, str):
        if more:
            raise Error("plpy.cursor expected a query or a plan")
        return PLyCursor(_server().plpy_open(query))
    if isinstance(query, PLyPlan):
        return query.cursor(*more)
    raise Error("plpy.cursor expected a query or a plan")


def subtransaction() -> PLySubtransaction:
    """Return a subtransaction to be entered by `with`."""
    return PLySubtransaction()


def commit() -> None:
    """Commit, and begin the next transaction.

    In procedures that were called by CALL outside of a transaction block, and
    in DO blocks. Raises one of `spiexceptions` where the server refuses.
    """
    _end(commits=True)


def rollback() -> None:
    """Roll back, and begin the next transaction; where `commit` can be called."""
    _end(commits=False)


def _end(*, commits: bool) -> None:
    portals = [cursor.portal for cursor in _cursors]
    _server().plpy_end(commits, [portal for portal in portals if portal is not None])


def quote_literal(string: str, /) -> str:
    """Return a text as a literal of SQL."""
    return _server().quote_literal(_text(string, "quote_literal"))


def quote_nullable(string: str | None, /) -> str:
    """Return a text as a literal of SQL, `NULL` for None."""
    return "NULL" if string is None else quote_literal(string)


def quote_ident(string: str, /) -> str:
    """Return a name as SQL wants it: in quotes if it needs them."""
    return _server().quote_identifier(_text(string, "quote_ident"))


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
    if code is not None and not _is_sqlstate(code):
        raise ValueError("invalid SQLSTATE code")
    return text, fields


def _is_sqlstate(code: str) -> bool:
    return re.fullmatch("[0-9A-Z]{5}", code) is not None


def _say(level: str, args: tuple[object, ...], keywords: dict[str, object]) -> None:
    text, fields = _message(args, keywords)
    _server().plpy_say(level, text, list(fields.values()))


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


def error(*args: object, **keywords: object) -> Never:
    """Raise `Error`, which ends the statement unless it is caught.

    The keywords are those of `notice`.
    """
    text, fields = _message(args, keywords)
    raised = Error(text)
    _plpy_errors.set_details(raised, fields)
    raise raised


def fatal(*args: object, **keywords: object) -> Never:
    """Raise `Fatal`, which ends the session unless it is caught."""
    text, fields = _message(args, keywords)
    raised = Fatal(text)
    _plpy_errors.set_details(raised, fields)
    raise raised
