"""A role that may install and call remote functions, and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass

import psycopg

ROLE = "wormhole_tenant"


@dataclass
class Tenant:
    """A session of a role that may do nothing but install and call functions."""

    connection: psycopg.Connection

    def call(self, source: str, *args: object, name: str = "f") -> object:
        """Install a function, call it, and return its value in tagged JSON."""
        row = self.connection.execute(
            "SELECT wormhole_execute(wormhole_install(%s, %s), %s)",
            [name, source, json.dumps({"a": args})],
        ).fetchone()
        assert row is not None
        return row[0]["r"]

    def fails(self, source: str, *args: object) -> psycopg.errors.Diagnostic:
        """The error of a call."""
        try:
            value = self.call(source, *args)
        except psycopg.Error as error:
            return error.diag
        message = f"no error but {value!r}"
        raise AssertionError(message)

    def lives(self) -> bool:
        """Whether the session and its functions still work."""
        return self.call("def f(): return query_value('SELECT 6 * 7')") == 42

    def attempt(self, source: str, *args: object) -> object:
        """What a call returns, or the SQLSTATE of its error."""
        try:
            return self.call(source, *args)
        except psycopg.Error as error:
            return error.sqlstate
