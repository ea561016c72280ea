"""COPY ... FROM STDIN, by psycopg: several times as fast as INSERT.

The danger is COPY's other ways: it knows no rules, refuses tables with row
security and views, and reads each value as the column's input, where INSERT
casts it. It is used only for tables without the former, and for columns whose
values mean the same by both.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import exc, types
from sqlalchemy.engine import Connection

from multicorn.sqlalchemyfdw._kinds import Kind, local_kind, local_name, remote_kind
from multicorn.sqlalchemyfdw._table import RemoteColumn, RemoteTable

_TEXTS = frozenset({"text", "character varying", "character"})
_JSON = frozenset({"json", "jsonb"})
_FLOATS = frozenset({Kind.REAL, Kind.DOUBLE})


def can_copy(connection: Connection, remote: RemoteTable, names: Iterable[str]) -> bool:
    """Tell whether COPY does with these remote columns what INSERT does."""
    if connection.dialect.driver != "psycopg" or not remote.facts.copyable:
        return False
    wanted = set(names)
    # A table without given columns has no COPY.
    return bool(wanted) and all(
        _means_the_same(column)
        for column in remote.columns.values()
        if column.name in wanted
    )


def _means_the_same(column: RemoteColumn) -> bool:
    kind = column.column.type
    if column.column.identity is not None and column.column.identity.always:
        # COPY would store a number that INSERT refuses.
        return False
    here = local_kind(column.definition)
    there = remote_kind(kind, "postgresql")
    if here is not None and here is there:
        return True
    if here in _FLOATS:
        return there in _FLOATS
    if isinstance(kind, types.JSON):
        return local_name(column.definition) in _JSON
    # An enum or a character(n) takes a text as its input.
    is_text = local_name(column.definition) in _TEXTS
    return is_text and isinstance(kind, types.String)


def copy(
    connection: Connection, remote: RemoteTable, rows: Sequence[dict[str, Any]]
) -> None:
    """Insert the rows, all of which have the columns of the first; changes them."""
    preparer = connection.dialect.identifier_preparer
    names = list(rows[0])
    columns = ", ".join(map(preparer.quote, names))
    statement = f"COPY {preparer.format_table(remote.table)} ({columns}) FROM STDIN"
    adapters = {name: _adapter(connection, remote, name) for name in names}
    adapted = {name: adapt for name, adapt in adapters.items() if adapt is not None}
    with (
        _driver_errors(connection),
        _driver(connection).cursor() as cursor,
        cursor.copy(statement) as target,
    ):
        write = target.write_row
        for row in rows:
            for name, adapt in adapted.items():
                row[name] = adapt(row[name])
            write([row[name] for name in names])


def _adapter(connection: Connection, remote: RemoteTable, name: str) -> Any:
    """Return what SQLAlchemy makes of the column's values, None for nothing."""
    kind = remote.table.columns[name].type
    return kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)


def _driver(connection: Connection) -> Any:
    return cast("Any", connection.connection.dbapi_connection)


@contextmanager
def _driver_errors(connection: Connection) -> Generator[None]:
    """Let SQLAlchemy know of errors that it did not see."""
    dialect = connection.dialect
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        lost = dialect.is_disconnect(error, _driver(connection), None)
        if lost:
            connection.invalidate(error)
        raise exc.DBAPIError(None, None, error, connection_invalidated=lost) from None
    except Exception:
        raise
    except BaseException as error:
        # A cancel has left the connection in the middle of something.
        connection.invalidate(error)
        raise
