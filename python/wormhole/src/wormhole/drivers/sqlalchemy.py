"""SQLAlchemy: engines, connections and sessions, and their asynchronous forms.

Statements go through `exec_driver_sql`, so that a session's own transaction, its events and its echo see
them. An engine lends a connection for each call, in autocommit mode, or for the time of a transaction.
"""
# pyright: basic

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any

import sqlalchemy

from wormhole._placeholders import parse
from wormhole.drivers._arguments import is_json, json_text, prepared
from wormhole.drivers._base import Adapter, AsyncAdapter, Mode, Result

JSON_OIDS = {114, 3802}
UUID_OIDS = {2950, 2951}
JSON_IS_TEXT = sqlalchemy.__version__.startswith("2.0.")


def find(name: str, connection: Any) -> Adapter | AsyncAdapter | None:
    """The adapter for a class of SQLAlchemy, None for one that is no connection."""
    kinds: dict[str, Callable[[Any], Adapter | AsyncAdapter]] = {
        "Engine": Engine,
        "Connection": Connection,
        "Session": Session,
        "scoped_session": Session,
        "AsyncEngine": AsyncEngine,
        "AsyncConnection": Bridged,
        "AsyncSession": Bridged,
        "async_scoped_session": Bridged,
    }
    kind = kinds.get(name)
    return kind(connection) if kind else None


def execute(connection: Any, sql: str, args: Sequence[Any]) -> Result:
    """Run a statement with `$1` in the style of whichever driver is below."""
    driver = connection.dialect.driver
    with unprepared(connection) if driver == "psycopg" else nullcontext():
        return _execute(connection, driver, sql, args)


@contextmanager
def unprepared(connection: Any) -> Iterator[None]:
    """Keep psycopg from preparing what runs often, which would break behind a transaction pooler."""
    raw = connection.connection.driver_connection
    threshold, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        yield
    finally:
        raw.prepare_threshold = threshold


def _execute(connection: Any, driver: str, sql: str, args: Sequence[Any]) -> Result:
    if driver == "asyncpg":
        json_ones = parse(sql).json_numbers
        values = tuple(
            json_text(arg) if arg is not None and (number in json_ones or is_json(arg)) else arg
            for number, arg in enumerate(args, 1)
        )
        cursor = connection.exec_driver_sql(sql, values)
    else:
        statement = parse(sql)
        values = tuple(statement.in_order(prepared(statement, args)))
        if values:
            cursor = connection.exec_driver_sql(statement.formatted(), values)
        else:
            cursor = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
    with cursor:
        count = max(cursor.rowcount, 0)
        if not cursor.returns_rows:
            return (), (), count
        columns, kinds = zip(*(column[:2] for column in cursor.cursor.description), strict=True)
        rows = [tuple(row) for row in cursor]
    if driver == "asyncpg":
        rows = [_row(row, kinds) for row in rows]
    elif driver == "psycopg2":
        rows = [tuple(map(_bytes, row)) for row in rows]
    return columns, rows, count


def _bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_bytes(item) for item in value]
    return bytes(value) if isinstance(value, memoryview) else value


def _row(row: tuple[Any, ...], kinds: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_value(value, kind) for value, kind in zip(row, kinds, strict=True))


def _value(value: Any, kind: Any) -> Any:
    """What asyncpg gives below SQLAlchemy, which before 2.1 left JSON as text."""
    if JSON_IS_TEXT and kind in JSON_OIDS and isinstance(value, str):
        return json.loads(value)
    if kind in UUID_OIDS:
        from wormhole.drivers.asyncpg import as_uuid

        return as_uuid(value)
    return value


def here(connection: Any) -> Any:
    """What stands for a `scoped_session` now: a web application has another for each request."""
    registry = getattr(connection, "registry", None)
    return connection if registry is None else registry()


