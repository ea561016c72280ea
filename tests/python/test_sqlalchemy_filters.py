"""Pushed conditions: they narrow the result, and never lose a row."""

import operator
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from multicorn import UNBOUND, ColumnDefinition, Columns, Qual, SortKey
from multicorn.sqlalchemyfdw import SqlAlchemyFdw
from multicorn.sqlalchemyfdw._compare import Target
from multicorn.sqlalchemyfdw._filters import push
from multicorn.sqlalchemyfdw._kinds import Equality, comparison

from .sqlalchemy_kit import make_database, wrapper


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("sqlite") / "things.db")


@pytest.fixture
def things(database: Path) -> Iterator[SqlAlchemyFdw]:
    table = wrapper(database)
    yield table
    table.rollback()


def ids(table: SqlAlchemyFdw, *quals: Qual) -> list[int]:
    return sorted(row[0] for row in table.execute(quals, {"id"}))


ALL_ROWS = [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("qual", "expected"),
    [
        (Qual("id", "=", 2), [2]),
        (Qual("id", "<>", 2), [1, 3, 4, 5]),
        (Qual("id", ">=", 4), [4, 5]),
        (Qual("id", "=", 2**62), []),
        (Qual("id", ("=", True), [1, None, 3]), [1, 3]),
        (Qual("id", ("=", True), [2]), [2]),
        (Qual("id", ("=", True), []), []),
        (Qual("id", ("=", True), [None]), []),
        (Qual("id", ("<>", False), [1, 2]), [3, 4, 5]),
        (Qual("id", (">", False), [1, 3]), [4, 5]),
        (Qual("id", (">", True), [4, 3]), [4, 5]),
        (Qual("name", "=", None), [3]),
        (Qual("name", "<>", None), [1, 2, 4, 5]),
        (Qual("name", "<>", "abc"), [1, 4, 5]),
        (Qual("name", "=", "abc"), [2]),
        (Qual("name", ("=", True), ["abc", "Abc", None]), [1, 2]),
        (Qual("name", ("<>", False), ["abc", "ABC"]), [1, 4, 5]),
        (Qual("name", "=", "bad \udcff surrogate"), []),
        (Qual("name", "~~", "a%"), [2, 5]),
        (Qual("name", "~~", "a\\_c%"), [5]),
        (Qual("name", "~~", "%[x]%"), [4]),
        (Qual("name", "~~", "_bc"), [1, 2]),
        (Qual("name", "!~~", "a%"), [1, 4]),
        (Qual("name", ("~~", True), ["A%", "%\\%"]), [1, 4]),
        (Qual("name", ("!~~", False), ["A%", "%\\%"]), [2, 5]),
        (Qual("name", "~~*", "AB%"), [1, 2]),
        (Qual("name", "~~*", "ÉTÉ%"), [4]),
        (Qual("ok", "=", "t"), [1, 4]),
        (Qual("ok", "<>", "t"), [2, 5]),
        (Qual("ok", "IS", "f"), [2, 5]),
        (Qual("ok", "IS NOT", "t"), [2, 3, 5]),
        (Qual("ok", "IS", None), [3]),
        (Qual("ok", "IS NOT", None), [1, 2, 4, 5]),
        (Qual("ok", ("=", True), ["t", "f"]), [1, 2, 4, 5]),
        (Qual("data", "=", b"\0\xff"), [1]),
        (Qual("data", "<>", b""), [1]),
        (Qual("price", "=", Decimal("0.1")), [2]),
        (Qual("price", ">", Decimal("1.6")), [3, 4]),
        (Qual("ratio", "<", 0.5), [1, 4, 5]),
        (Qual("ratio", "=", 0.0), [5]),
    ],
)
def test_narrowed(things: SqlAlchemyFdw, qual: Qual, expected: list[int]) -> None:
    assert ids(things, qual) == expected


@pytest.mark.parametrize(
    ("qual", "needed"),
    [
        # Stored as text in several forms.
        (Qual("day", "=", date(2020, 1, 3)), {4}),
        (Qual("day", "<", date(2020, 1, 1)), {5}),
        (Qual("at", "=", datetime(2020, 1, 2, 10, 0, 0, 500_000)), {2}),
        (Qual("at", ">=", datetime(2020, 1, 2)), {2, 4, 5}),
    ],
)
def test_never_too_few(things: SqlAlchemyFdw, qual: Qual, needed: set[int]) -> None:
    assert needed <= set(ids(things, qual))


def test_iso_dates_do_narrow(things: SqlAlchemyFdw) -> None:
    assert 1 not in ids(things, Qual("day", ">", date(2020, 1, 10)))
    assert 2 not in ids(things, Qual("at", "<", datetime(2019, 12, 1)))


