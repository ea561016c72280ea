"""psycopg 3, in both of its forms, and its pools.

Parameters are bound by the server, which infers their types. Nothing is prepared under a name, as the next
statement may reach another session behind a transaction pooler.
"""
# pyright: basic

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import psycopg
from psycopg import AsyncRawCursor, RawCursor
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.json import JsonbLoader, JsonLoader

from wormhole._placeholders import parse
from wormhole.drivers._arguments import prepared
from wormhole.drivers._base import Adapter, AsyncAdapter, Mode, Result

IDLE = TransactionStatus.IDLE
UNKNOWN = TransactionStatus.UNKNOWN
Begun = tuple[bool, Any, Any, Any]


def result(cursor: Any) -> Result:
    """What a cursor got."""
    description = cursor.description
    if description is None:
        return (), (), max(cursor.rowcount, 0)
    return [column.name for column in description], (), max(cursor.rowcount, 0)


def plain_json(cursor: Any) -> None:
    """Frameworks have JSON arrive as text; here it is what it says."""
    cursor.adapters.register_loader("json", JsonLoader)
    cursor.adapters.register_loader("jsonb", JsonbLoader)


def settings(mode: Mode) -> tuple[Any, Any, Any]:
    """The attributes of a connection by which psycopg begins a transaction."""
    mode.clauses()  # complains of what is no level
    level = mode.isolation
    name = None if level is None else level.replace(" ", "_").upper()
    return psycopg.IsolationLevel[name] if name else None, mode.read_only, mode.deferrable


class _Status:
    connection: Any
    begun: Begun | None

    def is_open(self) -> bool:
        return self.connection.info.transaction_status not in (IDLE, UNKNOWN)

    def is_untouched(self) -> bool:
        return self.connection.info.transaction_status == IDLE

    def is_owned(self) -> bool:
        # Psycopg forbids a commit inside of its own transaction blocks.
        blocks = getattr(self.connection, "_num_transactions", 0)
        return self.is_open() and bool(self.begun or self.connection.autocommit or blocks)

    def is_broken(self) -> bool:
        return bool(self.connection.closed)

    def before(self) -> Begun:
        """What `begin` changes, to be put back."""
        c = self.connection
        return c.autocommit, c.isolation_level, c.read_only, c.deferrable


class Psycopg(_Status, Adapter):
    """A `psycopg.Connection`."""

    in_thread = True

    def __init__(self, connection: Any, *, json_is_text: bool = False) -> None:
        super().__init__(connection)
        self.json_is_text = json_is_text
        self.begun: Begun | None = None

    def run(self, sql: str, args: Sequence[Any]) -> Result:
        with RawCursor(self.connection, row_factory=tuple_row) as cursor:
            if self.json_is_text:
                plain_json(cursor)
            cursor.execute(cast("Any", sql), prepared(parse(sql), args), prepare=False)
            if cursor.pgresult is None:
                # In a pipeline, whose answers come when it is asked for them: so it is by another inside.
                with self.connection.pipeline():
                    pass
            columns, rows, count = result(cursor)
            return columns, cursor.fetchall() if columns else rows, count

    def begin(self, mode: Mode) -> None:
        """Nothing is sent: psycopg begins the transaction before the first statement, whoever runs it."""
        isolation, read_only, deferrable = settings(mode)
        if self.is_open():
            if mode.clauses():
                self.run(f"SET TRANSACTION {mode.clauses()}", ())
            return
        self.begun = self.before()
        connection = self.connection
        connection.autocommit = False
        connection.isolation_level = isolation if isolation is not None else connection.isolation_level
        connection.read_only = read_only if read_only is not None else connection.read_only
        connection.deferrable = deferrable if deferrable is not None else connection.deferrable

    def commit(self) -> None:
        try:
            self.connection.commit()
        finally:
            self._restore()

    def rollback(self) -> None:
        try:
            if not self.connection.closed:
                self.connection.rollback()
        except psycopg.OperationalError:
            pass
        finally:
            self._restore()

    def _restore(self) -> None:
        begun, self.begun = self.begun, None
        connection = self.connection
        if begun is None or connection.closed:
            return
        if self.is_open():
            connection.rollback()  # a COMMIT that failed leaves none open; one that could not be sent may
        autocommit, connection.isolation_level, connection.read_only, connection.deferrable = begun
        connection.autocommit = autocommit

    def autocommit(self) -> None:
        self.connection.autocommit = True

    def cancel(self) -> None:
        if not self.connection.closed:
            self.connection.cancel()


