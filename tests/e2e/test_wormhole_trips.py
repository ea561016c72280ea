"""How often a call of Wormhole goes to the server and back, counted by a proxy in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from devkit.wire import Wire
from far_side import DRIVERS, by_async_engine, by_asyncpg, by_asyncpg_pool, by_engine, by_psycopg, by_psycopg2

from wormhole import remote, set_connection, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database


@remote
def echo(x: Any) -> Any:
    return x


@pytest.fixture
def wire(shop: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A proxy before the server; `where` is its connection string."""
    directory = tmp_path_factory.mktemp("w")
    made = Wire(shop.cluster.socket_directory / ".s.PGSQL.5432", directory)
    made.where = shop.conninfo.replace(str(shop.cluster.socket_directory), str(directory))  # type: ignore[attr-defined]
    yield made
    made.close()


def trips(wire: Wire) -> int:
    """How many round trips one more call takes."""
    echo(1)
    echo(2)
    before = wire.trips
    assert echo(3) == 3
    return wire.trips - before


def test_round_trips_over_an_engine_of_psycopg2(wire) -> None:
    with by_engine(wire.where, "psycopg2") as engine, set_connection(engine):
        assert trips(wire) == 1


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_round_trips_over_an_asynchronous_engine(wire, driver) -> None:
    async def work() -> int:
        async with by_async_engine(wire.where, driver) as engine:
            set_connection(engine)
            await echo(1)  # type: ignore[reportGeneralTypeIssues]
            await echo(2)  # type: ignore[reportGeneralTypeIssues]
            before = wire.trips
            assert await echo(3) == 3  # type: ignore[reportGeneralTypeIssues]
            return wire.trips - before

    assert asyncio.run(work()) == 1


def test_round_trips_over_a_pool_of_asyncpg(wire) -> None:
    """One for the call, and one by which asyncpg's pool resets what it gets back."""

    async def work() -> int:
        async with by_asyncpg_pool(wire.where) as pool:
            set_connection(pool)
            await echo(1)  # type: ignore[reportGeneralTypeIssues]
            await echo(2)  # type: ignore[reportGeneralTypeIssues]
            before = wire.trips
            assert await echo(3) == 3  # type: ignore[reportGeneralTypeIssues]
            return wire.trips - before

    assert asyncio.run(work()) == 2


def test_a_function_made_for_a_connection_of_asyncpg_is_one_round_trip(wire) -> None:
    async def work() -> None:
        async with by_asyncpg(wire.where) as connection:
            made = remote(connection=connection)(echo.local)
            await made(1)  # type: ignore[reportGeneralTypeIssues]
            before = wire.trips
            assert await made(2) == 2  # type: ignore[reportGeneralTypeIssues]
            assert wire.trips == before + 1

    asyncio.run(work())


@pytest.mark.parametrize("connect", [by_psycopg, by_psycopg2], ids=["psycopg", "psycopg2"])
def test_a_call_is_one_round_trip(connect, wire) -> None:
    with connect(wire.where) as connection, set_connection(connection):
        echo(1)
        for number in range(7):
            before = wire.trips
            assert echo(number) == number
            assert wire.trips == before + 1
        before = wire.trips
        with transaction():
            echo(1)
            echo(2)
        assert wire.trips - before == 4  # BEGIN and COMMIT


@pytest.mark.parametrize("name", ["engine", "django", "psycopg-pool"])
def test_a_call_over_a_framework_is_one_round_trip(name, wire) -> None:
    with DRIVERS[name](wire.where) as connection, set_connection(connection):
        echo(1)
        echo(2)
        for number in range(3):
            before = wire.trips
            assert echo(number) == number
            assert wire.trips == before + 1


def test_a_call_over_asyncpg_is_one_round_trip(wire) -> None:
    async def work() -> None:
        async with by_asyncpg(wire.where) as connection:
            set_connection(connection)
            await echo(1)
            before = wire.trips
            assert await echo(2) == 2
            assert wire.trips == before + 1

    asyncio.run(work())
