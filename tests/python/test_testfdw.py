"""The wrapper of the regression suites: its rows and notices, to the letter."""

from datetime import datetime
from typing import Any

import pytest

from multicorn import Qual, SortKey
from multicorn.gcfdw import GCForeignDataWrapper
from multicorn.statefdw import StateFdw
from multicorn.testfdw import TestForeignDataWrapper
from multicorn.utils import MulticornException

from .conftest import ColumnMaker, Messages


@pytest.fixture
def make(messages: Messages, columns: ColumnMaker):
    def build(**options: str) -> TestForeignDataWrapper:
        wrapper = TestForeignDataWrapper(options, columns("test1", "test2"))
        messages.sent.clear()
        return wrapper

    return build


def first(wrapper: TestForeignDataWrapper) -> Any:
    rows = list(wrapper.execute([], {"test1", "test2"}) or [])
    assert len(rows) == 20
    return rows[0]


def test_announces_options_and_columns(
    messages: Messages, columns: ColumnMaker
) -> None:
    table = columns(b="integer", a="character varying")
    table["a"].options["prefix"] = "p"
    TestForeignDataWrapper({"usermapping": "test", "option1": "option1"}, table)
    assert messages.texts() == [
        "[('option1', 'option1'), ('usermapping', 'test')]",
        "[('a', 'character varying'), ('b', 'integer')]",
        "Column a options: {'prefix': 'p'}",
    ]


def test_rows_and_notices(make, messages: Messages) -> None:
    wrapper = make()
    quals = [Qual("test2", "=", "x"), Qual("test1", "~~", "%0")]
    rows = list(wrapper.execute(quals, {"test2", "test1"}))
    assert messages.texts() == ["[test1 ~~ %0, test2 = x]", "['test1', 'test2']"]
    assert rows[0] == {"test1": "test1 1 0", "test2": "test2 2 0"}
    assert rows[1] == {"test1": "test1 3 1", "test2": "test2 1 1"}
    assert rows[19] == {"test1": "test1 3 19", "test2": "test2 1 19"}


@pytest.mark.parametrize(
    ("test_type", "value"),
    [
        ("int", 0),
        ("float", 1.0),
        ("date", datetime(2011, 1, 1, 14, 30, 25)),
        ("bytes", b"test1 1 0"),
        ("encoding", "éà¤"),
        ("unicode", "éà¤"),
        ("list", ["test1", 1, 0, 'test1,"0"', "{some value, \\\" ' 2}"]),
        (
            "nested_list",
            [["test1", "test1"], [1, '{some value, \\" 2}'], [0, 'test1,"0"']],
        ),
        (
            "dict",
            {
                "column_name": "test1",
                "repeater": 1,
                "index": 0,
                "maybe_hstore": "a => b",
            },
        ),
    ],
)
def test_values(make, test_type: str, value: object) -> None:
    assert first(make(test_type=test_type))["test1"] == value


def test_sequences(make) -> None:
    assert first(make(test_type="sequence")) == ["test1 1 0", "test2 2 0"]
    wrapper = make(test_type="sequence", test_subtype="1null")
    assert first(wrapper) == [None, "test2 1 0"]


@pytest.mark.parametrize("test_type", ["None", "none", "returns_none"])
def test_none(make, test_type: str) -> None:
    assert make(test_type=test_type).execute([], set()) is None


def test_iter_none(make) -> None:
    assert make(test_type="iter_none").execute([], set()) == [None, None]


def test_sort_limit_and_offset(make, messages: Messages) -> None:
    wrapper = make(test_type="int", canlimit="true")
    key = SortKey("test1", 1, True, False, None)
    assert wrapper.can_sort([key]) == [key]
    assert wrapper.can_limit(1, None)
    rows = wrapper.execute([], {"test1"}, sortkeys=[key], limit=2, offset=1)
    assert [row["test1"] for row in rows] == [18, 17]
    assert messages.texts()[2:] == ["requested sort(s): ", repr(key)]
    rows = wrapper.execute([], {"test1"}, limit=0)
    assert list(rows) == []


def test_sort_places_nulls(make) -> None:
    wrapper = make(test_type="sequence", test_subtype="1null")
    for nulls_first in (True, False):
        key = SortKey("test1", 1, False, nulls_first, None)
        assert len(list(wrapper.execute([], set(), sortkeys=[key]))) == 20


def test_switched_off(make) -> None:
    key = SortKey("test1", 1, True, False, None)
    assert make(cansort="false").can_sort([key]) == []
    assert not make().can_limit(1, 0)


def test_planner_type(make) -> None:
    assert make().get_rel_size([], {"a", "b"}) == (20, 20)
    assert make().get_path_keys() == []
    wrapper = make(test_type="planner")
    assert wrapper.get_rel_size([], {"a", "b"}) == (10_000_000, 20)
    assert wrapper.get_path_keys() == [(("test1",), 1)]


def test_noisy_explain(make, messages: Messages) -> None:
    assert make().explain([], set(), verbose=True) == []
    wrapper = make(noisy_explain="true")
    assert wrapper.explain([], {"b", "a"}, verbose=False) == [
        "EXPLAIN ROW 1",
        "EXPLAIN ROW 2",
    ]
    assert messages.texts() == [
        "EXPLAIN quals=[]",
        "EXPLAIN columns=['a', 'b']",
        "EXPLAIN sortkeys=None",
        "EXPLAIN verbose=False",
    ]


