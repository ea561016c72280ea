"""Conditions of the query as SQL for the remote database.

The one danger: a remote condition that is false for a row which the local one
would accept loses that row for good, for the server only checks what it
receives. Each function here therefore returns a condition that is true at
least for every row the local one is true for, or None. Whether it is true for
no others either is told by `exact`, on which a pushed LIMIT depends.
"""

import operator as operators
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from multicorn import _like
from multicorn._qual import Qual
from multicorn._sentinels import UNBOUND
from multicorn.sqlalchemyfdw._kinds import (
    MYSQL,
    POSTGRESQL,
    SQLITE,
    Comparison,
    Kind,
)

Clause = ColumnElement[Any]

# A list longer than this is checked locally: the limits on parameters are
# 1,000 in Oracle, 2,100 in SQL Server, 32,766 in SQLite.
_LONGEST_LIST: Final = 900

_COMPARED: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})
_LIKES: Final = frozenset({"~~", "!~~", "~~*"})

_INT64: Final = 1 << 63
# More digits than some drivers can send.
_LONGEST_DECIMAL: Final = 38
# The calendars of the various databases agree from here on.
_EARLIEST_YEAR: Final = 1900
_LATEST_YEAR: Final = 9000


@dataclass(frozen=True, slots=True)
class Pushed:
    """A remote condition; `exact` if it is true for no row too many."""

    clause: Clause
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """A remote column to compare, and how; `comparison` None: NULL tests only."""

    column: sa.Column[Any]
    comparison: Comparison | None
    dialect: str


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


def _push_null(target: Target, operator: str) -> Pushed | None:
    if operator in {"=", "IS"}:
        # A date of MySQL's such as 0000-00-00 arrives as NULL, but is none.
        kind = target.comparison.kind if target.comparison else None
        if target.dialect in MYSQL and kind not in _NEVER_ZERO_DATE:
            return None
        return Pushed(target.column.is_(None))
    if operator in {"<>", "IS NOT"}:
        return Pushed(target.column.is_not(None), exact=target.dialect not in MYSQL)
    return None


_NEVER_ZERO_DATE: Final = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.TEXT, Kind.BYTES})


def _push_unbound(target: Target, operator: str) -> Pushed | None:
    """Return what EXPLAIN shows for a parameter."""
    if target.comparison is None or operator not in _COMPARED | _LIKES:
        return None
    sample = _SAMPLES.get(target.comparison.kind)
    if sample is None or _push_value(target, operator, sample) is None:
        return None
    sql = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE"}.get(operator, operator)
    question: Clause = sa.literal_column("?")
    return Pushed(_compare(target.column, sql, question), exact=False)


_SAMPLES: Final[Mapping[Kind, Any]] = {
    Kind.INTEGER: 1,
    Kind.NUMERIC: Decimal(1),
    Kind.DOUBLE: 1.0,
    Kind.REAL: 1.0,
    Kind.TEXT: "x",
    Kind.BOOLEAN: "t",
    Kind.DATE: date(2000, 1, 1),
    Kind.TIMESTAMP: datetime(2000, 1, 1),  # noqa: DTZ001 - has no zone
    Kind.BYTES: b"x",
}


def _push_list(target: Target, operator: str, any_: bool, value: Any) -> Pushed | None:  # noqa: FBT001
    if value is UNBOUND:
        return _push_unbound_list(target, operator, any_)
    if not isinstance(value, (list, tuple)):
        return None
    items = list(cast("Sequence[Any]", value))
    if any_:
        # NULL in the list makes no row match.
        items = [item for item in items if item is not None]
        if not items:
            return Pushed(sa.false())
    elif not items or None in items:
        # ALL of nothing is true; ALL of a list with NULL never is.
        return None
    if len(items) > _LONGEST_LIST:
        return None
    return _push_items(target, operator, items, any_)


