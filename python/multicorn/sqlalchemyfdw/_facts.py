"""What a remote catalogue tells of a table beyond its columns.

It decides how texts compare, how rows may be loaded, and how many there may
be. A catalogue that cannot be asked (another server that speaks the protocol,
a missing right) costs speed, never correctness: what is not known is taken for
the unfavourable case.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from multicorn.sqlalchemyfdw._kinds import MYSQL, POSTGRESQL, SQLITE, Equality


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one remote table.

    `rows` is what its statistics say, None if they say nothing. `texts` is
    what its text columns take for equal, but for those in `folding`, which take
    more. `copyable` tells that COPY does to it what INSERT does.
    """

    rows: int | None = None
    texts: Equality = Equality.UNKNOWN
    folding: frozenset[str] = frozenset()
    copyable: bool = False

    def equality(self, column: sa.Column[Any]) -> Equality:
        """Return what a text column takes for equal."""
        if self.texts is not Equality.BYTES:
            return self.texts
        if column.name in self.folding or isinstance(column.type, postgresql.CITEXT):
            return Equality.FOLDED
        return Equality.BYTES


def known(connection: Connection, table: sa.Table) -> Facts:
    """Ask the remote catalogue; never raises for what it does not answer."""
    dialect = connection.dialect.name
    if dialect == POSTGRESQL:
        return _postgresql(connection, table)
    if dialect == SQLITE:
        return _sqlite(connection, table)
    if dialect in MYSQL:
        return Facts(rows=_number(_first(connection, _mysql(table))))
    return Facts()


def _first(connection: Connection, statement: sa.Executable) -> Any:
    """Return the first row, or None; a failure undoes nothing else."""
    try:
        with connection.begin_nested():
            return connection.execute(statement).first()
    except exc.SQLAlchemyError:
        # A view, a table without row ids, a missing right: no matter.
        return None


def _number(row: Any) -> int | None:
    found: object = None if row is None else row[0]
    # A table may have a column of its own that is called rowid.
    return int(found) if isinstance(found, (int, float)) and found >= 0 else None


# Where the database does not know its own encoding, `_` is a byte.
_POSTGRESQL: Final = """
SELECT c.reltuples, pg_catalog.current_setting('server_encoding') <> 'SQL_ASCII',
    c.relkind IN ('r', 'p') AND NOT c.relhasrules
        AND NOT pg_catalog.row_security_active(c.oid),
    (SELECT pg_catalog.json_agg(a.attname)
     FROM pg_catalog.pg_attribute AS a
     JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT l.collisdeterministic)::text
FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass(:name)
"""


def _postgresql(connection: Connection, table: sa.Table) -> Facts:
    quoted = connection.dialect.identifier_preparer.format_table(table)
    row = _first(connection, sa.text(_POSTGRESQL).bindparams(name=quoted))
    if row is None:
        return Facts()
    rows, encoded, copyable, folding = row
    return Facts(
        rows=_number([rows]),
        texts=Equality.BYTES if encoded else Equality.UNKNOWN,
        folding=frozenset(cast("list[str]", json.loads(folding or "[]"))),
        copyable=bool(copyable),
    )


def _sqlite(connection: Connection, table: sa.Table) -> Facts:
    # The largest row id is found without reading the table.
    rowid = sa.literal_column("rowid", sa.Integer())
    largest = _first(connection, sa.select(sa.func.max(rowid)).select_from(table))
    master = sa.table("sqlite_master", schema=table.schema)
    name = sa.func.lower(sa.literal_column("name")) == table.name.lower()
    kind = sa.literal_column("type") == "table"
    row = _first(
        connection,
        sa.select(sa.literal_column("sql", sa.Text()))
        .select_from(master)
        .where(name, kind),
    )
    # All columns compare by bytes unless the definition says otherwise.
    plain = row is not None and "collate" not in str(row[0]).lower()
    return Facts(
        rows=_number(largest), texts=Equality.BYTES if plain else Equality.FOLDED
    )


def _mysql(table: sa.Table) -> sa.Executable:
    return sa.text(
        "SELECT table_rows FROM information_schema.tables"
        " WHERE table_name = :name"
        " AND table_schema = coalesce(:schema, database())"
    ).bindparams(name=table.name, schema=table.schema)
