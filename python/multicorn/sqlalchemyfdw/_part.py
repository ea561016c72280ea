"""One foreign table's part in the remote transaction of its database.

The server tells each table of the savepoints that it knows of; the transaction
is the database's.
"""

import contextlib
from collections.abc import Generator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from multicorn.sqlalchemyfdw._database import Database
from multicorn.sqlalchemyfdw._stream import Stream


class Part:
    """What one table knows of the local transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._levels: set[int] = set()
        self._serializable = False

    @contextlib.contextmanager
    def reading(
        self, statement: sa.Select[Any], *, size: int, many: bool
    ) -> Generator[Stream]:
        """Read inside the transaction, and inside the open savepoints.

        A read that fails undoes more than itself: PostgreSQL gives up all that
        came since the last savepoint.
        """
        session = self.database.session
        with self.database.errors("read from"):
            connection = self._enter()
            stream = session.read(connection, statement, size=size, many=many)
            try:
                yield stream
            finally:
                session.end_read(stream)

    def asking(self) -> Connection:
        """Return the connection, for statements whose rows are fetched at once."""
        connection = self._enter()
        with self.database.errors("read from"):
            self.database.session.settle()
        return connection

    def writing(self) -> Connection:
        """Return the transaction's connection, for statements that write."""
        connection = self._enter()
        with self.database.errors("read from"):
            # Unfinished scans may have to be finished first.
            self.database.session.writing()
        return connection

    def _enter(self) -> Connection:
        return self.database.session.enter(
            self._levels, serializable=self._serializable
        )

    # What the server tells

    def begin(self, *, serializable: bool) -> None:
        """Enter a local transaction."""
        self._serializable = serializable
        self._levels.clear()

    def rest(self) -> None:
        """End a statement's scans."""
        self.database.session.rest()

    def pre_commit(self) -> None:
        """Commit for all tables of the database; later calls find it done."""
        self.database.session.commit()

    def finish(self) -> None:
        """Leave the transaction; what is not committed is undone."""
        self._levels.clear()
        self.database.session.close()

    def sub_begin(self, level: int) -> None:
        """Enter a savepoint; the remote one is made when it is first needed."""
        self._levels.add(level)

    def sub_commit(self, level: int) -> None:
        """Leave a savepoint, keeping its writes."""
        self._levels.discard(level)
        self.database.session.release(level)

    def sub_rollback(self, level: int) -> None:
        """Leave a savepoint, undoing its writes."""
        self._levels.discard(level)
        self.database.session.roll_back_to(level)
