"""Write a Python function, run it inside PostgreSQL.

    import psycopg
    from wormhole import query, remote, set_connection

    set_connection(psycopg.connect("dbname=shop", autocommit=True))

    @remote
    def count_users():
        return query("SELECT count(*) AS count FROM users")[0]["count"]

    count_users()

The server imports modules of this package, too. So nothing of the client is loaded before it is asked for:
with it come asyncio and sockets, which have no business in a server's process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wormhole import aio
    from wormhole._api import Cursor, Row
    from wormhole._connection import get_connection, set_connection, set_standbys
    from wormhole._errors import (
        CaptureError,
        ConnectionMissing,
        Frame,
        RemoteError,
        ServerError,
        TransactionError,
    )
    from wormhole._query import AsyncCursor, cursor, execute, query, query_single, query_value
    from wormhole._remote import Remote, remote
    from wormhole._transactions import (
        Attempt,
        Backoff,
        transaction,
        transactional,
        transactions,
        with_transaction,
    )

__all__ = [
    "AsyncCursor",
    "Attempt",
    "Backoff",
    "CaptureError",
    "ConnectionMissing",
    "Cursor",
    "Frame",
    "Remote",
    "RemoteError",
    "Row",
    "ServerError",
    "TransactionError",
    "aio",
    "cursor",
    "execute",
    "get_connection",
    "query",
    "query_single",
    "query_value",
    "remote",
    "set_connection",
    "set_standbys",
    "transaction",
    "transactional",
    "transactions",
    "with_transaction",
]


def __getattr__(name: str) -> Any:
    """Load the client when the first of its names is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wormhole import _client

    value: Any = getattr(_client, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext wormhole` in IPython and notebooks, for cells that begin with `%%wormhole`."""
    from wormhole import _magic

    _magic.load(shell)
