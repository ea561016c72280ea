"""The native half of `multicorn.plpy`: statements, cursors, transactions, messages."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, SupportsIndex, overload

class PLyResult:
    """What a statement gave: a sequence of rows, each a dict by column name.

    It can be indexed, sliced, iterated and assigned to as a list.
    """

    def nrows(self) -> int:
        """Return how many rows the statement gave, inserted, changed or removed."""

    def status(self) -> int:
        """Return the server's code for what was done: 5 is a SELECT, 7 an INSERT."""

    def colnames(self) -> list[str]:
        """Return the names of the columns. Raises `Error` if there are none."""

    def coltypes(self) -> list[int]:
        """Return the types of the columns, as OIDs."""

    def coltypmods(self) -> list[int]:
        """Return the type modifiers of the columns, -1 for none."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, key: SupportsIndex, /) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, key: slice, /) -> list[dict[str, Any]]: ...
    def __setitem__(self, key: SupportsIndex | slice, value: Any, /) -> None: ...
    def __delitem__(self, key: SupportsIndex | slice, /) -> None: ...
    def __iter__(self) -> Iterator[dict[str, Any]]: ...

class PLyPlan:
    """A prepared statement, as `prepare` makes it; it lives as long as you keep it."""

    def execute(
        self, arguments: Sequence[Any] | None = None, limit: int = 0
    ) -> PLyResult:
        """Run the plan with values for its parameters, and return what it gives.

        `limit` bounds the rows, 0 is no bound. Raises `SPIError`.
        """

    def cursor(self, arguments: Sequence[Any] | None = None) -> PLyCursor:
        """Open a cursor over the rows of the plan. Raises `SPIError`."""

    def status(self) -> bool:
        """Return True: a plan that exists can be run."""

class PLyCursor:
    """The rows of a query, fetched as they are asked for; an iterator over dicts.

    It ends with the function's transaction, but for `commit` and `rollback`,
    which it survives, and with the subtransaction in which it was opened.
    """

    def __iter__(self) -> Self: ...
    def __next__(self) -> dict[str, Any]: ...
    def fetch(self, count: int) -> PLyResult:
        """Return the next rows, at most `count`; none at the end."""

    def close(self) -> None:
        """Give the rows up; a second call does nothing."""

@overload
def execute(query: str, limit: int = ..., /) -> PLyResult: ...
@overload
def execute(
    query: PLyPlan, arguments: Sequence[Any] | None = ..., limit: int = ..., /
) -> PLyResult:
    """Run a statement and return what it gives.

    `execute(query[, limit])` runs a text, which may hold several statements;
    `execute(plan[, arguments[, limit]])` one that was prepared. Raises
    `SPIError`, more exactly one of `spiexceptions`, if it fails.
    """

def prepare(query: str, argtypes: Sequence[str] | None = None) -> PLyPlan:
    """Prepare a statement for running it often.

    `argtypes` names the types of `$1`, `$2`, … as a cast does: `["int", "text[]"]`.
    """

def cursor(query: str | PLyPlan, arguments: Sequence[Any] | None = None) -> PLyCursor:
    """Open a cursor over the rows of a query or of a prepared statement."""

def begin() -> int:
    """Begin a subtransaction and return its number."""

def innermost() -> int | None:
    """Return the number of the innermost open subtransaction."""

def finish(commit: bool) -> None:
    """End the innermost subtransaction."""

def end(commit: bool) -> None:
    """End the transaction and begin the next; cursors survive."""

def say(level: str, message: str, fields: list[str | None]) -> None:
    """Send a message with its fields."""

def is_running() -> bool:
    """Tell whether a function of our languages is what runs now."""

def quote_identifier(name: str) -> str:
    """Return a name as SQL wants it."""

def quote_literal(text: str) -> str:
    """Return a text as a literal of SQL."""
