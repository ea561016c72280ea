"""Rows at random for ANALYZE."""

import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from multicorn.sqlalchemyfdw import _sample

from .sqlalchemy_kit import definitions, make_database, wrapper


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "things.db")


def test_a_small_table_comes_whole(path: Path) -> None:
    things = wrapper(path)
    things.begin(0)
    rows, total = things.sample(5)
    assert total == 5.0
    assert [row[:2] for row in rows][:2] == [(1, "Abc"), (2, "abc")]
    things.rollback()


@pytest.mark.parametrize("can", [True, False])
def test_a_large_one_in_part(path: Path, monkeypatch, can: bool) -> None:
    """Chosen by the database where it can, else of all rows that it sends."""
    if not can:
        monkeypatch.setattr(_sample, "_RANDOM_ORDER", frozenset())
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE many (n INT)")
    numbers = [(n,) for n in range(2000)]
    connection.executemany("INSERT INTO many VALUES (?)", numbers)
    connection.commit()
    connection.close()
    many = wrapper(path, definitions(n="bigint"), tablename="many")
    many.begin(0)
    rows, total = many.sample(100)
    found = [row[0] for row in rows]
    assert total == 2000.0
    assert len(set(found)) == 100
    assert many.get_rel_size([], {"n"}) == (2000, 8)
    # The first hundred would be below 100, and so would all of one page.
    assert max(found) > 1000
    again = [row[0] for row in many.sample(100)[0]]
    assert sorted(again) != sorted(found)
    many.rollback()


def test_a_view_and_a_table_without_columns(path: Path) -> None:
    names = wrapper(path, definitions(name="text"), tablename="names")
    names.begin(0)
    rows, total = names.sample(3)
    assert (len(list(rows)), total) == (3, 5.0)
    names.rollback()
    nothing = wrapper(path, definitions())
    nothing.begin(0)
    rows, total = nothing.sample(10)
    assert (len(list(rows)), total) == (5, 5.0)
    nothing.rollback()


def test_every_row_of_a_reservoir_has_the_same_chance() -> None:
    random.seed(20260101)
    counted: Counter[int] = Counter()
    for _ in range(2000):
        rows, total = _sample.reservoir(((n,) for n in range(20)), 5)
        assert total == 20.0
        counted.update(row[0] for row in rows)
    # 500 expected of each, with a standard deviation of 19.
    assert min(counted.values()) > 400
    assert max(counted.values()) < 600
    assert _sample.reservoir(iter([(1,)]), 5) == ([(1,)], 1.0)
