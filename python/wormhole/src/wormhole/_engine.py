"""Runs functions from their source, the same in the server's own process and in a confined worker.

A function's module is executed once and kept, so what it computes at its top level is computed once a
session. The danger is what user code raises: any exception, of any class, with any text; it becomes a
description of bounded size.
"""

from __future__ import annotations

import builtins
import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CoroutineType, GeneratorType, ModuleType, TracebackType
from typing import Any, cast

from wormhole import _check, _codec

ABSENT = ("breakpoint", "compile", "copyright", "credits", "eval", "exec", "exit", "help", "input", "license",
          "open", "quit")  # fmt: skip
"""Builtin functions that do nothing good on a server."""

INTERNAL = frozenset({"_strptime"})
"""What C code imports in its caller's name; a source that does is refused before it runs."""

LONGEST_TEXT = 2000
LONGEST_DETAIL = 7000
FRAMES = 20

Modules = _check.Modules
Refused = _check.Refused


class Remote:
    """One function, ready to be called."""

    def __init__(self, entry: Callable[..., Any], source: str, filename: str) -> None:
        self.entry = entry
        self.source = source
        self.filename = filename

    def value(self, text: str) -> Any:
        """What the function returns for the arguments in `text`; a generator's values as a list."""
        args, kwargs = _codec.loads_call(text)
        return finished(self.entry(*args, **kwargs))

    def call(self, text: str) -> str:
        """The same in tagged JSON, with the arguments in tagged JSON."""
        return _codec.dumps(self.value(text), "the result")

    def stream(self, text: str) -> Iterator[str]:
        """What the function yields, or the items of what it returns, each in tagged JSON."""
        args, kwargs = _codec.loads_call(text)
        values = self.entry(*args, **kwargs)
        if type(values) is CoroutineType:
            values = _finish(cast("CoroutineType[Any, Any, Any]", values))
        if not isinstance(values, Iterable):
            message = f"a stream needs a generator or another iterable, not {type(values).__name__}"
            raise TypeError(message)
        for number, value in enumerate(cast("Iterable[Any]", values), 1):
            yield _codec.dumps(value, f"value {number}")


def finished(value: Any) -> Any:
    """What a function gives that returned `value`: a coroutine's result, all values of a generator."""
    if type(value) is CoroutineType:
        value = _finish(cast("CoroutineType[Any, Any, Any]", value))
    return list(cast("Iterator[Any]", value)) if type(value) is GeneratorType else value


