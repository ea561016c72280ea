"""Conditions of the query as SQL for the remote database.

The one danger: a remote condition that is false for a row which the local one
would accept loses that row for good, for the server only checks what it
receives. Each function here therefore returns a condition that is true at
least for every row the local one is true for, or None. Whether it is true for
no others either is told by `exact`: the server then does not check again, and
lays LIMIT, UPDATE and DELETE on top of it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql

from multicorn._qual import Qual
from multicorn._sentinels import UNBOUND
from multicorn.sqlalchemyfdw import _compare
from multicorn.sqlalchemyfdw._compare import (
    COMPARED,
    Clause,
    Pushed,
    Target,
    compare,
)
from multicorn.sqlalchemyfdw._kinds import (
    MYSQL,
    POSTGRESQL,
    SQLITE,
    Comparison,
    Equality,
    Kind,
)
from multicorn.sqlalchemyfdw._texts import LIKES, among, bytewise, is_sendable, text

# A list longer than this is checked locally, or goes as one array: the limits
# on parameters are 1,000 in Oracle, 2,100 in SQL Server, 32,766 in SQLite.
_LONGEST_LIST: Final = 900


def push(target: Target, qual: Qual) -> Pushed | None:
    """Return the remote form of one condition, or None to check it locally."""
    operator = qual.operator
    if isinstance(operator, tuple):
        return _push_list(target, operator[0], operator[1], qual.value)
    if qual.value is None:
        return _push_null(target, operator)
    if qual.value is UNBOUND:
        return _push_unbound(target, operator)
    return _push_value(target, operator, qual.value)


def _push_value(target: Target, operator: str, value: Any) -> Pushed | None:
    if target.comparison is None:
        return None
    handler = _HANDLERS[target.comparison.kind]
    return handler(target, target.comparison, operator, value)


# NULL


def _push_null(target: Target, operator: str) -> Pushed | None:
    if operator not in {"=", "IS", "<>", "IS NOT"}:
        return None
    negative = operator in {"<>", "IS NOT"}
    # A date of MySQL's such as 0000-00-00 arrives as NULL, but is none.
    kind = target.comparison.kind if target.comparison else None
    exact = target.dialect not in MYSQL or kind in _NEVER_ZERO_DATE
    if not negative:
        return Pushed(_is_null(target)) if exact else None
    return Pushed(sa.not_(_is_null(target)), exact)


def _is_null(target: Target) -> Clause:
    if target.dialect == POSTGRESQL and isinstance(target.column.type, types.NullType):
        # It may be a composite, which IS NULL if all of its fields are.
        return target.column.is_not_distinct_from(sa.null())
    return target.column.is_(None)


_NEVER_ZERO_DATE: Final = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.TEXT, Kind.BYTES})


# Values that are not known yet


def _push_unbound(target: Target, operator: str) -> Pushed | None:
    """Return what EXPLAIN shows for a parameter."""
    if target.comparison is None or operator not in COMPARED | LIKES:
        return None
    sample = _SAMPLES.get(target.comparison.kind)
    if sample is None or _push_value(target, operator, sample) is None:
        return None
    sql = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE"}.get(operator, operator)
    question: Clause = sa.literal_column("?")
    exact = is_exact_for_all(target, operator)
    return Pushed(compare(target.column, sql, question), exact)


_SAMPLES: Final[Mapping[Kind, Any]] = {
    Kind.INTEGER: 1,
    Kind.NUMERIC: Decimal(1),
    Kind.DOUBLE: 1.0,
    Kind.REAL: 1.0,
    Kind.TEXT: "x",
    Kind.BOOLEAN: "t",
    Kind.DATE: date(2000, 1, 1),
    Kind.TIMESTAMP: datetime(2000, 1, 1),  # noqa: DTZ001 - has no zone
    Kind.TIMESTAMPTZ: datetime(2000, 1, 1, tzinfo=UTC),
    Kind.TIME: time(12),
    Kind.BYTES: b"x",
    Kind.UUID: UUID(int=0),
}

_EQUALITIES: Final = frozenset({"=", "<>"})

# The operators under which any value whatsoever that the server can compare
# with such a column is applied exactly. Dates and times are not among them: a
# date may be compared with a timestamp with time zone, and infinity is none of
# Python's; nor are patterns, which may end with a lone backslash.
_ALWAYS: Final[Mapping[str, Mapping[Kind, frozenset[str]]]] = {
    POSTGRESQL: {
        Kind.INTEGER: COMPARED,
        Kind.NUMERIC: COMPARED,
        Kind.DOUBLE: COMPARED,
        Kind.BYTES: COMPARED,
        Kind.UUID: COMPARED,
        Kind.TEXT: _EQUALITIES,
        Kind.BOOLEAN: _EQUALITIES,
    },
    SQLITE: {
        Kind.INTEGER: COMPARED,
        Kind.TEXT: _EQUALITIES,
        Kind.BOOLEAN: _EQUALITIES,
    },
}
_ALWAYS_ELSEWHERE: Final[Mapping[Kind, frozenset[str]]] = {Kind.INTEGER: COMPARED}


def is_exact_for_all(target: Target, operator: str) -> bool:
    """Tell whether the comparison is applied exactly whatever the value is."""
    how = target.comparison
    if how is None or not how.is_exact:
        return False
    if how.kind is Kind.TEXT and target.equality is Equality.UNKNOWN:
        return False
    always = _ALWAYS.get(target.dialect, _ALWAYS_ELSEWHERE)
    return operator in always.get(how.kind, frozenset())


# Lists


def _push_list(target: Target, operator: str, any_: bool, value: Any) -> Pushed | None:  # noqa: FBT001
    if value is UNBOUND:
        return _push_unbound_list(target, operator, any_)
    if not isinstance(value, (list, tuple)):
        return None
    items = list(cast("Sequence[Any]", value))
    known = [item for item in items if item is not None]
    # NULL makes no row match ANY, and none ALL; ALL of nothing is true.
    if any_ and not known:
        return Pushed(sa.false())
    if len(known) > _LONGEST_LIST or (not any_ and len(known) != len(items or [None])):
        return _push_array(target, operator, items, any_)
    return _push_items(target, operator, known, any_)


def _push_unbound_list(target: Target, operator: str, any_: bool) -> Pushed | None:  # noqa: FBT001
    single = _push_unbound(target, operator)
    if single is None:
        return None
    word = "ANY" if any_ else "ALL"
    question: Clause = sa.literal_column(f"{word}(?)")
    exact = target.dialect == POSTGRESQL and single.exact and _has_array(target)
    return Pushed(compare(target.column, operator, question), exact)


def _push_items(
    target: Target,
    operator: str,
    items: list[Any],
    any_: bool,  # noqa: FBT001
) -> Pushed | None:
    how = target.comparison
    in_list = (operator, any_) in {("=", True), ("<>", False)}
    if how is not None and how.kind is Kind.TEXT and in_list:
        if not all(isinstance(item, str) for item in items):
            return None
        return among(target, how, items, negative=not any_)
    pushed = [_push_value(target, operator, item) for item in items]
    parts = [part for part in pushed if part is not None]
    if len(parts) < len(pushed):
        return None
    exact = all(part.exact for part in parts)
    clauses = [part.clause for part in parts]
    if len(clauses) > 1 and in_list and _is_plain(target):
        # Databases plan IN better than a chain of comparisons.
        left, values = _sides(clauses)
        return Pushed(left.in_(values) if any_ else left.not_in(values), exact)
    return Pushed(sa.or_(*clauses) if any_ else sa.and_(*clauses), exact)


_PLAIN: Final = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.DATE, Kind.UUID})


def _is_plain(target: Target) -> bool:
    """Tell whether `=` and `<>` become just that, with one parameter."""
    how = target.comparison
    return how is not None and how.is_exact and how.kind in _PLAIN


def _sides(clauses: Sequence[Clause]) -> tuple[Clause, list[Clause]]:
    """Return the left side that the comparisons share, and the right sides."""
    comparisons = [cast("sa.BinaryExpression[Any]", clause) for clause in clauses]
    return comparisons[0].left, [each.right for each in comparisons]


# PostgreSQL's arrays: one parameter for a list of any length


_ARRAYS: Final[Mapping[Kind, tuple[type, types.TypeEngine[Any]]]] = {
    Kind.INTEGER: (int, types.BigInteger()),
    Kind.NUMERIC: (Decimal, types.Numeric()),
    Kind.DOUBLE: (float, types.Double()),
    Kind.TEXT: (str, types.Text()),
    Kind.UUID: (UUID, types.Uuid()),
}


def _has_array(target: Target) -> bool:
    how = target.comparison
    return how is not None and how.kind in _ARRAYS


def _push_array(
    target: Target,
    operator: str,
    items: list[Any],
    any_: bool,  # noqa: FBT001
) -> Pushed | None:
    how = target.comparison
    if how is None or target.dialect != POSTGRESQL or how.kind not in _ARRAYS:
        return None
    python_type, kind = _ARRAYS[how.kind]
    if not is_exact_for_all(target, operator):
        return None
    if not all(item is None or type(item) is python_type for item in items):
        return None
    column: Clause = target.column
    extra: list[Clause] = []
    if how.kind is Kind.TEXT:
        column = bytewise(target)
        sendable = [item for item in items if item is None or is_sendable(item)]
        if len(sendable) < len(items) and not any_:
            # To these texts nothing is equal there, and every text unequal.
            extra = [column.is_not(None) if operator == "<>" else sa.false()]
        items = sendable
    array: Clause = sa.literal(items, postgresql.ARRAY(kind))
    if how.kind is Kind.NUMERIC:
        # As texts, for what may be infinite; see `_compare`.
        texts = [item if item is None else str(item) for item in items]
        array = sa.cast(
            sa.literal(texts, postgresql.ARRAY(types.Text())), postgresql.ARRAY(kind)
        )
    side: Clause = sa.any_(array) if any_ else sa.all_(array)
    return Pushed(sa.and_(compare(column, operator, side), *extra))


_Handler = Callable[[Target, Comparison, str, Any], Pushed | None]

_HANDLERS: Final[Mapping[Kind, _Handler]] = {
    Kind.INTEGER: _compare.integer,
    Kind.NUMERIC: _compare.numeric,
    Kind.DOUBLE: _compare.double,
    Kind.REAL: _compare.double,
    Kind.TEXT: text,
    Kind.BOOLEAN: _compare.boolean,
    Kind.DATE: _compare.day,
    Kind.TIMESTAMP: _compare.timestamp,
    Kind.TIMESTAMPTZ: _compare.timestamp,
    Kind.TIME: _compare.clock,
    Kind.BYTES: _compare.octets,
    Kind.UUID: _compare.uuid,
}
