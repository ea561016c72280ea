"""The names and defaults that wrappers of the last ten years rely on."""

import copy
import pickle

import pytest

import multicorn
from multicorn import (
    ALL,
    ANY,
    UNBOUND,
    ColumnDefinition,
    Columns,
    ForeignDataWrapper,
    Qual,
    SortKey,
    TableDefinition,
    TransactionAwareForeignDataWrapper,
    dict_to_optionstring,
    quote_identifier,
    quote_option,
)
from multicorn.compat import basestring_, bytes_, unicode_
from multicorn.utils import (
    CRITICAL,
    DEBUG,
    ERROR,
    INFO,
    WARNING,
    MulticornException,
    check_interrupts,
    log_to_postgres,
)

from .conftest import ColumnMaker, Messages


def test_module_exports_the_names_of_the_contract() -> None:
    assert set(multicorn.__all__) >= {
        "ForeignDataWrapper",
        "TransactionAwareForeignDataWrapper",
        "Qual",
        "SortKey",
        "ColumnDefinition",
        "TableDefinition",
        "ANY",
        "ALL",
        "UNBOUND",
        "get_class",
        "quote_identifier",
        "quote_option",
        "dict_to_optionstring",
    }
    assert all(hasattr(multicorn, name) for name in multicorn.__all__)
    assert (unicode_, basestring_, bytes_) == (str, str, bytes)


# Columns


def test_column_names_can_be_indexed(columns: ColumnMaker) -> None:
    names = columns("b", "a", "c").keys()
    assert names[0] == "b"
    assert names[-1] == "c"
    assert names[:2] == ["b", "a"]
    assert list(names) == ["b", "a", "c"]
    assert len(names) == 3
    assert "a" in names
    assert "z" not in names
    assert names & {"a", "z"} == {"a"}
    assert repr(names) == "['b', 'a', 'c']"
    with pytest.raises(IndexError):
        names[3]


def test_columns_are_an_ordered_mapping(columns: ColumnMaker) -> None:
    table = columns(x="integer", y="text")
    assert isinstance(table, dict)
    assert str(table["x"]) == "integer"
    assert [str(column) for column in table.values()] == ["integer", "text"]
    assert dict(table) == table
    assert list(copy.copy(table)) == ["x", "y"]


def test_column_definition_defaults() -> None:
    column = ColumnDefinition("c")
    assert (column.type_oid, column.typmod, column.type_name) == (0, -1, "")
    assert column.options == {}
    assert column.base_type_name == ""


# Qual


def test_qual_with_a_plain_operator() -> None:
    qual = Qual("test1", "~~", "%0")
    assert repr(qual) == "test1 ~~ %0"
    assert not qual.is_list_operator
    with pytest.raises(AttributeError, match="neither ANY nor ALL"):
        _ = qual.list_any_or_all


@pytest.mark.parametrize(
    ("flag", "kind", "shown"),
    [(True, ANY, "t < ANY(['a', 'b'])"), (False, ALL, "t < ALL(['a', 'b'])")],
)
def test_qual_with_a_list_operator(flag: bool, kind: object, shown: str) -> None:
    qual = Qual("t", ("<", flag), ["a", "b"])
    assert qual.is_list_operator
    assert qual.list_any_or_all is kind
    assert repr(qual) == shown


def test_qual_of_null_and_of_a_parameter() -> None:
    assert repr(Qual("a", "=", None)) == "a = None"
    assert repr(Qual("a", "=", UNBOUND)) == "a = ?"
    assert str([Qual("a", "=", UNBOUND)]) == "[a = ?]"


def test_quals_compare_hash_and_sort() -> None:
    assert Qual("a", "=", 1) == Qual("a", "=", 1)
    assert Qual("a", "=", 1) != Qual("a", "=", 2)
    assert Qual("a", "=", 1) != ("a", "=", 1)
    assert hash(Qual("a", "=", [1])) == hash(Qual("a", "=", [1]))
    unordered = [Qual("b", "=", 1), Qual("a", ("=", True), [1]), Qual("a", ">", "x")]
    assert [qual.field_name for qual in sorted(unordered)] == ["a", "a", "b"]


def test_qual_has_no_dict() -> None:
    assert not hasattr(Qual("a", "=", 1), "__dict__")


@pytest.mark.parametrize("sentinel", [ANY, ALL])
def test_sentinels_stay_themselves(sentinel: object) -> None:
    assert copy.deepcopy(sentinel) is sentinel
    assert pickle.loads(pickle.dumps(UNBOUND)) is UNBOUND


# Base class


class Bare(ForeignDataWrapper):
    pass


def test_base_class_defaults(columns: ColumnMaker) -> None:
    bare = Bare({}, columns("a"))
    assert bare._startup_cost == 20
    assert bare.get_rel_size([], {"a", "b"}) == (100_000_000, 200)
    assert bare.get_path_keys() == []
    assert bare.can_sort([SortKey("a", 1, False, False, None)]) == []
    assert bare.can_limit(1, 2) is False
    assert bare.explain([], set()) == []
    assert bare.modify_batch_size == 1
    for hook in (bare.pre_commit, bare.commit, bare.rollback):
        assert hook() is None
    for hook in (bare.begin, bare.sub_begin, bare.sub_commit, bare.sub_rollback):
        assert hook(2) is None
    assert bare.end_scan() is None
    assert bare.end_modify() is None


