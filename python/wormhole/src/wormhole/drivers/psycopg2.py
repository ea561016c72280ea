"""psycopg2, which writes arguments into the statement's text.

Strings are constants of unknown type there, so the server infers what they are, as it does for parameters.
"""
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import extensions, extras

from wormhole._placeholders import parse
from wormhole.drivers._arguments import prepared
from wormhole.drivers._base import Adapter, Mode, Result

IDLE = extensions.TRANSACTION_STATUS_IDLE
UNKNOWN = extensions.TRANSACTION_STATUS_UNKNOWN


def _bytes(value: Any, cursor: Any) -> bytes | None:
    return None if value is None else bytes(psycopg2.BINARY(value, cursor))


def _uuid(value: Any, _cursor: Any) -> UUID | None:
    return None if value is None else UUID(value)


BYTES = extensions.new_type((17,), "BYTES", _bytes)
BYTES_ARRAY = extensions.new_array_type((1001,), "BYTES[]", BYTES)
UUIDS = extensions.new_type((2950,), "UUID", _uuid)
UUID_ARRAY = extensions.new_array_type((2951,), "UUID[]", UUIDS)


class Psycopg2(Adapter):
    """A `psycopg2` connection."""

    in_thread = True

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.begun: tuple[Any, ...] | None = None

    def run(self, sql: str, args: Sequence[Any]) -> Result:
        statement = parse(sql)
        # A class of its own, as the connection's may give dicts.
        with self.connection.cursor(cursor_factory=extensions.cursor) as cursor:
            for kind in (BYTES, BYTES_ARRAY, UUIDS, UUID_ARRAY):
                extensions.register_type(kind, cursor)
            extras.register_default_json(cursor)
            extras.register_default_jsonb(cursor)
            if args:
                values = prepared(statement, args)
                cursor.execute(statement.formatted(), statement.in_order(values))
            else:
                cursor.execute(sql)
            count = max(cursor.rowcount, 0)
            if cursor.description is None:
                return (), (), count
            return [column.name for column in cursor.description], cursor.fetchall(), count

    def is_open(self) -> bool:
        return self.connection.info.transaction_status not in (IDLE, UNKNOWN)

    def is_untouched(self) -> bool:
        return self.connection.info.transaction_status == IDLE

    def is_owned(self) -> bool:
        return self.is_open() and bool(self.begun or self.connection.autocommit)

    def is_broken(self) -> bool:
        return bool(self.connection.closed)

    def begin(self, mode: Mode) -> None:
        """Nothing is sent: psycopg2 begins the transaction before the first statement, whoever runs it."""
        clauses = mode.clauses()
        if self.is_open():
            if clauses:
                self.run(f"SET TRANSACTION {clauses}", ())
            return
        connection = self.connection
        self.begun = (
            connection.autocommit,
            connection.isolation_level,
            connection.readonly,
            connection.deferrable,
        )
        connection.autocommit = False
        if mode.isolation is not None:
            connection.isolation_level = mode.isolation.replace("_", " ").upper()
        if mode.read_only is not None:
            connection.readonly = mode.read_only
        if mode.deferrable is not None:
            connection.deferrable = mode.deferrable

    def commit(self) -> None:
        try:
            self.connection.commit()
        finally:
            self._restore()

    def rollback(self) -> None:
        try:
            if not self.connection.closed:
                self.connection.rollback()
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            pass
        finally:
            self._restore()

    def _restore(self) -> None:
        begun, self.begun = self.begun, None
        connection = self.connection
        if begun is None or connection.closed:
            return
        if self.is_open():
            connection.rollback()
        autocommit, connection.isolation_level, connection.readonly, connection.deferrable = begun
        connection.autocommit = autocommit

    def autocommit(self) -> None:
        self.connection.autocommit = True

    def cancel(self) -> None:
        if not self.connection.closed:
            self.connection.cancel()
