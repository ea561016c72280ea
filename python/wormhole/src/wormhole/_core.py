"""Calls, queries and streams, whichever driver is below: operations for `_steps.perform`.

A call costs one round trip. Nothing is remembered of what the server has installed: a call names the
function by its id, and only where that is unknown the source is sent and the call repeated. So a rollback
of the transaction that installed it, another server or another role behind a pooler leave nothing stale.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from wormhole import _codec
from wormhole._api import Chunk
from wormhole._calls import Answer, Call
from wormhole._capture import Shipped
from wormhole._connection import Open, Route, Standby, opened
from wormhole._errors import READ_ONLY, RETRYABLE, RemoteError, arrived, failure, sqlstate_of
from wormhole._steps import AnyAdapter, enter, leave, perform_async

Steps = Generator[Any, Any, Any]

POSITION = "CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn()::text END"
ON_STANDBY = (
    "(SELECT $1::text AS id WHERE pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $2::text::pg_lsn"
    " OFFSET 0) AS there, LATERAL"
)
"""What stands before a call that runs only if the standby has come as far as it must."""
INSTALL = "wormhole_install($1, $2, $3, $4::text::jsonb)"
STREAM = "SELECT wormhole_items($1, $2::text::json)::text"

STANDBY_REST = 30.0
"""Seconds for which a standby whose connection was lost is left alone."""

FAILED = "25P02"
"""What the server answers in a transaction in which a statement has failed."""

NOT_THERE = frozenset({READ_ONLY, "40001", "55000"})
"""What a standby answers to a call that has to go to the primary: a write, a recovery conflict, a lock."""


@dataclass
class Knowledge:
    """What calls have shown of a function: whether one of them wrote."""

    has_run: bool = False
    writes: bool = False

    @property
    def is_read_only(self) -> bool:
        """Whether it has run, and never wrote."""
        return self.has_run and not self.writes


def call(route: Route, shipped: Shipped, made: Call, known: Knowledge) -> Steps:
    """Call remote code and return its value."""
    try:
        open_ = opened(route)
        if open_ is None and known.is_read_only and not route.adapter.is_open():
            for standby in _candidates(route):
                answer: Answer | None = yield from _call_on(standby, route, shipped, made, known)
                if answer is not None:
                    return answer.value
        answer = cast("Answer", (yield from guarded(route, lambda on: _call(on, route, shipped, made))))
    except Exception as error:  # noqa: BLE001 - turned into what it was there
        there = raised(error, shipped)
        raise there from cause(there)
    # Where the same statement has installed the function, that was a write.
    if not (answer.is_installed and answer.wrote):
        known.has_run = True
        known.writes = known.writes or answer.wrote
    route.is_behind = route.is_behind or answer.wrote
    return answer.value


def cause(made: Exception) -> BaseException | None:
    """What is shown as the cause: the driver's exception says no more than the one that replaces it."""
    return None if failure(made) is None else made.__cause__


def raised(error: Exception, shipped: Shipped) -> Exception:
    """What the caller of remote code sees of a driver's exception."""
    return arrived(error, shipped.name, shipped.locate)


def _call(adapter: AnyAdapter, route: Route, shipped: Shipped, made: Call) -> Steps:
    watched = bool(route.standbys) and route.is_behind and not adapter.is_open()
    answer, position = yield from _once(adapter, route, [shipped.id], made, watched=watched)
    if answer.is_unknown:
        answer, position = yield from _once(adapter, route, contents(shipped), made, watched=watched)
        if answer.is_unknown:
            raise RemoteError(f"{shipped.name} was installed and is unknown all the same", sqlstate="WH002")
        answer.is_installed = True
    if position is not None:
        route.position, route.is_behind = position, False
    return answer


def _once(adapter: AnyAdapter, route: Route, function: list[str], made: Call, *, watched: bool) -> Steps:
    """One call, of a function that is named by its id, or that is installed by the same statement."""
    named = "$1" if len(function) == 1 else INSTALL
    columns = f"{made.columns}, {POSITION}" if watched else made.columns
    sql = " ".join(("SELECT", columns, "FROM", made.source(named, len(function) + 1)))
    rows = yield adapter.call(route.named(sql), [*function, *made.arguments])
    row = next(iter(rows))
    return made.answer(row), row[-1] if watched else None


def contents(shipped: Shipped) -> list[str]:
    """What installing takes."""
    return [shipped.name, shipped.source, shipped.signature, shipped.origin]


def install(adapter: AnyAdapter, route: Route, shipped: Shipped) -> Steps:
    """Send the source; the server must come to the same id."""
    rows = yield adapter.call(route.named(f"SELECT {INSTALL}"), contents(shipped))
    given = next(iter(rows))[0]
    if given != shipped.id:
        raise RemoteError(f"the server has another id for {shipped.name}: {given}, not {shipped.id}")
    return given


def _candidates(route: Route) -> Iterator[Standby]:
    """One standby that may serve a read-only call; none until it is known how far it must have come."""
    if route.is_behind or route.position is None:
        return
    now = time.monotonic()
    up = [standby for standby in route.standbys if standby.down_until <= now]
    if up:
        route.turn += 1
        yield up[route.turn % len(up)]


def _call_on(standby: Standby, route: Route, shipped: Shipped, made: Call, known: Knowledge) -> Steps:
    """Call on a standby; None sends the caller to the primary."""
    sql = " ".join(("SELECT", made.columns, "FROM", ON_STANDBY, made.source("there.id", 3)))
    try:
        if not standby.is_ready:
            yield standby.adapter.autocommit()
            standby.is_ready = True
        rows = yield standby.adapter.call(route.named(sql), [shipped.id, route.position, *made.arguments])
    except Exception as error:
        state = sqlstate_of(error)
        if state == READ_ONLY:
            known.writes = True
        elif standby.adapter.is_broken() or (state or "").startswith(("08", "57P")):
            standby.down_until = time.monotonic() + STANDBY_REST
        elif state not in NOT_THERE:
            raise
        return None
    row = next(iter(rows), None)
    answer = None if row is None else made.answer(row)
    return None if answer is None or answer.is_unknown else answer