class Connection(Adapter):
    """A `Connection`."""

    def run(self, sql: str, args: Sequence[Any]) -> Result:
        return execute(self.connection, sql, args)

    def is_open(self) -> bool:
        return here(self.connection).in_transaction()

    def is_untouched(self) -> bool:
        raw = self.connection.connection.driver_connection
        if hasattr(raw, "is_in_transaction"):
            return (
                not raw.is_in_transaction()
            )  # asyncpg, for which SQLAlchemy begins with the first statement
        info = getattr(raw, "info", None)
        return getattr(info, "transaction_status", 1) == 0

    def is_owned(self) -> bool:
        # SQLAlchemy forbids a commit inside of its own transaction blocks.
        return getattr(here(self.connection), "_trans_context_manager", None) is not None

    def is_broken(self) -> bool:
        return self.connection.closed or self.connection.invalidated

    def begin(self, mode: Mode) -> None:
        clauses = mode.clauses()
        is_ours = not self.is_open()
        if is_ours:
            self.connection.begin()
        try:
            if clauses:
                self.run(f"SET TRANSACTION {clauses}", ())
        except BaseException:
            if is_ours:
                self.rollback()
            raise

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()

    def autocommit(self) -> None:
        self.rollback()
        self.connection.execution_options(isolation_level="AUTOCOMMIT")


class Session(Connection):
    """A `Session`, or a `scoped_session`, in whose own transaction everything happens."""

    def run(self, sql: str, args: Sequence[Any]) -> Result:
        self.connection.flush()
        return execute(self.connection.connection(), sql, args)

    def autocommit(self) -> None:
        raise TypeError("a session cannot be a standby's: it lives in transactions")

    def is_untouched(self) -> bool:
        return False  # a rollback would also lose what the session has not written yet

    def is_broken(self) -> bool:
        return False


@contextmanager
def autocommitting(lent: Any) -> Iterator[None]:
    """Let each statement be a transaction of its own."""
    if lent.dialect.driver != "psycopg2":
        lent.execution_options(isolation_level="AUTOCOMMIT")
        yield
        return
    # That would set the isolation level, too, for which psycopg2 asks the server.
    raw = lent.connection.driver_connection
    before, raw.autocommit = raw.autocommit, True
    try:
        yield
        lent.commit()
    finally:
        if not raw.closed:
            raw.autocommit = before


class Engine(Adapter):
    """An `Engine`."""

    in_thread = True

    def run(self, sql: str, args: Sequence[Any]) -> Result:
        with self.connection.connect() as lent, autocommitting(lent):
            return execute(lent, sql, args)

    def is_open(self) -> bool:
        return False

    @contextmanager
    def lend(self) -> Iterator[Adapter]:
        with self.connection.connect() as lent:
            yield Connection(lent)

    def begin(self, mode: Mode) -> None:
        raise NotImplementedError

    commit = rollback = begin  # type: ignore[assignment]


class Bridged(AsyncAdapter):
    """An asynchronous connection or session: its synchronous half does the work, as SQLAlchemy has it."""

    @property
    def below(self) -> Connection:
        """The adapter of the synchronous half, which knows nothing that the half does not."""
        found = here(self.connection)
        if hasattr(found, "sync_session"):
            return Session(found.sync_session)
        return Connection(found.sync_connection)

    async def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        return await here(self.connection).run_sync(lambda _: function(*args))

    async def run(self, sql: str, args: Sequence[Any]) -> Result:
        return await self._call(self.below.run, sql, args)

    def is_open(self) -> bool:
        return self.below.is_open()

    def is_untouched(self) -> bool:
        return self.below.is_untouched()

    def is_owned(self) -> bool:
        return self.below.is_owned()

    def is_broken(self) -> bool:
        return self.below.is_broken()

    async def begin(self, mode: Mode) -> None:
        await self._call(self.below.begin, mode)

    async def commit(self) -> None:
        await self._call(self.below.commit)

    async def rollback(self) -> None:
        await self._call(self.below.rollback)

    async def autocommit(self) -> None:
        await self._call(self.below.autocommit)


async def _is_pooled(lent: Any) -> bool:
    """Whether asyncpg is below, and was told that it is behind a transaction pooler."""
    if lent.dialect.driver != "asyncpg":
        return False
    from wormhole.drivers.asyncpg import is_pooled

    return is_pooled((await lent.get_raw_connection()).driver_connection)


class AsyncEngine(AsyncAdapter):
    """An `AsyncEngine`."""

    async def run(self, sql: str, args: Sequence[Any]) -> Result:
        async with self.connection.connect() as plain:
            if await _is_pooled(plain):
                async with plain.begin():
                    return await plain.run_sync(execute, sql, args)
            lent = await plain.execution_options(isolation_level="AUTOCOMMIT")
            return await lent.run_sync(execute, sql, args)

    def is_open(self) -> bool:
        return False

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[AsyncAdapter]:
        async with self.connection.connect() as lent:
            yield Bridged(lent)

    async def begin(self, mode: Mode) -> None:
        raise NotImplementedError

    commit = rollback = begin  # type: ignore[assignment]
