"""psycopg connections whose waiting ends when the local statement is ended.

psycopg looks for signals every 100 ms only, and after one it leaves the remote
statement running: whatever then uses the connection, its rollback first of
all, would wait for that statement.
"""

import contextlib
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
