"""Which remote columns may be compared remotely, and how exactly.

A condition that is checked remotely must not drop a row that the server's own
check would keep. That holds only if both sides mean the same by a value, so a
comparison needs the local type and the remote type to be of the same kind,
and knows how far a stored value may move on its way here.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Any, Final

from sqlalchemy import types as sa

from multicorn._definitions import ColumnDefinition

POSTGRESQL: Final = "postgresql"
SQLITE: Final = "sqlite"
MYSQL: Final = frozenset({"mysql", "mariadb"})

# Relative distance by which a value may differ here and there. A real has 24
# bits of mantissa, and is shown by its shortest decimal form; a double may
# pass through a text of 15 digits.
_REAL_SPREAD: Final = 1e-6
_DOUBLE_SPREAD: Final = 1e-14

_MICROSECOND_DIGITS: Final = 6
# Where every driver delivers all digits of a numeric; others pass it as a float.
_KEEP_DIGITS: Final = frozenset({POSTGRESQL, *MYSQL, "mssql", "oracle"})
# What the server adds to the length in a type modifier.
_HEADER: Final = 4


class Kind(Enum):
    """What a value is, whatever its type is called on either side."""

    INTEGER = auto()
    NUMERIC = auto()
    DOUBLE = auto()
    REAL = auto()
    TEXT = auto()
    BOOLEAN = auto()
    DATE = auto()
    TIMESTAMP = auto()
    TIMESTAMPTZ = auto()
    TIME = auto()
    BYTES = auto()
    UUID = auto()


class Equality(Enum):
    """What a remote text column takes for equal."""

    #: The same characters, and nothing else.
    BYTES = auto()
    #: More than that: citext, a nondeterministic or NOCASE collation.
    FOLDED = auto()
    #: Nobody knows.
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Comparison:
    """How values of a column may be compared remotely.

    `relative` and `absolute` say how far a value as the local server sees it
    may be from the stored one. `clipped` is the length of a local varchar(n)
    that is shorter than the remote column: its input drops blanks beyond n
    silently, so that a text of n characters may be longer there.
    """

    kind: Kind
    relative: float = 0.0
    absolute: Decimal = Decimal(0)
    clipped: int | None = None

    @property
    def is_exact(self) -> bool:
        """Whether local and remote value are always equal."""
        return not self.relative and not self.absolute and self.clipped is None


_LOCAL: Final = {
    "smallint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "numeric": Kind.NUMERIC,
    "double precision": Kind.DOUBLE,
    "real": Kind.REAL,
    "text": Kind.TEXT,
    "character varying": Kind.TEXT,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "timestamp": Kind.TIMESTAMP,
    "timestamp without time zone": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.TIMESTAMPTZ,
    "time without time zone": Kind.TIME,
    "bytea": Kind.BYTES,
    "uuid": Kind.UUID,
}

# Numbers that SQLite stores as an int64 or a double, whatever was declared.
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.DOUBLE, Kind.REAL})

_MODIFIER: Final = re.compile(r"\s*\([^)]*\)")


def local_kind(definition: ColumnDefinition) -> Kind | None:
    """Return the kind of a local column; None for types not compared remotely.

    Left out on purpose: `character` (blanks at the end do not count), citext,
    enums, arrays, domains, ranges, json, interval, inet.
    """
    return _LOCAL.get(local_name(definition))


def local_name(definition: ColumnDefinition) -> str:
    """Return the type's name in lower case, without its modifier."""
    name = definition.base_type_name or definition.type_name
    return _MODIFIER.sub("", name).strip().lower()


def remote_kind(remote: sa.TypeEngine[Any], dialect: str) -> Kind | None:
    """Return the kind of a reflected column, or None."""
    if isinstance(remote, sa.Enum):
        return None
    if isinstance(remote, sa.String):
        return _string_kind(remote, dialect)
    if isinstance(remote, sa.Integer):
        return Kind.INTEGER
    if isinstance(remote, sa.Float):
        return _float_kind(remote, dialect)
    if isinstance(remote, sa.Numeric):
        return Kind.NUMERIC
    if isinstance(remote, sa.DateTime):
        return Kind.TIMESTAMPTZ if remote.timezone else Kind.TIMESTAMP
    if isinstance(remote, sa.Time):
        return None if remote.timezone else Kind.TIME
    for base, kind in (
        (sa.Boolean, Kind.BOOLEAN),
        (sa.Date, Kind.DATE),
        (sa.LargeBinary, Kind.BYTES),
        (sa.Uuid, Kind.UUID),
    ):
        if isinstance(remote, base):
            return kind
    return None


def _string_kind(remote: sa.TypeEngine[Any], dialect: str) -> Kind | None:
    # A fixed-length string is padded on the way out, so that what comes here
    # is not what is stored. SQLite knows no such thing.
    padded = isinstance(remote, (sa.CHAR, sa.NCHAR))
    return None if padded and dialect != SQLITE else Kind.TEXT


def _float_kind(remote: sa.Float[Any], dialect: str) -> Kind:
    if dialect == SQLITE or isinstance(remote, (sa.Double, sa.DOUBLE_PRECISION)):
        return Kind.DOUBLE
    precision = remote.precision or 0
    # float(25) and above is a double in standard SQL.
    return Kind.DOUBLE if precision > 24 else Kind.REAL  # noqa: PLR2004


