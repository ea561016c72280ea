"""The remote transaction that belongs to a local one.

All tables of one database share it: two connections that write to the same
SQLite file would wait for each other for ever, and two that read need not see
the same state. It begins at the first scan or write, and savepoints follow the
local ones, made when something first happens inside them.

The remote commit happens in `pre_commit`, while the local transaction can
still fail. If the local commit fails after that, or another database's
`pre_commit` does, the remote writes stay: there is no two-phase commit.

The one danger: a transaction that the remote database has given up. PostgreSQL
answers its COMMIT by undoing it, and a connection made anew would know nothing
of the writes before. Both are errors here, never a commit.
"""

import contextlib
import weakref
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection, NestedTransaction

from multicorn._exceptions import MulticornException
from multicorn.sqlalchemyfdw._errors import CONNECTION_FAILURE, UNKNOWN_OUTCOME
from multicorn.sqlalchemyfdw._kinds import POSTGRESQL, SQLITE
from multicorn.sqlalchemyfdw._stream import Stream
from multicorn.utils import ERROR

if TYPE_CHECKING:
    from multicorn.sqlalchemyfdw._database import Database

# libpq's PQTRANS_INERROR.
_FAILED = 3


class Session:
    """The connection that carries the running transaction, if there is one."""

    def __init__(self, database: "Database") -> None:
        # The database owns the session.
        self._database: Database = weakref.proxy(database)
        self._connection: Connection | None = None
        self._savepoints: dict[int, NestedTransaction] = {}
        self._streams: list[Stream] = []
        self._serializable = False
        self._written = False

    @property
    def connection(self) -> Connection | None:
        """The transaction's connection; None before anything has happened."""
        return self._connection

    def enter(self, levels: Iterable[int], *, serializable: bool) -> Connection:
        """Return the connection, inside savepoints for all these levels."""
        connection = self._connection
        if connection is None:
            connection = self._begin(serializable=serializable)
            self._connection, self._serializable = connection, serializable
        self._insist_on_connection(connection)
        missing = sorted(set(levels).difference(self._savepoints))
        if missing:
            self.settle()
            with self._database.errors("set a savepoint in"):
                for level in missing:
                    self._savepoints[level] = connection.begin_nested()
        return connection

    def _begin(self, *, serializable: bool) -> Connection:
        connection = self._database.connect()
        try:
            with self._database.errors("begin a transaction in"):
                if self._database.dialect == SQLITE:
                    connection.begin()
                    # The driver begins only at the first write. A savepoint
                    # would come before it, and its release would commit.
                    connection.exec_driver_sql("BEGIN")
                    return connection
                if serializable:
                    connection = connection.execution_options(
                        isolation_level="SERIALIZABLE"
                    )
                connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    def _insist_on_connection(self, connection: Connection) -> None:
        if connection.invalidated:
            writes = ", and with it what it had written there" if self._written else ""
            raise MulticornException(
                "this transaction has lost its connection to"
                f" {self._database.shown}{writes}",
                ERROR,
                hint="Roll it back; the next transaction connects anew.",
                sqlstate=CONNECTION_FAILURE,
            )

    # Statements

    def read(
        self,
        connection: Connection,
        statement: sa.Select[Any],
        *,
        size: int,
        many: bool,
    ) -> Stream:
        """Begin to read; with `many`, the rows are not fetched all at once."""
        if self._database.dialect != SQLITE:
            self.settle()
        options: dict[str, Any] = {}
        if many:
            options = {"stream_results": True, "yield_per": size}
        result = connection.execute(statement, execution_options=options)
        stream = Stream(result, max(self._savepoints, default=1))
        self._streams.append(stream)
        return stream

    def end_read(self, stream: Stream) -> None:
        """Close a stream, wherever it is in its rows."""
        if stream in self._streams:
            self._streams.remove(stream)
        stream.close()

    def writing(self) -> None:
        """Prepare for a statement that writes."""
        self.settle()
        self._written = True

    def settle(self) -> None:
        """Let other statements on the connection, while streams are unfinished.

        PostgreSQL has cursors for that. In SQLite a scan that goes on after a
        write may or may not see it; others have one result at a time.
        """
        if self._database.dialect == POSTGRESQL:
            return
        for stream in self._streams:
            stream.keep()

    def rest(self) -> None:
        """Let go of the locks of a statement that only read.

        While a transaction has read from a SQLite file, nobody can write to it.
        """
        idle = not (self._written or self._serializable or self._streams)
        if idle and self._database.dialect == SQLITE:
            self.close()

    @contextlib.contextmanager
    def asking(self) -> Generator[Connection]:
        """Lend a connection for questions while planning.

        It is the transaction's own if there is one: another would wait for its
        locks, and in a database in memory it would be the same one anyway.
        """
        connection = self._connection
        if connection is not None and not connection.invalidated:
            self.settle()
            savepoint = connection.begin_nested()
            try:
                yield connection
            except BaseException:
                with self._or_lost(connection, "roll back to a savepoint in"):
                    savepoint.rollback()
                raise
            with self._or_lost(connection, "release a savepoint in"):
                savepoint.commit()
            return
        # Planning may end here, so the connection goes back to the pool.
        with self._database.connect() as connection:
            yield connection
            connection.rollback()

    # Savepoints

    def release(self, level: int) -> None:
        """Keep the writes of this level as the level above's."""
        connection = self._connection
        savepoints = self._take(level)
        for stream in self._streams:
            stream.level = min(stream.level, max(self._savepoints, default=1))
        if connection is None or not savepoints:
            return
        self._insist_on_connection(connection)
        with self._or_lost(connection, "release a savepoint in"):
            self.settle()
            for savepoint in savepoints:
                savepoint.commit()

    def roll_back_to(self, level: int) -> None:
        """Undo the writes of this level and all below it."""
        connection = self._connection
        savepoints = self._take(level)
        if connection is None or connection.invalidated:
            # Whatever comes next is told that all is lost.
            return
        # Their cursors go with the savepoint, and must not be closed after it.
        for stream in [each for each in self._streams if each.level >= level]:
            self.end_read(stream)
        with self._or_lost(connection, "roll back to a savepoint in"):
            if savepoints:
                self.settle()
            for savepoint in savepoints:
                savepoint.rollback()

    @contextlib.contextmanager
    def _or_lost(self, connection: Connection, doing: str) -> Generator[None]:
        """Give up the whole transaction if a savepoint cannot be ended.

        MySQL ends all of it after a deadlock. What was to be undone might
        otherwise be committed, or what was to be kept be missing.
        """
        try:
            with self._database.errors(doing):
                yield
        except BaseException:
            connection.invalidate()
            raise

    def _take(self, level: int) -> list[NestedTransaction]:
        """Forget this level's savepoint and deeper ones; the innermost first."""
        levels = sorted(each for each in self._savepoints if each >= level)
        return [self._savepoints.pop(each) for each in reversed(levels)]

    # The end

    def commit(self) -> None:
        """Commit the writes; without any, do nothing. May raise.

        What was only read needs no commit, but under SERIALIZABLE, where the
        commit says whether the reads can stand. A remote server that is gone
        by now does not undo the local transaction.
        """
        connection = self._connection
        if connection is None or not (self._written or self._serializable):
            return
        self._insist_on_connection(connection)
        self._end_streams()
        with self._database.errors("commit in"):
            self._insist_on_sound(connection)
        self._commit(connection)
        # Nothing else here, not even the connection's return to its pool: what
        # fails now fails the local transaction, and the remote one is done.
        self._serializable = self._written = False

    def _commit(self, connection: Connection) -> None:
        try:
            with self._database.errors("commit in"):
                connection.commit()
        except MulticornException as error:
            if error.sqlstate == CONNECTION_FAILURE:
                error.sqlstate = UNKNOWN_OUTCOME
                error.hint = (
                    "The connection was lost during the remote COMMIT: look there"
                    " whether it was done. Here all is rolled back."
                )
            raise

    def _insist_on_sound(self, connection: Connection) -> None:
        """Raise if the remote transaction has failed without our knowing."""
        if self._database.dialect != POSTGRESQL:
            return
        driver: Any = connection.connection.dbapi_connection
        info: Any = getattr(driver, "info", None)
        status = cast("int | None", getattr(info, "transaction_status", None))
        if status is None:
            connection.exec_driver_sql("SELECT 1")
        elif int(status) == _FAILED:
            raise MulticornException(
                f"could not commit in {self._database.shown}: the remote transaction"
                " has failed",
                ERROR,
                sqlstate="25P02",
            )

    def _end_streams(self) -> None:
        for stream in list(self._streams):
            self.end_read(stream)

    def close(self) -> None:
        """Give up what is not committed, and return the connection."""
        connection, self._connection = self._connection, None
        self._savepoints.clear()
        self._serializable = self._written = False
        if connection is None:
            self._streams.clear()
            return
        try:
            # First, since it ends all cursors at once.
            connection.rollback()
            self._end_streams()
        except exc.SQLAlchemyError:
            # Lost, and with it the remote transaction: that is what is wanted.
            connection.invalidate()
            self._streams.clear()
        finally:
            connection.close()
