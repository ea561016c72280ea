"""Remote functions in the server's own process: those that superusers vouch for.

The library calls this module; SQL goes back to it. There are no walls here, so whatever calls `load` has
asked the registry first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from multicorn import _native
from multicorn._exceptions import MulticornException
from multicorn._json import JsonString
from wormhole import _codec, _engine
from wormhole._api import Api, Chunk
from wormhole._names import distinct

RAISED = "WH005"

Result = tuple[list[str], list[tuple[Any, ...]], int]


class Executor:
    """Statements, run by the server itself."""

    def run(self, sql: str, args: Sequence[Any]) -> Result:
        """Run one statement."""
        return _native.wormhole_run(sql, tuple(args))

    def stream(self, sql: str, args: Sequence[Any], chunk: int) -> Iterator[Chunk]:
        """Open a portal and give its rows."""
        portal = _native.wormhole_open(sql, tuple(args))
        try:
            while True:
                columns, rows, _ = _native.wormhole_fetch(portal, chunk)
                yield columns, rows
                if len(rows) < chunk:
                    return
        finally:
            _native.wormhole_close(portal)


def _error(sqlstate: str, message: str, hint: str | None, detail: str | None) -> MulticornException:
    return MulticornException(message, hint=hint, detail=detail, sqlstate=sqlstate)


PASSING = (_native.ServerError, _native.QueryCancelled, MulticornException, GeneratorExit)
"""What ends a call as it is: the server's own errors, a cancel, and the end of a stream."""

# A string that was JSON is marked as such in a row; for a client it is a string.
_codec.treat_as(JsonString, str)

EXECUTOR = Executor()
NAMES = Api(lambda: EXECUTOR).names() | {"ServerError": _native.ServerError}
ENGINE = _engine.Engine(NAMES, 4 << 20)


def allow(allowed: list[str], refused: list[str], room: int) -> None:
    """Take the list of modules, and how many bytes compiled functions may take."""
    ENGINE.allow(_engine.Modules(allowed, refused))
    ENGINE.set_room(room)


def check(name: str, source: str) -> None:
    """Look at a source; an error says what is wrong with it."""
    try:
        _engine.compile_only(name, source, ENGINE.modules)
    except _engine.Refused as refusal:
        raise _refused(refusal) from None


def entry(key: str) -> tuple[_engine.Remote, Callable[..., Any], Callable[[str], str]] | None:
    """A function that is there, what takes objects, and what takes tagged JSON; None if it is not there."""
    remote = ENGINE.known(key)
    return None if remote is None else (remote, remote.entry, remote.call)


def failed(error: BaseException, remote: _engine.Remote) -> BaseException:
    """What an exception of a function is for the client."""
    if isinstance(error, PASSING):
        return _placed(error, remote)
    made = _failure(error, remote)
    made.__cause__ = error
    return made


def finished(value: Any, remote: _engine.Remote) -> Any:
    """What a coroutine or a generator comes to."""
    try:
        return _engine.finished(value)
    except PASSING as error:
        _placed(error, remote)
        raise
    except BaseException as error:
        raise _failure(error, remote) from error


def tagged(value: Any, remote: _engine.Remote) -> str:
    """A result in tagged JSON."""
    try:
        return _codec.dumps(value, "the result")
    except PASSING:
        raise
    except BaseException as error:
        raise _failure(error, remote) from error


def load(key: str, name: str, source: str) -> None:
    """Compile a function."""
    try:
        ENGINE.load(key, name, source)
    except PASSING:
        raise
    except BaseException as error:
        raise _failure(error, _engine.unfinished(key, name, source)) from error


def stream(key: str, args: str) -> Iterator[str] | None:
    """What a function that is there yields; None if it is not there."""
    remote = ENGINE.known(key)
    return None if remote is None else _streamed(remote, args)


