"""`query`, `query_single`, `query_value`, `execute` and `cursor` over anything that runs a statement.

The same code serves a client's connection, the server's in-process tier and the confined worker, so that a
statement means the same everywhere. Who runs it is an `Executor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Protocol, Self

from wormhole._names import distinct
from wormhole._placeholders import numbered

Row = dict[str, Any]
"""One row of a result: values by column name, in the order of the columns."""

Chunk = tuple[Sequence[str], Iterable[Sequence[Any]]]
"""Some rows of a result and the names of their columns."""

CHUNK = 1000
"""How many rows a cursor asks for at a time: a round trip in a thousand, and little memory."""


class Executor(Protocol):
    """What runs statements: their placeholders are `$1`, `$2`, … and as many as there are arguments."""

    def run(self, sql: str, args: Sequence[Any]) -> tuple[Sequence[str], Iterable[Sequence[Any]], int]:
        """Run one statement and return the names of its columns, its rows, and the row count of its tag.

        A statement without a result has no columns and no rows.
        """
        ...

    def stream(self, sql: str, args: Sequence[Any], chunk: int) -> Iterator[Chunk]:
        """Run a query and give its rows in chunks of this size; closing the iterator ends the query."""
        ...


def rows_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Row]:
    """Rows as dicts; columns of one name are kept apart."""
    keys = distinct(columns)
    return [dict(zip(keys, row, strict=True)) for row in rows]


class Cursor:
    """The rows of a query, fetched a chunk at a time: an iterator, and a context manager that closes."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._rows = self._flatten()
        self.columns: tuple[str, ...] = ()

    def _flatten(self) -> Iterator[Row]:
        for columns, rows in self._chunks:
            self.columns = distinct(columns)
            yield from rows_of(columns, rows)

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        return next(self._rows)

    def fetchone(self) -> Row | None:
        """The next row, None after the last."""
        return next(self._rows, None)

    def fetchmany(self, size: int = CHUNK) -> list[Row]:
        """Up to `size` more rows."""
        return list(islice(self._rows, size))

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        return list(self._rows)

    def close(self) -> None:
        """End the query; doing so twice is no error."""
        for iterator in (self._rows, self._chunks):
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
        self._rows = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Api:
    """The five functions; `current` says who runs a statement, anew for each."""

    def __init__(self, current: Callable[[], Executor]) -> None:
        self._current = current

    def query(self, sql: str, *args: Any) -> list[Row]:
        """Run a statement and return all rows of its result."""
        columns, rows, _ = self._current().run(numbered(sql, args), args)
        return rows_of(columns, rows)

    def query_single(self, sql: str, *args: Any) -> Row | None:
        """Run a statement and return the first row, None if there is none."""
        columns, rows, _ = self._current().run(numbered(sql, args), args)
        return next(iter(rows_of(columns, islice(rows, 1))), None)

    def query_value(self, sql: str, *args: Any) -> Any:
        """Run a statement and return the first column of the first row, None if there is none."""
        _, rows, _ = self._current().run(numbered(sql, args), args)
        return next((row[0] for row in rows if row), None)

    def execute(self, sql: str, *args: Any) -> int:
        """Run a statement and return how many rows it changed, or returned."""
        return self._current().run(numbered(sql, args), args)[2]

    def cursor(self, sql: str, *args: Any, chunk: int = CHUNK) -> Cursor:
        """Run a query and return its rows one by one, fetched `chunk` at a time."""
        if chunk < 1:
            raise ValueError(f"a chunk has one row or more, not {chunk}")
        return Cursor(self._current().stream(numbered(sql, args), args, chunk))

    def names(self) -> dict[str, Callable[..., Any]]:
        """The functions by name, as a module offers them."""
        return {name: getattr(self, name) for name in API}


API = ("query", "query_single", "query_value", "execute", "cursor")
"""The names that remote code finds on either side."""
