"""Scans: rows, order, limit, what the planner learns, errors, connections."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from multicorn import UNBOUND, Qual, SortKey
from multicorn.sqlalchemyfdw import SqlAlchemyFdw
from multicorn.sqlalchemyfdw import _database as databases
from multicorn.utils import MulticornException

from .conftest import Messages
from .sqlalchemy_kit import TYPES, definitions, make_database, wrapper


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "things.db")


@pytest.fixture
def things(path: Path) -> Iterator[SqlAlchemyFdw]:
    table = wrapper(path)
    yield table
    table.rollback()


EVERYTHING = set(TYPES)


def test_rows_come_as_stored(things: SqlAlchemyFdw) -> None:
    rows = list(things.execute([], EVERYTHING))
    assert rows[0] == (
        1,
        "Abc",
        1.5,
        "2020-01-01",
        "2020-01-01 10:00:00",
        True,
        b"\0\xff",
        0.1,
    )
    assert rows[2] == (3, None, 3, None, None, None, None, None)
    assert all(type(row) is tuple for row in rows)


def test_columns_that_are_not_needed_are_null(things: SqlAlchemyFdw) -> None:
    assert next(iter(things.execute([], {"name"}))) == (None, "Abc", *[None] * 6)
    assert list(things.execute([], set())) == [(None,) * 8] * 5


def test_a_table_without_columns_has_rows(path: Path) -> None:
    table = wrapper(path, definitions())
    assert list(table.execute([], set())) == [()] * 5
    table.rollback()


@pytest.mark.parametrize("batch", ["1", "2", "1000"])
def test_batches(path: Path, batch: str) -> None:
    table = wrapper(path, batch_size=batch)
    assert [row[0] for row in table.execute([], {"id"})] == [1, 2, 3, 4, 5]
    table.rollback()


def key(name: str, *, desc: bool = False, first: bool = False, collate=None) -> SortKey:
    return SortKey(name, list(TYPES).index(name) + 1, desc, first, collate)


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ([key("id")], 1),
        ([key("id"), key("name")], 1),
        # A numeric from a double may be equal to its neighbour: only as last.
        ([key("price"), key("id")], 1),
        ([key("name")], 0),
        ([key("name", collate="C"), key("id")], 2),
        ([key("name", collate="de_DE")], 0),
        ([key("day")], 0),
        ([key("ok")], 0),
        ([], 0),
    ],
)
def test_can_sort(things: SqlAlchemyFdw, asked: list[SortKey], taken: int) -> None:
    assert things.can_sort(asked) == asked[:taken]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (key("price"), [2, 1, 4, 3, 5]),
        (key("price", first=True), [5, 2, 1, 4, 3]),
        (key("price", desc=True, first=True), [5, 3, 4, 1, 2]),
        (key("price", desc=True), [3, 4, 1, 2, 5]),
        (key("name", collate="C"), [1, 5, 2, 4, 3]),
    ],
)
@pytest.mark.parametrize("clause", [True, False])
def test_order(things, sort, expected, clause, monkeypatch) -> None:
    monkeypatch.setattr("multicorn.sqlalchemyfdw._order._SQLITE_HAS_NULLS", clause)
    rows = things.execute([], {"id"}, sortkeys=[sort])
    assert [row[0] for row in rows] == expected


def test_limit_and_offset(things: SqlAlchemyFdw) -> None:
    assert things.can_limit(1, None)
    order = [key("id", desc=True)]
    rows = things.execute([], {"id"}, sortkeys=order, limit=2, offset=1)
    assert [row[0] for row in rows] == [4, 3]
    assert [row[0] for row in things.execute([], {"id"}, limit=0)] == []
    assert [row[0] for row in things.execute([], {"id"}, offset=3)] == [4, 5]
    exact = [Qual("id", ">", 1)]
    assert [row[0] for row in things.execute(exact, {"id"}, limit=1)] == [2]


def test_limit_with_an_inexact_condition_is_refused(things: SqlAlchemyFdw) -> None:
    with pytest.raises(MulticornException, match="a limit was pushed down"):
        things.execute([Qual("price", "=", Decimal(1))], {"id"}, limit=1)


def test_limit_of_sql_server() -> None:
    options = {"db_url": "mssql+pyodbc://h/d", "tablename": "t"}
    table = SqlAlchemyFdw(options, definitions(a="integer"))
    assert table.can_limit(1, 0)
    assert not table.can_limit(1, 2)


def test_explain(things: SqlAlchemyFdw, path: Path) -> None:
    quals = [Qual("id", ">", 1), Qual("name", "<", "x"), Qual("price", "<", UNBOUND)]
    select = "SELECT things.id, things.name FROM things"
    assert things.explain(quals, {"id", "name"}) == [
        f"Remote SQL: {select} WHERE things.id > ? AND things.price < ?",
        "Remote parameters: 1",
    ]
    lines = things.explain([], {"id"}, limit=UNBOUND, offset=UNBOUND)
    assert lines == ["Remote SQL: SELECT things.id FROM things LIMIT ? OFFSET ?"]
    lines = things.explain([], {"id"}, [key("id")], verbose=True, limit=3)
    assert lines[0] == f"Remote database: sqlite:///{path}"
    assert lines[1].endswith("ORDER BY things.id ASC NULLS LAST LIMIT ? OFFSET ?")


# Planning


def test_planning_does_not_connect(tmp_path: Path) -> None:
    table = wrapper(tmp_path / "missing.db", primary_key="id")
    assert table.get_rel_size([], {"id", "name"}) == (1_000_000, 40)
    assert table.get_rel_size([Qual("id", "=", UNBOUND)], {"id"}) == (1, 8)
    assert table.get_rel_size([Qual("name", "=", "x")], {"id"}) == (5000, 8)
    assert table.get_rel_size([Qual("name", "~~", "x")], set()) == (100_000, 1)
    assert table.get_rel_size([Qual("id", ("=", True), [1, 2])], set()) == (10_000, 1)
    assert table.get_path_keys() == [(("id",), 1)]
    assert table.can_limit(1, 1)
    assert table.can_sort([key("name")]) == []
    # This one must look at the remote types; a failure is the scan's to tell.
    assert table.can_sort([key("id")]) == []
    assert "could not connect" in table.explain([], {"id"})[0]


def test_estimates_follow_the_reflection(things: SqlAlchemyFdw) -> None:
    list(things.execute([], {"id"}))
    assert things.get_rel_size([], {"id"}) == (5, 8)
    assert things.get_path_keys() == [(("id",), 1)]


def test_composite_key(path: Path) -> None:
    columns = definitions(a="bigint", b="text")
    table = wrapper(path, columns, tablename="pairs", primary_key="a, b")
    assert table.get_path_keys() == [(("a", "b"), 1)]
    assert table.rowid_columns == ("a", "b")
    # In the option's order, and without asking the remote database.
    table = wrapper(path, columns, tablename="missing", primary_key="b,a")
    assert table.rowid_columns == ("b", "a")


def test_the_key_of_the_remote_table(path: Path) -> None:
    columns = definitions(b="text", first="bigint")
    columns["first"].options["column_name"] = "a"
    table = wrapper(path, columns, tablename="pairs")
    assert table.rowid_columns == ("first", "b")
    table = wrapper(path)
    assert (table.rowid_columns, table.rowid_column) == ((), "id")
    for tablename, names in (("names", "id name"), ("pairs", "b note")):
        table = wrapper(
            path,
            definitions(**dict.fromkeys(names.split(), "text")),
            tablename=tablename,
        )
        with pytest.raises(MulticornException, match="nothing identifies a row") as it:
            _ = table.rowid_columns
        assert it.value.hint is not None
        assert '"primary_key"' in it.value.hint


def test_view(path: Path) -> None:
    columns = definitions(id="bigint", name="text")
    table = wrapper(path, columns, tablename="names")
    assert list(table.execute([Qual("id", "=", 1)], {"id", "name"})) == [(1, "Abc")]
    assert table.get_path_keys() == []
    table.rollback()


def test_column_name_option(path: Path) -> None:
    columns = definitions(number="bigint", NAME="text")
    columns["number"].options["column_name"] = "id"
    table = wrapper(path, columns)
    rows = list(table.execute([Qual("number", "=", 2)], {"number", "NAME"}))
    assert rows == [(2, "abc")]
    assert table.get_path_keys() == [(("number",), 1)]
    table.rollback()


# Connections


def test_all_scans_of_a_transaction_share_a_connection(things: SqlAlchemyFdw) -> None:
    pool = things._database.engine.pool
    first, second = things.execute([], {"id"}), things.execute([], {"id"})
    assert next(iter(first))[0] == next(iter(second))[0] == 1
    assert pool.checkedout() == 1  # type: ignore[attr-defined]
    # One of them goes on.
    things.end_scan()
    assert pool.checkedout() == 1  # type: ignore[attr-defined]
    first.close()  # type: ignore[attr-defined]
    assert len(list(second)) == 4
    things.end_scan()
    assert pool.checkedout() == 0  # type: ignore[attr-defined]
    assert len(list(things.execute([], {"id"}))) == 5


def test_scans_of_one_statement_see_one_state(
    things: SqlAlchemyFdw, path: Path
) -> None:
    """Another connection may write and commit in between."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = wal")
    assert len(list(things.execute([], {"id"}))) == 5
    other.execute("DELETE FROM things WHERE id > 1")
    assert len(list(things.execute([], {"id"}))) == 5
    things.end_scan()
    assert len(list(things.execute([], {"id"}))) == 1
    things.rollback()
    # A serializable transaction has one state from its first scan to its end.
    things.begin(1)
    assert len(list(things.execute([], {"id"}))) == 1
    other.execute("DELETE FROM things")
    things.end_scan()
    assert len(list(things.execute([], {"id"}))) == 1
    things.pre_commit()
    things.commit()
    assert list(things.execute([], {"id"})) == []
    other.close()


