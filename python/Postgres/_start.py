"""What the language does once per session, and with its caches."""

from __future__ import annotations

import builtins
import sys

from Postgres import _function, _types
from Postgres._pytypes import pytypes
from Postgres._server import native
from Postgres._statement import LazyStatement, prepare, sqleval, sqlexec
from Postgres._streams import install
from Postgres._transaction import xact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_BUILTINS: Final = {
    "prepare": prepare,
    "proc": _function.proc,
    "pytypes": pytypes,
    "sqleval": sqleval,
    "sqlexec": sqlexec,
    "xact": xact,
}


def start() -> None:
    """Prepare Python for functions of the language. Repeatable."""
    for name, value in _BUILTINS.items():
        setattr(builtins, name, value)
    install()


_LANGUAGE: Final = LazyStatement(
    "SELECT pg_catalog.string_agg(pg_catalog.concat(p.oid, ':', p.prorettype), ' '"
    " ORDER BY p.oid)"
    " FROM pg_catalog.pg_proc AS p"
    " JOIN pg_catalog.pg_namespace AS n"
    "  ON n.oid OPERATOR(pg_catalog.=) p.pronamespace"
    " JOIN pg_catalog.pg_language AS l"
    "  ON l.oid OPERATOR(pg_catalog.=) p.prolang"
    " WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.text"
    " AND l.lanname OPERATOR(pg_catalog.=) 'python'"
)
_ROLES: Final = {2279: "trigger", 3838: "event trigger"}
"""How a function is called, by its result type."""

_SCHEMA: Final = LazyStatement(
    "SELECT n.oid FROM pg_catalog.pg_namespace AS n"
    " WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.text"
)


def preload(*schemas: str) -> int:
    """Load the functions of LANGUAGE python in these schemas, ahead of their calls.

    Their modules are executed now, in the order in which they were created;
    those that are loaded already are left alone. Returns how many functions
    there are. A schema that does not exist is an error (3F000), and so is
    whatever a module raises.
    """
    count = 0
    for schema in schemas:
        if _SCHEMA.first(schema) is None:
            from Postgres._messages import raise_for

            raise_for("3F000", f'schema "{schema}" does not exist')
        for pair in str(_LANGUAGE.first(schema) or "").split():
            oid, _, result = pair.partition(":")
            native().pl_load(int(oid), _ROLES.get(int(result), ""))
            count += 1
    return count


def clearcache() -> None:
    """Forget the session's cached functions, types and source lines.

    Functions that are called again are loaded anew: their modules' globals are
    lost. The function that is running goes on as it is.
    """
    native().pl_clear()
    _types.forget()
    lines = sys.modules.get("linecache")
    if lines is not None:
        lines.clearcache()
