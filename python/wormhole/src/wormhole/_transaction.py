"""A transaction: commits at its end, or rolls back.

A `with` statement cannot repeat its body. So `transaction()` runs again only the first statement of a
transaction, before which nothing happened, and says of any other failure that it cannot.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from contextvars import Token
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from wormhole._connection import Open, Route, _open, _route, current, fresh_primary, opened
from wormhole._errors import READ_ONLY, RETRYABLE, TransactionError, sqlstate_of
from wormhole._steps import AnyAdapter, enter, leave, pause, perform, perform_async
from wormhole.drivers._base import Mode

Steps = Generator[Any, Any, Any]


@dataclass(frozen=True)
class Backoff:
    """Exponential backoff with full jitter: retry n waits anything up to `base * 2**n`, at most `limit`."""

    base: float = 0.01
    limit: float = 2.0

    def delay(self, retry: int) -> float:
        """Seconds before retry number 1, 2 and so on."""
        return random.uniform(0, min(self.limit, self.base * 2**retry))  # noqa: S311 - no secret


def counted(retries: int) -> int:
    """A number of retries. Raises ValueError: with fewer than none nothing would run at all."""
    if retries < 0:
        raise ValueError(f"max_retries is 0 or more, not {retries}")
    return retries


class transaction:  # noqa: N801 - it is used like a function
    """A transaction as a context manager, for `with` and `async with`: commits at its end, else rolls back.

    Its first call or query is run again in a new transaction, up to `max_retries` times, if it fails with a
    serialization failure, a deadlock or on a read-only standby: nothing else has to be. A later such failure
    is raised with a note that it cannot be retried here. Inside of another transaction it is a savepoint.

    `isolation` is a level by its name, `read_only` and `deferrable` are as in BEGIN.
    """

    def __init__(
        self,
        max_retries: int = 5,
        *,
        isolation: str | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
        connection: Any = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._mode = Mode(isolation, read_only, deferrable)
        self._mode.clauses()
        self._max_retries = counted(max_retries)
        self._connection = connection
        self._backoff = backoff or Backoff()
        self._open: Open | None = None
        self._tokens: tuple[Token[Route | None], Token[Open | None]] | None = None
        self._lent: Any = None

    # What both forms do.

    def _start(self, route: Route) -> Steps:
        outer = opened(route)
        if outer is not None:
            self._open = yield from self._nest(route, outer.adapter, outer)
            return
        adapter = route.adapter
        self._lent = adapter.lend()
        if self._lent is not None:
            adapter = yield enter(adapter, self._lent)
        if adapter.is_owned():
            self._open = yield from self._nest(route, adapter, None)
            return
        was_open = adapter.is_open()
        self._open = Open(route, adapter, retries=self._max_retries, was_open=was_open, restart=self._restart)
        try:
            yield adapter.begin(self._mode)
        except BaseException as error:
            if self._lent is not None:
                yield leave(adapter, self._lent, error)
            raise

    def _nest(self, route: Route, adapter: AnyAdapter, outer: Open | None) -> Steps:
        depth = 1
        above = outer
        while above is not None:
            depth, above = depth + 1, above.outer
        name = f"wormhole_{depth}"
        if self._mode.clauses():
            raise TransactionError(
                "a transaction inside of another is a savepoint, and has no mode of its own"
            )
        made = Open(route, adapter, outer, name, was_open=True)
        if outer is not None:
            if outer.inner is not None:
                raise TransactionError(
                    "another transaction is open inside of this one, by another task or thread:"
                    " let one end before the next begins, or give each a connection"
                )
            outer.inner = made
        try:
            yield adapter.run(f"SAVEPOINT {name}", ())
        except BaseException:
            self._leave(made)
            raise
        return made

    @staticmethod
    def _leave(open_: Open) -> None:
        if open_.outer is not None:
            open_.outer.inner = None

    def _restart(self, error: BaseException) -> Steps:
        """Begin again for the first statement; False if the error has to be raised."""
        open_ = self._open
        assert open_ is not None  # noqa: S101
        if sqlstate_of(error) == READ_ONLY and not (yield from self._to_primary(open_)):
            return False
        if sqlstate_of(error) != READ_ONLY:
            yield open_.adapter.rollback()
            yield pause(open_.adapter, self._backoff.delay(self._max_retries - open_.retries + 1))
        open_.retries -= 1
        yield open_.adapter.begin(self._mode)
        # The caller tries without end; that the count has run out is seen here.
        if open_.retries <= 0:
            open_.restart = None
        return True

    def _to_primary(self, open_: Open) -> Steps:
        primary = fresh_primary(open_.route)
        if primary is None or primary.is_async != open_.adapter.is_async or self._lent is not None:
            return False
        yield open_.adapter.rollback()
        open_.adapter = primary
        return True

    def _finish(self, error: BaseException | None) -> Steps:
        open_, self._open = self._open, None
        if open_ is None:
            return
        open_.is_over = True
        adapter = open_.adapter
        try:
            if open_.savepoint is not None:
                yield from self._end_savepoint(open_, error)
            elif error is None:
                yield from self._commit(adapter)
            else:
                yield adapter.rollback()
        finally:
            self._leave(open_)
            if self._lent is not None:
                yield leave(adapter, self._lent, None)

    def _commit(self, adapter: AnyAdapter) -> Steps:
        try:
            yield adapter.commit()
        except Exception:
            yield adapter.rollback()
            raise

    def _end_savepoint(self, open_: Open, error: BaseException | None) -> Steps:
        adapter, name = open_.adapter, open_.savepoint
        if error is None:
            yield adapter.run(f"RELEASE SAVEPOINT {name}", ())
        elif not adapter.is_broken():
            yield adapter.run(f"ROLLBACK TO SAVEPOINT {name}", ())
            yield adapter.run(f"RELEASE SAVEPOINT {name}", ())

    def _explain(self, error: BaseException | None, open_: Open | None) -> None:
        """Say of an error that might have gone away by itself why nobody tried."""
        if error is None or open_ is None:
            return
        state = sqlstate_of(error)
        if state in RETRYABLE and not getattr(error, "_wormhole_explained", False):
            error.add_note(self._excuse(state, open_))
            try:
                error._wormhole_explained = True  # type: ignore[attr-defined]
            except AttributeError:
                return

    def _excuse(self, state: str | None, open_: Open) -> str:
        if open_.savepoint is not None or open_.was_open:
            return f"{state}: transaction() cannot retry inside of a transaction that was open already"
        if state == READ_ONLY and open_.route.primary is None:
            return f"{state}: transaction() cannot retry: set_connection(...) was not told of a primary"
        if open_.restart is None and self._max_retries > 0:
            return f"{state}: transaction() gave up after {self._max_retries} retries"
        return (
            f"{state}: transaction() cannot retry: a with statement cannot run its body again;"
            " use @transactional or `for attempt in transactions():`"
        )

    def _set_context(self) -> None:
        assert self._open is not None  # noqa: S101
        self._tokens = (_route.set(self._open.route), _open.set(self._open))

    def _reset_context(self) -> None:
        if self._tokens is not None:
            first, second = self._tokens
            self._tokens = None
            try:
                _open.reset(second)
                _route.reset(first)
            except ValueError:
                # Left in another context than it was entered in, as fixtures of asynchronous tests are.
                _open.set(None)

    def __enter__(self) -> Self:
        route = current(self._connection)
        if route.adapter.is_async:
            raise TransactionError("the connection is asynchronous; use `async with`")
        perform(self._start(route))
        self._set_context()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        open_ = self._open
        self._reset_context()
        try:
            perform(self._finish(error))
        except Exception as failed:
            self._explain(failed, open_)
            raise
        self._explain(error, open_)
        return None

    async def __aenter__(self) -> Self:
        route = current(self._connection)
        await perform_async(route.adapter, self._start(route))
        self._set_context()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        open_ = self._open
        assert open_ is not None  # noqa: S101
        self._reset_context()
        try:
            await perform_async(open_.adapter, self._finish(error))
        except Exception as failed:
            self._explain(failed, open_)
            raise
        self._explain(error, open_)
        return None
