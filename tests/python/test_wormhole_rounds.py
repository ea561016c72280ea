"""Whether a loop goes round after a `with` statement in it, told from its code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest

from wormhole._attempts import goes_round


class Watch:
    """Notes at its end what would come next."""

    def __init__(self) -> None:
        self.seen: list[bool] = []

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self.seen.append(goes_round(sys._getframe(1)))

    async def __aenter__(self) -> None:
        await asyncio.sleep(0)

    async def __aexit__(self, *error: object) -> None:
        self.seen.append(goes_round(sys._getframe(1)))


def plain(watch):
    for _ in range(2):
        with watch:
            pass


def named(watch):
    for n in range(2):
        with watch as entered:
            str((n, entered))


def choosing(watch):
    for n in range(2):
        with watch:
            if n:
                continue
            len("x")


def catching(watch):
    for n in range(2):
        with watch:
            try:
                len("x")
            finally:
                str(n)


def inner(watch):
    for _ in range(2):
        with watch:
            for _ in range(2):
                pass


def returning(watch):
    for _ in range(2):
        with watch:
            return


def breaking(watch):
    for _ in range(2):
        with watch:
            break


def going_on(watch):
    for _ in range(2):
        with watch:
            pass
        len("x")


def nested(watch):
    for _ in range(2):
        for _ in range(2):
            with watch:
                break


def outside(watch):
    with watch:
        len("x")


async def awaited(watch):
    for _ in range(2):
        async with watch:
            await asyncio.sleep(0)


async def awaited_loop(watch):
    async def numbers():
        yield 1
        yield 2

    async for _ in numbers():
        async with watch:
            await asyncio.sleep(0)


async def awaited_return(watch):
    for _ in range(2):
        async with watch:
            await asyncio.sleep(0)
            return


async def awaited_break(watch):
    for _ in range(2):
        async with watch:
            break


def told(function: Callable[[Watch], object]) -> list[bool]:
    watch = Watch()
    done = function(watch)
    if asyncio.iscoroutine(done):
        asyncio.run(done)
    return watch.seen


@pytest.mark.parametrize(
    "function", [plain, named, choosing, catching, inner, awaited, awaited_loop]
)
def test_it_does(function) -> None:
    assert told(function) == [True, True]


@pytest.mark.parametrize(
    ("function", "times"),
    [
        (returning, 1),
        (breaking, 1),
        (going_on, 2),
        (nested, 2),
        (outside, 1),
        (awaited_return, 1),
        (awaited_break, 1),
    ],
)
def test_it_does_not(function, times: int) -> None:
    """After a COMMIT that failed and was passed over, nobody would hear of it."""
    assert told(function) == [False] * times