def test_a_file_that_was_only_read_can_be_written(
    things: SqlAlchemyFdw, path: Path
) -> None:
    """Without write-ahead log a reader keeps all writers out."""
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    scan = iter(things.execute([], {"id"}))
    next(scan)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("DELETE FROM things WHERE id = 5")
    assert len(list(scan)) == 4
    things.end_scan()
    other.execute("DELETE FROM things WHERE id = 5")
    other.close()


def test_tables_of_one_server_share_the_engine(path: Path) -> None:
    one, two = wrapper(path), wrapper(path, primary_key="id")
    assert one._database is two._database
    url = one._url
    assert (url, False, 10_000) in databases._databases
    list(one.execute([], {"id"}))
    one.rollback()
    # Without waiting for the garbage collector, which would close it late.
    del one, two
    assert (url, False, 10_000) not in databases._databases


def test_a_scan_that_fails_takes_nothing_with_it(things: SqlAlchemyFdw) -> None:
    scan = iter(things.execute([], {"id"}))
    next(scan)
    with pytest.raises(KeyError):
        scan.throw(KeyError("from outside"))  # type: ignore[attr-defined]
    assert len(list(things.execute([], {"id"}))) == 5
    things.end_scan()
    assert things._database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_the_end_of_a_transaction_ends_its_scans(things: SqlAlchemyFdw) -> None:
    """With an error: it must not look like the end of the rows."""
    scan = iter(things.execute([], {"id"}))
    next(scan)
    things.rollback()
    with pytest.raises(RuntimeError, match="transaction of this scan is over"):
        list(scan)


