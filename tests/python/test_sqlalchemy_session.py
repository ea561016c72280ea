"""The remote transaction: scans beside writes, savepoints, and what is lost."""

import sqlite3
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from multicorn import Qual
from multicorn.sqlalchemyfdw import SqlAlchemyFdw, _errors, _timeouts
from multicorn.sqlalchemyfdw import _database as databases
from multicorn.sqlalchemyfdw._session import Session
from multicorn.utils import MulticornException

from .sqlalchemy_kit import definitions, make_database, wrapper


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "things.db")


def ids(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT id FROM things WHERE id > 5 ORDER BY id")
    result = [number for (number,) in found]
    connection.close()
    return result


def begun(path: Path, **options: str) -> SqlAlchemyFdw:
    table = wrapper(path, None, **options)
    table.begin(0)
    return table


def session(table: SqlAlchemyFdw) -> Session:
    return table._database.session


def lose(table: SqlAlchemyFdw) -> None:
    """Cut the connection as a remote server that goes away does."""
    connection = session(table).connection
    assert connection is not None
    connection.invalidate()


def end(table: SqlAlchemyFdw) -> None:
    table.pre_commit()
    table.commit()


# Scans beside other statements


def test_a_scan_does_not_see_later_writes(path: Path) -> None:
    table = begun(path, batch_size="1")
    scan = iter(table.execute([], {"id"}))
    found = [next(scan)[0]]
    for number in range(6, 9):
        table.insert({"id": number, "name": "new"})
        found.append(next(scan)[0])
    table.delete(5)
    found += [each[0] for each in scan]
    assert found == [1, 2, 3, 4, 5]
    end(table)
    assert ids(path) == [6, 7, 8]


def test_a_scan_goes_on_after_a_savepoint_was_undone(path: Path) -> None:
    table = begun(path, batch_size="2")
    scan = iter(table.execute([], {"id"}))
    found = [next(scan)[0]]
    for level in (2, 2):
        table.sub_begin(level)
        table.insert({"id": 6, "name": "new"})
        inner = iter(table.execute([], {"id"}))
        next(inner)
        table.sub_rollback(level)
        found.append(next(scan)[0])
    found += [each[0] for each in scan]
    assert found == [1, 2, 3, 4, 5]
    end(table)
    assert ids(path) == []


def test_one_result_at_a_time(path: Path, monkeypatch) -> None:
    """Most databases cannot have two: the rest of the first goes into memory."""
    table = begun(path, batch_size="2")
    table._reflected()
    monkeypatch.setattr(table._database, "dialect", "another")
    first, second = (iter(table.execute([], {"id"})) for _ in range(2))
    assert [next(first)[0], next(second)[0]] == [1, 1]
    streams = session(table)._streams
    assert [stream._result is None for stream in streams] == [True, False]
    assert [each[0] for each in first] == [2, 3, 4, 5]
    assert [each[0] for each in second] == [2, 3, 4, 5]
    assert session(table)._streams == []
    table.rollback()


def test_planning_asks_inside_the_transaction() -> None:
    """A database in memory has one connection: another's rollback would be ours."""
    columns = definitions(id="bigint", name="text")
    options = {"db_url": "sqlite://", "tablename": "things"}
    one, two = (SqlAlchemyFdw(options, columns) for _ in range(2))
    with one._database.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE things (id INTEGER PRIMARY KEY, name)")
        connection.commit()
    one.begin(0)
    one.insert({"id": 1, "name": "kept"})
    qual = Qual("id", "=", 1)
    assert two.can_filter([qual]) == [qual]
    assert two.get_rel_size([], {"id"}) == (1, 8)
    end(one)
    two.begin(0)
    assert list(two.execute([], {"id"})) == [(1, None)]
    two.rollback()


# Loss


def test_a_lost_connection_is_told(path: Path) -> None:
    table = begun(path)
    table.insert({"id": 6, "name": "lost"})
    lose(table)
    for act in (
        lambda: table.insert({"id": 7, "name": "x"}),
        lambda: list(table.execute([], {"id"})),
        table.pre_commit,
    ):
        with pytest.raises(MulticornException, match="lost its connection") as caught:
            act()
        assert "with it what it had written there" in str(caught.value)
        assert caught.value.sqlstate == "08006"
    table.rollback()
    assert ids(path) == []
    table.begin(0)
    table.insert({"id": 6, "name": "found"})
    end(table)
    assert ids(path) == [6]


def test_what_was_lost_in_a_savepoint_is_not_committed(path: Path) -> None:
    """The local transaction goes on, and has to learn it at its commit at last."""
    table = begun(path)
    table.insert({"id": 6, "name": "lost"})
    table.sub_begin(2)
    table.insert({"id": 7, "name": "lost"})
    lose(table)
    table.sub_rollback(2)
    with pytest.raises(MulticornException, match="lost its connection"):
        table.pre_commit()
    table.rollback()
    assert ids(path) == []


def test_a_release_that_fails_fails_the_local_one(path: Path) -> None:
    table = begun(path)
    table.sub_begin(2)
    table.insert({"id": 6, "name": "lost"})
    lose(table)
    with pytest.raises(MulticornException, match="lost its connection"):
        table.sub_commit(2)
    table.sub_rollback(2)
    table.rollback()
    assert ids(path) == []


@pytest.mark.parametrize("hook", ["sub_commit", "sub_rollback"])
def test_a_savepoint_that_is_gone_ends_it_all(path: Path, hook: str) -> None:
    """MySQL ends the whole transaction after a deadlock, savepoints and all.

    Nothing of it may be committed then, neither the half that was to be undone
    nor the half that came before.
    """
    table = begun(path)
    table.insert({"id": 6, "name": "lost"})
    table.sub_begin(2)
    table.insert({"id": 7, "name": "lost"})
    connection = session(table).connection
    assert connection is not None
    connection.exec_driver_sql("RELEASE SAVEPOINT sa_savepoint_1")
    with pytest.raises(MulticornException, match="no such savepoint"):
        getattr(table, hook)(2)
    with pytest.raises(MulticornException, match="lost its connection"):
        table.pre_commit()
    table.rollback()
    assert ids(path) == []
    table.begin(0)
    table.insert({"id": 6, "name": "found"})
    end(table)
    assert ids(path) == [6]


def test_a_reader_that_lost_its_connection_commits(path: Path) -> None:
    """What others did locally is not undone for it, but for a serializable one."""
    table = begun(path)
    assert len(list(table.execute([], {"id"}))) == 5
    lose(table)
    end(table)
    table.begin(1)
    assert len(list(table.execute([], {"id"}))) == 5
    lose(table)
    with pytest.raises(MulticornException, match="lost its connection") as caught:
        table.pre_commit()
    assert "written" not in str(caught.value)
    table.rollback()
    assert session(table).connection is None


def test_a_commit_that_fails(path: Path) -> None:
    """The file is locked for writing by a reader."""
    table = begun(path, lock_timeout="1ms")
    table.insert({"id": 6, "name": "x"})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM things").fetchall()
    with pytest.raises(MulticornException, match="could not commit in") as caught:
        table.pre_commit()
    assert caught.value.sqlstate == "55P03"
    assert caught.value.hint is not None
    assert "lock_timeout" in caught.value.hint
    table.rollback()
    other.close()
    assert ids(path) == []


def test_two_writers_of_a_file(path: Path) -> None:
    """The second waits as long as the option says, and then gives up."""
    one, two = begun(path), begun(path, lock_timeout="30ms")
    one.insert({"id": 6, "name": "x"})
    two.begin(0)
    with pytest.raises(MulticornException, match="database is locked") as caught:
        two.insert({"id": 7, "name": "y"})
    assert caught.value.sqlstate == "55P03"
    two.rollback()
    end(one)
    two.begin(0)
    two.insert({"id": 7, "name": "y"})
    end(two)
    assert ids(path) == [6, 7]


# The limit on waiting


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("10s", 10_000),
        ("0", 0),
        ("250", 250),
        (" 1 min ", 60_000),
        ("2h", 7_200_000),
        ("1500ms", 1500),
    ],
)
def test_times(value: str, milliseconds: int) -> None:
    assert _timeouts.milliseconds(value) == milliseconds


