"""One comparison of a remote column with one value, for each kind of value.

As in `_filters`, what is returned is true at least for every row that the
local comparison is true for; None where that cannot be said.
"""

import operator as operators
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal
from math import isfinite
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from multicorn.sqlalchemyfdw._kinds import (
    MYSQL,
    POSTGRESQL,
    SQLITE,
    Comparison,
    Equality,
    Kind,
)

Clause = ColumnElement[Any]

COMPARED: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})

_INT64: Final = 1 << 63
# More digits than some drivers can send, before and after the point.
# PostgreSQL's send as many as there are.
_LONGEST_DECIMAL: Final = 38
# Adds and subtracts such numbers without rounding.
_ARITHMETIC: Final = Context(prec=3 * _LONGEST_DECIMAL)
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
    """A remote column to compare, and how; `comparison` None: NULL tests only.

    `equality` is about texts.
    """

    column: sa.Column[Any]
    comparison: Comparison | None
    dialect: str
    equality: Equality = Equality.UNKNOWN


_PYTHON_OPERATORS: Final[Mapping[str, Callable[[Clause, Clause], Any]]] = {
    "=": operators.eq,
    "<>": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}


def compare(column: Clause, operator: str, value: Clause) -> Clause:
    """Return `column operator value`."""
    known = _PYTHON_OPERATORS.get(operator)
    if known is not None:
        return cast("Clause", known(column, value))
    return cast("Clause", column.op(operator, is_comparison=True)(value))


# Numbers


def integer(
    target: Target, _how: Comparison, operator: str, value: Any
) -> Pushed | None:
    """Compare with an int of 64 bits."""
    if type(value) is not int or operator not in COMPARED:
        return None
    if not -_INT64 <= value < _INT64:
        return None
    # As a bigint whatever the column is: the value may exceed the column's
    # range, which must find no row instead of failing.
    parameter = sa.literal(value, sa.BigInteger())
    return Pushed(compare(target.column, operator, parameter))


def numeric(
    target: Target, how: Comparison, operator: str, value: Any
) -> Pushed | None:
    """Compare with a Decimal; PostgreSQL's NaN is equal to itself on both sides."""
    number = Decimal(value) if type(value) is int else value
    if not isinstance(number, Decimal):
        return None
    if how.is_exact and target.dialect == POSTGRESQL:
        return _exact_numeric(target, operator, number)
    if not _is_short(number):
        return None
    if how.is_exact:
        return _exact_numeric(target, operator, number)
    relative = float(abs(number)) * how.relative
    margin = _ARITHMETIC.add(how.absolute, Decimal(f"{relative:.6e}"))
    low = sa.literal(_ARITHMETIC.subtract(number, margin), sa.Numeric())
    high = sa.literal(_ARITHMETIC.add(number, margin), sa.Numeric())
    return _between(target.column, operator, low, high)


def _is_short(number: Decimal) -> bool:
    if not number.is_finite():
        return False
    _, digits, exponent = number.as_tuple()
    return (
        len(digits) <= _LONGEST_DECIMAL
        and isinstance(exponent, int)
        and exponent >= -_LONGEST_DECIMAL
        and number.adjusted() < _LONGEST_DECIMAL
    )


def _exact_numeric(target: Target, operator: str, number: Decimal) -> Pushed | None:
    if operator not in COMPARED or number.is_snan():
        return None
    parameter: Clause = sa.literal(number, sa.Numeric())
    if not number.is_finite():
        # Not every driver sends infinity as such: psycopg2 makes it NaN.
        parameter = sa.cast(sa.literal(str(number), sa.String()), sa.Numeric())
    return Pushed(compare(target.column, operator, parameter))


