"""ORDER BY: which part of the local order the remote database can produce."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from multicorn._definitions import SortKey
from multicorn.sqlalchemyfdw._kinds import MYSQL, POSTGRESQL, SQLITE, Kind
from multicorn.sqlalchemyfdw._table import RemoteColumn
from multicorn.sqlalchemyfdw._texts import in_byte_order

# Kinds that have one order everywhere. A text's order is its collation's, and
# none but "C" is the same on both sides.
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.DOUBLE, Kind.REAL})
_DATES: Final = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.TIME})
_SORTED: Final[Mapping[str, frozenset[Kind]]] = {
    POSTGRESQL: _NUMBERS | _DATES | {Kind.BOOLEAN, Kind.UUID, Kind.BYTES},
    # SQLite's dates are texts of any form, and its bytes may be texts.
    SQLITE: _NUMBERS,
}
_ELSEWHERE: Final = _NUMBERS | {Kind.DATE, Kind.TIMESTAMP}

_BYTE_ORDERS: Final = frozenset({"C", "POSIX", "ucs_basic"})

# NULLS FIRST came to SQLite with 3.30.
_SQLITE_HAS_NULLS: Final = sqlite3.sqlite_version_info >= (3, 30)


def sortable(
    columns: Mapping[str, RemoteColumn], sortkeys: Sequence[SortKey]
) -> list[SortKey]:
    """Return the leading keys that the remote database sorts as we do.

    A key whose values are rounded on the way may only be the last: two values
    that became equal would not be in the order of the next key.
    """
    taken: list[SortKey] = []
    for key in sortkeys:
        column = columns.get(key.attname)
        if column is None or not _same_order(column, key):
            break
        taken.append(key)
        how = column.target.comparison
        if how is None or not how.is_exact:
            break
    return taken


def _same_order(column: RemoteColumn, key: SortKey) -> bool:
    how, dialect = column.target.comparison, column.target.dialect
    if how is None:
        return False
    if how.kind is Kind.TEXT:
        return key.collate in _BYTE_ORDERS and dialect in {POSTGRESQL, SQLITE}
    return how.kind in _SORTED.get(dialect, _ELSEWHERE)


def order_by(
    columns: Mapping[str, RemoteColumn], sortkeys: Sequence[SortKey]
) -> list[ColumnElement[Any]]:
    """Return the ORDER BY expressions for keys that `sortable` returned."""
    expressions: list[ColumnElement[Any]] = []
    for key in sortkeys:
        expressions.extend(_one(columns[key.attname], key))
    return expressions


def _one(column: RemoteColumn, key: SortKey) -> list[ColumnElement[Any]]:
    dialect = column.target.dialect
    value: ColumnElement[Any] = column.column
    if key.collate in _BYTE_ORDERS:
        value = in_byte_order(column.target)
    ordered = value.desc() if key.is_reversed else value.asc()
    if _has_nulls_clause(dialect):
        return [ordered.nulls_first() if key.nulls_first else ordered.nulls_last()]
    null_rank = sa.case((value.is_(None), 0), else_=1)
    return [null_rank.asc() if key.nulls_first else null_rank.desc(), ordered]


def _has_nulls_clause(dialect: str) -> bool:
    if dialect == SQLITE:
        return _SQLITE_HAS_NULLS
    return dialect not in MYSQL and dialect != "mssql"