def _push_unbound_list(target: Target, operator: str, any_: bool) -> Pushed | None:  # noqa: FBT001
    single = _push_unbound(target, operator)
    if single is None:
        return None
    word = "ANY" if any_ else "ALL"
    question: Clause = sa.literal_column(f"{word}(?)")
    return Pushed(_compare(target.column, operator, question), exact=False)


def _push_items(
    target: Target,
    operator: str,
    items: list[Any],
    any_: bool,  # noqa: FBT001
) -> Pushed | None:
    pushed = [_push_value(target, operator, item) for item in items]
    parts = [part for part in pushed if part is not None]
    if len(parts) < len(pushed):
        return None
    exact = all(part.exact for part in parts)
    clauses = [part.clause for part in parts]
    if len(clauses) > 1 and _is_plain(target.comparison):
        # Databases plan IN better than a chain of comparisons.
        left, values = _sides(clauses)
        if (operator, any_) == ("=", True):
            return Pushed(left.in_(values), exact)
        if (operator, any_) == ("<>", False):
            return Pushed(left.not_in(values), exact)
    return Pushed(sa.or_(*clauses) if any_ else sa.and_(*clauses), exact)


_PLAIN: Final = frozenset(
    {Kind.INTEGER, Kind.NUMERIC, Kind.TEXT, Kind.DATE, Kind.BYTES, Kind.UUID}
)


def _is_plain(how: Comparison | None) -> bool:
    """Tell whether `=` and `<>` become just that, with one parameter."""
    return how is not None and how.is_exact and how.kind in _PLAIN


def _sides(clauses: Sequence[Clause]) -> tuple[Clause, list[Clause]]:
    """Return the left side that the comparisons share, and the right sides."""
    comparisons = [cast("sa.BinaryExpression[Any]", clause) for clause in clauses]
    return comparisons[0].left, [each.right for each in comparisons]


def _push_value(target: Target, operator: str, value: Any) -> Pushed | None:
    if target.comparison is None:
        return None
    handler = _HANDLERS[target.comparison.kind]
    return handler(target, target.comparison, operator, value)


_PYTHON_OPERATORS: Final[Mapping[str, Callable[[Clause, Clause], Any]]] = {
    "=": operators.eq,
    "<>": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}


def _compare(column: Clause, operator: str, value: Clause) -> Clause:
    known = _PYTHON_OPERATORS.get(operator)
    if known is not None:
        return cast("Clause", known(column, value))
    return cast("Clause", column.op(operator, is_comparison=True)(value))


# Numbers


def _integer(
    target: Target, _how: Comparison, operator: str, value: Any
) -> Pushed | None:
    if type(value) is not int or operator not in _COMPARED:
        return None
    if not -_INT64 <= value < _INT64:
        return None
    # As a bigint whatever the column is: the value may exceed the column's
    # range, which must find no row instead of failing.
    parameter = sa.literal(value, sa.BigInteger())
    return Pushed(_compare(target.column, operator, parameter))


def _numeric(
    target: Target, how: Comparison, operator: str, value: Any
) -> Pushed | None:
    number = Decimal(value) if type(value) is int else value
    if not isinstance(number, Decimal) or not number.is_finite():
        return None
    if len(number.as_tuple().digits) > _LONGEST_DECIMAL:
        return None
    if how.is_exact:
        if operator not in _COMPARED:
            return None
        parameter = sa.literal(number, sa.Numeric())
        return Pushed(_compare(target.column, operator, parameter))
    low, high = number - how.absolute, number + how.absolute
    return _between(
        target.column,
        operator,
        sa.literal(low, sa.Numeric()),
        sa.literal(high, sa.Numeric()),
    )


