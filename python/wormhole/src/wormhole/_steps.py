"""One description of what is done, for drivers that wait and for drivers that are awaited.

An operation is a generator that yields what an adapter's method returned: with a waiting driver that is the
result already, with an awaited one it is the coroutine. `perform` and `perform_async` do the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Generator
from typing import Any

from wormhole.drivers._base import Adapter, AsyncAdapter

AnyAdapter = Adapter | AsyncAdapter


def perform(steps: Generator[Any, Any, Any]) -> Any:
    """Run an operation over a waiting driver."""
    value: Any = None
    try:
        while True:
            value = steps.send(value)
    except StopIteration as done:
        return done.value


async def perform_async(adapter: AnyAdapter, steps: Generator[Any, Any, Any]) -> Any:
    """Run an operation from an async function; a waiting driver waits in a thread if it may."""
    if isinstance(adapter, Adapter):
        if not adapter.in_thread:
            return perform(steps)
        try:
            return await asyncio.to_thread(perform, steps)
        except asyncio.CancelledError:
            adapter.cancel()  # the thread would wait for the answer
            raise
    try:
        thing: Coroutine[Any, Any, Any] = steps.send(None)
        while True:
            try:
                value = await thing
            except BaseException as error:  # noqa: BLE001 - the operation decides what to do about it
                thing = steps.throw(error)
            else:
                thing = steps.send(value)
    except StopIteration as done:
        return done.value


def pause(adapter: AnyAdapter, seconds: float) -> Any:
    """A step that waits."""
    return asyncio.sleep(seconds) if adapter.is_async else time.sleep(seconds)


def enter(adapter: AnyAdapter, manager: Any) -> Any:
    """A step that enters a context manager of the adapter's kind."""
    return manager.__aenter__() if adapter.is_async else manager.__enter__()


def leave(adapter: AnyAdapter, manager: Any, error: BaseException | None) -> Any:
    """A step that leaves it."""
    found = (type(error), error, error.__traceback__) if error is not None else (None, None, None)
    return manager.__aexit__(*found) if adapter.is_async else manager.__exit__(*found)