# Errors


def test_missing_table_and_column(path: Path) -> None:
    table = wrapper(path, tablename="thing")
    with pytest.raises(MulticornException, match='no table "thing"') as caught:
        table.execute([], set())
    assert caught.value.hint == 'Did you mean "things"?'
    table = wrapper(path, definitions(nam="text"))
    with pytest.raises(MulticornException, match='no column "nam"') as caught:
        table.execute([], set())
    assert caught.value.hint is not None
    assert caught.value.hint.startswith('Did you mean "name"?')


def test_missing_file_is_not_created(tmp_path: Path) -> None:
    path = tmp_path / "missing.db"
    with pytest.raises(MulticornException, match="there is no such file"):
        wrapper(path).execute([], set())
    assert not path.exists()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, but long enough to have a header" * 10)
    with pytest.raises(MulticornException, match="file is not a database") as caught:
        wrapper(path).execute([], set())
    assert caught.value.detail == "The database driver raised DatabaseError."
    assert "Background on this error" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tablename": "t"}, 'needs the option "db_url" or the option "drivername"'),
        ({"db_url": "sqlite://"}, 'needs the option "tablename"'),
        ({"db_url": "no url", "tablename": "t"}, "is not a database URL"),
        ({"db_url": "sqlite://", "tablename": "t", "port": "x"}, '"port" must be'),
        ({"db_url": "sqlite://", "tablename": "t", "batch_size": "0"}, "at least 1"),
        (
            {"db_url": "sqlite://", "tablename": "t", "primary_key": "zz"},
            'names the column "zz"',
        ),
        ({"db_url": "sqlite://", "table_name": "t"}, 'no option "table_name"'),
        (
            {"db_url": "sqlite://", "tablename": "t", "lock_timeout": "soon"},
            'the option "lock_timeout" must be a time',
        ),
    ],
)
def test_bad_options(options, message) -> None:
    with pytest.raises(MulticornException) as caught:
        SqlAlchemyFdw(options, definitions(a="integer"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nosuchdb://u:secret@h/d", "no dialect for nosuchdb://u:***@h/d"),
        ("oracle+oracledb://u:secret@h/d", "needs the Python package oracledb"),
    ],
)
def test_missing_dialect_or_driver(url: str, message: str) -> None:
    table = SqlAlchemyFdw({"db_url": url, "tablename": "t"}, definitions(a="integer"))
    with pytest.raises(MulticornException) as caught:
        table.execute([], set())
    assert message in str(caught.value)
    assert "secret" not in f"{caught.value}{caught.value.hint}{caught.value.detail}"


