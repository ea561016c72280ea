"""Running Python source inside the server through the wrapper `run_source.RunSource`."""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

TABLE = """
CREATE SERVER run FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'run_source.RunSource');
CREATE FOREIGN TABLE run (source text, result text) SERVER run;
"""


@dataclass(frozen=True)
class Message:
    """A message below ERROR; psycopg's own object is empty after the handler has returned."""

    level: str | None
    text: str | None
    detail: str | None
    hint: str | None


@dataclass
class Runner:
    """A connection with the table `run`, and the messages that came over it."""

    connection: psycopg.Connection
    messages: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection.add_notice_handler(self._take)

    def _take(self, diag: psycopg.errors.Diagnostic) -> None:
        texts = (diag.message_primary, diag.message_detail, diag.message_hint)
        self.messages.append(Message(diag.severity_nonlocalized, *texts))

    def run(self, source: str) -> str | None:
        """Run dedented Python source and return what it left in `result`; raises `psycopg.Error`."""
        # A literal, not a parameter: the test is about Python, not about plans.
        query = sql.SQL("SELECT result FROM run WHERE source = {}").format(textwrap.dedent(source).strip())
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return row[0]

    def fails(self, source: str) -> psycopg.errors.Diagnostic:
        """Run source that must end in an error, and return the error's fields."""
        try:
            result = self.run(source)
        except psycopg.Error as error:
            return error.diag
        message = f"no error but {result!r}"
        raise AssertionError(message)

    def fails_afterwards(self, source: str) -> psycopg.errors.Diagnostic:
        """Run source that leaves `result = 1` in a query that then fails by itself."""
        query = sql.SQL("SELECT 1 / (result::int - 1) FROM run WHERE source = {}")
        try:
            self.connection.execute(query.format(textwrap.dedent(source).strip()))
        except psycopg.Error as error:
            return error.diag
        message = "no error"
        raise AssertionError(message)

    def texts(self) -> list[str | None]:
        """The messages since the last call, without their details."""
        taken = [message.text for message in self.messages]
        self.messages.clear()
        return taken


@contextmanager
def signal_soon(conninfo: str, function: str, pid: int, delay: float = 0.15) -> Iterator[list[float]]:
    """Call pg_cancel_backend or pg_terminate_backend from another session, while a statement runs.

    `delay` is in seconds from when the server has begun the statement, and lets it get into Python; on a
    busy machine even sending it can take longer. After ten seconds without a statement it is called anyway.

    The list gets the time at which it was called.
    """
    when: list[float] = []

    def later() -> None:
        running = "SELECT state = 'active' FROM pg_stat_activity WHERE pid = %s"
        end = time.monotonic() + 10
        with psycopg.connect(conninfo, autocommit=True) as other:
            while other.execute(running, [pid]).fetchone() == (False,) and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(delay)
            when.append(time.monotonic())
            other.execute(sql.SQL("SELECT {}({})").format(sql.Identifier(function), pid))

    thread = threading.Thread(target=later)
    thread.start()
    try:
        yield when
    finally:
        thread.join()


def written_since(log: Path, size: int) -> str:
    """What the server's log got since it had `size` bytes."""
    with log.open("rb") as file:
        file.seek(size)
        return file.read().decode(errors="replace")
