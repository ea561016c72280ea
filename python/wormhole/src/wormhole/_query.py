"""`query`, `query_single`, `query_value`, `execute` and `cursor` on the client.

Over an awaited driver each returns an awaitable (`cursor` an asynchronous iterator); `wormhole.aio` has the
same functions typed as such.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Self

from wormhole import _core
from wormhole._api import CHUNK, Api, Chunk, Cursor, Row, rows_of
from wormhole._connection import Route, current
from wormhole._names import distinct
from wormhole._placeholders import numbered
from wormhole._steps import perform, perform_async


class _Waiting:
    """The `Executor` of a route."""

    def __init__(self, route: Route) -> None:
        self.route = route

    def run(self, sql: str, args: Sequence[Any]) -> tuple[Sequence[str], Iterable[Sequence[Any]], int]:
        return perform(_core.run(self.route, sql, args))

    def stream(self, sql: str, args: Sequence[Any], chunk: int) -> Iterator[Chunk]:
        return _core.stream(self.route, sql, args, chunk)


def _api(route: Route) -> Api:
    executor = _Waiting(route)
    return Api(lambda: executor)


def query(sql: str, *args: Any, connection: Any = None) -> list[Row]:
    """Run a statement and return all rows of its result as dicts; `$1` and `%s` stand for the arguments."""
    route = current(connection)
    if route.adapter.is_async:
        return aquery(route, sql, *args)  # type: ignore[return-value]
    return _api(route).query(sql, *args)


def query_single(sql: str, *args: Any, connection: Any = None) -> Row | None:
    """Run a statement and return the first row, None if there is none."""
    route = current(connection)
    if route.adapter.is_async:
        return aquery_single(route, sql, *args)  # type: ignore[return-value]
    return _api(route).query_single(sql, *args)


def query_value(sql: str, *args: Any, connection: Any = None) -> Any:
    """Run a statement and return the first column of the first row, None if there is none."""
    route = current(connection)
    if route.adapter.is_async:
        return aquery_value(route, sql, *args)
    return _api(route).query_value(sql, *args)


def execute(sql: str, *args: Any, connection: Any = None) -> int:
    """Run a statement and return how many rows it changed, or returned."""
    route = current(connection)
    if route.adapter.is_async:
        return aexecute(route, sql, *args)  # type: ignore[return-value]
    return _api(route).execute(sql, *args)


def cursor(sql: str, *args: Any, chunk: int = CHUNK, connection: Any = None) -> Cursor:
    """Run a query and return its rows one by one, fetched `chunk` at a time from a cursor of the server.

    Outside of a transaction one lasts as long as the cursor. Use it in a `with` statement unless it is
    read to its end.
    """
    route = current(connection)
    if route.adapter.is_async:
        return acursor(route, sql, *args, chunk=chunk)  # type: ignore[return-value]
    return _api(route).cursor(sql, *args, chunk=chunk)


async def _arun(
    route: Route, sql: str, args: Sequence[Any]
) -> tuple[Sequence[str], Iterable[Sequence[Any]], int]:
    return await perform_async(route.adapter, _core.run(route, numbered(sql, args), args))


async def aquery(route: Route, sql: str, *args: Any) -> list[Row]:
    """`query`, awaited."""
    columns, rows, _ = await _arun(route, sql, args)
    return rows_of(columns, rows)


async def aquery_single(route: Route, sql: str, *args: Any) -> Row | None:
    """`query_single`, awaited."""
    columns, rows, _ = await _arun(route, sql, args)
    return next(iter(rows_of(columns, islice(rows, 1))), None)


async def aquery_value(route: Route, sql: str, *args: Any) -> Any:
    """`query_value`, awaited."""
    _, rows, _ = await _arun(route, sql, args)
    return next((row[0] for row in rows if row), None)


async def aexecute(route: Route, sql: str, *args: Any) -> int:
    """`execute`, awaited."""
    return (await _arun(route, sql, args))[2]


def acursor(route: Route, sql: str, *args: Any, chunk: int = CHUNK) -> AsyncCursor:
    """`cursor`, iterated by `async for`."""
    if chunk < 1:
        raise ValueError(f"a chunk has one row or more, not {chunk}")
    return AsyncCursor(_core.stream_async(route, numbered(sql, args), args, chunk))


class AsyncCursor:
    """The rows of a query, fetched a chunk at a time: an asynchronous iterator and context manager."""

    def __init__(self, chunks: AsyncIterator[Chunk]) -> None:
        self._chunks = chunks
        self._rows = self._flatten()
        self.columns: tuple[str, ...] = ()

    async def _flatten(self) -> AsyncIterator[Row]:
        async for columns, rows in self._chunks:
            self.columns = distinct(columns)
            for row in rows_of(columns, rows):
                yield row

    def __aiter__(self) -> AsyncIterator[Row]:
        return self

    async def __anext__(self) -> Row:
        return await anext(self._rows)

    async def fetchone(self) -> Row | None:
        """The next row, None after the last."""
        return await anext(self._rows, None)

    async def fetchmany(self, size: int = CHUNK) -> list[Row]:
        """Up to `size` more rows."""
        found: list[Row] = []
        while len(found) < size and (row := await self.fetchone()) is not None:
            found.append(row)
        return found

    async def fetchall(self) -> list[Row]:
        """All rows that are left."""
        return [row async for row in self]

    async def close(self) -> None:
        """End the query; doing so twice is no error."""
        for iterator in (self._rows, self._chunks):
            close: Any = getattr(iterator, "aclose", None)
            if close is not None:
                await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
