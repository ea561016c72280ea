"""Transactions that run again when the server asks for it: the body of a loop, which Python can repeat."""

from __future__ import annotations

import dis
import sys
from collections.abc import AsyncIterator, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

from wormhole._connection import Open, Route, current, fresh_primary, opened
from wormhole._errors import READ_ONLY, RETRYABLE, TransactionError, sqlstate_of
from wormhole._steps import AnyAdapter, pause, perform, perform_async
from wormhole._transaction import Backoff, Steps, counted, transaction
from wormhole.drivers._base import Mode


class Attempt(transaction):
    """One run of the body of `for attempt in transactions()`; enter it by `with`, or `async with`."""

    def __init__(self, run: transactions, number: int, route: Route) -> None:
        super().__init__(0, isolation=run.isolation, read_only=run.read_only, deferrable=run.deferrable)
        self._connection = route
        self.run = run
        self.number = number
        self.is_over = False
        self.was_entered = False
        self.error: BaseException | None = None

    def _judge(self, error: BaseException | None, open_: Open | None) -> bool:
        """Whether the error may be swallowed, as the body will be run again."""
        self.is_over = True
        if error is None or open_ is None:
            return False
        state = sqlstate_of(error)
        if state not in RETRYABLE or open_.was_open:
            return False
        if self.number > self.run.max_retries:
            return False
        if state == READ_ONLY and not self.run.switch(open_):
            return False
        self.error, self.is_over = error, False
        return True

    def _excuse(self, state: str | None, open_: Open) -> str:
        if open_.was_open:
            return f"{state}: cannot retry inside of a transaction that was open already"
        if state == READ_ONLY and self.number <= self.run.max_retries:
            return f"{state}: cannot retry: set_connection(...) was not told of a primary"
        return f"{state}: gave up after {self.run.max_retries} retries"

    def __enter__(self) -> Self:
        self.was_entered = True
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        open_ = self._open
        self._reset_context()
        swallowed = self._judge(error, open_)
        try:
            perform(self._finish(error))
        except Exception as failed:
            if not self._may_repeat(failed, error, open_, sys._getframe(1)):
                raise
            return None
        if not swallowed:
            self._explain(error, open_)
        return swallowed

    async def __aenter__(self) -> Self:
        self.was_entered = True
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        open_ = self._open
        assert open_ is not None  # noqa: S101
        self._reset_context()
        swallowed = self._judge(error, open_)
        try:
            await perform_async(open_.adapter, self._finish(error))
        except Exception as failed:
            if not self._may_repeat(failed, error, open_, sys._getframe(1)):
                raise
            return None
        if not swallowed:
            self._explain(error, open_)
        return swallowed

    def _may_repeat(
        self, failed: Exception, error: BaseException | None, open_: Open | None, frame: FrameType | None
    ) -> bool:
        """Whether a COMMIT that failed may be passed over, as the loop will go round again.

        After a `return` or `break` inside of the block it would not, and the failure would be lost.
        """
        if error is not None or not self._judge(failed, open_):
            self._explain(failed, open_)
            return False
        if self.run.trusted or (frame is not None and goes_round(frame)):
            return True
        self.is_over = True
        failed.add_note(
            f"{sqlstate_of(failed)} at COMMIT: cannot retry, since `with attempt:` is left by return or"
            " break, or is not the last statement of the loop; use @transactional"
        )
        return False


def goes_round(frame: FrameType) -> bool:
    """Whether what a frame does after the `with` statement that it is leaving is the loop's next round.

    That can be told from its code only: the call of `__exit__` is followed by a jump back to the loop. When
    in doubt the answer is no.
    """
    code = list(dis.get_instructions(frame.f_code))
    places = {item.offset: at for at, item in enumerate(code)}
    at, dropped = sum(offset <= frame.f_lasti for offset in places), 0
    for _ in code[at:]:
        item = code[at]
        if item.opname in {"JUMP_BACKWARD", "JUMP_ABSOLUTE"}:
            # A second value dropped would be the iterator of the loop, which is left.
            return dropped == 1
        if item.opname not in BETWEEN:
            return False
        dropped += item.opname == "POP_TOP"
        at = places[item.argval] if item.opname == "JUMP_FORWARD" else at + 1
    return False


