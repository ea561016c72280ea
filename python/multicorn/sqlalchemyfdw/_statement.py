"""The remote statements of one scan, and of one change by conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from multicorn._definitions import SortKey
from multicorn._exceptions import MulticornException
from multicorn._qual import Qual
from multicorn._sentinels import Sentinel
from multicorn.sqlalchemyfdw._compare import Clause, Pushed
from multicorn.sqlalchemyfdw._filters import push
from multicorn.sqlalchemyfdw._order import order_by
from multicorn.sqlalchemyfdw._table import RemoteTable
from multicorn.utils import ERROR


@dataclass(frozen=True, slots=True)
class Request:
    """What the server asks of a scan."""

    quals: Sequence[Qual]
    columns: set[str]
    sortkeys: Sequence[SortKey] | None = None
    #: A `Sentinel` where EXPLAIN does not know it.
    limit: int | Sentinel | None = None
    offset: int | Sentinel | None = None


def select(
    remote: RemoteTable, request: Request, *, for_reading: bool = True
) -> sa.Select[Any]:
    """Return the statement; its rows have one item for each local column.

    Columns that the query does not need are NULL, so that the rows can be
    handed on as they come. A statement that is only shown leaves them out.
    """
    pushed = [_push(remote, qual) for qual in request.quals]
    items = _items(remote, request.columns, for_reading=for_reading)
    statement = sa.select(*items).select_from(remote.table)
    statement = statement.where(*[each.clause for each in pushed if each is not None])
    if request.sortkeys:
        statement = statement.order_by(*order_by(remote.columns, request.sortkeys))
    if request.limit is None and not request.offset:
        return statement
    if for_reading and not all(each is not None and each.exact for each in pushed):
        # The rows cut off here might be the ones that pass the local check.
        raise _inexact("a limit was pushed down")
    if request.limit is not None:
        statement = statement.limit(_count(request.limit))
    return statement.offset(_count(request.offset)) if request.offset else statement


def _count(count: int | Sentinel) -> int | sa.ColumnElement[int]:
    if isinstance(count, Sentinel):
        return sa.literal_column("?", sa.Integer())
    return count


def is_exact(remote: RemoteTable, qual: Qual) -> bool:
    """Tell whether the remote database applies the condition exactly.

    Of a value that is not known yet: whatever it will be.
    """
    pushed = _push(remote, qual)
    return pushed is not None and pushed.exact


def _push(remote: RemoteTable, qual: Qual) -> Pushed | None:
    column = remote.columns.get(qual.field_name)
    return None if column is None else push(column.target, qual)


def _exactly(remote: RemoteTable, quals: Sequence[Qual], act: str) -> list[Clause]:
    """Return the conditions of a change; one that is not exact is an error."""
    pushed = [_push(remote, qual) for qual in quals]
    clauses = [each.clause for each in pushed if each is not None and each.exact]
    if len(clauses) < len(pushed):
        raise _inexact(act)
    return clauses


def _inexact(act: str) -> MulticornException:
    return MulticornException(
        f"{act} together with conditions that the remote database does not check"
        " exactly",
        ERROR,
    )


def update(
    remote: RemoteTable, quals: Sequence[Qual], assignments: Mapping[str, Any]
) -> sa.Update:
    """Return the UPDATE of all rows that match."""
    clauses = _exactly(remote, quals, "an UPDATE was pushed down")
    values = {remote.columns[name].column: value for name, value in assignments.items()}
    return remote.table.update().where(*clauses).values(values)


def delete(remote: RemoteTable, quals: Sequence[Qual]) -> sa.Delete:
    """Return the DELETE of all rows that match."""
    return remote.table.delete().where(
        *_exactly(remote, quals, "a DELETE was pushed down")
    )


def _items(
    remote: RemoteTable, needed: set[str], *, for_reading: bool
) -> list[sa.ColumnElement[Any]]:
    columns = remote.columns
    items: list[sa.ColumnElement[Any]]
    if for_reading:
        items = [
            column.reader if name in needed else sa.null()
            for name, column in columns.items()
        ]
    else:
        items = [each.column for name, each in columns.items() if name in needed]
    # A table without columns still has rows.
    return items or [sa.literal_column("1")]


def is_lookup(remote: RemoteTable, quals: Sequence[Qual]) -> bool:
    """Tell whether the conditions fix the primary key: one row at most."""
    key = remote.primary_key
    fixed = {qual.field_name for qual in quals if qual.operator == "="}
    return bool(key) and fixed.issuperset(key)


def explain(statement: sa.Select[Any], dialect: sa.Dialect) -> list[str]:
    """Return the statement on one line, and its parameters on another."""
    compiled = statement.compile(dialect=dialect, compile_kwargs=_EXPAND)
    lines = [f"Remote SQL: {' '.join(str(compiled).split())}"]
    values = compiled.params
    order: Sequence[str] = compiled.positiontup or list(values)
    if order:
        shown = ", ".join(repr(values[name]) for name in order)
        lines.append(f"Remote parameters: {shown}")
    return lines


_EXPAND: dict[str, Any] = {"render_postcompile": True}
