"""What the server side learns about a class, whatever style it is written in."""

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from multicorn import ForeignDataWrapper, TransactionAwareForeignDataWrapper
from multicorn._inspect import describe, overrides, rowid_columns
from multicorn.csvfdw import CsvFdw

PACKAGE = Path(__file__).parents[2] / "python"


def test_base_class_has_no_capability() -> None:
    found = describe(ForeignDataWrapper)
    flags = [name for name in found._fields if name.startswith("has_")]
    assert flags
    assert [name for name in flags if getattr(found, name)] == []
    assert found.startup_cost == 20


def test_duck_typed_class_counts_like_a_subclass() -> None:
    class Duck:
        def __init__(self, options, columns):
            pass

        def execute(self, quals, columns):
            return []

        def can_sort(self, sortkeys):
            return sortkeys

        def commit(self):
            pass

    found = describe(Duck)
    assert found.has_execute
    assert found.has_can_sort
    assert found.has_commit
    assert not found.has_rollback
    assert not found.has_insert
    assert found.startup_cost == 20


def test_overrides_through_a_mixin_and_a_removed_method() -> None:
    class Mixin:
        def insert(self, values):
            return values

    class Child(Mixin, ForeignDataWrapper):
        pass

    class Grandchild(Child):
        insert: Any = None

    assert overrides(Child, "insert")
    assert not overrides(Child, "update")
    assert not overrides(Grandchild, "insert")


def test_transaction_aware_wrapper_can_write_and_roll_back() -> None:
    found = describe(TransactionAwareForeignDataWrapper)
    assert found.has_insert
    assert found.has_delete
    assert found.has_sub_rollback
    assert not found.has_pre_commit
    assert not found.update_takes_old_row


def test_description_is_computed_once() -> None:
    assert describe(CsvFdw) is describe(CsvFdw)


class TestExecuteShapes:
    def test_quals_only(self) -> None:
        class Old:
            def execute(self, quals):
                return []

        shape = describe(Old).execute
        assert shape.positional == 1
        assert not shape.sortkeys

    def test_two_arguments(self) -> None:
        class Plain:
            def execute(self, quals, columns):
                return []

        shape = describe(Plain).execute
        assert shape.positional == 2
        assert (shape.sortkeys, shape.limit, shape.offset) == (False, False, False)

    def test_keywords(self) -> None:
        class Modern:
            def execute(self, quals, columns, sortkeys=None, *, limit=None):
                return []

        shape = describe(Modern).execute
        assert (shape.sortkeys, shape.limit, shape.offset) == (True, True, False)

    def test_any_keywords(self) -> None:
        class Loose:
            def execute(self, quals, columns, **options):
                return []

        shape = describe(Loose).execute
        assert (shape.sortkeys, shape.limit, shape.offset) == (True, True, True)
        assert shape.positional == 2

    def test_any_arguments(self) -> None:
        class Looser:
            def execute(self, *args):
                return []

        shape = describe(Looser).execute
        assert shape.positional >= 2
        assert shape.first == ""
        assert not shape.sortkeys

    def test_first_two_names_are_not_keywords(self) -> None:
        class Odd:
            def execute(self, limit, offset):
                return []

        shape = describe(Odd).execute
        assert (shape.limit, shape.offset) == (False, False)

    def test_static_and_class_methods_have_no_self(self) -> None:
        class Both:
            @staticmethod
            def execute(quals, columns):
                return []

            @classmethod
            def explain(cls, quals, columns, verbose=False):
                return []

        assert describe(Both).execute.positional == 2
        assert describe(Both).explain.positional == 3
        assert describe(Both).explain.verbose

    def test_decorated_method(self) -> None:
        def traced(method):
            @functools.wraps(method)
            def wrapper(*args, **kwargs):
                return method(*args, **kwargs)

            return wrapper

        class Traced:
            @traced
            def execute(self, quals, columns, sortkeys=None):
                return []

        shape = describe(Traced).execute
        assert shape.positional == 3
        assert shape.sortkeys
        assert not shape.limit

    def test_positional_only_arguments(self) -> None:
        class Strict:
            def execute(self, quals, columns, limit=None, /, *, offset=None):
                return []

        shape = describe(Strict).execute
        assert (shape.positional, shape.limit, shape.offset) == (3, False, True)

    def test_other_callables(self) -> None:
        class Call:
            def __call__(self, quals, columns, limit=None):
                return []

        class Odd:
            execute = Call()
            explain = functools.partialmethod(lambda self, quals: [], [])

        # An object is not bound: it has no self to leave out.
        assert describe(Odd).execute.limit
        assert describe(Odd).explain.positional <= 2

    def test_method_without_a_signature(self) -> None:
        class Native:
            execute = dict.update

        assert describe(Native).execute.positional == 2

    def test_class_without_execute(self) -> None:
        class Nothing:
            pass

        found = describe(Nothing)
        assert not found.has_execute
        assert found.execute.positional == 2


