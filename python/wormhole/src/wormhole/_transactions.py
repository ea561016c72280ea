"""Transactions that run again when the server asks for it.

Only code that can be repeated is: the body of `for attempt in transactions()`, a function with
`@transactional`. A `with` statement cannot repeat its body. So `transaction()` runs again only the first
statement of a transaction, before which nothing happened, and says of any other failure that it cannot.
"""

from __future__ import annotations

import dis
import functools
import inspect
import random
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextvars import Token
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar, overload

from wormhole._connection import (
    Open,
    Route,
    _open,
    _route,
    current,
    fresh_primary,
    opened,
)
from wormhole._errors import READ_ONLY, RETRYABLE, TransactionError, sqlstate_of
from wormhole._steps import AnyAdapter, enter, leave, pause, perform, perform_async
from wormhole.drivers._base import Mode

P = ParamSpec("P")
R = TypeVar("R")
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


@overload
def transactional(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def transactional(
    *,
    max_retries: int = 5,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
    standby: bool = False,
    connection: Any = None,
    backoff: Backoff | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
@overload
def transactional(
    max_retries: int,
    /,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
    standby: bool = False,
    connection: Any = None,
    backoff: Backoff | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def transactional(
    function: Callable[..., Any] | int = 5, /, *, max_retries: int | None = None, **options: Any
) -> Any:
    """Run a function in a transaction of its own, again and again as `transactions` does.

    Use it as `@transactional` or with the arguments of `transactions`. Inside of another transaction the
    function gets a savepoint and is not repeated: the outer one is what has to be.
    """
    if not callable(function):
        count = function if max_retries is None else max_retries
        return functools.partial(repeating, options={"max_retries": count, **options})
    return repeating(function, {})


def repeating(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    """`transactional` for a function and its options."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("a generator cannot be transactional: what it yielded cannot be taken back")
    transactions(**options)  # complains of its options now

    def attempts() -> transactions:
        made = transactions(**options)
        made.trusted = True
        return made

    @functools.wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        result: Any = None
        async for attempt in attempts():
            async with attempt:
                result = await function(*args, **kwargs)
        return result

    # A remote function made of an `async def` is an object; before Python 3.12 `inspect` is not told.
    is_async = getattr(function, "is_async", None)
    if inspect.iscoroutinefunction(function) or is_async:
        return awaited

    @functools.wraps(function)
    def waited(*args: Any, **kwargs: Any) -> Any:
        # A remote function is awaited over an awaited driver, whatever it was made of.
        if is_async is not None and current(options.get("connection")).adapter.is_async:
            return awaited(*args, **kwargs)
        result: Any = None
        for attempt in attempts():
            with attempt:
                result = function(*args, **kwargs)
        return result

    return waited


with_transaction = transactional
"""Another name for `transactional`."""
