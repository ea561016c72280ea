"""The rows of a running statement: `Cursor`."""

from __future__ import annotations

from collections import deque
from itertools import chain

from Postgres._server import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final, Self

    from Postgres._statement import Statement

    Chain = chain[Any]
else:
    Chain = chain


ROWS: Final = "rows"
COLUMN: Final = "column"
CHUNKS: Final = "chunks"
SCROLL: Final = "declare"
"""What a cursor gives: the name of the method that makes it."""

_ABSOLUTE = "absolute"
_FORWARD = "forward"
_BACKWARD = "backward"
_RELATIVE = "relative"
_ALL = 2**62


class _Chunks:
    """The lists of rows behind a cursor, each fetched when it is asked for."""

    __slots__ = ("column", "forward", "name", "rows", "size", "whole")

    def __init__(self, *, column: bool, size: int, whole: bool) -> None:
        self.name: str | None = None
        self.column = column
        self.size = size
        self.whole = whole
        self.forward = True
        self.rows: Iterator[Any] = iter(())

    def fetch(self, count: int, *, forward: bool) -> list[Any]:
        """Return the next rows, at most `count`."""
        if self.name is None:
            raise ValueError("the cursor is closed")
        kind = _FORWARD if forward else _BACKWARD
        return native().pl_fetch(self.name, kind, count, self.column)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Iterator[Any]:
        rows = self.fetch(self.size, forward=self.forward)
        if not rows:
            raise StopIteration
        # Kept, so that those which were fetched ahead can be handed over.
        self.rows = iter((rows,)) if self.whole else iter(rows)
        return self.rows


