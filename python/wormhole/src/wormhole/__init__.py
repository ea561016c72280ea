"""Write a Python function, run it inside PostgreSQL.

import psycopg
from wormhole import query, remote, set_connection

set_connection(psycopg.connect("dbname=shop", autocommit=True))

@remote
def count_users():
    return query("SELECT count(*) AS count FROM users")[0]["count"]

count_users()
"""

from typing import Any

from wormhole import _capture, aio
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


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext wormhole` in IPython and notebooks, for cells that begin with `%%wormhole`."""
    from wormhole import _magic

    _magic.load(shell)


def _register() -> None:
    """Let a function's text be searched for what belongs to this package."""
    for name in ("query", "query_single", "query_value", "execute", "cursor"):
        _capture.OURS[id(globals()[name])] = name
        _capture.OURS[id(getattr(aio, name))] = name
    _capture.OURS[id(ServerError)] = "ServerError"
    for name in ("get_connection", "set_connection", "set_standbys", "remote", "transaction"):
        _capture.OURS[id(globals()[name])] = name
    for name in ("transactional", "transactions"):
        _capture.OURS[id(globals()[name])] = name


_register()
