"""`@remote`: a function whose calls run inside the database."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from types import FunctionType, MethodType
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from wormhole import _codec, _core
from wormhole._calls import call_of
from wormhole._capture import Capture, capture, capture_source
from wormhole._connection import Route, current
from wormhole._core import Knowledge
from wormhole._errors import CaptureError
from wormhole._signature import annotations_of, signature_of
from wormhole._steps import perform, perform_async
from wormhole._typed import Types, types_of

P = ParamSpec("P")
R = TypeVar("R")

ITEMS = 100
"""How many items of a generator are fetched at a time."""


class Remote(Generic[P, R]):
    """A remote function: call it like the function that it was made from.

    `local` is that function, `id` and `source` what the server knows it by, `is_async` whether each call is
    awaited. `on(connection)` gives the same function bound to a connection.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self, function: Callable[P, R], *, connection: Any = None, read_only: bool = False, chunk: int = ITEMS
    ) -> None:
        base = inspect.unwrap(function)
        if not isinstance(base, FunctionType):
            raise CaptureError(f"{function!r} is no function that is written in Python")
        functools.update_wrapper(self, function)
        self.__annotations__ = annotations_of(base)
        self.local = function
        self.name = base.__name__
        self.__signature__ = signature_of(function)
        self._setup(base, connection, chunk)
        self._known.has_run = read_only
        kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        self.is_async = any(kind(base) for kind in kinds)
        self._streams = inspect.isgeneratorfunction(base) or inspect.isasyncgenfunction(base)
        if inspect.iscoroutinefunction(base):
            _mark(self)

    def _setup(self, base: FunctionType | None, connection: Any, chunk: int) -> None:
        self._base = base
        self._connection = connection
        self._chunk = chunk
        self._known = Knowledge()
        self._capture: Capture | None = None
        self._read: tuple[Types | None] | None = None

    # What is sent.

    def capture(self) -> Capture:
        """What is sent, gathered anew when something that the function uses has changed."""
        found = self._capture
        if found is None or not found.is_current():
            assert self._base is not None  # noqa: S101
            fresh = capture(self._base, self.local)
            if found is not None and found.shipped.id != fresh.shipped.id:
                self._known = Knowledge()
            self._capture = found = fresh
        return found

    @property
    def id(self) -> str:
        """The function's id, computed here: a hash of name, source and signature."""
        return self.capture().shipped.id

    @property
    def source(self) -> str:
        """The module text that is sent. Raises `CaptureError` if it cannot be."""
        return self.capture().shipped.source

    def install(self) -> str:
        """Install the function without calling it, and return its id."""
        route = self._where()
        steps = _core.guarded(route, lambda adapter: _core.install(adapter, route, self.capture().shipped))
        return cast("str", self._perform(route, steps))

    # Calling it.

    def on(self, connection: Any) -> Remote[P, R]:
        """Give the same function, always called over this connection."""
        bound: Remote[P, R] = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._connection = connection
        bound._where()
        return bound

    def _where(self) -> Route:
        """Where a call goes. What was passed is looked at once, as its adapter keeps statements prepared."""
        route = current(self._connection)
        if self._connection is not None and not isinstance(self._connection, Route):
            self._connection = Route(route.adapter, schema=route.schema)
        return route

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """As functions do, so that a method's `self` is refused by its class, and not taken for missing."""
        return (
            self if instance is None or isinstance(self.local, staticmethod) else MethodType(self, instance)
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function inside the database and return its value, or an iterator over what it yields."""
        bound = self.__signature__.bind(*args, **kwargs)
        shipped = self.capture().shipped
        if self._streams:
            arguments = _codec.dumps_call(args, kwargs)
            route = self._where()
            if self.is_async or route.adapter.is_async:
                return cast("R", self._items_async(route, arguments))
            return cast("R", self._items(route, arguments))
        if self._base is not None and self.local is self._base:
            # No decorator sees whether an argument was named.
            made = call_of(self._types(), bound.args, bound.kwargs)
        else:
            made = call_of(self._types(), args, kwargs)
        route = self._where()
        return cast("R", self._perform(route, _core.call(route, shipped, made, self._known)))

    def _types(self) -> Types | None:
        """What the function says of its values; read at the first call, when all names are there."""
        if self._read is None:
            self._read = (None if self._base is None else types_of(self._base, self.__signature__),)
        return self._read[0]

    def _perform(self, route: Route, steps: _core.Steps) -> Any:
        if self.is_async or route.adapter.is_async:
            return perform_async(route.adapter, steps)
        return perform(steps)

    def _items(self, route: Route, arguments: str) -> Iterator[Any]:
        """What a generator yields; it runs as far as its items are asked for, a chunk ahead."""
        shipped = self.capture().shipped
        for is_last in (False, True):
            chunks = _core.stream(route, route.named(_core.STREAM), [shipped.id, arguments], self._chunk)
            try:
                yield from _core.items(chunks, shipped, is_last=is_last)
            except _core.Unknown:
                chunks.close()
                perform(_core.guarded(route, lambda adapter: _core.install(adapter, route, shipped)))
            except Exception as error:  # noqa: BLE001 - turned into what it was there
                made = _core.raised(error, shipped)
                raise made from _core.cause(made)
            else:
                return
            finally:
                chunks.close()

    async def _items_async(self, route: Route, arguments: str) -> AsyncIterator[Any]:
        shipped = self.capture().shipped
        for is_last in (False, True):
            chunks = _core.stream_async(
                route, route.named(_core.STREAM), [shipped.id, arguments], self._chunk
            )
            try:
                async for _, rows in chunks:
                    for row in rows:
                        yield _core.item(row[0], shipped, is_last=is_last)
            except _core.Unknown:
                await chunks.aclose()
                steps = _core.guarded(route, lambda adapter: _core.install(adapter, route, shipped))
                await perform_async(route.adapter, steps)
            except Exception as error:  # noqa: BLE001 - turned into what it was there
                made = _core.raised(error, shipped)
                raise made from _core.cause(made)
            else:
                return
            finally:
                await chunks.aclose()

    def __reduce__(self) -> str:
        """Copies and pickles are references to the name, as those of functions are."""
        return self.__qualname__

    def __repr__(self) -> str:
        return f"<remote function {self.name}{self.__signature__}>"


class _Given(Remote[..., Any]):
    """A remote function of which the source was given."""

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self

    def __init__(
        self, source: str, name: str | None, *, connection: Any, read_only: bool, chunk: int
    ) -> None:
        found, name, signature, facts = capture_source(source, name)
        self._setup(None, connection, chunk)
        self._capture = found
        self._known.has_run = read_only
        self.is_async, self._streams = facts
        self.name = self.__name__ = self.__qualname__ = name
        self.__signature__ = signature
        self.__doc__ = None


def _mark(function: Any) -> None:
    """Let `inspect.iscoroutinefunction` say of an object what it says of the function."""
    mark: Any = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:
        mark(function)
    else:
        import asyncio.coroutines

        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]


@overload
def remote(function: Callable[P, R], /) -> Remote[P, R]: ...
@overload
def remote(
    *, connection: Any = None, read_only: bool = False, chunk: int = ITEMS
) -> Callable[[Callable[P, R]], Remote[P, R]]: ...
@overload
def remote(
    *,
    source: str,
    name: str | None = None,
    connection: Any = None,
    read_only: bool = False,
    chunk: int = ITEMS,
) -> Remote[..., Any]: ...
def remote(
    function: Callable[..., Any] | None = None,
    /,
    *,
    source: str | None = None,
    name: str | None = None,
    connection: Any = None,
    read_only: bool = False,
    chunk: int = ITEMS,
) -> Any:
    """Make a function run inside the database: as `@remote`, with options, or from a `source` text.

    The function's text is sent at its first call, together with the plain constants and helper functions that
    it uses. Arguments and result travel as values. A generator's items are streamed, `chunk` at a time. An
    `async def` is awaited here, and what it awaits there is answered at once. With `read_only` the function
    is taken to write nothing, and may run on a standby from its first call on.
    """
    if source is not None:
        return _Given(source, name, connection=connection, read_only=read_only, chunk=chunk)
    if function is None:
        return functools.partial(Remote, connection=connection, read_only=read_only, chunk=chunk)
    if isinstance(function, Remote):
        return cast("Remote[..., Any]", function)
    return Remote(function, connection=connection, read_only=read_only, chunk=chunk)
