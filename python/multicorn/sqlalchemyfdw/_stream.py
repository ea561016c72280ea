"""The rows of one remote SELECT, fetched as they are needed.

Other statements run on the same connection while rows are still to come. Where
a database cannot have that, the rest of the rows is taken into memory first.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from sqlalchemy.engine import CursorResult

# Rows that are taken from the result at a time: handing them on one by one
# costs more, and many at once keep the garbage collector busy. The first comes
# alone, for who wants no more.
_CHUNK: Final = 100


class Stream:
    """An unfinished result; `level` is the savepoint level that it began in."""

    def __init__(self, result: CursorResult[Any], level: int) -> None:
        self._result: CursorResult[Any] | None = result
        self._rows: Iterator[tuple[Any, ...]] = map(tuple, result)
        self.level = level

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        size = 1
        while chunk := tuple(islice(self._rows, size)):
            yield from chunk
            size = _CHUNK

    def keep(self) -> None:
        """Take the rest of the rows into memory."""
        if self._result is not None:
            self._rows = iter(list(self._rows))
            self._result.close()
            self._result = None

    def close(self) -> None:
        """Give up the remote cursor; rows in memory stay."""
        result, self._result = self._result, None
        if result is not None:
            self._rows = _over()
            result.close()


def _over() -> Iterator[tuple[Any, ...]]:
    # Never as if the rows were at their end.
    raise RuntimeError("the remote transaction of this scan is over")
    yield ()
