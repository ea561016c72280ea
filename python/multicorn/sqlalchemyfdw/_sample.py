"""Rows at random and the number of all rows, for ANALYZE."""

import random
from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from multicorn.sqlalchemyfdw._kinds import MYSQL, POSTGRESQL, SQLITE
from multicorn.sqlalchemyfdw._table import RemoteTable, reader

Rows = list[Sequence[Any]]

# Where the database itself can put rows into a random order.
_RANDOM_ORDER: Final = frozenset({POSTGRESQL, SQLITE, *MYSQL})
_SEEDS: Final = 1 << 31

_PAGES: Final = """
SELECT pg_catalog.pg_relation_size(c.oid)
    / pg_catalog.current_setting('block_size')::bigint
FROM pg_catalog.pg_class AS c
WHERE c.oid = pg_catalog.to_regclass(:name) AND c.relkind IN ('r', 'm')
"""


def in_database(
    connection: Connection, remote: RemoteTable, n: int
) -> tuple[Rows, float] | None:
    """Return at most `n` rows and the number of all, chosen by the database.

    None where it cannot: all rows have to come, see `reservoir`.
    """
    dialect = connection.dialect.name
    if dialect not in _RANDOM_ORDER:
        return None
    if dialect == POSTGRESQL:
        pages = _pages(connection, remote.table)
        if pages > n:
            return _of_pages(connection, remote, n, pages)
    total = _count(connection, remote.table)
    statement = sa.select(*_readers(remote, remote.table)).select_from(remote.table)
    if total > n:
        statement = statement.order_by(sa.func.random()).limit(n)
    return _rows(connection, statement), float(total)


def _pages(connection: Connection, table: sa.Table) -> int:
    """Return the table's size in pages; 0 for a view, whose size nobody knows."""
    quoted = connection.dialect.identifier_preparer.format_table(table)
    found = connection.execute(sa.text(_PAGES), {"name": quoted}).scalar()
    return found or 0


def _of_pages(
    connection: Connection, remote: RemoteTable, n: int, pages: int
) -> tuple[Rows, float]:
    """Take rows from `n` pages at random, which is how ANALYZE itself does it."""
    share = n / pages
    method = sa.func.system(share * 100)
    # Two scans with one seed find the same pages.
    seed = random.randrange(_SEEDS)  # noqa: S311 - statistics, no secrets
    sample = remote.table.tablesample(method, seed=sa.literal(seed))
    total = _count(connection, sample)
    statement = sa.select(*_readers(remote, sample)).select_from(sample)
    statement = statement.order_by(sa.func.random()).limit(n)
    return _rows(connection, statement), total / share


def _count(connection: Connection, rows: sa.FromClause) -> int:
    statement = sa.select(sa.func.count()).select_from(rows)
    return int(connection.execute(statement).scalar_one())


def _readers(remote: RemoteTable, rows: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    columns = remote.columns.values()
    found = [reader(rows.c[column.name], remote.dialect) for column in columns]
    return found or [sa.literal_column("1")]


def _rows(connection: Connection, statement: sa.Select[Any]) -> Rows:
    return list(map(tuple, connection.execute(statement)))


def reservoir(rows: Iterable[Sequence[Any]], n: int) -> tuple[Rows, float]:
    """Return `n` of all rows at random, each with the same chance, and their number.

    Jeffrey S. Vitter, "Random Sampling with a Reservoir", ACM TOMS 11 (1985),
    algorithm R.
    """
    kept: Rows = []
    total = 0
    for row in rows:
        total += 1
        if len(kept) < n:
            kept.append(row)
            continue
        place = random.randrange(total)  # noqa: S311 - statistics, no secrets
        if place < n:
            kept[place] = row
    return kept, float(total)