class AsyncPsycopg(_Status, AsyncAdapter):
    """A `psycopg.AsyncConnection`."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.begun: Begun | None = None

    async def run(self, sql: str, args: Sequence[Any]) -> Result:
        async with AsyncRawCursor(self.connection, row_factory=tuple_row) as cursor:
            await cursor.execute(cast("Any", sql), prepared(parse(sql), args), prepare=False)
            if cursor.pgresult is None:
                async with self.connection.pipeline():
                    pass
            columns, rows, count = result(cursor)
            return columns, await cursor.fetchall() if columns else rows, count

    async def begin(self, mode: Mode) -> None:
        isolation, read_only, deferrable = settings(mode)
        if self.is_open():
            if mode.clauses():
                await self.run(f"SET TRANSACTION {mode.clauses()}", ())
            return
        self.begun = self.before()
        connection = self.connection
        await connection.set_autocommit(False)
        if isolation is not None:
            await connection.set_isolation_level(isolation)
        if read_only is not None:
            await connection.set_read_only(read_only)
        if deferrable is not None:
            await connection.set_deferrable(deferrable)

    async def commit(self) -> None:
        try:
            await self.connection.commit()
        finally:
            await self._restore()

    async def rollback(self) -> None:
        try:
            if not self.connection.closed:
                await self.connection.rollback()
        except psycopg.OperationalError:
            pass
        finally:
            await self._restore()

    async def _restore(self) -> None:
        begun, self.begun = self.begun, None
        connection = self.connection
        if begun is None or connection.closed:
            return
        if self.is_open():
            await connection.rollback()
        autocommit, isolation, read_only, deferrable = begun
        await connection.set_isolation_level(isolation)
        await connection.set_read_only(read_only)
        await connection.set_deferrable(deferrable)
        await connection.set_autocommit(autocommit)

    async def autocommit(self) -> None:
        await self.connection.set_autocommit(True)


class Pool(Adapter):
    """A `psycopg_pool.ConnectionPool`: a connection for each call, or for the time of a transaction."""

    in_thread = True

    def run(self, sql: str, args: Sequence[Any]) -> Result:
        with self.connection.connection() as connection:
            before, connection.autocommit = connection.autocommit, True
            try:
                return Psycopg(connection).run(sql, args)
            finally:
                if not connection.closed:
                    connection.autocommit = before

    def is_open(self) -> bool:
        return False

    @contextmanager
    def lend(self) -> Iterator[Adapter]:
        with self.connection.connection() as connection:
            yield Psycopg(connection)

    def begin(self, mode: Mode) -> None:
        raise NotImplementedError

    commit = rollback = begin  # type: ignore[assignment]


class AsyncPool(AsyncAdapter):
    """A `psycopg_pool.AsyncConnectionPool`."""

    async def run(self, sql: str, args: Sequence[Any]) -> Result:
        async with self.connection.connection() as connection:
            before = connection.autocommit
            await connection.set_autocommit(True)
            try:
                return await AsyncPsycopg(connection).run(sql, args)
            finally:
                if not connection.closed:
                    await connection.set_autocommit(before)

    def is_open(self) -> bool:
        return False

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[AsyncAdapter]:
        async with self.connection.connection() as connection:
            yield AsyncPsycopg(connection)

    async def begin(self, mode: Mode) -> None:
        raise NotImplementedError

    commit = rollback = begin  # type: ignore[assignment]
