"""Who may connect where."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from multicorn.sqlalchemyfdw import SqlAlchemyFdw
from multicorn.sqlalchemyfdw import _database as databases
from multicorn.sqlalchemyfdw._access import used_password
from multicorn.utils import MulticornException

from .conftest import Messages
from .sqlalchemy_kit import TYPES, definitions, make_database


def make(url: str, **options: str) -> SqlAlchemyFdw:
    return SqlAlchemyFdw(
        {"db_url": url, "tablename": "t", **options}, definitions(a="integer")
    )


PLAIN = "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    "url",
    ["postgresql:///d", "oracle://h/d", "mysql://localhost/d", "strange://h/d"],
)
def test_a_superuser_of_trusted_owners_may_connect_anyhow(
    messages: Messages, url: str
) -> None:
    messages.rights = (True, True, True, [])
    make(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///d",
        "postgresql://h/d?passfile=/etc/x",
        "postgresql+pg8000://h/d",
        "mysql://localhost/d",
        "mssql+pyodbc://h/d",
        "duckdb:////etc/passwd",
    ],
)
@pytest.mark.parametrize("superuser", [True, False])
def test_owners_without_files_need_a_plain_url(
    messages: Messages, url: str, superuser: bool
) -> None:
    messages.rights = (True, False, superuser, ["password"])
    with pytest.raises(MulticornException, match="connects like this only") as caught:
        make(url, password="p")
    assert caught.value.sqlstate == "42501"


@pytest.mark.parametrize("host", ["/tmp", "@abstract", "h,/tmp"])
def test_a_socket_is_not_plain(messages: Messages, host: str) -> None:
    messages.rights = (False, False, False, ["password"])
    with pytest.raises(MulticornException, match="connects like this only"):
        make("postgresql://u@h/d", password="p", host=host)


@pytest.mark.parametrize(
    ("url", "options", "mapping", "allowed"),
    [
        (PLAIN, {"password": "p"}, ["password"], True),
        (PLAIN, {"password": "p"}, [], False),
        (PLAIN, {"password": ""}, ["password"], False),
        ("postgresql://u:p@h/d", {}, ["db_url"], True),
        ("postgresql://u@h/d", {}, ["db_url"], False),
        ("postgresql://u:p@h/d", {}, [], False),
        ("postgresql://u:p@h/d", {"password": "p"}, ["db_url"], False),
        ("mysql+pymysql://u@h/d", {"password": "p"}, ["password"], True),
    ],
)
def test_others_need_a_password_of_their_own(
    messages: Messages, url, options, mapping, allowed
) -> None:
    messages.rights = (False, False, False, mapping)
    if allowed:
        assert make(url, **options)._needs_password is url.startswith("postgresql")
        return
    with pytest.raises(MulticornException, match="needs a password") as caught:
        make(url, **options)
    assert caught.value.hint == 'Set the option "password" in the user mapping.'


def test_a_password_that_may_go_unused(messages: Messages) -> None:
    messages.rights = (True, True, False, ["password"])
    with pytest.raises(MulticornException, match="might go unused"):
        make("mysql:///d?unix_socket=/x", password="p")
    # PostgreSQL's drivers tell afterwards.
    assert make("postgresql:///d", password="p")._needs_password


@pytest.mark.parametrize(
    ("connection", "used"),
    [
        (SimpleNamespace(pgconn=SimpleNamespace(used_password=True)), True),
        (SimpleNamespace(info=SimpleNamespace(used_password=True)), True),
        (SimpleNamespace(pgconn=SimpleNamespace(used_password=False)), False),
        (SimpleNamespace(), False),
    ],
)
def test_used_password(connection: object, used: bool) -> None:
    assert used_password(connection) is used


def test_an_unasked_password_closes_the_connection() -> None:
    closed: list[bool] = []
    connection = SimpleNamespace(close=lambda: closed.append(True))
    with pytest.raises(MulticornException, match="does not ask for a password"):
        databases._insist_on_password(connection, None)
    assert closed == [True]


class TestSqlite:
    def test_without_the_right_to_read(self, messages: Messages) -> None:
        messages.rights = (False, True, True, [])
        with pytest.raises(MulticornException, match="reads a file of the server"):
            make("sqlite:////f")
        make("sqlite://")

    def test_reading_only(self, messages: Messages, tmp_path: Path) -> None:
        messages.rights = (True, False, False, [])
        path = make_database(tmp_path / "odd name?%41.db")
        place: dict[str, str] = {"drivername": "sqlite", "database": str(path)}
        options = {**place, "tablename": "things", "primary_key": "id"}
        table = SqlAlchemyFdw(options, definitions(**TYPES))
        assert len(list(table.execute([], {"id"}))) == 5
        table.begin(0)
        with pytest.raises(MulticornException, match="readonly database"):
            table.insert({"id": 9})
        table.rollback()

    def test_parameters(self, messages: Messages) -> None:
        messages.rights = (True, False, True, [])
        with pytest.raises(MulticornException, match="pg_write_server_files"):
            make("sqlite:///file:x?uri=true&mode=rw")

    def test_import(self, messages: Messages, tmp_path: Path) -> None:
        messages.rights = (False, False, False, [])
        url = f"sqlite:///{make_database(tmp_path / 'x.db')}"
        with pytest.raises(MulticornException, match="reads a file"):
            SqlAlchemyFdw.import_schema("main", {"db_url": url}, {}, None, [])
