"""Django's connections, over psycopg 3 or psycopg2.

Statements run on the driver's connection, errors arrive as Django's, and a transaction is an `atomic` block.
"""
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from wormhole.drivers._base import Adapter, Mode, Result

IDLE = 0
"""The same in both drivers."""


class Django(Adapter):
    """`django.db.connection`, or one of `django.db.connections`."""

    in_thread = False  # Django keeps its connections to their threads

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.atomic: Any = None

    def _below(self) -> Adapter:
        self.connection.ensure_connection()
        raw = self.connection.connection
        if any(kind.__module__.startswith("psycopg2") for kind in type(raw).__mro__):
            from wormhole.drivers.psycopg2 import Psycopg2

            return Psycopg2(raw)
        from wormhole.drivers.psycopg3 import Psycopg

        return Psycopg(raw, json_is_text=True)

    def run(self, sql: str, args: Sequence[Any]) -> Result:
        self.connection.validate_thread_sharing()
        self.connection.validate_no_broken_transaction()
        with self.connection.wrap_database_errors:
            return self._below().run(sql, args)

    def is_open(self) -> bool:
        return self.connection.in_atomic_block or not self.connection.get_autocommit()

    def is_untouched(self) -> bool:
        # What waits for the commit would be forgotten when the block is left for another.
        c = self.connection
        if c.savepoint_ids or c.run_on_commit or c.connection is None:
            return False
        return c.in_atomic_block and c.connection.info.transaction_status == IDLE

    def is_broken(self) -> bool:
        return self.connection.connection is not None and bool(self.connection.connection.closed)

    def begin(self, mode: Mode) -> None:
        clauses = mode.clauses()
        self.atomic = transaction.atomic(using=self.connection.alias)
        self.atomic.__enter__()
        try:
            if clauses:
                self.run(f"SET TRANSACTION {clauses}", ())
        except BaseException:
            self.rollback()
            raise

    def commit(self) -> None:
        atomic, self.atomic = self.atomic, None
        atomic.__exit__(None, None, None)

    def rollback(self) -> None:
        atomic, self.atomic = self.atomic, None
        if atomic is not None:
            # `atomic` rolls back when an exception leaves it.
            error = transaction.TransactionManagementError("rolled back")
            atomic.__exit__(type(error), error, None)