def test_rel_size_with_quals_only() -> None:
    class Old:
        def get_rel_size(self, quals):
            return (1, 1)

    assert not describe(Old).rel_size_takes_columns
    assert describe(CsvFdw).rel_size_takes_columns


def test_old_values_asks_for_the_old_row() -> None:
    class Tutorial:
        def update(self, old_values, new_values):
            pass

        def delete(self, oldvalues):
            pass

    assert describe(Tutorial).update_takes_old_row
    assert not describe(Tutorial).delete_takes_old_row


@pytest.mark.parametrize("cost", [10, 2.5])
def test_startup_cost(cost: float) -> None:
    class Costly:
        _startup_cost = cost

    assert describe(Costly).startup_cost == cost


def test_startup_cost_must_be_a_number() -> None:
    class Wrong:
        _startup_cost = "cheap"

    with pytest.raises(TypeError, match=r"Wrong\._startup_cost must be a number"):
        describe(Wrong)


def test_it_is_quick_to_import() -> None:
    """Sessions are short: what only errors need is not loaded at the start."""
    code = f"""
import sys, csv, datetime, logging, typing, weakref
sys.path.insert(0, {str(PACKAGE)!r})
before = set(sys.modules)
import multicorn._inspect, multicorn.csvfdw
from multicorn.testfdw import TestForeignDataWrapper
multicorn._inspect.describe(TestForeignDataWrapper)
costly = {{"inspect", "difflib", "pkgutil", "pathlib", "dataclasses"}}
print(*costly.intersection(sys.modules) - before)
"""
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


class TestRowid:
    def test_property_of_the_class(self) -> None:
        class New(ForeignDataWrapper):
            @property
            def rowid_column(self):
                return "id"

        assert rowid_columns(New.__new__(New)) == "id"

    def test_attribute_of_the_class(self) -> None:
        class Old:
            row_id_column = "key"

        assert rowid_columns(Old()) == "key"

    def test_attribute_set_in_init(self) -> None:
        class Tutorial(ForeignDataWrapper):
            def __init__(self):
                self.row_id_column = "first"

        assert rowid_columns(Tutorial()) == "first"

    def test_the_name_of_the_contract_set_in_init(self) -> None:
        class Sets(ForeignDataWrapper):
            def __init__(self):
                self.rowid_column = "id"
                self.modify_batch_size = 5

        assert rowid_columns(Sets()) == "id"
        assert Sets().modify_batch_size == 5
        assert ForeignDataWrapper.__new__(ForeignDataWrapper).modify_batch_size == 1

    def test_no_row_id(self) -> None:
        class ReadOnly(ForeignDataWrapper):
            pass

        with pytest.raises(NotImplementedError, match="ReadOnly is a read-only"):
            rowid_columns(ReadOnly.__new__(ReadOnly))

    def test_wrong_type(self) -> None:
        class Wrong:
            rowid_column: Any = ("a", "b")

        with pytest.raises(TypeError, match=r"Wrong\.rowid_column must be .* tuple"):
            rowid_columns(Wrong())

    def test_several_columns(self) -> None:
        class Composite(ForeignDataWrapper):
            rowid_columns = ("a", "b")

            @property
            def rowid_column(self):
                return "c"

        assert rowid_columns(Composite.__new__(Composite)) == ("a", "b")

    @pytest.mark.parametrize(
        ("value", "kind"), [("ab", "str"), (("a", 1), "int"), (5, "int")]
    )
    def test_several_columns_of_wrong_type(self, value: object, kind: str) -> None:
        class Wrong:
            rowid_columns = value

        with pytest.raises(
            TypeError, match=rf"Wrong\.rowid_columns must be a tuple .* not {kind}"
        ):
            rowid_columns(Wrong())


class TestWrites:
    def test_on_conflict_has_to_be_named(self) -> None:
        class Takes(ForeignDataWrapper):
            def insert(self, values, on_conflict=None): ...

            def bulk_insert(self, all_values, *, on_conflict=None): ...

        class Swallows(ForeignDataWrapper):
            def insert(self, values, **keywords): ...

            def bulk_insert(self, *arguments, **keywords): ...

        takes, swallows = describe(Takes), describe(Swallows)
        assert (takes.insert_takes_conflict, takes.bulk_insert_takes_conflict) == (
            True,
            True,
        )
        assert (
            swallows.insert_takes_conflict,
            swallows.bulk_insert_takes_conflict,
        ) == (False, False)
        assert not describe(ForeignDataWrapper).insert_takes_conflict

    def test_update_columns(self) -> None:
        class Changed(ForeignDataWrapper):
            update_columns = "changed"

        class Some(ForeignDataWrapper):
            update_columns: Any = "some"

        assert describe(Changed).updates_changed_only
        assert not describe(ForeignDataWrapper).updates_changed_only
        with pytest.raises(
            ValueError,
            match=r"Some\.update_columns must be 'all' or 'changed', not 'some'",
        ):
            describe(Some)
