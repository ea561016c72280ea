"""Which columns may be compared remotely, and how far values may move."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, oracle, postgresql

from multicorn import ColumnDefinition
from multicorn.sqlalchemyfdw._kinds import Kind, comparison, numeric_modifier
from multicorn.sqlalchemyfdw._types import local_type


def compare(local: str, remote: sa.types.TypeEngine, dialect: str, typmod: int = -1):
    definition = ColumnDefinition("c", typmod=typmod, type_name=local)
    return comparison(definition, remote, dialect)


@pytest.mark.parametrize(
    ("local", "remote", "dialect", "kind"),
    [
        ("integer", sa.INTEGER(), "postgresql", Kind.INTEGER),
        ("bigint", sa.SMALLINT(), "sqlite", Kind.INTEGER),
        ("numeric", sa.INTEGER(), "postgresql", Kind.NUMERIC),
        ("integer", sa.NUMERIC(10, 0), "oracle", Kind.INTEGER),
        ("character varying(10)", sa.TEXT(), "postgresql", Kind.TEXT),
        ("text", sa.CHAR(3), "sqlite", Kind.TEXT),
        ("uuid", sa.UUID(), "postgresql", Kind.UUID),
        (
            "timestamp with time zone",
            sa.TIMESTAMP(True),
            "postgresql",
            Kind.TIMESTAMPTZ,
        ),
        ("date", oracle.DATE(), "oracle", None),
        ("text", sa.INTEGER(), "sqlite", None),
        ("integer", sa.TEXT(), "sqlite", None),
        ("integer", sa.NUMERIC(10, 2), "postgresql", None),
        ("integer", sa.NUMERIC(), "sqlite", None),
        ("text", sa.CHAR(3), "postgresql", None),
        ("character(3)", sa.TEXT(), "postgresql", None),
        ("text", postgresql.ENUM("a", name="e"), "postgresql", None),
        ("text", sa.types.NullType(), "sqlite", None),
        ("integer[]", sa.INTEGER(), "postgresql", None),
        ("uuid", sa.UUID(), "mysql", None),
        ("timestamp without time zone", sa.TIMESTAMP(True), "postgresql", None),
        ("timestamp with time zone", sa.TIMESTAMP(), "sqlite", None),
        ("time without time zone", sa.TIME(), "mysql", None),
    ],
)
def test_kinds(local, remote, dialect, kind) -> None:
    found = compare(local, remote, dialect)
    assert (found.kind if found else None) is kind


@pytest.mark.parametrize(
    ("local", "remote", "dialect", "typmod", "exact"),
    [
        ("numeric(10,2)", sa.NUMERIC(10, 2), "postgresql", (10 << 16 | 2) + 4, True),
        ("numeric(10,2)", sa.NUMERIC(10, 4), "postgresql", (10 << 16 | 2) + 4, False),
        ("numeric(10,2)", sa.NUMERIC(), "postgresql", (10 << 16 | 2) + 4, False),
        ("numeric", sa.NUMERIC(), "postgresql", -1, True),
        ("numeric", sa.NUMERIC(), "sqlite", -1, False),
        ("double precision", sa.DOUBLE(), "postgresql", -1, True),
        ("double precision", sa.REAL(), "postgresql", -1, False),
        ("double precision", mysql.DOUBLE(), "mysql", -1, False),
        ("timestamp without time zone", sa.TIMESTAMP(), "postgresql", -1, True),
        ("timestamp(0) without time zone", sa.TIMESTAMP(), "postgresql", 0, False),
        ("timestamp without time zone", sa.DATETIME(), "mssql", -1, False),
    ],
)
def test_exactness(local, remote, dialect, typmod, exact) -> None:
    found = compare(local, remote, dialect, typmod)
    assert found is not None
    assert found.is_exact is exact


def test_numeric_modifier() -> None:
    assert numeric_modifier(-1) is None
    assert numeric_modifier((10 << 16 | 2) + 4) == (10, 2)
    assert numeric_modifier((5 << 16 | 0x7FD) + 4) == (5, -3)


def test_rounding_of_a_narrow_numeric() -> None:
    found = compare("numeric(5,1)", sa.NUMERIC(9, 3), "mysql", (5 << 16 | 1) + 4)
    assert found is not None
    assert found.absolute == Decimal("0.1")


@pytest.mark.parametrize(
    ("remote", "dialect", "local"),
    [
        (sa.INTEGER(), "sqlite", "bigint"),
        (sa.INTEGER(), "postgresql", "integer"),
        (sa.BIGINT(), "postgresql", "bigint"),
        (sa.SMALLINT(), "mssql", "smallint"),
        (sa.INTEGER(), "oracle", "numeric"),
        (mysql.INTEGER(unsigned=True), "mysql", "bigint"),
        (mysql.BIGINT(unsigned=True), "mysql", "numeric(20)"),
        (mysql.TINYINT(1), "mysql", "smallint"),
        (mysql.TIME(), "mysql", "interval"),
        (mysql.ENUM("a"), "mysql", "text"),
        (sa.VARCHAR(20), "postgresql", "character varying(20)"),
        (sa.VARCHAR(20), "sqlite", "text"),
        (sa.VARCHAR(), "mssql", "text"),
        (sa.CHAR(3), "postgresql", "character(3)"),
        (sa.NUMERIC(10, 2), "mysql", "numeric(10,2)"),
        (sa.NUMERIC(10, 2), "sqlite", "numeric"),
        (sa.NUMERIC(), "postgresql", "numeric"),
        (sa.REAL(), "postgresql", "real"),
        (sa.REAL(), "sqlite", "double precision"),
        (sa.FLOAT(53), "postgresql", "double precision"),
        (sa.DOUBLE(), "postgresql", "double precision"),
        (sa.BOOLEAN(), "sqlite", "boolean"),
        (sa.DATE(), "sqlite", "date"),
        (sa.TIMESTAMP(), "sqlite", "timestamp without time zone"),
        (sa.TIMESTAMP(True), "postgresql", "timestamp with time zone"),
        (postgresql.TIME(True), "postgresql", "time with time zone"),
        (sa.TIME(), "postgresql", "time without time zone"),
        (postgresql.INTERVAL(), "postgresql", "interval"),
        (sa.BLOB(), "sqlite", "bytea"),
        (sa.UUID(), "postgresql", "uuid"),
        (postgresql.JSONB(), "postgresql", "jsonb"),
        (sa.JSON(), "sqlite", "json"),
        (postgresql.ARRAY(sa.INTEGER()), "postgresql", "integer[]"),
        (postgresql.INET(), "postgresql", "inet"),
        (postgresql.ENUM("a", name="e"), "postgresql", "text"),
        (postgresql.DOMAIN("d", sa.INTEGER()), "postgresql", "integer"),
        (sa.types.NullType(), "sqlite", "text"),
    ],
)
def test_imported_types(remote, dialect, local) -> None:
    assert local_type(remote, dialect) == local
