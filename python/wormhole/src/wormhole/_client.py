"""The package's public names: `wormhole` has what is listed here, and the search through texts knows it."""

from wormhole import _capture, aio
from wormhole._api import Cursor, Row
from wormhole._attempts import Attempt, transactions
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
from wormhole._transaction import Backoff, transaction
from wormhole._transactional import repeating, transactional, with_transaction

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


def _register() -> None:
    """Let a function's text be searched for what belongs to this package."""
    for name in __all__:
        if name != "aio":  # a module, which is looked into
            _capture.OURS.setdefault(id(globals()[name]), name)
    for name in aio.__all__:
        _capture.OURS[id(getattr(aio, name))] = name
    _capture.OURS[id(repeating)] = "transactional"


_register()