@pytest.mark.parametrize("value", ["", "s", "-1", "1.5s", "1d", "10 years", "999h"])
def test_no_times(value: str) -> None:
    with pytest.raises(MulticornException, match='"lock_timeout" must be a time'):
        _timeouts.milliseconds(value)


@pytest.mark.parametrize(
    ("dialect", "timeout", "statements"),
    [
        ("postgresql", 10_000, ["SET lock_timeout = 10000"]),
        ("postgresql", 0, ["SET lock_timeout = 0"]),
        (
            "mysql",
            1500,
            [
                "SET SESSION innodb_lock_wait_timeout = 2",
                "SET SESSION lock_wait_timeout = 2",
            ],
        ),
        ("sqlite", 10, ["PRAGMA busy_timeout = 10"]),
        ("sqlite", 0, ["PRAGMA busy_timeout = 2147483647"]),
        ("mssql", 500, ["SET LOCK_TIMEOUT 500"]),
        ("mssql", 0, ["SET LOCK_TIMEOUT -1"]),
        ("oracle", 500, []),
    ],
)
def test_how_the_limit_is_set(dialect, timeout, statements) -> None:
    assert _timeouts.statements(dialect, timeout) == statements


def test_ten_seconds_unless_told_otherwise(path: Path) -> None:
    for options, expected in (({}, 10_000), ({"lock_timeout": "1s"}, 1000)):
        table = begun(path, **options)
        list(table.execute([], {"id"}))
        connection = session(table).connection
        assert connection is not None
        found = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        assert found == expected
        table.rollback()