def comparison(
    definition: ColumnDefinition, remote: sa.TypeEngine[Any], dialect: str
) -> Comparison | None:
    """Return how the column may be compared remotely, None if it may not."""
    here, there = local_kind(definition), remote_kind(remote, dialect)
    if here is None or there is None:
        return None
    if dialect == SQLITE:
        return _sqlite_comparison(definition, here, there)
    if here in {Kind.DOUBLE, Kind.REAL}:
        return _float_comparison(here, there, dialect)
    if here is Kind.NUMERIC and there in {Kind.NUMERIC, Kind.INTEGER}:
        return _numeric_comparison(definition, remote, there, dialect)
    if here is Kind.INTEGER and there is Kind.NUMERIC:
        # An Oracle NUMBER(10) is an integer; another numeric would be rounded.
        whole = _scale_of(remote) == 0
        return Comparison(Kind.INTEGER) if whole else None
    if here is not there:
        return None
    return _same_kind(definition, remote, here, dialect)


def _same_kind(
    definition: ColumnDefinition, remote: sa.TypeEngine[Any], kind: Kind, dialect: str
) -> Comparison | None:
    if kind is Kind.TEXT:
        return Comparison(kind, clipped=_clipped(definition, remote, dialect))
    if dialect != POSTGRESQL and kind in {Kind.TIMESTAMPTZ, Kind.TIME, Kind.UUID}:
        return None
    if kind is Kind.TIMESTAMP:
        return Comparison(kind, absolute=_seconds(definition, dialect))
    if kind in {Kind.TIMESTAMPTZ, Kind.TIME} and _rounds_seconds(definition):
        return Comparison(kind, absolute=Decimal(1))
    return Comparison(kind)


def _sqlite_comparison(
    definition: ColumnDefinition, here: Kind, there: Kind
) -> Comparison | None:
    if here is Kind.INTEGER:
        return Comparison(here) if there is here else None
    if here in _NUMBERS and there in _NUMBERS:
        spread = _REAL_SPREAD if here is Kind.REAL else _DOUBLE_SPREAD
        return Comparison(
            Kind.DOUBLE,
            spread,
            _step(definition) if here is Kind.NUMERIC else Decimal(0),
        )
    if here in {Kind.DATE, Kind.TIMESTAMP} and there in {Kind.DATE, Kind.TIMESTAMP}:
        # Stored as text in whatever form the writer chose; see _filters.
        return Comparison(here, absolute=Decimal(1))
    if here is there is Kind.TEXT:
        return Comparison(here, clipped=_clipped(definition, None, SQLITE))
    if here is there and here in {Kind.BOOLEAN, Kind.BYTES}:
        return Comparison(here)
    return None


def _float_comparison(here: Kind, there: Kind, dialect: str) -> Comparison | None:
    if there not in {Kind.DOUBLE, Kind.REAL}:
        return None
    if Kind.REAL in {here, there}:
        return Comparison(Kind.DOUBLE, _REAL_SPREAD)
    return Comparison(Kind.DOUBLE, 0.0 if dialect == POSTGRESQL else _DOUBLE_SPREAD)


def _numeric_comparison(
    definition: ColumnDefinition, remote: sa.TypeEngine[Any], there: Kind, dialect: str
) -> Comparison:
    rounding = _rounding(definition, remote, there)
    if dialect in _KEEP_DIGITS or there is Kind.INTEGER:
        return Comparison(Kind.NUMERIC, absolute=rounding)
    # SQLAlchemy makes a Decimal of ten places from a float of no known scale.
    unscaled = Decimal("1e-10") if _scale_of(remote) is None else Decimal(0)
    return Comparison(Kind.NUMERIC, _DOUBLE_SPREAD, max(rounding, unscaled))


def _clipped(
    definition: ColumnDefinition, remote: sa.TypeEngine[Any] | None, dialect: str
) -> int | None:
    """Return the local varchar's length if a remote text may be longer."""
    if local_name(definition) != "character varying" or definition.typmod < 0:
        return None
    length = definition.typmod - _HEADER
    # SQLite declares lengths and does not mind them.
    longest: object = None if dialect == SQLITE else getattr(remote, "length", None)
    if isinstance(longest, int) and 0 < longest <= length:
        return None
    return length


def _rounding(
    definition: ColumnDefinition, remote: sa.TypeEngine[Any], there: Kind
) -> Decimal:
    """Return how far the local `numeric(p, s)` may round a remote value."""
    step = _step(definition)
    if not step:
        return step
    scale = 0 if there is Kind.INTEGER else _scale_of(remote)
    stored_exactly = scale is not None and Decimal(1).scaleb(-scale) >= step
    return Decimal(0) if stored_exactly else step


def _scale_of(remote: sa.TypeEngine[Any]) -> int | None:
    scale: object = getattr(remote, "scale", None)
    return scale if isinstance(scale, int) else None


def numeric_modifier(typmod: int) -> tuple[int, int] | None:
    """Return precision and scale of a numeric's raw type modifier."""
    if typmod < _HEADER:
        return None
    packed = typmod - _HEADER
    # The scale is an 11-bit number with sign.
    return (packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024


def _step(definition: ColumnDefinition) -> Decimal:
    modifier = numeric_modifier(definition.typmod)
    return Decimal(0) if modifier is None else Decimal(1).scaleb(-modifier[1])


def _rounds_seconds(definition: ColumnDefinition) -> bool:
    return 0 <= definition.typmod < _MICROSECOND_DIGITS


def _seconds(definition: ColumnDefinition, dialect: str) -> Decimal:
    # Other databases keep 1/300 s, 100 ns, or round at will.
    exact = dialect == POSTGRESQL and not _rounds_seconds(definition)
    return Decimal(0) if exact else Decimal(1)
