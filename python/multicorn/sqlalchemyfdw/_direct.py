"""Changes of many rows by one remote statement."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from multicorn._exceptions import MulticornException
from multicorn._qual import Qual
from multicorn.sqlalchemyfdw import _statement, _truncate
from multicorn.sqlalchemyfdw._part import Part
from multicorn.sqlalchemyfdw._table import RemoteTable
from multicorn.utils import ERROR


def update(
    part: Part,
    remote: RemoteTable,
    quals: Sequence[Qual],
    assignments: Mapping[str, Any],
) -> int:
    """Change all rows that match; return how many."""
    statement = _statement.update(remote, quals, assignments)
    return _run(part, statement, "update rows of")


def delete(part: Part, remote: RemoteTable, quals: Sequence[Qual]) -> int:
    """Remove all rows that match; return how many."""
    return _run(part, _statement.delete(remote, quals), "delete from")


def _run(part: Part, statement: sa.Update | sa.Delete, doing: str) -> int:
    connection = part.writing()
    with part.database.errors(doing):
        count = connection.execute(statement).rowcount
    if count < 0:
        raise MulticornException(
            f"could not {doing} {part.database.shown}: the driver does not tell how"
            " many rows there were",
            ERROR,
        )
    return count


def truncate(
    part: Part, remote: RemoteTable, *, restart_identity: bool, cascade: bool
) -> None:
    """Remove all rows; an option that cannot be honoured is an error."""
    _truncate.check(remote.dialect, restart_identity=restart_identity, cascade=cascade)
    connection = part.writing()
    with part.database.errors("truncate a table of"):
        _truncate.truncate(
            connection,
            remote.table,
            restart_identity=restart_identity,
            cascade=cascade,
        )