@pytest.mark.parametrize(
    "qual",
    [
        Qual("name", "<", "b"),
        Qual("name", ">=", "b"),
        Qual("name", "!~~*", "a%"),
        Qual("name", "~", "^a"),
        Qual("name", "~~", "a\\"),
        Qual("price", "<>", Decimal(3)),
        Qual("price", "=", Decimal("NaN")),
        Qual("ratio", ">", float("nan")),
        Qual("ratio", "<", float("inf")),
        Qual("id", "=", 2**70),
        Qual("id", "=", "2"),
        Qual("id", ("=", True), list(range(5000))),
        Qual("id", ("<>", False), [1, None]),
        Qual("id", ("<", False), []),
        Qual("day", "<>", date(2020, 1, 1)),
        Qual("day", ">", date(1, 1, 1)),
        Qual("unknown", "=", 1),
    ],
)
def test_left_to_the_server(things: SqlAlchemyFdw, qual: Qual) -> None:
    assert ids(things, qual) == ALL_ROWS


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

NUMBERS = [0.1, 0.1 + 0.2, 1 / 3, 1e300, 5e-324, -1.5, 0.0, 2.0**53, 1e22, 123456.789]


@pytest.mark.parametrize("digits", [15, 17])
@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_numbers_lose_no_row(tmp_path: Path, name: str, digits: int) -> None:
    """A double that becomes a numeric by its text still finds its row."""
    path = make_database(tmp_path / "numbers.db")
    table = wrapper(path)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM things")
        for number, value in enumerate(NUMBERS):
            connection.exec_driver_sql(
                "INSERT INTO things (id, price) VALUES (?, ?)", (number, value)
            )
    engine.dispose()
    local = [Decimal(f"{value:.{digits}g}") for value in NUMBERS]
    for wanted in [*local, Decimal("0.30000000000000001"), Decimal(7)]:
        true = {n for n, value in enumerate(local) if OPERATORS[name](value, wanted)}
        found = set(ids(table, Qual("price", name, wanted)))
        assert true <= found
    table.rollback()


def compiled(
    local: str,
    remote: Any,
    dialect: str,
    qual: Qual,
    equality: Equality = Equality.UNKNOWN,
) -> str | None:
    table = sa.Table("t", sa.MetaData(), sa.Column("c", remote))
    definition = ColumnDefinition("c", type_name=local)
    how = comparison(definition, remote, dialect)
    found = push(Target(table.c.c, how, dialect, equality), qual)
    if found is None:
        return None
    return str(found.clause.compile(compile_kwargs={"literal_binds": True}))


@pytest.mark.parametrize(
    ("local", "remote", "dialect", "qual", "sql"),
    [
        ("text", sa.TEXT(), "postgresql", Qual("c", "=", "x"), "t.c = 'x'"),
        ("text", sa.TEXT(), "postgresql", Qual("c", "<>", "x"), None),
        ("text", sa.TEXT(), "mysql", Qual("c", "<>", "x"), None),
        ("text", sa.TEXT(), "mysql", Qual("c", "!~~", "x"), None),
        (
            "text",
            sa.TEXT(),
            "mssql",
            Qual("c", "~~", "[x]%"),
            "t.c LIKE '![x]%' ESCAPE '!'",
        ),
        ("boolean", sa.BOOLEAN(), "postgresql", Qual("c", "=", "t"), "t.c IS true"),
        ("boolean", sa.BOOLEAN(), "oracle", Qual("c", "=", "t"), None),
        ("date", sa.DATE(), "mysql", Qual("c", "=", None), None),
        ("date", sa.DATE(), "postgresql", Qual("c", "=", None), "t.c IS NULL"),
        (
            "timestamp without time zone",
            sa.DATETIME(),
            "mssql",
            Qual("c", "<", datetime(2020, 1, 1)),
            "t.c <= '2020-01-01 00:00:01'",
        ),
        ("bigint", sa.BIGINT(), "sqlite", Qual("c", "=", UNBOUND), "t.c = ?"),
        (
            "bigint",
            sa.BIGINT(),
            "sqlite",
            Qual("c", ("=", True), UNBOUND),
            "t.c = ANY(?)",
        ),
        ("text", sa.TEXT(), "sqlite", Qual("c", "<", UNBOUND), None),
        ("json", sa.JSON(), "sqlite", Qual("c", "=", "x"), None),
        ("json", sa.JSON(), "sqlite", Qual("c", "<>", None), "t.c IS NOT NULL"),
    ],
)
def test_other_databases(local, remote, dialect, qual, sql) -> None:
    assert compiled(local, remote, dialect, qual) == sql


C = '(t.c COLLATE "C")'
CI = '(CAST(t.c AS TEXT) COLLATE "C")'


