"""INSERT, UPDATE and DELETE on the remote table, inside one transaction."""

import weakref
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from multicorn.sqlalchemyfdw._database import Database
from multicorn.sqlalchemyfdw._session import Session
from multicorn.sqlalchemyfdw._table import RemoteTable

# Tables of the same database find the same session here.
_sessions: Final[weakref.WeakKeyDictionary[Database, Session]] = (
    weakref.WeakKeyDictionary()
)


class Writer:
    """One table's part in the writing transaction of its database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._levels: set[int] = set()
        self._serializable = False

    @property
    def _session(self) -> Session:
        session = _sessions.get(self._database)
        if session is None:
            session = _sessions[self._database] = Session(self._database)
        return session

    @property
    def connection(self) -> Connection | None:
        """The open connection of the transaction's writes, if any."""
        session = _sessions.get(self._database)
        return None if session is None else session.connection

    def reading(self) -> Connection | None:
        """Return the connection whose reads see the transaction's writes, if any.

        It is inside the open savepoints, since a read that fails undoes more
        than itself: PostgreSQL gives up all that came since the last one.
        """
        session = _sessions.get(self._database)
        if session is None or session.connection is None:
            return None
        return self._enter()

    def _enter(self) -> Connection:
        return self._session.enter(self._levels, serializable=self._serializable)

    # Rows

    def insert(
        self, remote: RemoteTable, values: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Insert one row; return it as stored where the dialect can tell."""
        return self._changed(
            remote, remote.table.insert().values(_given(remote, values))
        )

    def insert_many(
        self, remote: RemoteTable, rows: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        """Insert the rows; return them as stored where the dialect can tell."""
        if self._returns("insert"):
            # One by one: the order of a many-row RETURNING is not promised.
            stored = [self.insert(remote, values) for values in rows]
            return [row for row in stored if row is not None]
        given = [_given(remote, values) for values in rows]
        connection = self._enter()
        with self._database.errors("insert into"):
            for same in _by_columns(given):
                connection.execute(remote.table.insert(), same)
        return None

    def update(
        self,
        remote: RemoteTable,
        key: str,
        rowid: Any,
        values: Mapping[str, Any],
    ) -> dict[str, Any] | None:
        """Change the row whose key is `rowid`."""
        column = remote.columns[key].column
        new = {remote.columns[name].column.name: v for name, v in values.items()}
        statement = remote.table.update().where(column == rowid).values(new)
        return self._changed(remote, statement)

    def delete(self, remote: RemoteTable, key: str, rowid: Any) -> None:
        """Remove the row whose key is `rowid`."""
        column = remote.columns[key].column
        connection = self._enter()
        with self._database.errors("delete from"):
            connection.execute(remote.table.delete().where(column == rowid))

    def _returns(self, what: str) -> bool:
        return bool(getattr(self._database.engine.dialect, f"{what}_returning"))

    def _changed(
        self, remote: RemoteTable, statement: sa.Insert | sa.Update
    ) -> dict[str, Any] | None:
        what = "insert" if isinstance(statement, sa.Insert) else "update"
        connection = self._enter()
        with self._database.errors(f"{what} rows of"):
            if not self._returns(what):
                connection.execute(statement)
                return None
            readers = [column.reader for column in remote.columns.values()]
            row = connection.execute(statement.returning(*readers)).first()
        return None if row is None else dict(zip(remote.columns, row, strict=True))

    # Transaction

    def begin(self, *, serializable: bool) -> None:
        """Enter a local transaction."""
        self._serializable = serializable
        self._levels.clear()

    def pre_commit(self) -> None:
        """Commit for all tables of the database; later calls find it done."""
        session = _sessions.get(self._database)
        if session is not None:
            session.commit()

    def finish(self) -> None:
        """Leave the transaction; what is not committed is undone."""
        self._levels.clear()
        session = _sessions.get(self._database)
        if session is not None:
            session.close()

    def sub_begin(self, level: int) -> None:
        """Enter a savepoint; the remote one is made by the first write in it."""
        self._levels.add(level)

    def sub_commit(self, level: int) -> None:
        """Leave a savepoint, keeping its writes."""
        self._levels.discard(level)
        session = _sessions.get(self._database)
        if session is not None:
            session.release(level)

    def sub_rollback(self, level: int) -> None:
        """Leave a savepoint, undoing its writes."""
        self._levels.discard(level)
        session = _sessions.get(self._database)
        if session is not None:
            session.roll_back_to(level)


def _given(remote: RemoteTable, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by remote name, without keys that are NULL.

    An INSERT that leaves out a serial column passes NULL for it; left out, the
    remote database gives it the next number.
    """
    key = set(remote.primary_key)
    return {
        remote.columns[name].column.name: value
        for name, value in values.items()
        if name in remote.columns and not (value is None and name in key)
    }


def _by_columns(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Split the rows where the set of given columns changes."""
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        if groups and groups[-1][0].keys() == row.keys():
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups
