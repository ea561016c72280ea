"""What is promised while planning, for values that nobody knows yet, is kept."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from multicorn import UNBOUND, ColumnDefinition, Columns, Qual
from multicorn.sqlalchemyfdw import SqlAlchemyFdw, _filters
from multicorn.sqlalchemyfdw._compare import COMPARED, Target
from multicorn.sqlalchemyfdw._filters import push
from multicorn.sqlalchemyfdw._kinds import Equality, comparison
from multicorn.utils import MulticornException

from .sqlalchemy_kit import make_database, wrapper

# What the server may hand over for a column of each local type: everything
# that can be compared with one, in whatever form it arrives.
VALUES: dict[str, list[Any]] = {
    "bigint": [0, 1, -1, 2**63 - 1, -(2**63)],
    "numeric": [
        *map(Decimal, ["0", "-1.50", "NaN", "Infinity", "-Infinity", "1E+400"]),
        Decimal("1" * 60 + ".5"),
    ],
    "double precision": [0.0, -0.0, 1e300, float("nan"), float("inf"), 5e-324],
    "text": ["", "x", "é☃", "a'b\\c%", "bad \udcff", "x" * 70_000],
    "bytea": [b"", b"\0\xff"],
    "uuid": [UUID(int=0), UUID(int=2**128 - 1)],
    "boolean": ["t", "f", True, False],
    "date": [
        date(1, 1, 1),
        date(9999, 12, 31),
        "infinity",
        datetime(2020, 1, 1),
        datetime(2020, 1, 1, tzinfo=UTC),
    ],
    "timestamp without time zone": [
        datetime(2020, 1, 1),
        date(2020, 1, 1),
        "infinity",
    ],
    "time without time zone": [time(1), "24:00:00"],
}
REMOTE: dict[str, sa.types.TypeEngine[Any]] = {
    "bigint": sa.BIGINT(),
    "numeric": sa.NUMERIC(),
    "double precision": sa.DOUBLE(),
    "text": sa.TEXT(),
    "bytea": sa.BLOB(),
    "uuid": sa.UUID(),
    "boolean": sa.BOOLEAN(),
    "date": sa.DATE(),
    "timestamp without time zone": sa.TIMESTAMP(),
    "time without time zone": sa.TIME(),
}
DIALECTS = ["postgresql", "sqlite", "mysql", "mssql", "oracle", "another"]
OPERATORS = [*COMPARED, "~~", "!~~", "~~*", "!~~*", "~"]


def target(
    local: str, dialect: str, equality: Equality = Equality.BYTES, typmod: int = -1
) -> Target:
    table = sa.Table("t", sa.MetaData(), sa.Column("c", REMOTE[local]))
    definition = ColumnDefinition("c", typmod=typmod, type_name=local)
    how = comparison(definition, REMOTE[local], dialect)
    return Target(table.c.c, how, dialect, equality)


def promised(column: Target, operator: Any) -> bool:
    pushed = push(column, Qual("c", operator, UNBOUND))
    return pushed is not None and pushed.exact


@pytest.mark.parametrize("local", VALUES)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("equality", Equality)
def test_what_is_promised_of_one_value(
    local: str, dialect: str, equality: Equality
) -> None:
    column = target(local, dialect, equality)
    for operator in OPERATORS:
        if not promised(column, operator):
            continue
        for value in VALUES[local]:
            pushed = push(column, Qual("c", operator, value))
            assert pushed is not None, (operator, value)
            assert pushed.exact, (operator, value)


@pytest.mark.parametrize("local", VALUES)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("any_", [True, False])
def test_what_is_promised_of_a_list(local: str, dialect: str, any_: bool) -> None:
    column = target(local, dialect)
    values = VALUES[local]
    lists = [
        [],
        [None],
        values[:1],
        values,
        [*values, None],
        [values[0]] * 5000,
        [*[values[-1]] * 5000, None],
    ]
    for name in OPERATORS:
        if not promised(column, (name, any_)):
            continue
        for items in lists:
            pushed = push(column, Qual("c", (name, any_), items))
            assert pushed is not None, (name, items[:9])
            assert pushed.exact, (name, items[:9])


@pytest.mark.parametrize(
    ("local", "dialect", "operators"),
    [
        ("bigint", "postgresql", "< <= <> = > >="),
        ("bigint", "sqlite", "< <= <> = > >="),
        ("bigint", "another", "< <= <> = > >="),
        ("numeric", "postgresql", "< <= <> = > >="),
        # Numbers of more than 38 digits.
        ("numeric", "mysql", ""),
        ("numeric", "another", ""),
        # A numeric is a double there.
        ("numeric", "sqlite", ""),
        ("double precision", "postgresql", "< <= <> = > >="),
        ("double precision", "sqlite", ""),
        ("text", "postgresql", "<> ="),
        ("text", "sqlite", "<> ="),
        ("text", "mysql", ""),
        ("bytea", "postgresql", "< <= <> = > >="),
        ("bytea", "sqlite", ""),
        ("uuid", "postgresql", "< <= <> = > >="),
        ("boolean", "postgresql", "<> ="),
        ("boolean", "sqlite", "<> ="),
        ("boolean", "mysql", ""),
        # The other side may be a timestamp with time zone, or infinity.
        ("date", "postgresql", ""),
        ("timestamp without time zone", "postgresql", ""),
        ("time without time zone", "postgresql", ""),
    ],
)
def test_promises(local: str, dialect: str, operators: str) -> None:
    column = target(local, dialect)
    found = sorted(name for name in OPERATORS if promised(column, name))
    assert " ".join(found) == operators


def test_lists_are_promised_where_there_are_arrays() -> None:
    for local in ("bigint", "numeric", "double precision", "text", "uuid"):
        assert promised(target(local, "postgresql"), ("=", True))
        assert promised(target(local, "postgresql"), ("<>", False))
    for local in ("bytea", "boolean", "date"):
        assert not promised(target(local, "postgresql"), ("=", True))
    assert not promised(target("bigint", "sqlite"), ("=", True))


@pytest.mark.parametrize(
    ("qual", "exact"),
    [
        (Qual("c", "=", date(2020, 1, 1)), True),
        (Qual("c", "<", date(1, 1, 1)), True),
        (Qual("c", ("=", True), [date(2020, 1, 1), date(2021, 1, 1)]), True),
        (Qual("c", "=", "infinity"), None),
        (Qual("c", "=", datetime(2020, 1, 1)), None),
        (Qual("c", "=", None), True),
        (Qual("c", "<>", None), True),
    ],
)
def test_known_dates(qual: Qual, exact: bool | None) -> None:
    pushed = push(target("date", "postgresql"), qual)
    assert (pushed.exact if pushed else None) is exact


def test_dates_of_mysql_may_be_none() -> None:
    """0000-00-00 is before any date there, and arrives as NULL."""
    for dialect, exact in (("mysql", False), ("mariadb", False), ("mssql", True)):
        pushed = push(target("date", dialect), Qual("c", "<", date(2020, 1, 1)))
        assert pushed is not None
        assert pushed.exact is exact


@pytest.mark.parametrize(
    ("value", "pushed"),
    [
        ("1" * 38, True),
        ("1" * 39, False),
        ("1E+38", False),
        ("1E-39", False),
        ("NaN", False),
        ("Infinity", False),
    ],
)
def test_numbers_that_not_every_driver_can_send(value: str, pushed: bool) -> None:
    found = push(target("numeric", "mysql"), Qual("c", "=", Decimal(value)))
    assert (found is not None) is pushed


def test_a_margin_is_not_lost_in_a_long_number() -> None:
    """Python's own context would round 38 digits to 28."""
    definition = ColumnDefinition("c", typmod=(38 << 16 | 2) + 4, type_name="numeric")
    how = comparison(definition, sa.NUMERIC(), "mysql")
    table = sa.Table("t", sa.MetaData(), sa.Column("c", sa.NUMERIC()))
    number = Decimal("123456789012345678901234567890123456.78")
    found = push(Target(table.c.c, how, "mysql"), Qual("c", "=", number))
    assert found is not None
    assert not found.exact
    low, high = found.clause.compile().params.values()
    assert (low, high) == (
        Decimal("123456789012345678901234567890123456.77"),
        Decimal("123456789012345678901234567890123456.79"),
    )


# The class


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "things.db")


def test_can_filter(path: Path) -> None:
    things = wrapper(path)
    exact = [
        Qual("id", "=", UNBOUND),
        Qual("id", ("=", True), [1, 2]),
        Qual("name", "=", UNBOUND),
        Qual("name", "~~", "a%"),
        Qual("name", "=", None),
        Qual("ok", "=", "t"),
    ]
    others = [
        Qual("id", ("=", True), UNBOUND),
        Qual("name", "~~", UNBOUND),
        Qual("name", "~~*", "a%"),
        Qual("name", "<", "a"),
        Qual("price", "=", Decimal(1)),
        Qual("day", "=", date(2020, 1, 1)),
        Qual("unknown", "=", 1),
    ]
    mixed = [qual for pair in zip(exact, others, strict=False) for qual in pair]
    assert things.can_filter([*mixed, others[-1]]) == exact
    assert things.can_filter([]) == []


def test_can_filter_without_a_database(tmp_path: Path) -> None:
    """Planning does not fail for it; the scan will tell."""
    things = wrapper(tmp_path / "missing.db")
    assert things.can_filter([Qual("id", "=", 1)]) == []
    with pytest.raises(MulticornException, match="there is no such file"):
        things.execute([Qual("id", "=", 1)], {"id"})


def test_limits_that_are_not_known_yet(path: Path) -> None:
    things = wrapper(path)
    assert things.can_limit(UNBOUND, UNBOUND)
    options = {"db_url": "mssql+pyodbc://h/d", "tablename": "t"}
    table = SqlAlchemyFdw(options, Columns())
    assert table.can_limit(UNBOUND, None)
    assert not table.can_limit(None, UNBOUND)


def test_every_kind_with_a_sample_can_be_explained() -> None:
    """EXPLAIN shows `?`; a kind without a sample would be left out in silence."""
    assert set(_filters._HANDLERS) == set(_filters._SAMPLES)
