"""Writes: one remote transaction for all tables, savepoints, what is stored."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from multicorn.sqlalchemyfdw import SqlAlchemyFdw
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


def end(*tables: SqlAlchemyFdw) -> None:
    for table in tables:
        table.pre_commit()
    for table in tables:
        table.commit()


def test_insert_update_delete(path: Path) -> None:
    table = writer(path)
    assert table.rowid_column == "id"
    stored = table.insert({"id": None, "name": "new", "price": Decimal("1.25")})
    assert stored is not None
    assert (stored["id"], stored["name"], stored["price"]) == (6, "new", 1.25)
    changed = table.update(6, {"id": 7, "name": "moved"})
    assert changed is not None
    assert changed["id"] == 7
    assert names(path) == []
    # The transaction sees its own writes.
    assert [row[0] for row in table.execute([], {"id"})][-1] == 7
    end(table)
    assert names(path) == ["moved"]
    table.begin(0)
    table.delete(7)
    end(table)
    assert names(path) == []


def test_rollback(path: Path) -> None:
    table = writer(path)
    table.insert({"id": 6, "name": "lost"})
    table.rollback()
    assert names(path) == []
    # A transaction without writes needs no remote one.
    table.begin(1)
    assert table._writer.connection is None
    end(table)


def test_bulk_insert(path: Path) -> None:
    table = writer(path)
    assert table.modify_batch_size == 1000
    stored = table.bulk_insert([{"id": 6, "name": "a"}, {"id": None, "name": "b"}])
    assert stored is not None
    assert [row["id"] for row in stored] == [6, 7]
    end(table)
    assert names(path) == ["a", "b"]


def test_bulk_insert_without_returning(path: Path, monkeypatch) -> None:
    table = writer(path)
    monkeypatch.setattr(table._database.engine.dialect, "insert_returning", False)
    rows = [{"id": 6, "name": "a"}, {"id": None, "name": "b"}, {"id": 9, "name": "c"}]
    assert table.bulk_insert(rows) is None
    assert table.insert({"id": 10, "name": "d"}) is None
    end(table)
    assert names(path) == ["a", "b", "c", "d"]


def test_two_tables_share_the_transaction(path: Path) -> None:
    one = writer(path)
    two = wrapper(path, definitions(a="bigint", b="text"), tablename="pairs")
    two.begin(0)
    one.insert({"id": 6, "name": "x"})
    two.insert({"a": 1, "b": "y"})
    assert one._writer.connection is two._writer.connection
    end(one, two)
    assert names(path) == ["x"]
    assert two._writer.connection is None


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
    with pytest.raises(MulticornException, match="could not insert rows of") as caught:
        table.insert({"id": 1, "name": "taken"})
    assert "UNIQUE constraint failed: things.id" in str(caught.value)
    table.rollback()
    assert names(path) == []