def test_logger_type(messages: Messages, columns: ColumnMaker) -> None:
    with pytest.raises(MulticornException, match=r"^An error occured$"):
        TestForeignDataWrapper({"test_type": "logger"}, columns("a"))
    assert messages.warnings() == ["An error is about to occur"]


def test_writes(make, messages: Messages) -> None:
    wrapper = make()
    assert wrapper.insert({"test2": 2, "test1": 1}) is None
    assert wrapper.update(1, {"test1": 5}) is None
    assert wrapper.delete(7) is None
    assert wrapper.bulk_insert([{"test1": 1}]) is None
    assert messages.texts() == [
        "INSERTING: [('test1', 1), ('test2', 2)]",
        "UPDATING: 1 with [('test1', 5)]",
        "DELETING: 7",
        "BULK INSERTING: [[('test1', 1)]]",
    ]


def test_returning(make, messages: Messages) -> None:
    wrapper = make(test_type="returning")
    stored = {"test1": "INSERTED: 1", "test2": "INSERTED: None"}
    assert wrapper.insert({"test1": 1}) == stored
    assert wrapper.update(1, {"test1": 5}) == {"test1": "UPDATED: 5"}
    assert wrapper.bulk_insert([{"test1": 1}]) == [stored]
    assert messages.texts()[-1] == f"INSERT RETURNING: {[stored]!r}"


def test_nowrite(make) -> None:
    wrapper = make(test_type="nowrite")
    for call in (
        lambda: wrapper.insert({}),
        lambda: wrapper.bulk_insert([]),
        lambda: wrapper.update(1, {}),
        lambda: wrapper.delete(1),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_row_id_and_batch_size(make, messages: Messages, columns: ColumnMaker) -> None:
    assert (make().rowid_column, make().modify_batch_size) == ("test1", 1)
    wrapper = make(row_id_column="test2", modify_batch_size="3")
    assert (wrapper.rowid_column, wrapper.modify_batch_size) == ("test2", 3)
    assert TestForeignDataWrapper({}, columns()).rowid_column == ""


def test_transaction_hooks(make, messages: Messages) -> None:
    wrapper = make(tx_hook="true")
    wrapper.begin(0)
    wrapper.sub_begin(2)
    wrapper.sub_commit(2)
    wrapper.sub_rollback(2)
    wrapper.pre_commit()
    wrapper.commit()
    wrapper.rollback()
    expected = "BEGIN SUBBEGIN SUBCOMMIT SUBROLLBACK PRECOMMIT COMMIT ROLLBACK"
    assert " ".join(messages.texts()) == expected
    messages.sent.clear()
    make().begin(0)
    assert messages.texts() == []


@pytest.mark.parametrize(
    ("kind", "names", "expected"),
    [
        (None, [], [1, 2, 3]),
        ("limit", ["imported_table_2", "other"], [2]),
        ("except", ["imported_table_2"], [1, 3]),
    ],
)
def test_import_schema(messages: Messages, kind, names, expected) -> None:
    tables = TestForeignDataWrapper.import_schema(
        "sch", {"a": "b"}, {"nb_col": "1"}, kind, names
    )
    assert [t.table_name for t in tables] == [f"imported_table_{n}" for n in expected]
    assert tables[0].to_statement("local", "srv") == (
        f'CREATE FOREIGN TABLE "local"."imported_table_{expected[0]}" (\n'
        '    "col0" text OPTIONS ("option1" \'value1\')\n'
        ') SERVER "srv"'
    )
    told = "IMPORT sch FROM srv {'a': 'b'} OPTIONS {'nb_col': '1'} RESTRICTION"
    assert messages.texts() == [f"{told}: {kind} {names}"]


def test_state_counts_scans(columns: ColumnMaker) -> None:
    wrapper = StateFdw({}, columns("a", "b"))
    assert list(wrapper.execute([], {"a"})) == [{"a": 1, "b": 1}]
    assert list(wrapper.execute([], {"a"})) == [{"a": 2, "b": 2}]
    assert wrapper.get_rel_size([], {"a", "b"}) == (1, 8)


def test_gc_finds_an_object(columns: ColumnMaker) -> None:
    class Unrepresentable:
        def __repr__(self) -> str:
            raise ValueError

    class Nul:
        def __repr__(self) -> str:
            return "a\0b"

    kept = [Unrepresentable(), Nul()]
    names = ("object", "type", "id", "refcount")
    wrapper = GCForeignDataWrapper({}, columns(*names))
    found = {row["id"]: row for row in wrapper.execute([], set(names))}
    row = found[str(id(kept[0]))]
    assert row["type"] == "Unrepresentable"
    assert row["object"] == "<Unrepresentable: repr raised ValueError>"
    assert row["refcount"] >= 1
    assert found[str(id(kept[1]))]["object"] == "a\\x00b"
    assert all(set(row) == {"id"} for row in wrapper.execute([], {"id"}))
