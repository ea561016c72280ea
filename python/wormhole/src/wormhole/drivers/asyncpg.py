"""asyncpg.

The server says which types parameters and columns have; JSON, which asyncpg leaves as text, is read and
written by that. A connection made with `statement_cache_size=0` is taken to be behind a transaction pooler:
a statement outside of a transaction, which asyncpg sends in two steps, gets one of its own.
"""
# pyright: basic

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from wormhole.drivers._arguments import as_text, json_text
from wormhole.drivers._base import AsyncAdapter, Mode, Result

JSON = {"json", "jsonb"}
TEXT = {"text", "varchar", "bpchar", "name"}
KEPT = 100
"""How many prepared statements a connection keeps, as many as asyncpg keeps itself."""


def is_pooled(connection: Any) -> bool:
    """Whether each transaction may reach another session."""
    return getattr(getattr(connection, "_config", None), "statement_cache_size", 1) == 0


class Asyncpg(AsyncAdapter):
    """An `asyncpg.Connection`, or one lent by its pool."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.statements: OrderedDict[str, Any] = OrderedDict()
        self.transaction: Any = None
        self.begun: int | None = None
        """How many statements the connection had sent when the transaction had begun."""
        self.pooled = is_pooled(connection)

    async def run(self, sql: str, args: Sequence[Any]) -> Result:
        if self.pooled and not self.is_open():
            async with self.connection.transaction():
                return await self._run(await self.connection.prepare(sql), args)
        if self.pooled:
            return await self._run(await self.connection.prepare(sql), args)
        kept = self.statements.get(sql)
        if kept is None:
            return await self._run(await self._prepare(sql), args)
        self.statements.move_to_end(sql)
        try:
            return await self._run(kept, args)
        except (
            asyncpg.InvalidSQLStatementNameError,
            asyncpg.InvalidCachedStatementError,
            asyncpg.InterfaceError,
        ):
            del self.statements[sql]
            if self.is_open():
                raise  # the transaction is lost by it
            return await self._run(await self._prepare(sql), args)

    async def call(self, sql: str, args: Sequence[str | None]) -> Iterable[Sequence[Any]]:
        """Asyncpg's own statements are enough, which survive that a pool lends the connection again."""
        if self.pooled:
            return await super().call(sql, args)
        try:
            return await self.connection.fetch(sql, *args)
        except asyncpg.InvalidSQLStatementNameError:
            if self.is_open():
                raise  # the transaction is lost by it
            return await super().call(sql, args)

    async def _prepare(self, sql: str) -> Any:
        made = await self.connection.prepare(sql)
        self.statements[sql] = made
        if len(self.statements) > KEPT:
            self.statements.popitem(last=False)
        return made

    async def _run(self, statement: Any, args: Sequence[Any]) -> Result:
        kinds = [kind.name for kind in statement.get_parameters()]
        values = [_argument(kind, arg) for kind, arg in zip(kinds, args, strict=True)]
        records = await statement.fetch(*values)
        attributes = statement.get_attributes()
        columns = [attribute.name for attribute in attributes]
        readers = {at: READERS[a.type.name] for at, a in enumerate(attributes) if a.type.name in READERS}
        return columns, [_row(record, readers) for record in records], _count(statement.get_statusmsg())

    def is_open(self) -> bool:
        return self.connection.is_in_transaction()

    def is_untouched(self) -> bool:
        return self.begun is not None and self.begun == self._sent()

    def _sent(self) -> int | None:
        # asyncpg counts for its pools; without the count nothing is taken to be untouched.
        return getattr(getattr(self.connection, "_protocol", None), "queries_count", None)

    def is_broken(self) -> bool:
        try:
            return self.connection.is_closed()
        except asyncpg.InterfaceError:
            return True  # a pool takes a connection that is lost back at once

    async def begin(self, mode: Mode) -> None:
        clauses = mode.clauses()
        self.transaction = self.connection.transaction(
            isolation=mode.isolation.replace(" ", "_").lower() if mode.isolation else None,
            readonly=bool(mode.read_only),
            deferrable=bool(mode.deferrable),
        )
        await self.transaction.start()
        try:
            if mode.read_only is False:
                await self.connection.execute(f"SET TRANSACTION {clauses}")
        except BaseException:
            await self.rollback()
            raise
        self.begun = self._sent()

    async def commit(self) -> None:
        transaction, self.transaction, self.begun = self.transaction, None, None
        await transaction.commit()

    async def rollback(self) -> None:
        transaction, self.transaction, self.begun = self.transaction, None, None
        if transaction is not None and not self.is_broken():
            await transaction.rollback()


def _argument(kind: str, value: Any) -> Any:
    """What asyncpg takes for a parameter of this type: it is stricter than the server."""
    if value is None:
        return None
    if kind in JSON:
        return json_text(value)
    return as_text(value) if kind in TEXT else value


def as_uuid(value: Any) -> Any:
    """Asyncpg has a class of its own, which no other driver and no remote function knows."""
    if isinstance(value, list):
        return [as_uuid(item) for item in value]
    return None if value is None else UUID(bytes=value.bytes)


def _json(value: Any) -> Any:
    return None if value is None else json.loads(value)


READERS: dict[str, Callable[[Any], Any]] = {"json": _json, "jsonb": _json, "uuid": as_uuid, "uuid[]": as_uuid}
"""What is done to the values of a column of these types."""


def _row(record: Any, readers: dict[int, Callable[[Any], Any]]) -> tuple[Any, ...]:
    values = list(record)
    for at, read in readers.items():
        values[at] = read(values[at])
    return tuple(values)


def _count(tag: str) -> int:
    """The row count of a command tag, as `INSERT 0 3`."""
    last = (tag or "").rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


class Pool(AsyncAdapter):
    """An `asyncpg.Pool`: a connection for each call, or for the time of a transaction."""

    async def run(self, sql: str, args: Sequence[Any]) -> Result:
        async with self.lend() as lent:
            return await lent.run(sql, args)

    async def call(self, sql: str, args: Sequence[str | None]) -> Iterable[Sequence[Any]]:
        async with self.lend() as lent:
            return await lent.call(sql, args)

    def is_open(self) -> bool:
        return False

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[AsyncAdapter]:
        async with self.connection.acquire() as connection:
            yield Asyncpg(connection)

    async def begin(self, mode: Mode) -> None:
        raise NotImplementedError

    commit = rollback = begin  # type: ignore[assignment]