@pytest.mark.parametrize(
    ("remote", "equality", "qual", "sql"),
    [
        (sa.TEXT(), Equality.BYTES, Qual("c", "=", "x"), "t.c = 'x'"),
        (sa.TEXT(), Equality.BYTES, Qual("c", "<>", "x"), "t.c != 'x'"),
        (sa.TEXT(), Equality.BYTES, Qual("c", "~~", "x%"), "t.c LIKE 'x%' ESCAPE '!'"),
        (sa.TEXT(), Equality.FOLDED, Qual("c", "<>", "x"), f"{C} != 'x'"),
        (
            sa.TEXT(),
            Equality.FOLDED,
            Qual("c", "!~~", "x_"),
            f"{C} NOT LIKE 'x_' ESCAPE '!'",
        ),
        (
            sa.TEXT(),
            Equality.FOLDED,
            Qual("c", "~~*", "X%"),
            "lower(t.c COLLATE \"C\") LIKE 'x%' ESCAPE '!'",
        ),
        (
            postgresql.CITEXT(),
            Equality.FOLDED,
            Qual("c", "<>", "x"),
            f"{CI} != 'x'",
        ),
        (sa.TEXT(), Equality.UNKNOWN, Qual("c", "~~", "x%"), None),
        (sa.TEXT(), Equality.UNKNOWN, Qual("c", "=", "x"), "t.c = 'x'"),
    ],
)
def test_texts_of_postgresql(remote, equality, qual, sql) -> None:
    assert compiled("text", remote, "postgresql", qual, equality) == sql


def test_a_folding_column_is_compared_twice() -> None:
    """Its own equality finds more, by its index; the other finds the right ones."""
    table = sa.Table("t", sa.MetaData(), sa.Column("c", postgresql.CITEXT()))
    definition = ColumnDefinition("c", type_name="text")
    how = comparison(definition, table.c.c.type, "postgresql")
    target = Target(table.c.c, how, "postgresql", Equality.FOLDED)
    dialect = sa.create_engine("postgresql+psycopg://").dialect
    for qual, expected in [
        (Qual("c", "=", "x"), 't.c = %(1)s AND CAST(t.c AS TEXT) COLLATE "C" = %(2)s'),
        (
            Qual("c", ("=", True), ["x", "y"]),
            't.c IN (%(1)s, %(2)s) AND CAST(t.c AS TEXT) COLLATE "C" IN (%(3)s, %(4)s)',
        ),
    ]:
        found = push(target, qual)
        assert found is not None
        assert found.exact
        sql = str(found.clause.compile(dialect=dialect))
        sql = re.sub(r"%\(param_(\d)\)s(::VARCHAR)?", r"%(\1)s", sql)
        assert re.sub(r"\((CAST.*?\"C\")\)", r"\1", sql) == expected


def test_a_type_that_nobody_knows_may_be_a_composite() -> None:
    """ROW(NULL, NULL) IS NULL is true, and the local text of it is none."""
    unknown = sa.types.NullType()
    found = compiled("text", unknown, "postgresql", Qual("c", "=", None))
    assert found == "t.c IS NOT DISTINCT FROM NULL"
    found = compiled("text", unknown, "postgresql", Qual("c", "<>", None))
    assert found == "t.c IS DISTINCT FROM NULL"


def test_a_blob_in_a_text_column_is_found(tmp_path: Path) -> None:
    """It arrives as a text, and is equal to none in SQLite."""
    path = make_database(tmp_path / "blobs.db")
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM things")
        connection.exec_driver_sql(
            "INSERT INTO things (id, name, data) VALUES (1, x'616263', 'abc'),"
            " (2, 'abc', x'616263'), (3, 'abd', x'00')"
        )
    engine.dispose()
    table = wrapper(path)
    assert ids(table, Qual("name", "=", "abc")) == [1, 2]
    assert ids(table, Qual("name", "<>", "abc")) == [3]
    assert ids(table, Qual("name", ("=", True), ["abc", "x"])) == [1, 2]
    assert ids(table, Qual("name", "~~", "ab_")) == [1, 2, 3]
    order = SortKey("name", 2, False, False, "C")
    names = [row[0] for row in table.execute([], {"id"}, sortkeys=[order])]
    assert sorted(names[:2]) == [1, 2]
    assert names[2] == 3
    # A text in a BLOB column is read as bytea's input.
    assert ids(table, Qual("data", "=", b"abc")) == [1, 2]
    table.rollback()


def test_a_shorter_varchar_here_loses_blanks(tmp_path: Path) -> None:
    """varchar(3) of 'abc  ' is 'abc', without a word."""
    path = make_database(tmp_path / "blanks.db")
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM things")
        for number, name in enumerate(["abc", "abc  ", "ab", "abd", "a%c "]):
            connection.exec_driver_sql(
                "INSERT INTO things (id, name) VALUES (?, ?)", (number, name)
            )
    engine.dispose()
    columns = Columns(
        id=ColumnDefinition("id", type_name="bigint"),
        name=ColumnDefinition("name", typmod=3 + 4, type_name="character varying(3)"),
    )
    table = wrapper(path, columns)
    assert ids(table, Qual("name", "=", "abc")) == [0, 1]
    assert ids(table, Qual("name", ("=", True), ["ab", "a%c"])) == [2, 4]
    assert ids(table, Qual("name", "=", "ab")) == [2]
    everything = [0, 1, 2, 3, 4]
    for left in (
        Qual("name", "<>", "abc"),
        Qual("name", "<>", "abc  "),
        Qual("name", "~~", "%c"),
    ):
        assert ids(table, left) == everything
    asked = [Qual("name", "=", value) for value in ("ab", "abc", "abcd", UNBOUND)]
    assert table.can_filter(asked) == asked[:1]
    table.rollback()