def double(target: Target, how: Comparison, operator: str, value: Any) -> Pushed | None:
    """Compare with a float, as exactly as the column's values arrive here."""
    if not isinstance(value, (int, float, Decimal)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    if how.is_exact:
        # Exact is only PostgreSQL, which orders NaN and infinity as we do.
        if operator not in COMPARED or not isinstance(value, float):
            return None
        return Pushed(compare(target.column, operator, _as_double(number)))
    if not isfinite(number):
        return None
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


# Truth values


def boolean(
    target: Target, _how: Comparison, operator: str, value: Any
) -> Pushed | None:
    """Compare with a truth value, which is 't' or 'f' where the plan holds it."""
    truth = {"t": True, "f": False}.get(value) if isinstance(value, str) else value
    if not isinstance(truth, bool) or target.dialect not in {POSTGRESQL, SQLITE}:
        return None
    if operator in {"<>", "IS NOT"}:
        truth = not truth
    elif operator not in {"=", "IS"}:
        return None
    if target.dialect == SQLITE:
        clause = _sqlite_truth(target.column, truth)
    else:
        clause = target.column.is_(sa.true() if truth else sa.false())
    if operator == "IS NOT":
        clause = sa.or_(clause, target.column.is_(None))
    return Pushed(clause)


def _sqlite_truth(column: sa.Column[Any], truth: bool) -> Clause:  # noqa: FBT001
    # On the way here it is Python's truth: of numbers, and of texts too.
    value: Clause = sa.type_coerce(column, sa.types.NullType())
    empty = [_written("0"), _written("''"), _written("x''")]
    return value.not_in(empty) if truth else value.in_(empty)


def _written(sql: str) -> Clause:
    return sa.literal_column(sql, sa.types.NullType())


# Dates and times


def day(target: Target, _how: Comparison, operator: str, value: Any) -> Pushed | None:
    """Compare with a date; infinity and BC come as texts and stay local."""
    if type(value) is not date or not _is_common(target, value):
        return None
    if target.dialect == SQLITE:
        return _sqlite_days(target, operator, value)
    if operator not in COMPARED:
        return None
    # MySQL's 0000-00-00 is before all dates, and NULL here.
    return Pushed(
        compare(target.column, operator, sa.literal(value, sa.Date())),
        exact=target.dialect not in MYSQL,
    )


def timestamp(
    target: Target, how: Comparison, operator: str, value: Any
) -> Pushed | None:
    """Compare with a datetime that is aware if the column is."""
    aware = how.kind is Kind.TIMESTAMPTZ
    if not isinstance(value, datetime) or not _is_common(target, value):
        return None
    if (value.tzinfo is not None) != aware:
        return None
    if target.dialect == SQLITE:
        return _sqlite_days(target, operator, value.date())
    kind = sa.DateTime(timezone=aware)
    if how.is_exact:
        if operator not in COMPARED:
            return None
        return Pushed(compare(target.column, operator, sa.literal(value, kind)))
    margin = timedelta(seconds=float(how.absolute))
    try:
        low, high = sa.literal(value - margin, kind), sa.literal(value + margin, kind)
    except OverflowError:
        return None
    return _between(target.column, operator, low, high)


def clock(target: Target, how: Comparison, operator: str, value: Any) -> Pushed | None:
    """Compare with a time of day."""
    if not isinstance(value, time) or value.tzinfo is not None or not how.is_exact:
        return None
    if operator not in COMPARED:
        return None
    return Pushed(compare(target.column, operator, sa.literal(value, sa.Time())))


def _is_common(target: Target, value: date) -> bool:
    """Tell whether the remote database means the same day by this date."""
    if target.dialect == POSTGRESQL:
        return True
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
        compare(column, "NOT GLOB", sa.literal_column(_ISO_DAY, sa.String())),
        compare(column, "GLOB", sa.literal_column(_ERA, sa.String())),
    )
    return Pushed(sa.or_(incomparable, pushed.clause), exact=False)


# Bytes and UUIDs


def octets(
    target: Target, _how: Comparison, operator: str, value: Any
) -> Pushed | None:
    """Compare with bytes, which have one order everywhere."""
    if not isinstance(value, bytes) or operator not in COMPARED:
        return None
    parameter = sa.literal(value, sa.LargeBinary())
    clause = compare(target.column, operator, parameter)
    if target.dialect == POSTGRESQL:
        return Pushed(clause)
    if target.dialect == SQLITE:
        # A text in a BLOB column is read here as bytea's input syntax.
        kind = sa.func.typeof(target.column)
        return Pushed(sa.or_(clause, kind == sa.literal_column("'text'")), exact=False)
    return None


def uuid(target: Target, _how: Comparison, operator: str, value: Any) -> Pushed | None:
    """Compare with a UUID, which is ordered by its bytes."""
    if not isinstance(value, UUID) or operator not in COMPARED:
        return None
    return Pushed(compare(target.column, operator, sa.literal(value, sa.Uuid())))
