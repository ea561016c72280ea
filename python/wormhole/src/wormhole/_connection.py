"""Which connection is meant: the one passed, else that of the transaction, else the context's.

The context is a `contextvars` one: threads and tasks each have theirs, and a task inherits from the one that
starts it.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from wormhole._errors import ConnectionMissing
from wormhole._steps import AnyAdapter
from wormhole.drivers import adapter_for


@dataclass
class Standby:
    """A connection to a standby, and until when it is left alone after it was lost."""

    adapter: AnyAdapter
    down_until: float = 0.0
    is_ready: bool = False
    """Whether it was put into autocommit mode, without which its snapshot would hold up the replay."""


@dataclass
class Route:
    """Where calls go: the connection, and what is known of the servers beside it."""

    adapter: AnyAdapter
    standbys: list[Standby] = field(default_factory=list[Standby])
    primary: Any = None
    """Where writes go if the connection is a standby's: a connection, or a function giving one."""
    position: str | None = None
    """How far a standby must have come to show what was written here, as an LSN."""
    is_behind: bool = True
    """Whether `position` may be too old, since something was written after it was read."""
    turn: int = 0
    schema: str | None = None
    """Where the extension is, if not in the search path."""

    def named(self, sql: str) -> str:
        """A statement of this package, with the schema before the names of the extension's functions."""
        if self.schema is None:
            return sql
        return sql.replace("wormhole_", '"{}".wormhole_'.format(self.schema.replace('"', '""')))


@dataclass
class Open:
    """A transaction that this package has begun, or the savepoint that stands for one inside of another."""

    route: Route
    adapter: AnyAdapter
    outer: Open | None = None
    savepoint: str | None = None
    retries: int = 0
    """How often its first statement may still be run again in a new transaction."""
    restart: Callable[[BaseException], Any] | None = None
    was_open: bool = False
    """Whether the connection was in a transaction already, so that nothing can be run again."""
    inner: Open | None = None
    """The savepoint that is open inside of it; there cannot be two, as one would end the other."""
    is_over: bool = False
    """Whether it has ended; tasks and threads that began inside of it still see it."""


_route: ContextVar[Route | None] = ContextVar("wormhole_route", default=None)
_open: ContextVar[Open | None] = ContextVar("wormhole_transaction", default=None)
_everywhere: list[Route] = []


class Restore:
    """What `set_connection` returns: as a context manager it puts the former connection back."""

    def __init__(self, token: Token[Route | None], everywhere: list[Route]) -> None:
        self._token = token
        self._everywhere = everywhere

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _route.reset(self._token)
        _everywhere[:] = self._everywhere


def set_connection(
    connection: Any,
    *,
    standbys: Any = (),
    primary: Any = None,
    schema: str | None = None,
    everywhere: bool = False,
) -> Restore:
    """Let `connection` serve calls and queries in this context: this thread, this task and those it starts.

    `connection` is one of psycopg, psycopg2 or asyncpg, an engine, connection or session of SQLAlchemy, a
    connection of Django, or a pool; None leaves the context without one. `standbys` are as for
    `set_standbys`. `primary`, a connection or a function that makes one, is where `transactions` goes when
    `connection` turns out to be a standby's. `schema` is the extension's, if that is not in the search path.
    With `everywhere` the connection also serves the contexts that have none.

    Use the result in a `with` statement to put the former connection back at its end.
    """
    route = None
    if connection is not None:
        route = Route(adapter_for(connection), primary=primary, schema=schema)
    restore = Restore(_route.set(route), list(_everywhere))
    # Cells of a notebook may each have a context of their own.
    if everywhere or hasattr(builtins, "__IPYTHON__"):
        _everywhere[:] = [] if route is None else [route]
    if standbys:
        set_standbys(*standbys)
    return restore


def get_connection() -> Any:
    """The connection that serves this context, the very object that was set. Raises `ConnectionMissing`."""
    route = current()
    open_ = opened(route)
    return (route if open_ is None else open_).adapter.connection


def set_standbys(*standbys: Any) -> None:
    """Let calls that are known to be read-only run on one of these connections, in turn.

    Such a connection is for this package alone and is put into autocommit mode. A call goes there only
    outside of a transaction, and only if the standby has replayed what this context wrote before by calls
    and queries of this package. On "read-only transaction" (25006), a recovery conflict or a lost connection
    it goes back to the primary.
    """
    route = current()
    adapters = [adapter_for(standby) for standby in standbys]
    for adapter in adapters:
        if adapter.is_async != route.adapter.is_async:
            raise TypeError("the standbys and the primary must be both synchronous or both asynchronous")
    route.standbys = [Standby(adapter) for adapter in adapters]
    route.is_behind = True


def current(connection: Any = None) -> Route:
    """The route of a call. Raises `ConnectionMissing`."""
    if connection is not None:
        route = _route.get()
        wanted = connection.adapter.connection if isinstance(connection, Route) else connection
        if route is not None and route.adapter.connection is wanted:
            return route
        return connection if isinstance(connection, Route) else Route(adapter_for(connection))
    route = _route.get() or next(iter(_everywhere), None)
    if route is None:
        raise ConnectionMissing("No database connection set; call set_connection(connection) first")
    return route


def opened(route: Route) -> Open | None:
    """The transaction of this context on that route, None if there is none."""
    found = _open.get()
    while found is not None and found.is_over:
        found = found.outer
    return found if found is not None and found.route is route else None


def fresh_primary(route: Route) -> AnyAdapter | None:
    """The adapter of the primary behind a connection to a standby, None if none is known."""
    primary = route.primary
    if primary is None:
        return None
    try:
        return adapter_for(primary)
    except TypeError:
        return adapter_for(primary())
