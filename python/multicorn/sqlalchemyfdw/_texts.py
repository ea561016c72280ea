"""Conditions on texts: equality, and patterns.

What PostgreSQL takes for equal, the same characters, is rarely what another
collation does. Order is not compared at all: collations are never known to be
the same.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from multicorn import _like
from multicorn.sqlalchemyfdw._compare import Clause, Pushed, Target, compare
from multicorn.sqlalchemyfdw._kinds import (
    POSTGRESQL,
    SQLITE,
    Comparison,
    Equality,
)

LIKES: Final = frozenset({"~~", "!~~", "~~*"})


def text(target: Target, how: Comparison, operator: str, value: Any) -> Pushed | None:
    """Compare with a str."""
    if not isinstance(value, str):
        return None
    if operator in {"=", "<>"}:
        return among(target, how, [value], negative=operator == "<>")
    if operator in LIKES and is_sendable(value):
        return _push_like(target, how, operator, value)
    return None


def is_sendable(value: str) -> bool:
    """Tell whether a remote database can be asked for this text.

    Not with bytes that are no valid text, from a database without an encoding.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def among(
    target: Target, how: Comparison, values: Sequence[str], *, negative: bool
) -> Pushed | None:
    """Compare with several: equal to one of them, or if `negative` to none."""
    if target.equality is Equality.UNKNOWN:
        return _among_unknown(target, how, values, negative=negative)
    if how.clipped is not None:
        return _among_clipped(target, how.clipped, values, negative=negative)
    return _among_exactly(target, values, negative=negative)


def _among_exactly(target: Target, values: Sequence[str], *, negative: bool) -> Pushed:
    sides = _sides(target, values)
    if not sides:
        # No remote text can be equal to these.
        return Pushed(target.column.is_not(None) if negative else sa.false())
    strict = _one_of(bytewise(target), sides, negative=negative)
    if negative or target.equality is Equality.BYTES:
        return Pushed(strict)
    # The column's own equality takes more for equal, never less: it lets the
    # remote database use its index.
    loose = sides
    if target.dialect == POSTGRESQL:
        # Of no type, for citext.
        texts = filter(is_sendable, values)
        loose = [sa.literal(value, sa.types.NullType()) for value in texts]
    return Pushed(sa.and_(_one_of(target.column, loose), strict))


def _sides(target: Target, values: Sequence[str]) -> list[Clause]:
    """Return the remote values that arrive here as one of these texts."""
    texts = filter(is_sendable, values)
    sides: list[Clause] = [sa.literal(value, sa.String()) for value in texts]
    if target.dialect == SQLITE:
        # A BLOB in a TEXT column is never equal to a text there.
        blobs = [value.encode(errors="surrogateescape") for value in values]
        sides += [sa.literal(blob, sa.LargeBinary()) for blob in blobs]
    return sides


def _one_of(left: Clause, sides: Sequence[Clause], *, negative: bool = False) -> Clause:
    if len(sides) == 1:
        return compare(left, "<>" if negative else "=", sides[0])
    return left.not_in(sides) if negative else left.in_(sides)


def _among_unknown(
    target: Target, how: Comparison, values: Sequence[str], *, negative: bool
) -> Pushed | None:
    # A collation that ignores case or blanks matches more, never less. Naming a
    # collation here would keep the remote database from using its index.
    if negative or not all(map(is_sendable, values)):
        return None
    if how.clipped is not None and any(len(each) == how.clipped for each in values):
        return None
    literals = [sa.literal(value, sa.String()) for value in values]
    return Pushed(_one_of(target.column, literals), exact=False)


def _among_clipped(
    target: Target, length: int, values: Sequence[str], *, negative: bool
) -> Pushed | None:
    """Compare texts of which blanks beyond `length` are lost on the way here."""
    if negative:
        # A longer one could be equal there, and is not here.
        short = all(len(value) < length for value in values)
        return _among_exactly(target, values, negative=True) if short else None
    equal = _among_exactly(target, values, negative=False)
    full = [value for value in values if len(value) == length and is_sendable(value)]
    if not full:
        exact = all(len(value) < length for value in values)
        return Pushed(equal.clause, exact)
    longer = [_like_clause(target, [*value, " ", _like.MANY]) for value in full]
    return Pushed(sa.or_(equal.clause, *longer), exact=False)


def bytewise(target: Target) -> Clause:
    """Return the column under an equality and an order by bytes.

    Only for PostgreSQL and SQLite, which have a collation for that.
    """
    if target.dialect == SQLITE:
        if target.equality is Equality.BYTES:
            return target.column
        return sa.collate(target.column, "BINARY")
    if target.equality is Equality.BYTES:
        return target.column
    return sa.collate(_own_text(target), "C")


def _own_text(target: Target) -> Clause:
    """Return the column; citext, whose operators mind no collation, as text."""
    if isinstance(target.column.type, postgresql.CITEXT):
        return sa.cast(target.column, sa.Text())
    return target.column


def in_byte_order(target: Target) -> Clause:
    """Return the column in the order of its bytes, for ORDER BY."""
    if target.dialect == SQLITE:
        # A BLOB in a TEXT column comes after all texts there.
        return sa.collate(sa.cast(target.column, sa.Text()), "BINARY")
    return sa.collate(_own_text(target), "C")


# Patterns


def _push_like(
    target: Target, how: Comparison, operator: str, pattern: str
) -> Pushed | None:
    pieces = _like.parse(pattern)
    if pieces is None or how.clipped is not None:
        return None
    if operator == "~~*":
        return _push_ilike(target, pieces)
    negative = operator == "!~~"
    if target.dialect in {POSTGRESQL, SQLITE}:
        if target.equality is Equality.UNKNOWN:
            return None
        return Pushed(_like_clause(target, pieces, negative=negative))
    if negative:
        # Where LIKE ignores case, NOT LIKE drops too much.
        return None
    brackets = target.dialect == "mssql"
    like = _like.to_like(pieces, brackets=brackets)
    return Pushed(target.column.like(like, escape=_like.ESCAPE), exact=False)


def _like_clause(
    target: Target, pieces: Sequence[_like.Piece], *, negative: bool = False
) -> Clause:
    """Return LIKE as the local server means it, character by character."""
    if target.dialect == SQLITE:
        word = "NOT GLOB" if negative else "GLOB"
        parameter = sa.literal(_like.to_glob(pieces), sa.String())
        # There are builds of SQLite in which a BLOB matches no pattern.
        return compare(sa.cast(target.column, sa.Text()), word, parameter)
    like = _like.to_like(pieces)
    column = bytewise(target)
    if negative:
        return column.not_like(like, escape=_like.ESCAPE)
    return column.like(like, escape=_like.ESCAPE)


def _push_ilike(target: Target, pieces: Sequence[_like.Piece]) -> Pushed:
    relaxed = _like.to_like(_like.relax_case(pieces), brackets=True)
    column: Clause = target.column
    if target.dialect == POSTGRESQL and target.equality is Equality.FOLDED:
        # There is no LIKE under a nondeterministic collation.
        column = bytewise(target)
    lower = cast("Clause", sa.func.lower(column))
    return Pushed(lower.like(relaxed, escape=_like.ESCAPE), exact=False)
