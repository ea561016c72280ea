"""What psycopg and psycopg2 would do otherwise than the server needs it.

psycopg looks for signals every 100 ms only, and after one it leaves the remote
statement running: whatever then uses the connection, its rollback first of
all, would wait for that statement. psycopg2 sends an infinite number as NaN.
"""

import contextlib
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

# Seconds between two looks: a fraction of the time in which a cancel is served.
_INTERVAL = 0.02
# Seconds for asking the remote server to stop; our own cancel waits for it.
_PATIENCE = 0.5


def make_interruptible(engine: "Engine") -> None:
    """Let the engine open such connections, if its driver is psycopg."""
    if engine.dialect.driver != "psycopg":
        return
    from psycopg import Connection
    from psycopg.pq import TransactionStatus
    from sqlalchemy import event

    class Interruptible(Connection[Any]):
        """Gives up its server when a cancel, which is no Exception, ends a wait."""

        def wait(self, gen: Any, interval: float = _INTERVAL, **more: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
            try:
                return super().wait(gen, min(interval, _INTERVAL), **more)
            except Exception:
                raise
            except BaseException:
                self._abandon()
                raise

        def _abandon(self) -> None:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                with contextlib.suppress(Exception):
                    self.cancel_safe(timeout=_PATIENCE)
            # Nobody waits for the answer: the connection is of no more use.
            self.pgconn.finish()

    def connect(
        _dialect: object, _record: object, arguments: list[Any], keywords: Any
    ) -> Interruptible:
        return Interruptible.connect(*arguments, **keywords)

    event.listen(engine, "do_connect", connect)


def keep_infinity(engine: "Engine") -> None:
    """Let psycopg2, if it is the driver, send infinite numbers as what they are."""
    if engine.dialect.driver != "psycopg2":
        return
    import importlib

    # Without stubs, since hardly anybody has it installed.
    extensions: Any = importlib.import_module("psycopg2.extensions")
    key = (Decimal, extensions.ISQLQuote)
    known = extensions.adapters[key]
    if not isinstance(known, _Infinite):
        extensions.adapters[key] = _Infinite(known, extensions.AsIs)


class _Infinite:
    """Adapts a Decimal; what is finite as before."""

    def __init__(self, known: Callable[[Decimal], Any], verbatim: Any) -> None:
        self._known = known
        self._verbatim = verbatim

    def __call__(self, number: Decimal) -> Any:
        if number.is_infinite():
            return self._verbatim(f"'{number}'")
        return self._known(number)
