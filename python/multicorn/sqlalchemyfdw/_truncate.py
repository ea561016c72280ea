"""TRUNCATE, as far as a remote database has it inside a transaction.

Where it would commit, as in MySQL, the rows are deleted one and all.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from multicorn._exceptions import MulticornException
from multicorn.sqlalchemyfdw._kinds import POSTGRESQL, SQLITE
from multicorn.utils import ERROR

_UNSUPPORTED: Final = "0A000"


def check(dialect: str, *, restart_identity: bool, cascade: bool) -> None:
    """Raise for an option that the database cannot honour."""
    if dialect == POSTGRESQL:
        return
    if cascade:
        raise _unsupported("TRUNCATE ... CASCADE", dialect)
    if restart_identity and dialect != SQLITE:
        raise _unsupported("TRUNCATE ... RESTART IDENTITY", dialect)


def _unsupported(what: str, dialect: str) -> MulticornException:
    return MulticornException(
        f"SqlAlchemyFdw cannot do {what} in a database of the kind {dialect}",
        ERROR,
        sqlstate=_UNSUPPORTED,
    )


def truncate(
    connection: Connection,
    table: sa.Table,
    *,
    restart_identity: bool,
    cascade: bool,
) -> None:
    """Remove all rows."""
    if connection.dialect.name == POSTGRESQL:
        name = connection.dialect.identifier_preparer.format_table(table)
        restart = " RESTART IDENTITY" if restart_identity else ""
        also = " CASCADE" if cascade else ""
        connection.exec_driver_sql(f"TRUNCATE TABLE {name}{restart}{also}")
        return
    connection.execute(table.delete())
    if restart_identity:
        _restart_sqlite(connection, table)


def _restart_sqlite(connection: Connection, table: sa.Table) -> None:
    """Forget the last number; only tables with AUTOINCREMENT remember one."""
    sequences = sa.table("sqlite_sequence", sa.column("name"), schema=table.schema)
    known = sa.inspect(connection)
    if known.has_table("sqlite_sequence", schema=table.schema):
        # As the definition writes the name, which the option may write otherwise.
        same = sa.func.lower(sequences.c.name) == table.name.lower()
        connection.execute(sequences.delete().where(same))
