"""INSERT of many rows, whose stored form nobody reads.

COPY where the remote PostgreSQL table does with it what it does with INSERT
(see `_copy`), one prepared statement run for all rows elsewhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from multicorn.sqlalchemyfdw import _copy
from multicorn.sqlalchemyfdw._table import RemoteTable

Given = dict[str, Any]


def given(remote: RemoteTable, values: Mapping[str, Any]) -> Given:
    """Return the values by remote name, without NULL that is to be filled in.

    An INSERT that leaves out a serial column passes NULL for it; left out, the
    remote database gives it the next number.
    """
    names, filled = remote.names, remote.filled
    return {
        names[name]: value
        for name, value in values.items()
        if value is not None or name not in filled
    }


def insert(connection: Connection, remote: RemoteTable, rows: Sequence[Given]) -> None:
    """Insert all rows, in their order."""
    for same in _by_columns(rows):
        if _copy.can_copy(connection, remote, same[0]):
            _copy.copy(connection, remote, same)
        else:
            _execute(connection, remote.table.insert().inline(), same)


def insert_counting(
    connection: Connection, statement: sa.Insert, rows: Sequence[Given]
) -> int:
    """Insert the rows by a statement that may skip some; return how many it did."""
    counts = [
        _execute(connection, statement.inline(), same) for same in _by_columns(rows)
    ]
    return sum(counts)


def counts_rows(dialect: sa.Dialect) -> bool:
    """Tell whether a statement that is run many times tells how many rows it met."""
    return bool(getattr(dialect, "supports_sane_multi_rowcount", False))


def _execute(
    connection: Connection, statement: sa.Insert, rows: Sequence[Given]
) -> int:
    options: dict[str, Any] = {"preserve_rowcount": True}
    # Rows without values are no parameters to run a statement with.
    sets: Sequence[Any] = [list(rows)] if rows[0] else rows
    return sum(
        connection.execute(statement, each, execution_options=options).rowcount
        for each in sets
    )


def _by_columns(rows: Sequence[Given]) -> list[list[Given]]:
    """Split the rows where the set of given columns changes."""
    groups: list[list[Given]] = []
    for row in rows:
        if groups and groups[-1][0].keys() == row.keys():
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups
