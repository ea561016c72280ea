"""The rows of one remote SELECT, fetched in batches.

Other statements run on the same connection while rows are still to come. Where
a database cannot have that, the rest of the rows is taken into memory first.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.engine import CursorResult


class Stream:
    """An unfinished result; `level` is the savepoint level that it began in.

    `size` is how many rows to fetch at a time.
    """

    def __init__(self, result: CursorResult[Any], size: int, level: int) -> None:
        self._result: CursorResult[Any] | None = result
        self._size = size
        self._kept: Sequence[Any] = ()
        self._complete = False
        self.level = level

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while batch := self._next():
            yield from map(tuple, batch)

    def _next(self) -> Sequence[Any]:
        if self._result is not None:
            return self._result.fetchmany(self._size)
        if not self._complete:
            # Never as if the rows were at their end.
            raise RuntimeError("the remote transaction of this scan is over")
        kept, self._kept = self._kept, ()
        return kept

    def keep(self) -> None:
        """Take the rest of the rows into memory."""
        if self._result is not None:
            self._kept = self._result.fetchall()
            self._complete = True
            self.close()

    def close(self) -> None:
        """Give up the remote cursor; rows in memory stay."""
        result, self._result = self._result, None
        if result is not None:
            result.close()
