"""SqlAlchemyFdw in this process, on a PostgreSQL: hooks in orders that no server would choose."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from far import url
from sqlalchemy import exc

from multicorn import ColumnDefinition, Columns
from multicorn.sqlalchemyfdw import SqlAlchemyFdw
from multicorn.utils import MulticornException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from conftest import Database


@pytest.fixture
def things(database: Database) -> Iterator[SqlAlchemyFdw]:
    database.sql(
        "CREATE TABLE things (id int PRIMARY KEY); INSERT INTO things SELECT generate_series(1, 100)"
    )
    columns = Columns(id=ColumnDefinition("id", type_name="integer", base_type_name="integer"))
    options = {"db_url": url(database.cluster, database.name), "tablename": "things", "batch_size": "10"}
    made = SqlAlchemyFdw(options, columns)
    made.begin(0)
    yield made
    made.rollback()
    made._database.engine.dispose()


def connection_of(table: SqlAlchemyFdw) -> Connection:
    connection = table._database.session.connection
    assert connection is not None
    return connection


def stored(database: Database) -> list[str]:
    return database.sql("SELECT id FROM things WHERE id > 100 ORDER BY id").split()


def test_a_transaction_that_has_failed_is_not_committed(things: SqlAlchemyFdw, database: Database) -> None:
    """PostgreSQL answers its COMMIT by a rollback, and the driver does not mind."""
    things.insert({"id": 101})
    with pytest.raises(exc.DBAPIError):
        connection_of(things).exec_driver_sql("SELECT 1 / 0")
    with pytest.raises(MulticornException, match="the remote transaction has failed") as caught:
        things.pre_commit()
    assert caught.value.sqlstate == "25P02"
    things.rollback()
    assert stored(database) == []


def test_a_cursor_that_went_with_its_savepoint(things: SqlAlchemyFdw, database: Database) -> None:
    """Its generator is closed after that, and must not close the cursor again: that would fail it all."""
    things.insert({"id": 101})
    things.sub_begin(2)
    inner = iter(things.execute([], {"id"}))
    next(inner)
    things.sub_rollback(2)
    inner.close()  # type: ignore[attr-defined]
    things.insert({"id": 102})
    things.pre_commit()
    things.commit()
    assert stored(database) == ["101", "102"]


def test_a_cursor_that_went_with_its_transaction(things: SqlAlchemyFdw, database: Database) -> None:
    """The connection has begun another one by then."""
    late = iter(things.execute([], {"id"}))
    next(late)
    things.rollback()
    things.begin(0)
    things.insert({"id": 101})
    late.close()  # type: ignore[attr-defined]
    del late
    gc.collect()
    things.pre_commit()
    things.commit()
    assert stored(database) == ["101"]


def test_a_released_savepoint_keeps_its_cursor(things: SqlAlchemyFdw) -> None:
    things.sub_begin(2)
    scan = iter(things.execute([], {"id"}))
    found = [next(scan)[0]]
    things.sub_commit(2)
    things.sub_begin(2)
    things.insert({"id": 101})
    things.sub_rollback(2)
    found += [row[0] for row in scan]
    assert sorted(found) == list(range(1, 101))