def _finish(coroutine: CoroutineType[Any, Any, Any]) -> Any:
    """Run an async function to its end: nothing that it may await has to wait."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    finally:
        coroutine.close()
    raise RuntimeError("a remote function can await remote functions and queries only")


class Engine:
    """The functions of one process, those that were used longest ago forgotten first."""

    def __init__(self, names: Mapping[str, Any], room: int) -> None:
        self.modules = Modules()
        self.complete = True
        """Whether modules can be read from files; a confined worker has what was imported before."""
        self._names = dict(names)
        self._room = room
        self._used = 0
        self._functions: OrderedDict[str, Remote] = OrderedDict()
        self._facade = ModuleType("wormhole")
        # There is no waiting here: `aio` has the same functions.
        vars(self._facade).update(names, aio=self._facade)
        self._builtins = {name: item for name, item in vars(builtins).items() if name not in ABSENT}
        self._builtins["__import__"] = self._import

    def allow(self, modules: Modules) -> None:
        """Take another list of modules; functions are looked at anew."""
        self.modules = modules
        self.clear()

    def clear(self) -> None:
        """Forget all functions."""
        self._functions.clear()
        self._used = 0

    def set_room(self, room: int) -> None:
        """Say how many bytes functions may take."""
        self._room = room
        self._shrink()

    def known(self, key: str) -> Remote | None:
        """The function, if it is there."""
        found = self._functions.get(key)
        if found is not None:
            self._functions.move_to_end(key)
        return found

    def load(self, key: str, name: str, source: str) -> Remote:
        """The function, compiled. Raises `Refused`, and whatever its top level raises."""
        found = self.known(key)
        if found is not None:
            return found
        _check.check(name, source, self.modules)
        filename = _filename(key, name)
        code = compile(source, filename, "exec", dont_inherit=True)
        space: dict[str, Any] = {"__name__": "__wormhole__", "__builtins__": self._builtins, **self._names}
        # Classes look their module up, and so do dataclasses and typing.
        module = ModuleType("__wormhole__")
        sys.modules.setdefault("__wormhole__", module)
        exec(code, space)  # noqa: S102 - that is the purpose
        entry = space[name]
        found = self._functions[key] = Remote(entry, source, filename)
        self._used += _size(source)
        self._shrink()
        return found

    def _shrink(self) -> None:
        while self._used > self._room and len(self._functions) > 1:
            _, oldest = self._functions.popitem(last=False)
            self._used -= _size(oldest.source)

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the interpreter's own signature
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: tuple[str, ...] = (),
        level: int = 0,
    ) -> ModuleType:
        if name in {"wormhole", "wormhole.aio"}:
            return self._facade
        if name not in INTERNAL:
            self.modules.demand_from(name, fromlist or ())
        try:
            module = __import__(name, globals, locals, fromlist, level)
        except ModuleNotFoundError as error:
            if self.complete or error.name is None or not error.name.startswith(f"{name.partition('.')[0]}."):
                raise
            raise _not_there(error.name) from None
        if not self.complete and hasattr(module, "__path__"):
            for item in fromlist or ():
                if item != "*" and not hasattr(module, item):
                    raise _not_there(f"{name}.{item}")
        return module


def _not_there(name: str) -> ModuleNotFoundError:
    message = (
        f"No module named {name!r} in the worker: "
        "wormhole_allowed_modules needs a row for it, not for its package alone"
    )
    return ModuleNotFoundError(message, name=name)


def _size(source: str) -> int:
    """What a function takes, roughly: code objects are several times as large as their text."""
    return 4096 + 8 * len(source)


def describe(error: BaseException, remote: Remote | None) -> tuple[str, str]:
    """The message and the DETAIL of an exception that nobody caught: JSON of bounded size."""
    kind = type(error)
    text = _shown(error)
    name = kind.__qualname__
    message = f"{name}: {text}" if text else name
    detail: dict[str, Any] = {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "args": _arguments(error),
        "sqlstate": _sqlstate(error),
        "traceback": _trace(error.__traceback__, remote),
    }
    encoded = json.dumps(detail)
    while len(encoded) > LONGEST_DETAIL and (detail["traceback"] or detail["args"]):
        if detail["traceback"]:
            detail["traceback"] = detail["traceback"][(len(detail["traceback"]) + 1) // 2 :]
        else:
            detail["args"] = []
        encoded = json.dumps(detail)
    return message[:LONGEST_TEXT], encoded


def storable(text: str) -> str:
    """The text without what no message can hold: NUL and lone surrogates are shown as escapes."""
    if "\0" in text or not text.isascii():
        return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    return text


def _shown(error: BaseException) -> str:
    try:
        return storable(str(error)[:LONGEST_TEXT])
    except Exception:  # noqa: BLE001 - __str__ is user code
        return ""


def _arguments(error: BaseException) -> list[Any]:
    try:
        shown: list[Any] = []
        for value in error.args:
            try:
                tree = _codec.encode(value)
                fits = len(json.dumps(tree)) <= LONGEST_TEXT
            except (TypeError, ValueError):
                tree, fits = None, False
            shown.append(tree if fits else repr(value)[:LONGEST_TEXT])
    except Exception:  # noqa: BLE001 - `args` and __repr__ are user code
        return []
    return shown


def _sqlstate(error: BaseException) -> str | None:
    try:
        state = getattr(error, "sqlstate", None)
    except Exception:  # noqa: BLE001 - a property is user code
        return None
    return state[:5] if type(state) is str else None


def _trace(trace: TracebackType | None, remote: Remote | None) -> list[dict[str, Any]]:
    """The frames that belong to the function's own source."""
    if remote is None:
        return []
    lines = remote.source.splitlines()
    frames: list[dict[str, Any]] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == remote.filename:
            line = trace.tb_lineno
            text = lines[line - 1].strip()[:200] if 0 < line <= len(lines) else ""
            frames.append({"line": line, "function": code.co_name, "text": text})
        trace = trace.tb_next
    return frames[-FRAMES:]


def compile_only(name: str, source: str, modules: Modules) -> None:
    """Look at a source without running any of it. Raises `Refused`."""
    _check.check(name, source, modules)
    try:
        compile(source, "<wormhole>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused(
            _check.SOURCE_REFUSED, f"the source cannot be compiled: {error or 'too complex'}"
        ) from None


def unfinished(key: str, name: str, source: str | None) -> Remote:
    """A function whose top level raised, for the traceback."""
    return Remote(lambda: None, source or "", _filename(key, name))


def _filename(key: str, name: str) -> str:
    return f"<wormhole {name} {key[:8]}>"
