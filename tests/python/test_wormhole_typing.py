"""What type checkers are told: this module is checked strictly, and hardly run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from wormhole import aio, query, query_single, remote, transactional, with_transaction


@remote
def plain(x: int, *, y: str = "") -> list[str]:
    return [y] * x


@remote(read_only=True)
def optioned(x: int) -> int:
    return x


@remote
async def awaited(x: int) -> int:
    return x


@remote
def items(n: int) -> Iterator[int]:
    yield from range(n)


@remote
async def awaited_items(n: int) -> AsyncIterator[int]:
    for i in range(n):
        yield i


@transactional
def repeated(x: int) -> str:
    return str(x)


@with_transaction(max_retries=3, isolation="serializable")
def optioned_repeated(x: int) -> str:
    return str(x)


def check() -> None:
    assert_type(plain(1, y="a"), list[str])
    assert_type(optioned(1), int)
    assert_type(items(1), Iterator[int])
    assert_type(awaited_items(1), AsyncIterator[int])
    assert_type(repeated(1), str)
    assert_type(optioned_repeated(1), str)
    assert_type(query("SELECT 1"), list[dict[str, Any]])
    assert_type(query_single("SELECT 1"), dict[str, Any] | None)
    plain("a")  # pyright: ignore[reportArgumentType]
    plain(1, z=2)  # pyright: ignore[reportCallIssue]


async def check_awaited() -> None:
    assert_type(await awaited(1), int)
    assert_type(await aio.query("SELECT 1"), list[dict[str, Any]])


def test_functions_stay_what_they_were() -> None:
    assert (plain.local(2, y="a"), optioned.local(1)) == (["a", "a"], 1)
    assert (awaited.is_async, plain.is_async, awaited_items.is_async) == (
        True,
        False,
        True,
    )
    assert callable(check)