def test_base_class_refuses_what_it_cannot_do(columns: ColumnMaker) -> None:
    bare = Bare({}, columns("a"))
    for call in (
        lambda: bare.rowid_column,
        lambda: bare.insert({}),
        lambda: bare.bulk_insert([]),
        lambda: bare.update(1, {}),
        lambda: bare.delete(1),
    ):
        with pytest.raises(NotImplementedError, match="Bare is a read-only"):
            call()
    with pytest.raises(NotImplementedError, match="no execute method"):
        bare.execute([], set())
    with pytest.raises(NotImplementedError, match="cannot import a schema"):
        Bare.import_schema("s", {}, {}, None, [])


def test_sort_key_shows_its_fields() -> None:
    assert repr(SortKey("test1", 1, False, False, None)) == (
        "SortKey(attname='test1', attnum=1, is_reversed=False,"
        " nulls_first=False, collate=None)"
    )


# Transactions


def test_transaction_aware_wrapper_keeps_writes(columns: ColumnMaker) -> None:
    wrapper = TransactionAwareForeignDataWrapper({}, columns("a"))
    wrapper.insert({"a": 1})
    wrapper.sub_begin(2)
    wrapper.update(1, {"a": 2})
    wrapper.sub_begin(3)
    wrapper.delete(2)
    wrapper.sub_commit(3)
    assert wrapper.current_transaction_state == [
        ("insert", {"a": 1}),
        ("update", (1, {"a": 2})),
        ("delete", 2),
    ]
    wrapper.sub_rollback(2)
    assert wrapper.current_transaction_state == [("insert", {"a": 1})]
    # A level that the wrapper was never told of is none of its business.
    wrapper.sub_rollback(5)
    assert len(wrapper.current_transaction_state) == 1
    wrapper.rollback()
    assert wrapper.current_transaction_state == []


# SQL text


def test_quoting() -> None:
    assert quote_identifier('we"ird') == '"we""ird"'
    assert quote_option("it's") == "'it''s'"
    assert quote_option("a\\b'c") == "E'a\\\\b''c'"
    assert quote_option(5) == "'5'"
    assert dict_to_optionstring({"a": "x", 'b"': "y'"}) == "\"a\" 'x', \"b\"\"\" 'y'''"
    for quote in (quote_identifier, quote_option):
        with pytest.raises(ValueError, match="NUL"):
            quote("a\0b")


def test_table_definition_makes_a_statement() -> None:
    table = TableDefinition(
        "t",
        schema="remote",
        columns=[
            ColumnDefinition("a", type_name="numeric(10,2)"),
            ColumnDefinition("b", type_name="text", options={"k": "v"}),
        ],
        options={"tablename": "t"},
    )
    assert table.to_statement("local", "srv") == (
        'CREATE FOREIGN TABLE "local"."t" (\n'
        '    "a" numeric(10,2),\n'
        '    "b" text OPTIONS ("k" \'v\')\n'
        ') SERVER "srv" OPTIONS (\n'
        "    \"tablename\" 't'\n"
        ")"
    )


def test_table_definition_without_columns_or_options() -> None:
    assert TableDefinition("t").to_statement("s", "srv") == (
        'CREATE FOREIGN TABLE "s"."t" () SERVER "srv"'
    )


# Messages


def test_log_to_postgres_sends_text(messages: Messages) -> None:
    log_to_postgres(["any", "object"])
    log_to_postgres("w", WARNING, "a hint", "a detail")
    log_to_postgres("d", level=DEBUG, detail="why")
    assert messages.sent == [
        (INFO, "['any', 'object']", None, None),
        (WARNING, "w", "a hint", "a detail"),
        (DEBUG, "d", None, "why"),
    ]


@pytest.mark.parametrize("level", [ERROR, CRITICAL])
def test_log_to_postgres_raises_errors(messages: Messages, level: int) -> None:
    cleaned: list[bool] = []

    def failing() -> None:
        try:
            log_to_postgres("broken", level, hint="mend it", detail="here")
        finally:
            cleaned.append(True)

    with pytest.raises(MulticornException, match="broken") as caught:
        failing()
    error = caught.value
    assert (error.message, error.code, error.level) == ("broken", level, level)
    assert (error.hint, error.detail) == ("mend it", "here")
    assert cleaned == [True]
    assert messages.sent == []
    same = pickle.loads(pickle.dumps(error))
    assert (same.hint, same.detail, same.code) == ("mend it", "here", level)


def test_check_interrupts_asks_the_server(
    messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    check_interrupts()

    class Cancelled(BaseException):
        pass

    def cancel() -> None:
        raise Cancelled

    monkeypatch.setattr(
        sys.modules["multicorn._native"], "check_interrupts", cancel, raising=False
    )
    with pytest.raises(Cancelled):
        check_interrupts()


def test_package_works_without_a_server(capfd: pytest.CaptureFixture[str]) -> None:
    import sys

    assert "multicorn._native" not in sys.modules
    log_to_postgres("hello", WARNING, hint="do this", detail="that")
    assert "HINT:  do this" in capfd.readouterr().err
    check_interrupts()
    assert Columns() == {}
