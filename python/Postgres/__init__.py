"""PostgreSQL as functions of `LANGUAGE python` see it.

Everything that the body of such a function needs of the database: types and
values (`Type`, `types`, `Object`), statements (`prepare`, `Statement`,
`Cursor`, `sqleval`, `sqlexec`), functions (`proc`, `Function`), transactions
(`xact`), errors (`Exception`, `exceptions`), messages (`NOTICE`, `ERROR`, …)
and facts about the session.

`prepare`, `proc`, `sqleval`, `sqlexec`, `xact` and `pytypes` are builtins too,
once a function of the language has been called in the session.

Module data, asked for when first used and the same for the whole session:

- `backend_start`: when the session began, timestamptz
- `client_addr`, `client_port`: where the client is, inet and int; None on a
  Unix socket
- `current_database`: its name
- `encoding`: the name of the database's encoding, as `UTF8`
- `version`: the server's version as text
- `version_info`: `(major, minor, patch, state, level)`, as `(17, 2, 0, "final", 0)`
- `severities`: the message levels and their numbers
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from Postgres import exceptions
    from Postgres._cursor import Cursor
    from Postgres._error_data import ErrorData
    from Postgres._errors import (
        Exception,  # noqa: A004 - the interface's name
        make_sqlstate,
        severities,
        unpack_sqlstate,
    )
    from Postgres._function import Function, proc
    from Postgres._large_object import LargeObject
    from Postgres._messages import (
        DEBUG,
        ERROR,
        FATAL,
        INFO,
        LOG,
        NOTICE,
        WARNING,
        ereport,
    )
    from Postgres._pytypes import convert_postgres_objects, iterpytypes, pytypes
    from Postgres._ranges import Range
    from Postgres._records import TupleDesc
    from Postgres._session import (
        cancel_backend,
        clock_timestamp,
        current_schemas,
        current_schemas_oid,
        notify,
        quote_ident,
        quote_literal,
        quote_nullable,
        session_uid,
        sleep,
        statement_timestamp,
        terminate_backend,
        transaction_timestamp,
        uid,
    )
    from Postgres._start import clearcache, preload
    from Postgres._stateful import Stateful
    from Postgres._statement import Statement, prepare, sqleval, sqlexec
    from Postgres._transaction import Transaction, commit, rollback, xact
    from Postgres._trigger import StopEvent
    from Postgres._types import Object, Type, types

__all__ = [
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "LOG",
    "NOTICE",
    "WARNING",
    "Cursor",
    "ErrorData",
    "Exception",
    "Function",
    "LargeObject",
    "Object",
    "Range",
    "Stateful",
    "Statement",
    "StopEvent",
    "Transaction",
    "TupleDesc",
    "Type",
    "cancel_backend",
    "clearcache",
    "clock_timestamp",
    "commit",
    "convert_postgres_objects",
    "current_schemas",
    "current_schemas_oid",
    "ereport",
    "exceptions",
    "iterpytypes",
    "make_sqlstate",
    "notify",
    "preload",
    "prepare",
    "proc",
    "pytypes",
    "quote_ident",
    "quote_literal",
    "quote_nullable",
    "rollback",
    "session_uid",
    "severities",
    "sleep",
    "sqleval",
    "sqlexec",
    "statement_timestamp",
    "terminate_backend",
    "transaction_timestamp",
    "types",
    "uid",
    "unpack_sqlstate",
    "xact",
]


# Where each name is: a session loads what its functions use.
_PLACES = {
    "_cursor": ("Cursor",),
    "_errors": ("Exception", "make_sqlstate", "severities", "unpack_sqlstate"),
    "_function": ("Function", "proc"),
    "_large_object": ("LargeObject",),
    "_messages": (
        "DEBUG",
        "ERROR",
        "FATAL",
        "INFO",
        "LOG",
        "NOTICE",
        "WARNING",
        "ereport",
    ),
    "_pytypes": ("convert_postgres_objects", "iterpytypes", "pytypes"),
    "_ranges": ("Range",),
    "_records": ("TupleDesc",),
    "_session": (
        "cancel_backend",
        "clock_timestamp",
        "current_schemas",
        "current_schemas_oid",
        "notify",
        "quote_ident",
        "quote_literal",
        "quote_nullable",
        "session_uid",
        "sleep",
        "statement_timestamp",
        "terminate_backend",
        "transaction_timestamp",
        "uid",
    ),
    "_start": ("clearcache", "preload"),
    "_stateful": ("Stateful",),
    "_statement": ("Statement", "prepare", "sqleval", "sqlexec"),
    "_transaction": ("Transaction", "commit", "rollback", "xact"),
    "_trigger": ("StopEvent",),
    "_types": ("Object", "Type", "types"),
    "_error_data": ("ErrorData",),
}


def __getattr__(name: str) -> Any:
    value = _found(name)
    globals()[name] = value
    return value


def _found(name: str) -> Any:
    if name == "exceptions":
        return __import__("Postgres.exceptions", fromlist=["*"])
    for module, names in _PLACES.items():
        if name in names:
            return getattr(__import__(f"Postgres.{module}", fromlist=["*"]), name)
    if not name.startswith("_"):
        from Postgres._session import FACTS

        if name in FACTS:
            return FACTS[name]()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from Postgres._session import FACTS

    return sorted({*__all__, *FACTS})
