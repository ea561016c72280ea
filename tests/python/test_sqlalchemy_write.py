"""Writes: one remote transaction for all tables, savepoints, what is stored."""

import re
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from multicorn import SKIPPED, ColumnDefinition, Qual
from multicorn.sqlalchemyfdw import SqlAlchemyFdw, _conflict, _truncate
from multicorn.utils import MulticornException

from .sqlalchemy_kit import definitions, make_database, wrapper


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "things.db")


def names(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT name FROM things WHERE id > 5 ORDER BY id")
    result = [name for (name,) in found]
    connection.close()
    return result


def writer(path: Path) -> SqlAlchemyFdw:
    table = wrapper(path, primary_key="id")
    table.begin(0)
    return table


def row(stored: object) -> dict[str, Any]:
    """Return what is a row, neither None nor SKIPPED."""
    assert isinstance(stored, dict)
    return cast("dict[str, Any]", stored)


def end(*tables: SqlAlchemyFdw) -> None:
    for table in tables:
        table.pre_commit()
    for table in tables:
        table.commit()


def test_insert_update_delete(path: Path) -> None:
    table = writer(path)
    assert table.rowid_column == "id"
    stored = row(table.insert({"id": None, "name": "new", "price": Decimal("1.25")}))
    assert (stored["id"], stored["name"], stored["price"]) == (6, "new", 1.25)
    changed = row(table.update(6, {"id": 7, "name": "moved"}))
    assert (changed["id"], changed["name"], changed["price"]) == (7, "moved", 1.25)
    assert names(path) == []
    # The transaction sees its own writes.
    assert [each[0] for each in table.execute([], {"id"})][-1] == 7
    end(table)
    assert names(path) == ["moved"]
    table.begin(0)
    assert row(table.delete(7))["name"] == "moved"
    end(table)
    assert names(path) == []


def test_only_what_is_set_is_updated(path: Path) -> None:
    assert SqlAlchemyFdw.update_columns == "changed"
    table = writer(path)
    assert row(table.update(1, {"ratio": 7.0}))["name"] == "Abc"
    assert row(table.update(1, {"name": None, "ratio": 8.0}))["price"] == 1.5
    assert row(table.update(2, {"ratio": 9.0}))["name"] == "abc"
    found = [r for r in table.execute([], {"id", "name", "ratio"}) if r[0] < 3]
    assert [(r[0], r[1], r[7]) for r in found] == [(1, None, 8.0), (2, "abc", 9.0)]
    assert table.update(1, {}) is None
    table.rollback()


@pytest.mark.parametrize("returning", [True, False])
def test_rows_that_are_gone(path: Path, monkeypatch, returning: bool) -> None:
    table = writer(path)
    for what in ("update", "delete"):
        monkeypatch.setattr(
            table._database.engine.dialect, f"{what}_returning", returning
        )
    assert table.update(99, {"name": "x"}) is SKIPPED
    assert table.delete(99) is SKIPPED
    deleted = table.delete(5)
    assert (deleted is None) is not returning
    assert table.delete(5) is SKIPPED
    assert (table.update(4, {"name": "x"}) is None) is not returning
    end(table)


@pytest.mark.parametrize("returning", [True, False])
def test_a_key_that_is_none(path: Path, monkeypatch, returning: bool) -> None:
    """The option names a column by which several rows are one."""
    table = wrapper(path, primary_key="ok")
    for what in ("update", "delete"):
        monkeypatch.setattr(
            table._database.engine.dialect, f"{what}_returning", returning
        )
    for act in (lambda: table.update(True, {"name": "x"}), lambda: table.delete(True)):
        table.begin(0)
        with pytest.raises(MulticornException, match=r"2 rows of .* same ok") as caught:
            act()
        assert caught.value.sqlstate == "21000"
        assert caught.value.hint is not None
        assert '"primary_key"' in caught.value.hint
        table.rollback()
    table.begin(0)
    # A NULL is a key like any other here.
    assert table.update(None, {"name": "found"}) is not SKIPPED
    end(table)
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT id, name FROM things ORDER BY id").fetchall()
    connection.close()
    assert found == [
        (1, "Abc"),
        (2, "abc"),
        (3, "found"),
        (4, "été [x] 100%"),
        (5, "a_c\\d"),
    ]


def test_a_key_that_changes_on_the_way(path: Path) -> None:
    """Not found may mean that it was looked for wrongly: silence would be a lie."""
    table = wrapper(path, primary_key="day")
    table.begin(0)
    for act in (
        lambda: table.update(date(2020, 1, 3), {"name": "x"}),
        lambda: table.delete(date(2020, 1, 3)),
    ):
        with pytest.raises(MulticornException, match="type changes the value") as it:
            act()
        assert it.value.hint == ('Give "day" the type that it has in the remote table.')
    table.rollback()


def test_composite_keys(path: Path) -> None:
    pairs = wrapper(path, definitions(b="text", a="bigint"), tablename="pairs")
    pairs.begin(0)
    assert pairs.rowid_columns == ("a", "b")
    pairs.bulk_insert([{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": None}])
    assert pairs.update((1, "y"), {"b": "z"}) == {"a": 1, "b": "z"}
    assert pairs.update((1, "y"), {"b": "z"}) is SKIPPED
    assert pairs.delete((1, "x")) == {"a": 1, "b": "x"}
    assert pairs.update((2, None), {"a": 3}) == {"a": 3, "b": None}
    end(pairs)
    left = sorted(pairs.execute([], {"a", "b"}), key=repr)
    assert left == [("z", 1), (None, 3)]
    pairs.rollback()


def test_a_key_that_is_stored_as_a_blob(path: Path) -> None:
    """It is read as a text, and is equal to none in SQLite."""
    pairs = wrapper(path, definitions(b="text", a="bigint"), tablename="pairs")
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO pairs (a, b) VALUES (1, x'c3a9'), (2, 'é')")
    connection.commit()
    connection.close()
    pairs.begin(0)
    assert row(pairs.update((1, "é"), {"a": 3}))["a"] == 3
    assert row(pairs.delete((3, "é")))["a"] == 3
    assert pairs.delete((3, "é")) is SKIPPED
    assert row(pairs.delete((2, "é"))) == {"a": 2, "b": "é"}
    pairs.rollback()


def test_column_names_that_statements_use(tmp_path: Path) -> None:
    """Names of parameters and names of columns are kept apart."""
    path = tmp_path / "names.db"
    connection = sqlite3.connect(path)
    connection.execute(
        'CREATE TABLE t ("given" INTEGER PRIMARY KEY, given_new_0, "select %s:x" TEXT)'
    )
    connection.close()
    columns = definitions(given="bigint", given_new_0="text")
    columns["odd"] = ColumnDefinition(
        "odd", type_name="text", options={"column_name": "select %s:x"}
    )
    table = wrapper(path, columns, tablename="t")
    table.begin(0)
    table.bulk_insert([{"given": n, "given_new_0": "a", "odd": "b"} for n in (1, 2)])
    stored = {"given": 1, "given_new_0": "c", "odd": "d"}
    assert table.update(1, {"given_new_0": "c", "odd": "d"}) == stored
    assert table.delete(1) == stored
    assert table.insert(stored) == stored
    assert table.update_where([Qual("odd", "=", "d")], {"odd": "e"}) == 1
    end(table)


def test_rollback(path: Path) -> None:
    table = writer(path)
    table.insert({"id": 6, "name": "lost"})
    table.rollback()
    assert names(path) == []
    # A transaction in which nothing is done needs no remote one.
    table.begin(1)
    assert table._database.session.connection is None
    end(table)


# Many rows


def statements(table: SqlAlchemyFdw) -> list[tuple[str, bool]]:
    """Collect the statements that are sent, and whether each is run many times."""
    sent: list[tuple[str, bool]] = []

    def note(_conn, _cursor, statement, _parameters, _context, executemany) -> None:
        sent.append((statement, executemany))

    event.listen(table._database.engine, "before_cursor_execute", note)
    return sent


def test_bulk_insert(path: Path) -> None:
    """Not row by row, whatever the dialect could return."""
    table = writer(path)
    assert table.modify_batch_size == 5000
    assert wrapper(path, batch_size="7").modify_batch_size == 7
    table._reflected()
    sent = statements(table)
    rows = [{"id": n, "name": f"row {n}"} for n in range(6, 1006)]
    assert table.bulk_insert(rows) is None
    inserts = [each for each in sent if each[0].startswith("INSERT")]
    assert inserts == [("INSERT INTO things (id, name) VALUES (?, ?)", True)]
    end(table)
    assert len(names(path)) == 1000


def test_bulk_insert_of_numbers_that_are_to_be_made(path: Path) -> None:
    table = writer(path)
    rows = [{"id": 6, "name": "a"}, {"id": None, "name": "b"}, {"id": 9, "name": "c"}]
    assert table.bulk_insert(rows) is None
    end(table)
    assert names(path) == ["a", "b", "c"]


def test_rows_without_values(tmp_path: Path) -> None:
    path = tmp_path / "defaults.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT DEFAULT 7)")
    connection.close()
    table = wrapper(path, definitions(id="bigint"), tablename="t")
    table.begin(0)
    assert table.insert({"id": None}) == {"id": 1}
    assert table.bulk_insert([{"id": None}, {"id": None}]) is None
    end(table)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT * FROM t").fetchall() == [(1, 7), (2, 7), (3, 7)]
    connection.close()


def test_without_returning(path: Path, monkeypatch) -> None:
    table = writer(path)
    monkeypatch.setattr(table._database.engine.dialect, "insert_returning", False)
    assert table.insert({"id": 6, "name": "d"}) is None
    end(table)
    assert names(path) == ["d"]


# ON CONFLICT DO NOTHING


@pytest.mark.parametrize("returning", [True, False])
def test_a_row_that_exists_is_skipped(path: Path, monkeypatch, returning: bool) -> None:
    table = writer(path)
    monkeypatch.setattr(table._database.engine.dialect, "insert_returning", returning)
    assert table.insert({"id": 1, "name": "new"}, on_conflict="nothing") is SKIPPED
    stored = table.insert({"id": 6, "name": "new"}, on_conflict="nothing")
    assert (stored is None) is not returning
    assert stored is not SKIPPED
    end(table)
    assert names(path) == ["new"]


@pytest.mark.parametrize("counts", [True, False])
def test_as_many_are_skipped_as_exist(path: Path, monkeypatch, counts: bool) -> None:
    table = writer(path)
    dialect = table._database.engine.dialect
    monkeypatch.setattr(dialect, "supports_sane_multi_rowcount", counts)
    ids = [1, 6, 7, 6, 2, 8, None]
    rows = [{"id": n, "name": f"row {n}"} for n in ids]
    sent = statements(table)
    found = table.bulk_insert(rows, on_conflict="nothing")
    assert found is not None
    assert [each is SKIPPED for each in found].count(True) == 3
    assert len(found) == 7
    many = [each for each in sent if each[0].startswith("INSERT") and each[1]]
    assert bool(many) is counts
    end(table)
    assert names(path) == ["row 6", "row 7", "row 8", "row None"]


def test_a_conflict_hides_no_other_error(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE strict (a INTEGER PRIMARY KEY, b TEXT NOT NULL)")
    connection.close()
    table = wrapper(path, definitions(a="bigint", b="text"), tablename="strict")
    table.begin(0)
    with pytest.raises(MulticornException, match="NOT NULL") as caught:
        table.insert({"a": 1, "b": None}, on_conflict="nothing")
    assert caught.value.sqlstate == "23502"
    table.rollback()


@pytest.mark.parametrize("returning", [True, False])
def test_a_duplicate_of_a_trigger_is_an_error(
    path: Path, monkeypatch, returning: bool
) -> None:
    """It is another table's, and nothing says that this row exists."""
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE log (id INTEGER PRIMARY KEY); INSERT INTO log VALUES (1);"
        "CREATE TRIGGER note AFTER INSERT ON things"
        " BEGIN INSERT INTO log VALUES (1); END"
    )
    connection.close()
    table = writer(path)
    monkeypatch.setattr(table._database.engine.dialect, "insert_returning", returning)
    row = {"id": 6, "name": "x"}
    for act in (
        lambda: table.insert(row, on_conflict="nothing"),
        lambda: table.bulk_insert([row], on_conflict="nothing"),
    ):
        with pytest.raises(MulticornException, match=r"log\.id") as caught:
            act()
        assert caught.value.sqlstate == "23505"
    table.rollback()


def test_where_there_is_no_such_statement(path: Path, monkeypatch) -> None:
    """As in MySQL: a duplicate is an error, which undoes no more than its row."""
    table = writer(path)
    monkeypatch.setattr(_conflict, "insert", lambda _table, _dialect: None)
    table.insert({"id": 6, "name": "before"})
    assert table.insert({"id": 6, "name": "x"}, on_conflict="nothing") is SKIPPED
    rows = [{"id": 6, "name": "y"}, {"id": 7, "name": "z"}]
    found = table.bulk_insert(rows, on_conflict="nothing")
    assert found is not None
    assert [each is SKIPPED for each in found] == [True, False]
    end(table)
    assert names(path) == ["before", "z"]


@pytest.mark.parametrize(
    ("url", "asked", "message"),
    [
        ("mssql+pyodbc://h/d", "nothing", "ON CONFLICT DO NOTHING in a database of"),
        ("postgresql://h/d", "update", "ON CONFLICT DO UPDATE"),
    ],
)
def test_conflicts_that_cannot_be_handled(url: str, asked: str, message: str) -> None:
    dialect = sa.make_url(url).get_backend_name()
    with pytest.raises(MulticornException, match=message) as caught:
        _conflict.check(dialect, asked)
    assert caught.value.sqlstate == "0A000"


# Many rows by one statement


def test_changes_by_conditions(path: Path) -> None:
    table = writer(path)
    quals = [Qual("id", ">", 2), Qual("ok", "=", "t")]
    assert table.update_where(quals, {"name": "set", "price": None}) == 1
    assert (
        table.update_where([Qual("id", ("=", True), [1, 2, 99])], {"ratio": 5.0}) == 2
    )
    found = list(table.execute([Qual("name", "=", "set")], {"id", "name", "price"}))
    assert [each[:3] for each in found] == [(4, "set", None)]
    assert table.update_where([], {"name": "all"}) == 5
    table.rollback()


def test_removal_by_conditions(path: Path) -> None:
    table = writer(path)
    assert table.delete_where([Qual("id", ">", 3)]) == 2
    assert table.delete_where([Qual("id", ">", 3)]) == 0
    assert table.delete_where([]) == 3
    table.rollback()
    assert len(list(table.execute([], {"id"}))) == 5
    table.rollback()


def test_inexact_conditions_change_nothing(path: Path) -> None:
    """Rows too many would be gone before anybody could check them."""
    table = writer(path)
    inexact = [Qual("price", "=", Decimal(3))]
    for act in (
        lambda: table.delete_where(inexact),
        lambda: table.update_where(inexact, {"name": "x"}),
    ):
        with pytest.raises(MulticornException, match="does not check exactly"):
            act()
    assert len(list(table.execute([], {"id"}))) == 5
    table.rollback()


@pytest.mark.parametrize("restart", [True, False])
def test_truncate(tmp_path: Path, restart: bool) -> None:
    path = tmp_path / "numbers.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE Counted (id INTEGER PRIMARY KEY AUTOINCREMENT, n INT);"
        "INSERT INTO Counted (n) VALUES (1), (2), (3)"
    )
    connection.close()
    table = wrapper(path, definitions(id="bigint", n="bigint"), tablename="counted")
    table.begin(0)
    table.truncate(restart, False)
    assert list(table.execute([], {"id"})) == []
    assert row(table.insert({"id": None, "n": 7}))["id"] == (1 if restart else 4)
    table.rollback()
    assert len(list(table.execute([], {"id"}))) == 3
    table.rollback()


@pytest.mark.parametrize(
    ("dialect", "restart", "cascade", "message"),
    [
        (
            "sqlite",
            False,
            True,
            "TRUNCATE ... CASCADE in a database of the kind sqlite",
        ),
        ("mysql", True, False, "TRUNCATE ... RESTART IDENTITY in a database of"),
        ("postgresql", True, True, None),
        ("sqlite", True, False, None),
    ],
)
def test_options_of_truncate(dialect, restart, cascade, message) -> None:
    if message is None:
        _truncate.check(dialect, restart_identity=restart, cascade=cascade)
        return
    with pytest.raises(MulticornException, match=re.escape(message)) as caught:
        _truncate.check(dialect, restart_identity=restart, cascade=cascade)
    assert caught.value.sqlstate == "0A000"


# Transactions


def test_two_tables_share_the_transaction(path: Path) -> None:
    one = writer(path)
    two = wrapper(path, definitions(a="bigint", b="text"), tablename="pairs")
    two.begin(0)
    one.insert({"id": 6, "name": "x"})
    two.insert({"a": 1, "b": "y"})
    assert one._database.session is two._database.session
    # Each sees what the other wrote.
    assert len(list(one.execute([], {"id"}))) == 6
    end(one, two)
    assert names(path) == ["x"]
    assert two._database.session.connection is None


def test_savepoints(path: Path) -> None:
    table = writer(path)
    table.insert({"id": 6, "name": "kept"})
    table.sub_begin(2)
    table.insert({"id": 7, "name": "released"})
    table.sub_begin(3)
    table.insert({"id": 8, "name": "undone"})
    table.sub_rollback(3)
    table.sub_commit(2)
    table.sub_begin(2)
    table.insert({"id": 9, "name": "undone too"})
    table.sub_rollback(2)
    table.sub_begin(2)
    table.sub_commit(2)
    end(table)
    assert names(path) == ["kept", "released"]


def test_first_write_inside_a_savepoint(path: Path) -> None:
    table = writer(path)
    table.sub_begin(2)
    table.sub_begin(3)
    table.insert({"id": 6, "name": "x"})
    table.sub_commit(3)
    table.sub_commit(2)
    # Releasing the outermost savepoint must not have committed.
    table.rollback()
    assert names(path) == []


def test_rolling_back_an_outer_savepoint_ends_the_inner(path: Path) -> None:
    table = writer(path)
    table.sub_begin(2)
    table.insert({"id": 6, "name": "x"})
    table.sub_begin(3)
    table.insert({"id": 7, "name": "y"})
    table.sub_rollback(2)
    table.insert({"id": 8, "name": "z"})
    end(table)
    assert names(path) == ["z"]


def test_an_error_names_the_act(path: Path) -> None:
    table = writer(path)
    with pytest.raises(MulticornException, match="could not insert into") as caught:
        table.insert({"id": 1, "name": "taken"})
    assert "UNIQUE constraint failed: things.id" in str(caught.value)
    assert caught.value.sqlstate == "23505"
    table.rollback()
    assert names(path) == []
