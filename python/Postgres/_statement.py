"""Prepared statements: `prepare` and `Statement`."""

from __future__ import annotations

from Postgres._cursor import CHUNKS, COLUMN, ROWS, SCROLL, Cursor, ScrollCursor
from Postgres._server import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Self

_CHUNK = 500


class Statement:
    """One SQL statement, prepared once and run often.

    `Statement(string, *constants)`; `prepare` makes the same. `string` is one
    statement with parameters `$1`, `$2`, …, whose types the server finds out
    from their use (where it cannot tell, add a cast: `$1::int`). `constants`
    are values for the first parameters; calls give the others.

    Several statements, transaction control and COPY FROM STDIN are errors. The
    plan follows changes of the tables. Values are converted to the parameters'
    types; `None` is NULL.
    """

    def __init__(self, string: str, *constants: Any) -> None:
        self._string = string
        self._constants = constants
        self._plan = native().pl_prepare(string)
        missing = len(self._plan.parameters()) - len(constants)
        if missing < 0:
            count = len(self._plan.parameters())
            raise TypeError(
                f"the statement has {count} parameters, {len(constants)} constants"
                " were given"
            )

    def __repr__(self) -> str:
        return f"<Postgres.Statement {self._string!r}>"

    def _arguments(self, given: tuple[Any, ...]) -> tuple[Any, ...]:
        arguments = self._constants + given if self._constants else given
        wanted = self._plan.count
        if len(arguments) != wanted:
            raise TypeError(
                f"the statement takes {wanted - len(self._constants)} arguments,"
                f" {len(given)} were given"
            )
        return arguments

    def __call__(self, *arguments: Any) -> Any:
        """Run the statement and return its rows as a list.

        A statement that gives no rows (INSERT, UPDATE, DELETE, MERGE without
        RETURNING) returns how many it touched.
        """
        rows, count = self._plan.execute(self._arguments(arguments), 0, False)  # noqa: FBT003
        return count if rows is None else rows

    def first(self, *arguments: Any) -> Any:
        """Run the statement and return the first row, or None if there is none.

        Of a row with one column the value is returned. A statement that gives
        no rows returns how many it touched.
        """
        plan = self._plan
        rows, count = plan.execute(self._arguments(arguments), 1, None)
        if rows is None:
            return count
        return rows[0] if rows else None

    def rows(self, *arguments: Any) -> Cursor:
        """Return an iterator over the rows, fetched in chunks."""
        return Cursor._of(self, self._arguments(arguments), ROWS, _CHUNK)

    def column(self, *arguments: Any) -> Cursor:
        """Return an iterator over the values of the first column."""
        return Cursor._of(self, self._arguments(arguments), COLUMN, _CHUNK)

    def chunks(self, *arguments: Any) -> Cursor:
        """Return an iterator over lists of rows.

        Its `chunksize`, which may be set, is how many rows a list has; the last
        may have fewer.
        """
        return Cursor._of(self, self._arguments(arguments), CHUNKS, _CHUNK)

    def declare(self, *arguments: Any) -> Cursor:
        """Return a scrollable cursor, with `read` and `seek`."""
        return ScrollCursor._of(self, self._arguments(arguments), SCROLL, 1)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows of a statement whose parameters are constants."""
        return self.rows()

    def _give(self, is_scalar: bool) -> tuple[list[Any], str, bool, bool, Cursor]:  # noqa: FBT001
        """Hand all rows over to the library: see `Cursor`."""
        return self.rows()._give(is_scalar)

    def load_rows(self, rows: Iterable[Iterable[Any]]) -> int:
        """Run the statement once for each row of arguments.

        Returns how many rows the runs have touched together.
        """
        return self.load_chunks((rows,))

    def load_chunks(self, chunks: Iterable[Iterable[Iterable[Any]]]) -> int:
        """Run the statement for each row of each chunk of arguments.

        Returns how many rows the runs have touched together.
        """
        return self._plan.load(
            self._arguments_of(row) for chunk in chunks for row in chunk
        )

    def _arguments_of(self, row: Iterable[Any]) -> tuple[Any, ...]:
        return self._arguments(tuple(row))

    def clone(self) -> Self:
        """Return another Statement of the same text and constants."""
        return type(self)(self._string, *self._constants)

    @property
    def string(self) -> str:
        """The statement's text."""
        return self._string

    @property
    def command(self) -> str:
        """The command, as `SELECT` or `CREATE TABLE`."""
        return self._plan.command()

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The constants, values of the first parameters."""
        return self._constants

    @property
    def pg_parameter_types(self) -> tuple[int, ...]:
        """The OIDs of the types of all parameters."""
        return self._plan.parameters()

    @property
    def parameter_types(self) -> tuple[Any, ...]:
        """The types of all parameters, as classes."""
        return types_of(self.pg_parameter_types)

    @property
    def column_names(self) -> tuple[str, ...] | None:
        """The names of the result's columns; None for a statement without rows."""
        columns = self._plan.columns()
        return None if columns is None else tuple(column[0] for column in columns)

    @property
    def pg_column_types(self) -> tuple[int, ...] | None:
        """The OIDs of the types of the result's columns, or None."""
        columns = self._plan.columns()
        return None if columns is None else tuple(column[1] for column in columns)

    @property
    def column_types(self) -> tuple[Any, ...] | None:
        """The types of the result's columns, as classes, or None."""
        oids = self.pg_column_types
        return None if oids is None else types_of(oids)

    @property
    def input(self) -> Any:
        """A TupleDesc of the parameters."""
        oids = self.pg_parameter_types
        return described((f"${at}", oid, -1) for at, oid in enumerate(oids, 1))

    @property
    def output(self) -> Any:
        """A TupleDesc of the result's columns; None for a statement without rows."""
        columns = self._plan.columns()
        return None if columns is None else described(columns)


class LazyStatement:
    """A statement of this package, prepared when it is first run."""

    def __init__(self, string: str) -> None:
        self._string = string
        self._made: Statement | None = None

    def first(self, *arguments: Any) -> Any:
        """Run it as `Statement.first` does."""
        if self._made is None:
            self._made = Statement(self._string)
        return self._made.first(*arguments)


def described(columns: Iterable[tuple[str, int, int]]) -> Any:
    """Return a TupleDesc of columns: names, types and typmods."""
    import Postgres

    return Postgres.TupleDesc.of_columns(columns)


def types_of(oids: Iterable[int]) -> tuple[Any, ...]:
    """Return the classes of the types with these OIDs."""
    import Postgres

    return tuple(Postgres.Type(oid) for oid in oids)


def prepare(string: str, *constants: Any) -> Statement:
    """Prepare a statement; the same as `Statement(string, *constants)`."""
    return Statement(string, *constants)


def sqleval(expression: str, *arguments: Any) -> Any:
    """Return the value of an SQL expression.

    `arguments` are the values of `$1`, `$2`, …. An expression of several
    columns is ValueError.
    """
    statement = Statement("SELECT " + expression)
    names = statement.column_names
    if names is None or len(names) != 1:
        raise ValueError(f"not one SQL expression: {expression}")
    return statement.first(*arguments)


def sqlexec(script: str) -> None:
    """Run SQL statements, separated by semicolons, without parameters.

    What they return is thrown away. Transaction control and COPY FROM STDIN
    are errors. If one fails, what those before it did is undone with it.
    """
    native().pl_script(script)
