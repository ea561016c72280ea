"""The wrapper class: options, scans, and what the planner asks."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from multicorn._base import ForeignDataWrapper, PathKey
from multicorn._columns import Columns
from multicorn._definitions import SortKey, TableDefinition
from multicorn._exceptions import MulticornException
from multicorn._options import check_names, integer, required
from multicorn._qual import Qual
from multicorn.sqlalchemyfdw import _database, _estimate, _import, _statement
from multicorn.sqlalchemyfdw._access import permitted
from multicorn.sqlalchemyfdw._database import Database
from multicorn.sqlalchemyfdw._kinds import Kind, local_kind
from multicorn.sqlalchemyfdw._order import sortable
from multicorn.sqlalchemyfdw._statement import Request
from multicorn.sqlalchemyfdw._table import RemoteTable, reflect
from multicorn.sqlalchemyfdw._write import Writer

_OPTIONS: Final = (
    *_database.URL_OPTIONS,
    "schema",
    "tablename",
    "primary_key",
    "batch_size",
)

_BATCH_ROWS: Final = "10000"


class SqlAlchemyFdw(ForeignDataWrapper):
    """A table or view of another database.

    Options: `db_url`, or `drivername`, `username`, `password`, `host`, `port`,
    `database` (single ones win over db_url; the user mapping is the place for
    username and password); `tablename`; `schema`; `primary_key`, the name of
    the column by which rows are changed and looked up; `batch_size`, how many
    rows to fetch at a time (default 10,000). The column option `column_name`
    gives a column's remote name if it differs.

    The first scan, EXPLAIN or sorted query of a session connects and reflects
    the table; planning alone does not.
    """

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        check_names("SqlAlchemyFdw", fdw_options, _OPTIONS)
        self._tablename = required("SqlAlchemyFdw", fdw_options, "tablename")
        self._schema = fdw_options.get("schema") or None
        batch = fdw_options.get("batch_size", _BATCH_ROWS)
        self._batch = integer("batch_size", batch, at_least=1)
        self._primary_key = _key_columns(fdw_options.get("primary_key"), fdw_columns)
        url = _database.url_of(fdw_options)
        self._backend = url.get_backend_name()
        # The rights are told while the wrapper is made, and not later.
        self._url, self._needs_password = permitted(url, fdw_options)
        self._columns = fdw_columns
        self._remote: RemoteTable | None = None
        self._rows = _estimate.UNKNOWN_ROWS
        self._idle: Connection | None = None

    @cached_property
    def _database(self) -> Database:
        return _database.database_of(self._url, needs_password=self._needs_password)

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._database)

    def _reflected(self) -> RemoteTable:
        """Return the remote table, asking the remote database once."""
        if self._remote is None:
            # Planning may end here, so the connection goes back to the pool.
            with self._database.connect() as connection:
                with self._database.errors("read the definition of a table from"):
                    remote = reflect(
                        connection, self._tablename, self._schema, self._columns
                    )
                    connection.rollback()
                rows = _estimate.known_rows(connection, remote.table)
            self._rows = self._rows if rows is None else max(1, rows)
            self._remote = remote
        return self._remote

    # Connections: a nested loop scans thousands of times, and taking one from
    # the pool costs more than a look-up. One is kept between scans.

    def _borrow(self) -> Connection:
        connection, self._idle = self._idle, None
        return self._database.connect() if connection is None else connection

    def _give_back(self, connection: Connection) -> None:
        if self._idle is None and not connection.invalidated:
            self._idle = connection
        else:
            connection.close()

    def end_scan(self) -> None:
        """Return the connection to the pool."""
        connection, self._idle = self._idle, None
        if connection is not None:
            connection.close()

    # Scans

    def execute(
        self,
        quals: Sequence[Qual],
        columns: set[str],
        sortkeys: Sequence[SortKey] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Iterator[Sequence[Any]]:
        """Fetch the rows in batches."""
        remote = self._reflected()
        request = Request(quals, columns, sortkeys, limit, offset)
        statement = _statement.select(remote, request)
        rows = self._fetch(statement, stream=not _statement.is_lookup(remote, quals))
        if not self._columns:
            return (() for _ in rows)
        return rows

    def _fetch(
        self, statement: sa.Select[Any], *, stream: bool
    ) -> Iterator[Sequence[Any]]:
        writing = self._writer.reading()
        if writing is not None:
            # The transaction's own writes are visible on its connection only.
            parallel = self._database.streams_in_parallel
            with self._database.errors("read from"):
                result = self._run(writing, statement, stream=stream and parallel)
                yield from map(tuple, result if parallel else result.all())
            return
        connection = self._borrow()
        try:
            with self._database.errors("read from"):
                result = self._run(connection, statement, stream=stream)
                try:
                    yield from map(tuple, result)
                finally:
                    result.close()
        except GeneratorExit:
            raise
        except BaseException:
            # In the middle of an answer the connection is of no more use.
            connection.invalidate()
            raise
        finally:
            self._give_back(connection)

    def _run(
        self, connection: Connection, statement: sa.Select[Any], *, stream: bool
    ) -> CursorResult[Any]:
        options: dict[str, Any] = {}
        if stream:
            options = {"stream_results": True, "yield_per": self._batch}
        return connection.execute(statement, execution_options=options)

    def explain(
        self,
        quals: Sequence[Qual],
        columns: set[str],
        sortkeys: Sequence[SortKey] | None = None,
        verbose: bool = False,  # noqa: FBT001, FBT002 - the contract's signature
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[str]:
        """Show the remote statement; this connects at the first time."""
        try:
            remote = self._reflected()
        except MulticornException as error:
            return [f"Remote SQL is not known: {error}"]
        request = Request(quals, columns, sortkeys, limit, offset)
        statement = _statement.select(remote, request, for_reading=False)
        lines = _statement.explain(statement, self._database.engine.dialect)
        return (
            [f"Remote database: {self._database.shown}", *lines] if verbose else lines
        )

    # Planning

    def get_rel_size(self, quals: Sequence[Qual], columns: set[str]) -> tuple[int, int]:
        """Guess without connecting."""
        key = self._key()
        rows = _estimate.selected_rows(self._rows, quals, key)
        return (rows, max(1, _estimate.width(self._columns, columns)))

    def _key(self) -> tuple[str, ...]:
        if self._primary_key or self._remote is None:
            return self._primary_key
        return self._remote.primary_key

    def get_path_keys(self) -> Sequence[PathKey]:
        """Return the primary key, as far as it is known."""
        key = self._key()
        return [(key, 1)] if key else []

    def can_sort(self, sortkeys: Sequence[SortKey]) -> Sequence[SortKey]:
        """Return the keys that the remote database sorts as the server does.

        Connects if the first key is of a type that may be sorted remotely.
        """
        if not sortkeys or not self._may_sort(sortkeys[0]):
            return []
        try:
            remote = self._reflected()
        except MulticornException:
            # The scan will tell; planning must not fail for it.
            return []
        return sortable(remote.columns, sortkeys)

    def _may_sort(self, key: SortKey) -> bool:
        definition = self._columns.get(key.attname)
        kind = None if definition is None else local_kind(definition)
        return kind is not None and (kind is not Kind.TEXT or key.collate is not None)

    def can_limit(self, limit: int | None, offset: int | None) -> bool:
        """Take over LIMIT and OFFSET; SQL Server needs an order for OFFSET."""
        del limit
        return not (offset and self._backend == "mssql")

    # Writing and transactions

    @property
    def rowid_column(self) -> str:
        """The column that the option `primary_key` names."""
        if len(self._primary_key) == 1:
            return self._primary_key[0]
        raise MulticornException(
            f'the foreign table for "{self._tablename}" cannot be changed:'
            " no single column identifies a row",
            hint="Set the table's option \"primary_key\" to one column's name.",
        )

    @property
    def modify_batch_size(self) -> int:
        """How many rows go into one INSERT."""
        return min(self._batch, 1000)

    def insert(self, values: dict[str, Any]) -> dict[str, Any] | None:
        """Insert one row and return it as stored."""
        return self._writer.insert(self._reflected(), values)

    def bulk_insert(
        self, all_values: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        """Insert rows in one statement."""
        return self._writer.insert_many(self._reflected(), all_values)

    def update(self, rowid: Any, newvalues: dict[str, Any]) -> dict[str, Any] | None:
        """Change the row with this primary key."""
        return self._writer.update(
            self._reflected(), self.rowid_column, rowid, newvalues
        )

    def delete(self, rowid: Any) -> None:
        """Remove the row with this primary key."""
        self._writer.delete(self._reflected(), self.rowid_column, rowid)

    def begin(self, serializable: int) -> None:
        """Remember the isolation; the remote transaction begins at a write."""
        self._writer.begin(serializable=bool(serializable))

    def pre_commit(self) -> None:
        """Commit remotely, while the local transaction can still fail."""
        self._writer.pre_commit()

    def commit(self) -> None:
        """Return the connections."""
        self._finish()

    def rollback(self) -> None:
        """Undo the remote writes and return the connections."""
        self._finish()

    def _finish(self) -> None:
        self._writer.finish()
        self.end_scan()

    def sub_begin(self, level: int) -> None:
        """Remember the savepoint."""
        self._writer.sub_begin(level)

    def sub_commit(self, level: int) -> None:
        """Release the remote savepoint, if a write made one."""
        self._writer.sub_commit(level)

    def sub_rollback(self, level: int) -> None:
        """Undo the remote writes since the savepoint."""
        self._writer.sub_rollback(level)

    @classmethod
    def import_schema(
        cls,
        schema: str,
        srv_options: Mapping[str, str],
        options: Mapping[str, str],
        restriction_type: str | None,
        restricts: Sequence[str],
    ) -> list[TableDefinition]:
        """Return the remote schema's tables and views."""
        check_names("SqlAlchemyFdw", {**srv_options, **options}, _IMPORT_OPTIONS)
        return _import.tables(
            schema, {**srv_options, **options}, restriction_type, restricts
        )


_IMPORT_OPTIONS: Final = (*_OPTIONS, _import.VIEWS_OPTION)


def _key_columns(option: str | None, columns: Columns) -> tuple[str, ...]:
    """Return the key's columns: one name, or several between commas."""
    if not option:
        return ()
    if option in columns:
        return (option,)
    names = tuple(name.strip() for name in option.split(","))
    for name in names:
        if name not in columns:
            raise MulticornException(
                f'the option "primary_key" names the column "{name}",'
                " which the table does not have"
            )
    return names
