"""The wrapper class: what the server asks, handed to the modules that know."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa

from multicorn._base import ForeignDataWrapper, PathKey
from multicorn._columns import Columns
from multicorn._definitions import SortKey, TableDefinition
from multicorn._exceptions import MulticornException
from multicorn._options import check_names, integer, required
from multicorn._qual import Qual
from multicorn._sentinels import Sentinel
from multicorn.sqlalchemyfdw import (
    _database,
    _direct,
    _estimate,
    _import,
    _sample,
    _statement,
)
from multicorn.sqlalchemyfdw._access import permitted
from multicorn.sqlalchemyfdw._database import Database
from multicorn.sqlalchemyfdw._kinds import Kind, local_kind
from multicorn.sqlalchemyfdw._order import sortable
from multicorn.sqlalchemyfdw._part import Part
from multicorn.sqlalchemyfdw._statement import Request
from multicorn.sqlalchemyfdw._table import RemoteTable, reflect
from multicorn.sqlalchemyfdw._write import Stored, Writer
from multicorn.utils import ERROR

_OPTIONS: Final = (
    *_database.URL_OPTIONS,
    _database.TIMEOUT_OPTION,
    "schema",
    "tablename",
    "primary_key",
    "batch_size",
)

_BATCH_ROWS: Final = "10000"
# More in one INSERT is hardly faster, and all of it is in memory.
_MOST_INSERTED: Final = 5000


class SqlAlchemyFdw(ForeignDataWrapper):
    """A table or view of another database.

    Options: `db_url`, or `drivername`, `username`, `password`, `host`, `port`,
    `database` (single ones win over db_url; the user mapping is the place for
    username and password); `tablename`; `schema`; `primary_key`, the name of
    the column by which rows are changed and looked up, or several with commas
    (default: the remote table's); `batch_size`, how many rows to fetch at a
    time (default 10,000); `lock_timeout`, how long to wait for a remote lock,
    as PostgreSQL writes times (default 10s, 0 for ever). The column option
    `column_name` gives a column's remote name if it differs.

    The first query of a session with a condition, an order or a change
    connects and reflects the table while it is planned, others when they run.
    All tables of one database share one remote transaction, which begins at
    the first scan and is committed in `pre_commit`.
    """

    update_columns: ClassVar[Literal["all", "changed"]] = "changed"

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        check_names("SqlAlchemyFdw", fdw_options, _OPTIONS)
        self._tablename = required("SqlAlchemyFdw", fdw_options, "tablename")
        self._schema = fdw_options.get("schema") or None
        batch = fdw_options.get("batch_size", _BATCH_ROWS)
        self._batch = integer("batch_size", batch, at_least=1)
        self._primary_key = _key_columns(fdw_options.get("primary_key"), fdw_columns)
        self._lock_timeout = _database.lock_timeout_of(fdw_options)
        url = _database.url_of(fdw_options)
        self._backend = url.get_backend_name()
        # The rights are told while the wrapper is made, and not later.
        self._url, self._needs_password = permitted(url, fdw_options)
        self._columns = fdw_columns
        self._remote: RemoteTable | None = None
        self._rows = _estimate.UNKNOWN_ROWS

    @cached_property
    def _database(self) -> Database:
        return _database.database_of(
            self._url,
            needs_password=self._needs_password,
            lock_timeout=self._lock_timeout,
        )

    @cached_property
    def _part(self) -> Part:
        return Part(self._database)

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._part, self._reflected(), self._key())

    def _reflected(self) -> RemoteTable:
        """Return the remote table, asking the remote database once."""
        if self._remote is None:
            database = self._database
            with (
                database.errors("read the definition of a table from"),
                database.session.asking() as connection,
            ):
                remote = reflect(
                    connection, self._tablename, self._schema, self._columns
                )
            rows = remote.facts.rows
            self._rows = self._rows if rows is None else max(1, rows)
            self._remote = remote
        return self._remote

    def _reflected_or_none(self) -> RemoteTable | None:
        """Return the remote table for planning, which must not fail.

        The scan will tell what is wrong.
        """
        try:
            return self._reflected()
        except MulticornException:
            return None

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
        rows = self._fetch(statement, many=not _statement.is_lookup(remote, quals))
        if not self._columns:
            return (() for _ in rows)
        return rows

    def _fetch(
        self, statement: sa.Select[Any], *, many: bool
    ) -> Iterator[Sequence[Any]]:
        with self._part.reading(statement, size=self._batch, many=many) as rows:
            yield from rows

    def end_scan(self) -> None:
        """Let others write to a SQLite file that was only read."""
        self._part.rest()

    def explain(
        self,
        quals: Sequence[Qual],
        columns: set[str],
        sortkeys: Sequence[SortKey] | None = None,
        verbose: bool = False,  # noqa: FBT001, FBT002 - the contract's signature
        limit: int | Sentinel | None = None,
        offset: int | Sentinel | None = None,
    ) -> list[str]:
        """Show the remote statement; this connects at the first time.

        What is not known yet is `UNBOUND`, and shown as a question mark.
        """
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
        remote = self._reflected_or_none()
        return [] if remote is None else sortable(remote.columns, sortkeys)

    def _may_sort(self, key: SortKey) -> bool:
        definition = self._columns.get(key.attname)
        kind = None if definition is None else local_kind(definition)
        return kind is not None and (kind is not Kind.TEXT or key.collate is not None)

    def can_limit(
        self, limit: int | Sentinel | None, offset: int | Sentinel | None
    ) -> bool:
        """Take over LIMIT and OFFSET; SQL Server needs an order for OFFSET.

        A parameter that is not known yet may turn out to be one.
        """
        del limit
        return not (offset and self._backend == "mssql")

    def can_filter(self, quals: Sequence[Qual]) -> Sequence[Qual]:
        """Return the conditions that the remote database applies exactly; connects."""
        remote = self._reflected_or_none() if quals else None
        if remote is None:
            return []
        return [qual for qual in quals if _statement.is_exact(remote, qual)]

    # Writing

    def _row_key(self) -> tuple[str, ...]:
        """Return the columns that identify a row; connects without the option."""
        if not self._primary_key:
            self._reflected()
        key = self._key()
        if key:
            return key
        raise MulticornException(
            f'the foreign table for "{self._tablename}" cannot be changed:'
            " nothing identifies a row",
            ERROR,
            hint="The remote table has no primary key. Name the columns that do in"
            ' the table\'s option "primary_key", with commas.',
        )

    @property
    def rowid_column(self) -> str:
        """The primary key's column, if it is one."""
        return self._row_key()[0]

    @property
    def rowid_columns(self) -> Sequence[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The primary key's columns, if there are several."""
        key = self._row_key()
        return key if len(key) > 1 else ()

    @property
    def modify_batch_size(self) -> int:
        """How many rows go into one INSERT."""
        return min(self._batch, _MOST_INSERTED)

    def insert(self, values: dict[str, Any], on_conflict: str | None = None) -> Stored:
        """Insert one row and return it as stored."""
        return self._writer.insert(values, on_conflict)

    def bulk_insert(
        self, all_values: list[dict[str, Any]], on_conflict: str | None = None
    ) -> Sequence[Stored] | None:
        """Insert rows that nobody reads as stored."""
        return self._writer.insert_many(all_values, on_conflict)

    def update(self, rowid: Any, newvalues: dict[str, Any]) -> Stored:
        """Change the row with this primary key."""
        return self._writer.update(rowid, newvalues)

    def delete(self, rowid: Any) -> Stored:
        """Remove the row with this primary key, and return it as it was."""
        return self._writer.delete(rowid)

    def update_where(self, quals: Sequence[Qual], assignments: dict[str, Any]) -> int:
        """Change rows by one remote UPDATE."""
        return _direct.update(self._part, self._reflected(), quals, assignments)

    def delete_where(self, quals: Sequence[Qual]) -> int:
        """Remove rows by one remote DELETE."""
        return _direct.delete(self._part, self._reflected(), quals)

    def truncate(self, restart_identity: bool, cascade: bool) -> None:  # noqa: FBT001 - the contract's signature
        """Remove all rows: by TRUNCATE in PostgreSQL, by DELETE elsewhere."""
        _direct.truncate(
            self._part,
            self._reflected(),
            restart_identity=restart_identity,
            cascade=cascade,
        )

    # Statistics

    def sample(self, n: int) -> tuple[_sample.Rows, float]:
        """Return rows at random, chosen remotely where the database can."""
        remote = self._reflected()
        connection = self._part.asking()
        with self._database.errors("read from"):
            found = _sample.in_database(connection, remote, n)
        if found is None:
            found = _sample.reservoir(self.execute([], set(self._columns)), n)
        self._rows = max(1, round(found[1]))
        return found

    # Transactions

    def begin(self, serializable: int) -> None:
        """Remember the isolation; the remote transaction begins when it must."""
        self._part.begin(serializable=bool(serializable))

    def pre_commit(self) -> None:
        """Commit remotely, while the local transaction can still fail."""
        self._part.pre_commit()

    def commit(self) -> None:
        """Return the connection."""
        self._part.finish()

    def rollback(self) -> None:
        """Undo the remote writes and return the connection."""
        self._part.finish()

    def sub_begin(self, level: int) -> None:
        """Remember the savepoint."""
        self._part.sub_begin(level)

    def sub_commit(self, level: int) -> None:
        """Release the remote savepoint, if there is one."""
        self._part.sub_commit(level)

    def sub_rollback(self, level: int) -> None:
        """Undo the remote writes since the savepoint."""
        self._part.sub_rollback(level)

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