def run(route: Route, sql: str, args: Sequence[Any]) -> Steps:
    """Run a statement of the client's own."""
    route.is_behind = True  # it may write

    def once(adapter: AnyAdapter) -> Steps:
        return (yield adapter.run(sql, args))

    try:
        return (yield from guarded(route, once))
    except Exception as error:
        if failure(error) is not None and not hasattr(error, "sqlstate"):
            error.sqlstate = sqlstate_of(error)  # type: ignore[attr-defined]
        raise


def guarded(route: Route, once: Callable[[AnyAdapter], Steps]) -> Steps:
    """Run something, in the transaction if there is one; its first statement may be run again."""
    open_ = opened(route)
    if open_ is None:
        return (yield from once(route.adapter))
    is_first = can_restart(open_) and open_.adapter.is_untouched()
    while True:
        try:
            return (yield from once(open_.adapter))
        except Exception as error:
            if not is_first or open_.restart is None or sqlstate_of(error) not in RETRYABLE:
                raise
            if not (yield from open_.restart(error)):
                raise


def can_restart(open_: Open) -> bool:
    """Whether the transaction began here, so that a rollback undoes nothing else."""
    return open_.outer is None and not open_.was_open and open_.retries > 0


# Streams: a server-side cursor, read in chunks, in a transaction that lasts as long if none is open.

_numbers = itertools.count(1)


@dataclass
class Reading:
    """A cursor that is open on the server."""

    adapter: AnyAdapter
    name: str
    is_ours: bool
    """Whether the transaction was begun for streams."""
    lent: Any


def start(route: Route, sql: str, args: Sequence[Any]) -> Steps:
    """Open the cursor."""
    open_ = opened(route)
    adapter = open_.adapter if open_ is not None else route.adapter
    lent = adapter.lend()
    if lent is not None:
        adapter = yield enter(adapter, lent)
    reading = Reading(
        adapter, f"wormhole_{next(_numbers)}", adapter.streams > 0 or not adapter.is_open(), lent
    )
    try:
        if reading.is_ours:
            if adapter.streams == 0:
                from wormhole.drivers._base import DEFAULT

                yield adapter.begin(DEFAULT)
            adapter.streams += 1
        yield adapter.run(f"DECLARE {reading.name} NO SCROLL CURSOR FOR {sql}", args)
    except BaseException as error:
        yield from finish(reading, error)
        raise
    return reading


def fetch(reading: Reading, chunk: int) -> Steps:
    """Read some rows; the last chunk is shorter."""
    columns, rows, _ = yield reading.adapter.run(f"FETCH FORWARD {chunk} FROM {reading.name}", ())
    return columns, list(rows)


def finish(reading: Reading, error: BaseException | None) -> Steps:
    """Close the cursor, and end the transaction with the last stream in it."""
    adapter = reading.adapter
    failed = error is not None and not isinstance(error, GeneratorExit)
    try:
        if not failed and adapter.is_open() and not adapter.is_broken():
            yield adapter.run(f"CLOSE {reading.name}", ())
    except Exception as closing:
        failed = True
        # After a failed statement there is no cursor either, and whoever sent that has its error.
        if sqlstate_of(closing) != FAILED:
            raise
    finally:
        if reading.is_ours:
            adapter.streams -= 1
            if failed:
                yield adapter.rollback()
            elif adapter.streams == 0 and not adapter.is_broken():
                yield adapter.commit()
        if reading.lent is not None:
            yield leave(adapter, reading.lent, None)


class Unknown(Exception):  # noqa: N818 - never leaves the package
    """The server does not know the function that is to stream."""


def item(text: str, shipped: Shipped, *, is_last: bool) -> Any:
    """One value of a stream. Raises `Unknown` where the function has to be installed first."""
    row = _codec.loads(text)
    if "r" in row:
        return row["r"]
    if is_last:
        raise RemoteError(f"{shipped.name} was installed and is unknown all the same", sqlstate="WH002")
    raise Unknown


def items(chunks: Iterator[Chunk], shipped: Shipped, *, is_last: bool) -> Iterator[Any]:
    """The values of a stream."""
    for _, rows in chunks:
        for row in rows:
            yield item(row[0], shipped, is_last=is_last)


def stream(route: Route, sql: str, args: Sequence[Any], chunk: int) -> Generator[Chunk]:
    """The rows of a query over a waiting driver."""
    from wormhole._steps import perform

    reading = perform(start(route, sql, args))
    error: BaseException | None = None
    try:
        while True:
            columns, rows = perform(fetch(reading, chunk))
            yield columns, rows
            if len(rows) < chunk:
                return
    except BaseException as caught:
        error = caught
        raise
    finally:
        perform(finish(reading, error))


async def stream_async(route: Route, sql: str, args: Sequence[Any], chunk: int) -> AsyncGenerator[Chunk]:
    """The rows of a query over an awaited driver."""
    adapter = route.adapter
    reading = await perform_async(adapter, start(route, sql, args))
    error: BaseException | None = None
    try:
        while True:
            columns, rows = await perform_async(adapter, fetch(reading, chunk))
            yield columns, rows
            if len(rows) < chunk:
                return
    except BaseException as caught:
        error = caught
        raise
    finally:
        await perform_async(adapter, finish(reading, error))