def test_passwords_never_show(messages: Messages) -> None:
    options = {
        "db_url": "postgresql+psycopg://u:hunter2@127.0.0.1:1/d?password=hunter3",
        "tablename": "t",
        "password": "hunter4",
    }
    table = SqlAlchemyFdw(options, definitions(a="integer"))
    with pytest.raises(MulticornException, match="could not connect") as caught:
        table.execute([], set())
    told = f"{caught.value}{caught.value.hint}{caught.value.detail}{messages.sent}"
    assert "hunter" not in told
    assert "hunter" not in str(table.explain([], set()))
    with pytest.raises(MulticornException) as caught:
        SqlAlchemyFdw({"db_url": "u:hunter2@h", "tablename": "t"}, definitions())
    assert "hunter" not in f"{caught.value}{caught.value.hint}"


def test_single_options_win_over_the_url() -> None:
    url = databases.url_of(
        {
            "db_url": "postgresql://a:b@c:1/d",
            "username": "u",
            "password": "p",
            "port": "5",
            "database": "",
        }
    )
    assert url.render_as_string(hide_password=False) == "postgresql://u:p@c:5/d"
    url = databases.url_of({"drivername": "sqlite", "database": "/x/y.db"})
    assert str(url) == "sqlite:////x/y.db"


@pytest.mark.parametrize("present", ["absent", "old"])
def test_without_sqlalchemy(tmp_path: Path, present: str) -> None:
    """A fresh Python, where the package is hidden or of the wrong version."""
    if present == "old":
        (tmp_path / "sqlalchemy.py").write_text("__version__ = '1.4.50'\n")
    hide = "sys.modules['sqlalchemy'] = None\n" if present == "absent" else ""
    code = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{hide}"
        "from multicorn import get_class\n"
        "try:\n    get_class('multicorn.sqlalchemyfdw.SqlAlchemyFdw')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error, error.hint)\n"
    )
    root = Path(__file__).parents[2] / "python"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("MulticornException SqlAlchemyFdw needs")
    assert "pip install 'SQLAlchemy>=2.0'" in done.stdout


def test_numeric_value_types(things: SqlAlchemyFdw) -> None:
    rows = list(things.execute([Qual("price", "=", Decimal("2.25"))], {"price"}))
    assert rows[0][2] == 2.25
