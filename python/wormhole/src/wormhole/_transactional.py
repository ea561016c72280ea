"""Functions that run in a transaction of their own, and again when the server asks for it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from wormhole._attempts import transactions
from wormhole._connection import current
from wormhole._transaction import Backoff

P = ParamSpec("P")
R = TypeVar("R")


@overload
def transactional(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def transactional(
    *,
    max_retries: int = 5,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
    standby: bool = False,
    connection: Any = None,
    backoff: Backoff | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
@overload
def transactional(
    max_retries: int,
    /,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
    standby: bool = False,
    connection: Any = None,
    backoff: Backoff | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def transactional(
    function: Callable[..., Any] | int = 5, /, *, max_retries: int | None = None, **options: Any
) -> Any:
    """Run a function in a transaction of its own, again and again as `transactions` does.

    Use it as `@transactional` or with the arguments of `transactions`. Inside of another transaction the
    function gets a savepoint and is not repeated: the outer one is what has to be.
    """
    if not callable(function):
        count = function if max_retries is None else max_retries
        return functools.partial(repeating, options={"max_retries": count, **options})
    return repeating(function, {})


def repeating(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    """`transactional` for a function and its options."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("a generator cannot be transactional: what it yielded cannot be taken back")
    transactions(**options)  # complains of its options now

    def attempts() -> transactions:
        made = transactions(**options)
        made.trusted = True
        return made

    @functools.wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        result: Any = None
        async for attempt in attempts():
            async with attempt:
                result = await function(*args, **kwargs)
        return result

    # A remote function made of an `async def` is an object; before Python 3.12 `inspect` is not told.
    is_async = getattr(function, "is_async", None)
    if inspect.iscoroutinefunction(function) or is_async:
        return awaited

    @functools.wraps(function)
    def waited(*args: Any, **kwargs: Any) -> Any:
        # A remote function is awaited over an awaited driver, whatever it was made of.
        if is_async is not None and current(options.get("connection")).adapter.is_async:
            return awaited(*args, **kwargs)
        result: Any = None
        for attempt in attempts():
            with attempt:
                result = function(*args, **kwargs)
        return result

    return waited


with_transaction = transactional
"""Another name for `transactional`."""
