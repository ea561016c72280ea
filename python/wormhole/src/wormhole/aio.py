"""`query` and its kin for `await`, typed as such; they are the same functions inside of remote code."""

from __future__ import annotations

from typing import Any

from wormhole import _query
from wormhole._api import CHUNK, Row
from wormhole._connection import current

__all__ = ["cursor", "execute", "query", "query_single", "query_value"]


async def query(sql: str, *args: Any, connection: Any = None) -> list[Row]:
    """Run a statement and return all rows of its result as dicts."""
    return await _query.aquery(current(connection), sql, *args)


async def query_single(sql: str, *args: Any, connection: Any = None) -> Row | None:
    """Run a statement and return the first row, None if there is none."""
    return await _query.aquery_single(current(connection), sql, *args)


async def query_value(sql: str, *args: Any, connection: Any = None) -> Any:
    """Run a statement and return the first column of the first row, None if there is none."""
    return await _query.aquery_value(current(connection), sql, *args)


async def execute(sql: str, *args: Any, connection: Any = None) -> int:
    """Run a statement and return how many rows it changed, or returned."""
    return await _query.aexecute(current(connection), sql, *args)


def cursor(sql: str, *args: Any, chunk: int = CHUNK, connection: Any = None) -> _query.AsyncCursor:
    """Run a query and give its rows one by one to `async for`."""
    return _query.acursor(current(connection), sql, *args, chunk=chunk)
