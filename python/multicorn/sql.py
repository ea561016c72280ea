"""SQL from inside a wrapper, in the session's own transaction.

Statements run as the owner of the foreign table whose class runs them, whoever
queries it, with the search path `pg_catalog, pg_temp`: all other names have to
be qualified (`public.prices`), since in the caller's own path they might be
the caller's. Each runs in a savepoint of its own: after a `ServerError` the
transaction goes on. What a statement SETs is set back when it ends.

While the server runs a query in parallel (it may choose to, for a large table
beside the foreign one) SQL can only read, and an error ends the query whether
it is caught or not: the server allows neither writes nor savepoints there.

Values come and go as in rows and conditions (the guide's page on types). The
types of `$1`, `$2`, … are found out by the server from their use; where it
cannot tell, add a cast: `SELECT $1::int`.

SQL is refused with `RuntimeError` in transaction hooks and clean-ups
(`begin`, `pre_commit`, `end_scan`, `finally` blocks of a generator that is
closed, …), in threads, and where no wrapper is being called.
"""

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self

from multicorn._server import native

if TYPE_CHECKING:
    from multicorn._fallback import ServerError

__all__ = ["Cursor", "Result", "ServerError", "cursor", "execute"]

_BATCH: Final = 1000


def __getattr__(name: str) -> object:
    # The class is the library's own, which may have come after this module.
    if name == "ServerError":
        return native().ServerError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Result(list[dict[str, Any]]):
    """The rows of a statement, each a dict by column name; a list.

    `row_count` is the number of rows that it gave, inserted, changed or
    removed: a statement that gives none is an empty list, and may have a count.
    """

    row_count: int

    def __init__(self, rows: list[dict[str, Any]], row_count: int) -> None:
        super().__init__(rows)
        self.row_count = row_count


def execute(query: str, *args: Any) -> Result:
    """Run one statement and return what it gives.

    `args` are the values of `$1`, `$2`, …. Raises `ServerError` (with
    `sqlstate`, `detail`, `hint`, `constraint_name`, …) if it fails, and
    RuntimeError where SQL cannot be run. Several statements in one text,
    COPY FROM STDIN and transaction control are errors.
    """
    rows, row_count = native().sql_execute(query, args)
    return Result(rows or [], row_count)


def cursor(query: str, *args: Any, batch_size: int = _BATCH) -> "Cursor":
    """Open a cursor over the rows of a query.

    `batch_size` is how many rows are fetched at a time while it is iterated.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    return Cursor(*native().sql_open(query, args), batch_size)


class Cursor:
    """The rows of a query, fetched as they are asked for.

    An iterator over dicts, and a context manager that closes it. It ends with
    the transaction or savepoint in which it was opened; fetching from it then
    raises `ServerError` with the SQLSTATE 34000. Its query keeps the rights that
    it was opened with, whoever fetches.
    """

    # A cancel may end `__init__` at any step; `__del__` comes all the same.
    _name: str | None = None

    def __init__(self, name: str, role: int, batch_size: int) -> None:
        self._role = role
        self._batch_size = batch_size
        self._rows: deque[dict[str, Any]] = deque()
        self._is_exhausted = False
        self._name = name

    def fetch(self, count: int = 1) -> list[dict[str, Any]]:
        """Return the next rows, at most `count`; fewer only at the end."""
        if count < 0:
            raise ValueError(f"count must not be negative, but is {count}")
        taken = [self._rows.popleft() for _ in range(min(count, len(self._rows)))]
        missing = count - len(taken)
        try:
            return [*taken, *self._fetch(missing)] if missing else taken
        except BaseException:
            self._rows.extendleft(reversed(taken))
            raise

    def _fetch(self, count: int) -> list[dict[str, Any]]:
        if self._name is None:
            raise ValueError("the cursor is closed")
        if self._is_exhausted:
            return []
        rows = native().sql_fetch(self._name, self._role, count)
        self._is_exhausted = len(rows) < count
        return rows

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> dict[str, Any]:
        if not self._rows:
            self._rows.extend(self._fetch(self._batch_size))
            if not self._rows:
                raise StopIteration
        return self._rows.popleft()

    def close(self) -> None:
        """Give the rows up. Repeatable; where SQL is refused, the server will."""
        name, self._name = self._name, None
        if name is not None:
            self._rows.clear()
            native().sql_close(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
