"""What goes wrong on the other side, as exceptions on this one.

An exception of remote code arrives as the same built-in class, else as `RemoteError`, and carries `sqlstate`
and `remote_traceback`. Errors of the database stay those of the driver.
"""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wormhole import _codec

UNDEFINED_FUNCTION = "42883"
RAISED = "WH005"
RETRYABLE = frozenset({"40001", "40P01", "25006"})
"""Serialization failure, deadlock, and a write on a standby: the transaction may succeed if run again."""

READ_ONLY = "25006"

HINTS = {
    "42883": "the database lacks Wormhole, or has it in a schema outside of the search path: CREATE EXTENSION"
    " multicorn, or set_connection(connection, schema=...)",
}


@dataclass(frozen=True)
class Frame:
    """A line of a remote traceback, as file and line of the client where they are known."""

    file: str
    line: int
    function: str
    text: str

    def __str__(self) -> str:
        place = f'  File "{self.file}", line {self.line}, in {self.function}'
        return f"{place}\n    {self.text.strip()}" if self.text.strip() else place


class RemoteError(Exception):
    """Remote code failed with an exception that has no class here, or was refused by the server.

    `sqlstate` is the server's code, `class_name` the remote class if Python raised, `hint` what the server
    added, `remote_traceback` the frames of the remote code.
    """

    def __init__(
        self, *args: Any, sqlstate: str | None = None, class_name: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(*args)
        self.sqlstate = sqlstate
        self.class_name = class_name
        self.hint = hint
        self.remote_traceback: tuple[Frame, ...] = ()

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.class_name}: {text}" if self.class_name else text


class ServerError(RemoteError):
    """In remote code: a statement failed, with `sqlstate`, `detail`, `hint`, `constraint_name` and so on.

    The name stands for the class of the other side, so that remote code may catch it. Here an error of the
    database is the driver's own exception.
    """


class CaptureError(TypeError):
    """A function cannot be sent: the text names what it uses and why that does not travel."""


class ConnectionMissing(RuntimeError):  # noqa: N818 - it reads as what is wrong
    """No connection was set or passed."""


class TransactionError(RuntimeError):
    """A transaction was used in a way that it cannot be."""


@dataclass(frozen=True)
class Failure:
    """What a driver's exception knows of the server's error."""

    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None
    remote: Mapping[str, Any] = field(default_factory=dict[str, Any])
    context: str | None = None


def failure(error: BaseException) -> Failure | None:
    """Read the server's error from the exception of whichever driver, None if there is none in it."""
    seen: BaseException | None = error
    for _ in range(4):
        if seen is None or isinstance(seen, RemoteError):
            break
        # SQLAlchemy wraps a driver's exception, Django chains it.
        inner: Any = getattr(seen, "orig", None)
        state: Any = getattr(seen, "sqlstate", None) or getattr(seen, "pgcode", None)
        if isinstance(state, str) and not isinstance(inner, BaseException):
            return _read(seen, state)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__
    return None


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE of any exception that has one."""
    found = failure(error)
    if found is not None:
        return found.sqlstate
    state: Any = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None


def _read(error: BaseException, state: str) -> Failure:
    diag: Any = getattr(error, "diag", None)
    source: Any = error if diag is None else diag
    names = ("message", "detail", "hint", "context") if diag is None else DIAG
    message, detail, hint, context = (getattr(source, name, None) for name in names)
    return Failure(state, message or str(error), detail, hint, _remote(detail), context)


DIAG = ("message_primary", "message_detail", "message_hint", "context")


def _remote(detail: str | None) -> dict[str, Any]:
    if detail is None or not detail.startswith("{"):
        return {}
    try:
        read: Any = json.loads(detail)
    except ValueError:
        return {}
    return read if isinstance(read.get("class"), str) else {}


Mapper = Callable[[int, str, str], Frame | None]
"""From line, function and text of the sent source to the client's place."""


PLACE = re.compile(r'remote function "(.*)", line (\d+), in (.*)')
"""A line of the server's CONTEXT, for a statement of a function that failed."""


def _places(context: str | None, name: str) -> list[dict[str, Any]]:
    """Where in a function a statement failed, as a traceback has it: the server begins with the last."""
    found = [PLACE.fullmatch(line) for line in (context or "").splitlines()]
    ours = [match for match in reversed(found) if match is not None and match[1] == name]
    return [{"line": int(match[2]), "function": match[3]} for match in ours]


def arrived(error: Exception, name: str, where: Mapper) -> Exception:
    """Turn a driver's exception, raised by a call of a function, into what the caller gets to see."""
    found = failure(error)
    if found is None:
        return error
    if not found.sqlstate.startswith("WH") and not found.remote:
        frames = _frames(_places(found.context, name), where)
        return _marked(error, found, frames) if frames else _noted(error, found)
    frames = _frames(found.remote.get("traceback", ()), where)
    if found.sqlstate == RAISED and found.remote:
        made = _rebuilt(found)
    elif found.sqlstate.startswith("WH"):
        made = RemoteError(found.message, sqlstate=found.sqlstate, hint=found.hint)
        if found.hint:
            made.add_note(f"HINT: {found.hint}")
    else:
        made = error
    return _marked(made, found, frames)


def _noted(error: Exception, found: Failure) -> Exception:
    _set(error, "sqlstate", found.sqlstate)
    if found.sqlstate == UNDEFINED_FUNCTION and "wormhole_" in found.message:
        error.add_note(HINTS[UNDEFINED_FUNCTION])
    return error


def _marked(made: Exception, found: Failure, frames: tuple[Frame, ...]) -> Exception:
    state = found.remote.get("sqlstate") or found.sqlstate
    _set(made, "sqlstate", state)
    _set(made, "remote_traceback", frames)
    if frames:
        lines = ["Remote traceback (most recent call last):", *(str(frame) for frame in frames)]
        made.add_note("\n".join(lines))
    return made


def _set(error: Exception, name: str, value: object) -> None:
    try:
        setattr(error, name, value)
    except AttributeError:
        return  # psycopg's `sqlstate` belongs to the class, and says the same


def _frames(traceback: Sequence[Mapping[str, Any]], where: Mapper) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    for entry in traceback:
        line, function = int(entry.get("line", 0)), str(entry.get("function", ""))
        text = str(entry.get("text") or "")
        frames.append(where(line, function, text) or Frame("<remote>", line, function, text))
    return tuple(frames)


def _rebuilt(found: Failure) -> Exception:
    """The remote exception as its own class if that is built in, with its own arguments."""
    full: str = found.remote["class"]
    name = full.removeprefix("builtins.")
    args = _arguments(found)
    kind: Any = getattr(builtins, name, None) if "." not in name else None
    # StopIteration would end a caller's loop in silence; SystemExit and the like are not for others to raise.
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UNFIT):
        try:
            return kind(*args)
        except Exception:  # noqa: BLE001, S110
            # A class that wants other arguments, as UnicodeDecodeError, or checks them, as ExceptionGroup.
            pass
    return RemoteError(*args, sqlstate=found.sqlstate, class_name=name, hint=found.hint)


UNFIT = (StopIteration, StopAsyncIteration)


def _arguments(found: Failure) -> list[Any]:
    try:
        return [_codec.decode(arg) for arg in found.remote.get("args", ())]
    except ValueError:
        return [found.message]
