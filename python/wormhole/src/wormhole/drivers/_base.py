"""What the core asks of a driver.

An adapter runs statements with `$1` placeholders, and begins and ends transactions. Everything else
(streams, savepoints, calls, retries) is built on that once, for all drivers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

Result = tuple[Sequence[str], Iterable[Sequence[Any]], int]
"""Names of columns, rows, and the row count of the command tag."""


@dataclass(frozen=True)
class Mode:
    """How a transaction is begun; None leaves it to the session's default."""

    isolation: str | None = None
    read_only: bool | None = None
    deferrable: bool | None = None

    def clauses(self) -> str:
        """The clauses of BEGIN or SET TRANSACTION, empty if there are none. Raises ValueError."""
        found: list[str] = []
        if self.isolation is not None:
            level = self.isolation.replace("_", " ").upper()
            if level not in LEVELS:
                raise ValueError(f"{self.isolation!r} is no isolation level; there are {', '.join(LEVELS)}")
            found.append(f"ISOLATION LEVEL {level}")
        if self.read_only is not None:
            found.append("READ ONLY" if self.read_only else "READ WRITE")
        if self.deferrable is not None:
            found.append("DEFERRABLE" if self.deferrable else "NOT DEFERRABLE")
        return ", ".join(found)


LEVELS = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
DEFAULT = Mode()


class _Common:
    is_async: ClassVar[bool]
    in_thread: ClassVar[bool] = False
    """Whether an async function may have it wait in another thread."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.streams = 0
        """How many streams live in a transaction that the first of them has begun."""

    def is_open(self) -> bool:
        """Whether a transaction is open, as far as the client knows."""
        raise NotImplementedError

    def is_untouched(self) -> bool:
        """Whether the transaction has had no statement yet, so that to begin it again loses nothing."""
        return False

    def is_owned(self) -> bool:
        """Whether the open transaction is somebody's who ends it: only a savepoint may be ended in it."""
        return False

    def is_broken(self) -> bool:
        """Whether the connection is lost."""
        return False


class Adapter(_Common, ABC):
    """A connection whose calls wait."""

    is_async = False

    @abstractmethod
    def run(self, sql: str, args: Sequence[Any]) -> Result:
        """Run one statement; results of values are those of the type families."""

    def call(self, sql: str, args: Sequence[str | None]) -> Iterable[Sequence[Any]]:
        """Run a statement of this package, whose arguments and results are texts: nothing is converted."""
        return self.run(sql, args)[1]

    @abstractmethod
    def begin(self, mode: Mode) -> None:
        """Begin a transaction, or take over the one that the driver has begun by itself.

        Where that fails nothing is left begun.
        """

    @abstractmethod
    def commit(self) -> None:
        """Commit it."""

    @abstractmethod
    def rollback(self) -> None:
        """Roll it back; must not raise when the connection is lost."""

    def autocommit(self) -> None:
        """Let each statement be a transaction of its own."""

    def cancel(self) -> None:
        """End the statement that another thread waits for, if that is known; callable from any thread."""

    def lend(self) -> AbstractContextManager[Adapter] | None:
        """A single connection for something that takes several statements; None if it is one already."""
        return None


class AsyncAdapter(_Common, ABC):
    """A connection whose calls are awaited."""

    is_async = True

    @abstractmethod
    async def run(self, sql: str, args: Sequence[Any]) -> Result:
        """As `Adapter.run`."""

    async def call(self, sql: str, args: Sequence[str | None]) -> Iterable[Sequence[Any]]:
        """As `Adapter.call`."""
        return (await self.run(sql, args))[1]

    @abstractmethod
    async def begin(self, mode: Mode) -> None:
        """As `Adapter.begin`."""

    @abstractmethod
    async def commit(self) -> None:
        """As `Adapter.commit`."""

    @abstractmethod
    async def rollback(self) -> None:
        """As `Adapter.rollback`."""

    async def autocommit(self) -> None:
        """As `Adapter.autocommit`."""

    def lend(self) -> AbstractAsyncContextManager[AsyncAdapter] | None:
        """As `Adapter.lend`."""
        return None
