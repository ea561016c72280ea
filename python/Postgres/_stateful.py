"""Generators that keep their place between the calls of a function."""

from __future__ import annotations

import functools

from Postgres._messages import raise_for
from Postgres._server import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, Final

_PROTOCOL: Final = "PY002"
_NOTHING: Final = object()
_CO_GENERATOR: Final = 0x20


class Stateful:
    """A decorator: a function that goes on where its last call stopped.

        @Postgres.Stateful
        def main(value):
            total = 0
            while True:
                total += value
                (value,) = yield total

    It decorates a generator function, as `main` or as an entry of a trigger.
    Each place in a query that calls the function has a generator of its own,
    for as long as the query runs. The first call starts it with the arguments
    and returns what it yields; later calls send it the tuple of their
    arguments, which `yield` returns. When it ends, it is started anew with the
    arguments of that call; one that ends without a value is an error (PY002).

    Decorating something else is TypeError. Calling it where no function is
    called by the database, or inside another stateful one, is an error (PY002).
    """

    def __init__(self, function: Callable[..., Generator[Any, Any, Any]]) -> None:
        # As inspect.isgeneratorfunction finds out, without importing it.
        code = getattr(function, "__code__", None)
        if code is None or not code.co_flags & _CO_GENERATOR:
            raise TypeError("Stateful decorates a generator function")
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return the next value of this call site's generator."""
        site: dict[Any, Any] | None = native().pl_call_site()
        if site is None:
            raise_for(_PROTOCOL, "a stateful function was called outside of a handler")
        if site.get("busy"):
            raise_for(_PROTOCOL, "a stateful function was called inside a stateful one")
        site["busy"] = True
        try:
            return self._next(site, arguments, named)
        finally:
            site["busy"] = False

    def _next(
        self, site: dict[Any, Any], arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        running = site.get(self)
        if running is not None:
            try:
                return running.send((*arguments, *named.values()))
            except StopIteration:
                del site[self]
            except BaseException:
                del site[self]
                raise
        running = self._function(*arguments, **named)
        try:
            value = next(running)
        except StopIteration:
            value = _NOTHING
        if value is _NOTHING:
            raise_for(_PROTOCOL, "a stateful function ended without a value")
        site[self] = running
        return value
