"""The local type for a remote column."""

from collections.abc import Mapping
from typing import Any, Final, cast

from sqlalchemy import types as sa
from sqlalchemy.dialects import mssql, mysql, postgresql

from multicorn.sqlalchemyfdw._kinds import MYSQL, POSTGRESQL, SQLITE, Kind, remote_kind

# The server's own limits on type modifiers.
_MOST_DIGITS: Final = 1000
_LONGEST_VARCHAR: Final = 10_485_760

_Type = sa.TypeEngine[Any]
_Array = sa.ARRAY[Any]

# Types with one answer, special ones before the general ones they derive from.
_PARTICULAR: Final[tuple[tuple[type[_Type], str], ...]] = (
    (postgresql.JSONB, "jsonb"),
    (postgresql.INET, "inet"),
    (postgresql.CIDR, "cidr"),
    (postgresql.MACADDR, "macaddr"),
    (postgresql.MACADDR8, "macaddr8"),
    (postgresql.OID, "oid"),
    (postgresql.TSVECTOR, "tsvector"),
    (postgresql.INTERVAL, "interval"),
    (postgresql.BIT, "bit varying"),
    (postgresql.INT4RANGE, "int4range"),
    (postgresql.INT8RANGE, "int8range"),
    (postgresql.NUMRANGE, "numrange"),
    (postgresql.DATERANGE, "daterange"),
    (postgresql.TSRANGE, "tsrange"),
    (postgresql.TSTZRANGE, "tstzrange"),
    # Made by an extension that may be missing here.
    (postgresql.CITEXT, "text"),
    (mysql.TINYINT, "smallint"),
    (mysql.YEAR, "integer"),
    # Beyond a day, and negative.
    (mysql.TIME, "interval"),
    (mysql.BIT, "bytea"),
    (mssql.DATETIMEOFFSET, "timestamp with time zone"),
    (mssql.MONEY, "numeric(19,4)"),
    (mssql.SMALLMONEY, "numeric(10,4)"),
    # A type of that name and with these labels need not exist here.
    (sa.Enum, "text"),
    (sa.JSON, "json"),
    (sa.Interval, "interval"),
)

_SIMPLE: Final[Mapping[Kind | None, str]] = {
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp without time zone",
    Kind.TIMESTAMPTZ: "timestamp with time zone",
    Kind.TIME: "time without time zone",
    Kind.BYTES: "bytea",
    Kind.UUID: "uuid",
    Kind.REAL: "real",
    Kind.DOUBLE: "double precision",
}


def local_type(remote: _Type, dialect: str) -> str:
    """Return SQL for a type that holds every value of the remote one.

    What is not known becomes `text`, which can hold any value's text.
    """
    for base, name in _PARTICULAR:
        if isinstance(remote, base):
            return name
    if isinstance(remote, sa.ARRAY):
        return local_type(cast("_Array", remote).item_type, dialect) + "[]"
    if isinstance(remote, postgresql.DOMAIN):
        return local_type(remote.data_type, dialect)
    if isinstance(remote, sa.String):
        return _string(remote, dialect)
    if isinstance(remote, sa.Integer):
        return _integer(remote, dialect)
    if isinstance(remote, sa.Numeric) and not isinstance(remote, sa.Float):
        return _numeric(remote, dialect)
    if isinstance(remote, sa.Time) and remote.timezone:
        return "time with time zone"
    return _SIMPLE.get(remote_kind(remote, dialect), "text")


def _string(remote: sa.String, dialect: str) -> str:
    length = remote.length
    # SQLite does not enforce the length, and some drivers report -1.
    if dialect == SQLITE or not length or not 0 < length <= _LONGEST_VARCHAR:
        return "text"
    if dialect == POSTGRESQL and isinstance(remote, sa.CHAR):
        return f"character({length})"
    return f"character varying({length})"


def _integer(remote: sa.Integer, dialect: str) -> str:
    if dialect == SQLITE:
        return "bigint"
    if dialect == "oracle":
        # NUMBER(38) under another name.
        return "numeric"
    unsigned = dialect in MYSQL and bool(getattr(remote, "unsigned", False))
    if isinstance(remote, sa.BigInteger):
        return "numeric(20)" if unsigned else "bigint"
    if isinstance(remote, sa.SmallInteger):
        return "integer" if unsigned else "smallint"
    return "bigint" if unsigned else "integer"


def _numeric(remote: sa.Numeric[Any], dialect: str) -> str:
    precision, scale = remote.precision, remote.scale
    if dialect == SQLITE or not precision or not 0 < precision <= _MOST_DIGITS:
        return "numeric"
    return f"numeric({precision},{scale or 0})"
