"""The remote transaction that carries the writes of a local one.

All tables of one database share it: two connections that write to the same
SQLite file would wait for each other for ever. It begins at the first write.
Savepoints follow the local ones, made when a write first needs them.

The remote commit happens in `pre_commit`, while the local transaction can
still fail. If the local commit fails after that, or another database's
`pre_commit` does, the remote writes stay: there is no two-phase commit.
"""

from collections.abc import Iterable

from sqlalchemy.engine import Connection, NestedTransaction

from multicorn.sqlalchemyfdw._database import Database
from multicorn.sqlalchemyfdw._kinds import SQLITE


class Session:
    """The writing connection of one database, if a write has happened."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._savepoints: dict[int, NestedTransaction] = {}

    @property
    def connection(self) -> Connection | None:
        """The open connection, whose reads see the writes; None without."""
        return self._connection

    def enter(self, levels: Iterable[int], *, serializable: bool) -> Connection:
        """Return the connection, inside savepoints for all these levels."""
        connection = self._connection
        if connection is None:
            connection = self._connection = self._begin(serializable=serializable)
        for level in sorted(levels):
            if level not in self._savepoints:
                with self._database.errors("set a savepoint in"):
                    self._savepoints[level] = connection.begin_nested()
        return connection

    def _begin(self, *, serializable: bool) -> Connection:
        connection = self._database.connect()
        with self._database.errors("begin a transaction in"):
            if self._database.dialect == SQLITE:
                connection.begin()
                # The driver begins only at the first write. A savepoint would
                # come before it, and releasing that savepoint would commit.
                connection.exec_driver_sql("BEGIN")
                return connection
            if serializable:
                connection = connection.execution_options(
                    isolation_level="SERIALIZABLE"
                )
            connection.begin()
        return connection

    def release(self, level: int) -> None:
        """Keep the writes of this level as the level above's."""
        with self._database.errors("release a savepoint in"):
            for savepoint in self._take(level):
                savepoint.commit()

    def roll_back_to(self, level: int) -> None:
        """Undo the writes of this level and all below it."""
        with self._database.errors("roll back to a savepoint in"):
            for savepoint in self._take(level):
                savepoint.rollback()

    def _take(self, level: int) -> list[NestedTransaction]:
        """Forget this level's savepoint and deeper ones; the innermost first."""
        levels = sorted(each for each in self._savepoints if each >= level)
        return [self._savepoints.pop(each) for each in reversed(levels)]

    def commit(self) -> None:
        """Commit the writes; without any, do nothing. May raise."""
        if self._connection is None:
            return
        with self._database.errors("commit in"):
            self._connection.commit()
        self.close()

    def close(self) -> None:
        """Give up what is not committed, and return the connection."""
        connection, self._connection = self._connection, None
        self._savepoints.clear()
        if connection is not None:
            connection.close()