# Errors of drivers


class _ToldError(Exception):
    def __init__(self, *arguments: object, **attributes: object) -> None:
        super().__init__(*arguments)
        vars(self).update(attributes)


@pytest.mark.parametrize(
    ("original", "lost", "sqlstate"),
    [
        (_ToldError(sqlstate="40001"), False, "40001"),
        (_ToldError(pgcode="23505"), False, "23505"),
        (_ToldError(sqlstate="57P01"), False, "08006"),
        (_ToldError(sqlstate="57014"), False, "57014"),
        (_ToldError(sqlstate="00000"), False, None),
        (_ToldError(sqlstate="no"), False, None),
        (_ToldError(sqlstate=None), True, "08006"),
        (_ToldError(1062, "Duplicate entry"), False, "23505"),
        (_ToldError(1062, "Duplicate entry", sqlstate="23000"), False, "23505"),
        (_ToldError(1146, "No such table", sqlstate="42S02"), False, "42S02"),
        (_ToldError({"C": "40001", "M": "could not serialize"}), False, "40001"),
        (_ToldError(1213, "Deadlock found"), False, "40P01"),
        (_ToldError(1, "else"), False, None),
        (_ToldError(sqlite_errorname="SQLITE_CONSTRAINT_CHECK"), False, "23514"),
        (_ToldError(sqlite_errorname="SQLITE_FULL"), False, None),
        (_ToldError(), False, None),
    ],
)
def test_sqlstates(original, lost, sqlstate) -> None:
    error = exc.DBAPIError(None, None, original, connection_invalidated=lost)
    assert _errors.sqlstate(error) == sqlstate


def test_the_remote_detail_is_kept() -> None:
    """By psycopg in an object, by pg8000 in a dict."""
    url = sa.make_url("postgresql://h/d")
    diagnostics = SimpleNamespace(message_primary="no", message_detail="Key exists.")
    for original, detail in [
        (_ToldError(diag=diagnostics), "Key exists."),
        (_ToldError({"M": "no", "D": "Key exists."}), "Key exists."),
        (_ToldError({"M": "no"}), "The database driver raised _ToldError."),
        (_ToldError("no"), "The database driver raised _ToldError."),
    ]:
        error = exc.DBAPIError(None, None, original)
        found = _errors.translated(error, "read from", "h", url)
        assert (str(found), found.detail) == ("could not read from h: no", detail)


def test_errors_keep_secrets() -> None:
    url = sa.make_url("postgresql://u:hunter2@h/d")
    original = _ToldError("password hunter2 of postgresql://u:hunter2@h was refused")
    error = exc.OperationalError("SELECT 'hunter3'", {}, original)
    found = _errors.translated(error, "read from", "postgresql://u:***@h/d", url)
    told = f"{found} {found.detail} {found.hint}"
    assert "hunter" not in told
    assert "could not read from postgresql://u:***@h/d" in told


def test_psycopg2_sends_infinity() -> None:
    """By itself it sends NaN."""
    extensions = pytest.importorskip("psycopg2.extensions")
    databases.Database(sa.make_url("postgresql+psycopg2://h/d"))
    for value in ("Infinity", "-Infinity", "NaN", "1.5"):
        quoted = extensions.adapt(Decimal(value)).getquoted().decode()
        assert quoted.strip("'").partition("'")[0] == value
