"""IMPORT FOREIGN SCHEMA from SQLite: tables, views, choices, types."""

from pathlib import Path

import pytest

from multicorn.sqlalchemyfdw import SqlAlchemyFdw
from multicorn.utils import MulticornException

from .conftest import Messages
from .sqlalchemy_kit import make_database


@pytest.fixture
def server(tmp_path: Path) -> dict[str, str]:
    return {"db_url": f"sqlite:///{make_database(tmp_path / 'things.db')}"}


def import_names(server, kind=None, names=(), **options: str) -> list[str]:
    tables = SqlAlchemyFdw.import_schema("main", server, options, kind, list(names))
    return [table.table_name for table in tables]


def test_everything_sorted(server) -> None:
    assert import_names(server) == ["names", "pairs", "things"]


@pytest.mark.parametrize(
    ("kind", "names", "expected"),
    [
        ("limit", ["things", "nothing"], ["things"]),
        ("limit", ["names"], ["names"]),
        ("limit", [], []),
        ("except", ["things"], ["names", "pairs"]),
    ],
)
def test_restrictions(server, kind, names, expected) -> None:
    assert import_names(server, kind, names) == expected


def test_without_views(server) -> None:
    assert import_names(server, import_views="false") == ["pairs", "things"]


def test_statement(server) -> None:
    [table] = SqlAlchemyFdw.import_schema("main", server, {}, "limit", ["pairs"])
    assert table.to_statement("here", "srv") == (
        'CREATE FOREIGN TABLE "here"."pairs" (\n'
        '    "a" bigint,\n'
        '    "b" text,\n'
        '    "note" numeric\n'
        ') SERVER "srv" OPTIONS (\n'
        "    \"schema\" 'main', \"tablename\" 'pairs', \"primary_key\" 'a,b'\n"
        ")"
    )


def test_imported_options_make_a_table(server) -> None:
    from multicorn import Columns

    [table] = SqlAlchemyFdw.import_schema("main", server, {}, "limit", ["things"])
    columns = Columns((column.column_name, column) for column in table.columns)
    wrapper = SqlAlchemyFdw({**server, **table.options}, columns)
    assert len(list(wrapper.execute([], set(columns)))) == 5
    assert wrapper.rowid_column == "id"
    wrapper.end_scan()


def test_unknown_schema(server) -> None:
    with pytest.raises(MulticornException, match='no schema "mian"') as caught:
        SqlAlchemyFdw.import_schema("mian", server, {}, None, [])
    assert caught.value.hint == 'Did you mean "main"?'
    with pytest.raises(MulticornException) as caught:
        SqlAlchemyFdw.import_schema("zzz", server, {}, None, [])
    assert caught.value.hint == "Its schemas are: main."


def test_bad_import_options(server, messages: Messages) -> None:
    with pytest.raises(MulticornException, match='no option "import_view"'):
        import_names(server, import_view="false")
    with pytest.raises(MulticornException, match="must be true or false"):
        import_names(server, import_views="maybe")
    assert messages.sent == []