AWAITING = ("SEND", "YIELD_VALUE", "JUMP_BACKWARD_NO_INTERRUPT", "END_SEND", "CLEANUP_THROW", "RESUME")
BETWEEN = frozenset({"POP_TOP", "NOP", "CACHE", "EXTENDED_ARG", "NOT_TAKEN", "JUMP_FORWARD", *AWAITING})
"""Instructions that only await, or do nothing."""


class transactions:  # noqa: N801 - it is used like a function
    """Attempts at a transaction, for `for` and `async for`.

        for attempt in transactions():
            with attempt:
                ...

    The body is run again after a serialization failure (40001), a deadlock (40P01) and, on the primary,
    after a write on a standby (25006), up to `max_retries` times, with exponential backoff and full jitter.
    With `standby` the first attempt runs on one of the standbys that `set_standbys` named.
    """

    def __init__(
        self,
        max_retries: int = 5,
        *,
        isolation: str | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
        standby: bool = False,
        connection: Any = None,
        backoff: Backoff | None = None,
    ) -> None:
        Mode(isolation, read_only, deferrable).clauses()
        self.max_retries = counted(max_retries)
        self.isolation = isolation
        self.read_only = read_only
        self.deferrable = deferrable
        self._connection = connection
        self._backoff = backoff or Backoff()
        self._standby = standby
        self.trusted = False
        """Whether the loop is known to go round after each attempt."""
        self._home: Route | None = None
        self._route: Route | None = None
        self._switched = False

    def _begin(self) -> Route:
        self._home = current(self._connection)
        self._route = self._home
        if self._standby and opened(self._home) is None and self._home.standbys:
            self._home.turn += 1
            chosen = self._home.standbys[self._home.turn % len(self._home.standbys)]
            self._route = Route(chosen.adapter, primary=self._home)
        return self._route

    def switch(self, open_: Open) -> bool:
        """Go to the primary for the next attempt; False if none is known."""
        primary = open_.route.primary
        if isinstance(primary, Route):
            self._route = primary
        else:
            adapter = fresh_primary(open_.route)
            if adapter is None or adapter.is_async != open_.adapter.is_async:
                return False
            self._route = Route(adapter)
        self._switched = True
        return True

    def _next(self, number: int) -> Attempt:
        assert self._route is not None  # noqa: S101
        return Attempt(self, number, self._route)

    def _wait(self, attempt: Attempt) -> float:
        """Seconds until the next attempt; none when it goes to another server."""
        if self._switched:
            self._switched = False
            return 0.0
        return self._backoff.delay(attempt.number)

    @staticmethod
    def _check(attempt: Attempt) -> None:
        if not attempt.was_entered:
            raise TransactionError("an attempt was not entered: write `with attempt:` in the loop")

    def __iter__(self) -> Iterator[Attempt]:
        route = self._begin()
        for number in range(1, self.max_retries + 2):
            attempt = self._next(number)
            yield attempt
            self._check(attempt)
            if attempt.is_over:
                return
            if (delay := self._wait(attempt)) > 0:
                perform(_pause(route.adapter, delay))

    async def __aiter__(self) -> AsyncIterator[Attempt]:
        route = self._begin()
        for number in range(1, self.max_retries + 2):
            attempt = self._next(number)
            yield attempt
            self._check(attempt)
            if attempt.is_over:
                return
            if (delay := self._wait(attempt)) > 0:
                await perform_async(route.adapter, _pause(route.adapter, delay))


def _pause(adapter: AnyAdapter, seconds: float) -> Steps:
    yield pause(adapter, seconds)
