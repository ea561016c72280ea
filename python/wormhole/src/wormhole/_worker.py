"""What runs in a confined worker: the functions of one owner, for one role, until it is ended.

Everything here may be taken apart by the code that it runs. That gains nothing: whatever is sent to the
backend is judged there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from io import TextIOBase
from typing import Any, cast

from wormhole import (
    _backend,  # pyright: ignore[reportMissingModuleSource] - the executable makes it
    _codec,
    _engine,
)
from wormhole._api import Api, Chunk


class ServerError(Exception):
    """A statement failed: the server's SQLSTATE, message, DETAIL, HINT and the names of what it is about."""

    def __init__(self, failure: dict[str, Any]) -> None:
        super().__init__(failure["message"])
        self.number: int = failure["number"]
        self.sqlstate: str = failure["sqlstate"]
        self.detail: str | None = failure["detail"]
        self.hint: str | None = failure["hint"]
        self.context: str | None = failure["context"]
        self.schema_name: str | None = failure["schema_name"]
        self.table_name: str | None = failure["table_name"]
        self.column_name: str | None = failure["column_name"]
        self.constraint_name: str | None = failure["constraint_name"]


def _answer(answer: object) -> Any:
    if type(answer) is dict:
        raise ServerError(cast("dict[str, Any]", answer))
    return answer


def _parameters(args: Sequence[Any]) -> str:
    return _codec.dumps(list(args), "the arguments") if args else "[]"


class Executor:
    """Statements, run by the backend."""

    def run(self, sql: str, args: Sequence[Any]) -> tuple[Sequence[str], list[Sequence[Any]], int]:
        """Run one statement."""
        answer = _codec.loads(_answer(_backend.query(sql, _parameters(args), cursor=False)))
        return answer["c"], answer["r"], answer["n"]

    def stream(self, sql: str, args: Sequence[Any], chunk: int) -> Iterator[Chunk]:
        """Open a cursor and give its rows."""
        cursor = _answer(_backend.query(sql, _parameters(args), cursor=True))
        try:
            while True:
                answer = _codec.loads(_answer(_backend.fetch(cursor, chunk)))
                if answer["r"] or answer["n"] >= 0:
                    yield answer["c"], answer["r"]
                if len(answer["r"]) < chunk:
                    return
        finally:
            _answer(_backend.close(cursor))


class Output(TextIOBase):
    """`sys.stdout`: each line is a message to the client."""

    def __init__(self) -> None:
        super().__init__()
        self._line = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Send the lines that are complete."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            _backend.show(_engine.storable(line))
        return len(text)

    def finish(self) -> None:
        """Send what was written without its end."""
        if self._line:
            rest, self._line = self._line, ""
            _backend.show(_engine.storable(rest))


OUTPUT = Output()
EXECUTOR = Executor()
NAMES = Api(lambda: EXECUTOR).names() | {"ServerError": ServerError}
ENGINE = _engine.Engine(NAMES, 1 << 62)
ENGINE.complete = False


def start() -> None:
    """Take over the output; the helper calls it before it forks."""
    sys.stdout = sys.stderr = OUTPUT


Answer = tuple[Any, ...]


def run(key: str, name: str, purpose: str, source: str | None, args: str) -> Answer:
    """Do what the backend asks, and say what came of it."""
    remote = None
    try:
        remote = ENGINE.known(key)
        if purpose == "check":
            _engine.compile_only(name, source or "", ENGINE.modules)
            return ("accepted",)
        if remote is None:
            remote = ENGINE.load(key, name, source or "")
        if purpose == "stream":
            for value in remote.stream(args):
                _backend.give(value)
            return ("ended",)
        return "returned", remote.call(args)
    except _engine.Refused as refusal:
        return "refused", refusal.sqlstate, refusal.message, refusal.hint, refusal.detail
    except MemoryError:
        return "raised", "MemoryError", None, True, "{}"
    except BaseException as error:  # noqa: BLE001 - whatever user code raises ends the call
        message, detail = _engine.describe(error, remote or _engine.unfinished(key, name, source))
        number = error.number if type(error) is ServerError else None
        return "raised", message, number, False, detail
    finally:
        OUTPUT.finish()
