"""Memory: the loads of `make soak`, scaled down. One object kept in each repetition fails the test."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "bench"))

import crowd  # noqa: E402
from loads import LOADS, SET_UP, Growth, Load, grow, measure  # noqa: E402

if TYPE_CHECKING:
    from conftest import Database

# What is kept once (a free list of Python, a block of malloc) falls into some windows, and into fewer the
# longer the load runs; what is kept each time falls into all of them.
WINDOWS = 10
# The smallest object of Python is one block of at least 16 bytes.
BYTES_EACH = 12
BLOCKS_EACH = 0.5
PAGES = 256 * 1024


def clean(load: Load, growth: Growth) -> bool:
    """Whether nothing was kept in each repetition of this window."""
    if growth.each(growth.blocks) >= BLOCKS_EACH:
        return False
    if growth.resident >= PAGES + load.small * load.bytes_each:
        return False
    if load.bytes_each:
        # The catalogue caches grow by blocks that double: what is in use of them counts.
        return growth.each(growth.contexts) < load.bytes_each
    return growth.each(growth.malloc) < BYTES_EACH


@pytest.fixture
def prepared(database: Database) -> Database:
    database.cluster.stage(CHECKOUT / "bench" / "wrappers" / "soak_fdw.py", "wrappers/soak_fdw.py")
    database.sql(SET_UP)
    return database


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_nothing_is_kept(prepared: Database, load: Load) -> None:
    with prepared.connect(prepare_threshold=None) as connection:
        windows = [measure(connection, load, load.small, warm_up=load.small)]
        while not clean(load, windows[-1]) and len(windows) < WINDOWS:
            windows.append(grow(connection, load, load.small))
    assert clean(load, windows[-1]), "\n".join(str(window) for window in windows)


def test_the_meters_see_one_object(prepared: Database) -> None:
    """A wrapper that keeps one object of each scan is found out."""
    prepared.sql("CREATE FOREIGN TABLE soak_leak (id int8) SERVER soak OPTIONS (count '1', fail 'leak')")

    def scan(connection: object, count: int) -> None:
        for _ in range(count):
            connection.execute("SELECT id FROM soak_leak")  # type: ignore[attr-defined]

    load = Load("leak", 200, 200, scan)
    with prepared.connect(prepare_threshold=None) as connection:
        growth: Growth = measure(connection, load, load.small, warm_up=load.small)
    assert growth.each(growth.blocks) >= 1
    assert not clean(load, growth)


def test_sessions_that_write_at_once_lose_nothing(database: Database) -> None:
    crowd.set_up(database.cluster, database.name)
    try:
        outcome = crowd.run(database.cluster, database.name, sessions=4, seconds=3)
    finally:
        database.cluster.sql(f"DROP DATABASE {crowd.REMOTE} WITH (FORCE)")
    assert outcome.problems == []
    assert min(outcome.commits, outcome.rollbacks, outcome.rows) > 0