class Cursor(Chain):
    """The rows of a statement, fetched as they are asked for.

    Made by the methods of `Statement`: `rows` gives rows, `column` values of
    the first column, `chunks` lists of rows, `declare` rows in any order. It is
    an iterator, and a context manager that closes it. Returned from a function
    with a set as its result it gives the rest of its rows, without making
    Python objects of them; from one with the result type refcursor it gives
    itself.

    A cursor ends with the transaction, or the subtransaction, in which it was
    made; using it then is an error (SQLSTATE 34000). With whose rights it runs
    is decided when it is made.
    """

    # It is a chain of lists: iterating runs none of this file's code per row.
    _statement: Statement
    _arguments: tuple[Any, ...]
    _shape: str
    _is_given: bool = False
    # A cancel may end the making at any step; `__del__` comes all the same.
    _chunks: _Chunks | None = None

    @classmethod
    def _of(
        cls, statement: Statement, arguments: tuple[Any, ...], shape: str, size: int
    ) -> Self:
        """Open a cursor."""
        chunks = _Chunks(column=shape == COLUMN, size=size, whole=shape == CHUNKS)
        made: Self = cls.from_iterable(chunks)  # pyright: ignore[reportAssignmentType] - a chain makes its own class
        made._statement = statement
        made._arguments = arguments
        made._shape = shape
        made._chunks = chunks
        chunks.name = statement._plan.open(arguments, shape == SCROLL)
        return made

    def __repr__(self) -> str:
        state = "closed" if self._source().name is None else self._shape
        return f"<Postgres.Cursor {state} of {self._statement.string!r}>"

    def _source(self) -> _Chunks:
        if self._chunks is None:
            raise ValueError("the cursor is closed")
        return self._chunks

    def _portal(self) -> str:
        name = self._source().name
        if name is None:
            raise ValueError("the cursor is closed")
        return name

    def _fetch(self, count: int, *, forward: bool) -> list[Any]:
        return self._source().fetch(count, forward=forward)

    def _must_scroll(self, what: str) -> None:
        if self._shape != SCROLL:
            raise TypeError(f"{what} needs a cursor that Statement.declare has made")

    def read(self, n: int | None = None, direction: bool | None = None) -> list[Any]:  # noqa: FBT001
        """Return the next `n` rows, or all that are left; fewer only at the end.

        `direction` is True for forward and False for backward; the default is
        the cursor's own. As with FETCH, the cursor stands on the row that was
        read last, and reading backward begins with the one before it.
        """
        self._must_scroll("read")
        if n is not None and n < 0:
            raise ValueError(f"n must not be negative, but is {n}")
        if n == 0:
            return []
        forward = self.direction if direction is None else bool(direction)
        return self._fetch(_ALL if n is None else n, forward=forward)

    def seek(self, offset: int, whence: int = 0) -> None:
        """Move to another place.

        `whence` 0: onto row `offset`, 0 being before the first; 1: `offset`
        rows on from here, backward if negative; 2: `offset` rows back from the
        end, where 0 is after the last row. Beyond either end is the end.
        """
        self._must_scroll("seek")
        name, move = self._portal(), native().pl_move
        if whence == 0:
            if offset < 0:
                raise ValueError(f"offset must not be negative, but is {offset}")
            move(name, _ABSOLUTE, offset)
        elif whence == 1:
            move(name, _RELATIVE, offset)
        elif whence == 2:  # noqa: PLR2004 - as of io.IOBase.seek
            move(name, _FORWARD, _ALL)
            if offset:
                move(name, _BACKWARD, abs(offset))
        else:
            raise ValueError(f"whence must be 0, 1 or 2, not {whence}")

    @property
    def direction(self) -> bool:
        """Whether iterating and reading go forward; may be set for `declare`d ones."""
        return self._source().forward

    @direction.setter
    def direction(self, forward: bool) -> None:
        if not forward:
            self._must_scroll("reading backward")
        self._source().forward = bool(forward)

    @property
    def chunksize(self) -> int:
        """How many rows are fetched at a time while it is iterated; may be set."""
        return self._source().size

    @chunksize.setter
    def chunksize(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"chunksize must be at least 1, not {size}")
        self._source().size = int(size)

    @property
    def cursor_id(self) -> str:
        """The name by which SQL (FETCH, MOVE, CLOSE) knows the cursor."""
        return self._portal()

    @property
    def statement(self) -> Statement:
        """The statement that it runs."""
        return self._statement

    def _give(self, is_scalar: bool) -> tuple[list[Any], str, bool, bool, Self]:  # noqa: FBT001
        """Hand what is left over to the library, which makes a set of it.

        Returns the rows that were fetched already (values, if the set has
        those), the portal's name, the direction, and whether only the first
        column counts, and the cursor to let go afterwards.
        """
        source = self._source()
        rest = [] if source.whole else list(source.rows)
        is_column = self._shape == COLUMN
        if is_scalar and not is_column:
            rest = [row[0] if len(row) == 1 else row for row in rest]
        return rest, self._portal(), source.forward, is_column, self

    def _give_name(self) -> str:
        """Hand the portal over to SQL, which closes it from now on."""
        self._is_given = True
        return self._portal()

    def clone(self) -> Self:
        """Return a new cursor over the same statement and arguments."""
        source = self._source()
        cls = type(self)
        made = cls._of(self._statement, self._arguments, self._shape, source.size)
        made._source().forward = source.forward
        return made

    def close(self) -> None:
        """Give the rows up. Repeatable."""
        source = self._chunks
        if source is None or source.name is None:
            return
        name, source.name = source.name, None
        # What was fetched ahead is not given any more.
        deque(source.rows, 0)
        if not self._is_given:
            native().pl_close(name)

    def __enter__(self) -> Self:
        """Return the cursor itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the cursor."""
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def string(self) -> str:
        """The statement's text."""
        return self._statement.string

    @property
    def command(self) -> str:
        """The statement's command."""
        return self._statement.command

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The values of the statement's parameters."""
        return self._arguments

    @property
    def parameter_types(self) -> tuple[Any, ...]:
        """The types of the parameters, as classes."""
        return self._statement.parameter_types

    @property
    def pg_parameter_types(self) -> tuple[int, ...]:
        """The OIDs of the types of the parameters."""
        return self._statement.pg_parameter_types

    @property
    def column_names(self) -> tuple[str, ...] | None:
        """The names of the columns."""
        return self._statement.column_names

    @property
    def column_types(self) -> tuple[Any, ...] | None:
        """The types of the columns, as classes."""
        return self._statement.column_types

    @property
    def pg_column_types(self) -> tuple[int, ...] | None:
        """The OIDs of the types of the columns."""
        return self._statement.pg_column_types

    @property
    def input(self) -> Any:
        """A TupleDesc of the parameters."""
        return self._statement.input

    @property
    def output(self) -> Any:
        """A TupleDesc of the columns."""
        return self._statement.output


class ScrollCursor(Cursor):
    """A cursor that `Statement.declare` has made: it goes on after its end."""

    def __next__(self) -> Any:
        """Return the next row in the cursor's direction."""
        for row in self._fetch(1, forward=self.direction):
            return row
        raise StopIteration