def _streamed(remote: _engine.Remote, args: str) -> Iterator[str]:
    try:
        yield from remote.stream(args)
    except PASSING as error:
        _placed(error, remote)
        raise
    except BaseException as error:
        raise _failure(error, remote) from error


def _placed(error: BaseException, remote: _engine.Remote) -> BaseException:
    """Note at an error of the server's where in the function it came up."""
    if isinstance(error, _native.ServerError):
        error._wormhole_place = _engine.describe(error, remote)[1]  # type: ignore[attr-defined]
    return error


def _refused(refusal: _engine.Refused) -> MulticornException:
    return _error(refusal.sqlstate, refusal.message, refusal.hint, refusal.detail)


def _failure(error: BaseException, remote: _engine.Remote) -> MulticornException:
    """The error for the client, with what it is in DETAIL."""
    if isinstance(error, _engine.Refused):
        return _refused(error)
    message, detail = _engine.describe(error, remote)
    return _error(RAISED, message, None, detail)


# For the library: values of calls and statements of confined functions, or of clients by `wormhole_query`.


def packed(args: tuple[Any, ...]) -> str:
    """The arguments of a call."""
    return _codec.dumps_call(_sendable(args), {})


def unpacked(text: str) -> Any:
    """The value that a worker has given."""
    return _codec.loads(text)


def bounded(text: str) -> Any:
    """The same, to be converted."""
    value = _codec.loads(text)
    try:
        _demand_size(value, "the result")
    except TypeError as error:
        raise _error(RAISED, f"TypeError: {error}", None, None) from None
    return value


def arguments(text: str) -> tuple[Any, ...]:
    """A statement's arguments."""
    values = _codec.loads(text)
    if type(values) is not list:
        raise TypeError("a statement's arguments are a list")
    found = tuple(cast("list[Any]", values))
    for number, value in enumerate(found, 1):
        _demand_size(value, f"argument {number}")
    return found


def _demand_size(value: Any, place: str) -> None:
    """Refuse a range: the only value of which a few bytes of JSON make any number of elements of an array."""
    kind = cast("type[object]", type(value))
    if kind is range:
        raise TypeError(f"{place} is, or contains, a range; make it a list")
    if kind in {list, tuple, set, frozenset}:
        for item in value:
            _demand_size(item, place)
    elif kind is dict:
        for item in value.values():
            _demand_size(item, place)


def pack(columns: list[str], rows: list[tuple[Any, ...]], count: int) -> str:
    """A statement's result."""
    try:
        tree = [[_codec.plain(value) for value in row] for row in rows]
    except _codec.NoForm:
        tree = [[_codec.plain(value) for value in _sendable(row)] for row in rows]
    return _codec.text({"c": columns, "r": tree, "n": count})


def unmarked(rows: list[tuple[Any, ...]], whole: list[bool]) -> None:
    """Make plain strings of those that are marked as JSON; inside of a document there are none."""
    for at, row in enumerate(rows):
        values = [_shallow(value) if json else _deep(value) for value, json in zip(row, whole, strict=True)]
        rows[at] = tuple(values)


def _shallow(value: Any) -> Any:
    return str(value) if type(value) is JsonString else value


def _deep(value: Any) -> Any:
    kind = cast("type[object]", type(value))
    if kind is list:
        return [_deep(item) for item in value]
    if kind is dict:
        return {key: _deep(item) for key, item in value.items()}
    return _shallow(value)


def objects(columns: list[str], rows: list[tuple[Any, ...]]) -> list[str]:
    """A statement's rows, each as one JSON object."""
    keys = distinct(columns)
    return [_codec.dumps(dict(zip(keys, _sendable(row), strict=True)), "the row") for row in rows]


def _sendable(row: tuple[Any, ...]) -> list[Any]:
    """The values of a row; one that has no form (an address, a range) as its text."""
    return [_or_text(value) for value in row]


def _or_text(value: Any) -> Any:
    try:
        _codec.encode(value)
    except TypeError:
        return str(value)
    return value