def _double(
    target: Target, how: Comparison, operator: str, value: Any
) -> Pushed | None:
    if not isinstance(value, (int, float, Decimal)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    if not isfinite(number):
        return None
    if how.is_exact:
        if operator not in _COMPARED or not isinstance(value, float):
            return None
        return Pushed(_compare(target.column, operator, _as_double(number)))
    # The second term covers numbers near zero, where the smallest reals are.
    margin = abs(number) * how.relative + float(how.absolute) + how.relative * 1e-30
    low, high = _as_double(number - margin), _as_double(number + margin)
    return _between(target.column, operator, low, high)


def _as_double(number: float) -> Clause:
    return sa.literal(number, sa.Double())


def _between(column: Clause, operator: str, low: Clause, high: Clause) -> Pushed | None:
    """Return the condition widened to what may lie between low and high."""
    if operator == "=":
        return Pushed(column.between(low, high), exact=False)
    if operator in {"<", "<="}:
        return Pushed(column <= high, exact=False)
    if operator in {">", ">="}:
        return Pushed(column >= low, exact=False)
    return None


# Text


def _text(target: Target, _how: Comparison, operator: str, value: Any) -> Pushed | None:
    if not isinstance(value, str) or not _is_sendable(value):
        return None
    if operator in _LIKES:
        return _push_like(target, operator, value)
    parameter = sa.literal(value, sa.String())
    if operator == "=":
        # A remote collation that ignores case or blanks matches more, never
        # less: what is equal byte for byte is equal everywhere. Naming a
        # collation here would keep the remote from using its index.
        return Pushed(_compare(target.column, "=", parameter), exact=False)
    if operator == "<>":
        column = _bytewise(target)
        return None if column is None else Pushed(_compare(column, "<>", parameter))
    # Order depends on collations, which are never known to be the same.
    return None


def _is_sendable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        # Bytes that are no valid text, from a database without an encoding.
        return False
    return "\0" not in value


def _bytewise(target: Target) -> Clause | None:
    """Return the column under a collation that compares bytes, if there is one."""
    if target.dialect == POSTGRESQL:
        return sa.collate(target.column, "C")
    if target.dialect == SQLITE:
        return sa.collate(target.column, "BINARY")
    return None


def _push_like(target: Target, operator: str, pattern: str) -> Pushed | None:
    pieces = _like.parse(pattern)
    if pieces is None:
        return None
    if operator == "~~*":
        relaxed = _like.to_like(_like.relax_case(pieces), brackets=True)
        column = sa.func.lower(target.column)
        return Pushed(column.like(relaxed, escape=_like.ESCAPE), exact=False)
    negative = operator == "!~~"
    if target.dialect == SQLITE:
        word = "NOT GLOB" if negative else "GLOB"
        parameter = sa.literal(_like.to_glob(pieces), sa.String())
        return Pushed(_compare(target.column, word, parameter))
    if target.dialect == POSTGRESQL:
        text = _like.to_like(pieces)
        if negative:
            column = cast("Clause", sa.collate(target.column, "C"))
            return Pushed(column.not_like(text, escape=_like.ESCAPE))
        return Pushed(target.column.like(text, escape=_like.ESCAPE), exact=False)
    if negative:
        # Where LIKE ignores case, NOT LIKE drops too much.
        return None
    brackets = target.dialect == "mssql"
    text = _like.to_like(pieces, brackets=brackets)
    return Pushed(target.column.like(text, escape=_like.ESCAPE), exact=False)


# Truth values


def _boolean(
    target: Target, _how: Comparison, operator: str, value: Any
) -> Pushed | None:
    truth = {"t": True, "f": False}.get(value) if isinstance(value, str) else value
    if not isinstance(truth, bool) or target.dialect not in {POSTGRESQL, SQLITE}:
        return None
    if operator in {"<>", "IS NOT"}:
        truth = not truth
    elif operator not in {"=", "IS"}:
        return None
    if target.dialect == SQLITE:
        # Any number but 0 is true on the way here.
        number = sa.type_coerce(target.column, sa.Integer())
        clause = number != 0 if truth else number == 0
    else:
        clause = target.column.is_(sa.true() if truth else sa.false())
    if operator == "IS NOT":
        clause = sa.or_(clause, target.column.is_(None))
    return Pushed(clause)


# Dates and times


def _date(target: Target, _how: Comparison, operator: str, value: Any) -> Pushed | None:
    if type(value) is not date or not _is_modern(value):
        return None
    if target.dialect == SQLITE:
        return _sqlite_days(target, operator, value)
    if operator not in _COMPARED:
        return None
    return Pushed(_compare(target.column, operator, sa.literal(value, sa.Date())))


def _timestamp(
    target: Target, how: Comparison, operator: str, value: Any
) -> Pushed | None:
    aware = how.kind is Kind.TIMESTAMPTZ
    if not isinstance(value, datetime) or not _is_modern(value):
        return None
    if (value.tzinfo is not None) != aware:
        return None
    if target.dialect == SQLITE:
        return _sqlite_days(target, operator, value.date())
    kind = sa.DateTime(timezone=aware)
    if how.is_exact:
        if operator not in _COMPARED:
            return None
        return Pushed(_compare(target.column, operator, sa.literal(value, kind)))
    margin = timedelta(seconds=float(how.absolute))
    low, high = sa.literal(value - margin, kind), sa.literal(value + margin, kind)
    return _between(target.column, operator, low, high)


def _time(target: Target, how: Comparison, operator: str, value: Any) -> Pushed | None:
    if not isinstance(value, time) or value.tzinfo is not None or not how.is_exact:
        return None
    if operator not in _COMPARED:
        return None
    return Pushed(_compare(target.column, operator, sa.literal(value, sa.Time())))


def _is_modern(value: date) -> bool:
    return _EARLIEST_YEAR <= value.year <= _LATEST_YEAR


# Constants of ours, not parameters: EXPLAIN shows the statement.
_ISO_DAY: Final = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
# An era: `2020-01-02 BC` is long before.
_ERA: Final = "'*[Bb]*'"


def _sqlite_days(target: Target, operator: str, day: date) -> Pushed | None:
    """Return a condition on days for dates that are stored as text.

    SQLite has no dates. Writers store `2020-01-02`, `2020-01-02 03:04:05`,
    `2020-01-02T03:04:05.678Z`, or something else that the local server can
    read. Only the day part of the first forms is compared, a day wider on both
    sides, since rounding can reach the next day; other forms pass.
    """
    column: Clause = sa.type_coerce(target.column, sa.String())
    before = sa.literal((day - timedelta(days=1)).isoformat(), sa.String())
    # The day after the next: `2020-01-02 ...` sorts after a bare `2020-01-02`.
    after = sa.literal((day + timedelta(days=2)).isoformat(), sa.String())
    pushed = _between(column, operator, before, after)
    if pushed is None:
        return None
    incomparable = sa.or_(
        _compare(column, "NOT GLOB", sa.literal_column(_ISO_DAY, sa.String())),
        _compare(column, "GLOB", sa.literal_column(_ERA, sa.String())),
    )
    return Pushed(sa.or_(incomparable, pushed.clause), exact=False)


# Bytes and UUIDs


def _bytes(
    target: Target, _how: Comparison, operator: str, value: Any
) -> Pushed | None:
    if not isinstance(value, bytes) or target.dialect not in {POSTGRESQL, SQLITE}:
        return None
    if operator not in {"=", "<>"}:
        return None
    parameter = sa.literal(value, sa.LargeBinary())
    return Pushed(_compare(target.column, operator, parameter))


def _uuid(target: Target, _how: Comparison, operator: str, value: Any) -> Pushed | None:
    if not isinstance(value, UUID) or operator not in _COMPARED:
        return None
    return Pushed(_compare(target.column, operator, sa.literal(value, sa.Uuid())))


_Handler = Callable[[Target, Comparison, str, Any], Pushed | None]

_HANDLERS: Final[Mapping[Kind, _Handler]] = {
    Kind.INTEGER: _integer,
    Kind.NUMERIC: _numeric,
    Kind.DOUBLE: _double,
    Kind.REAL: _double,
    Kind.TEXT: _text,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMPTZ: _timestamp,
    Kind.TIME: _time,
    Kind.BYTES: _bytes,
    Kind.UUID: _uuid,
}
