"""Limits of remote calls: superusers', and a role's own, which may be lower and never raise anything."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from wormhole_tenant import ROLE, Tenant

from conftest import Database

ROWS = "def f(n): return len(query('SELECT generate_series(1, $1::int)', n))"
MOST = 10
OWN = "multicorn.wormhole_own_rows"


@pytest.fixture
def limited(database: Database, tenant: Tenant) -> Iterator[Tenant]:
    """The role, which a superuser allows ten rows."""
    tenant.connection.close()
    with database.connect() as admin:
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_rows = {MOST}")
        admin.execute(f"GRANT CREATE ON SCHEMA public TO {ROLE}")
    with database.connect(user=ROLE) as connection:
        limited = Tenant(connection)
        assert limited.lives()  # the settings are known from now on
        yield limited


def allowed(tenant: Tenant) -> int:
    """How many rows a call may read, up to twenty."""
    found = 0
    for count in range(1, 20):
        if tenant.attempt(ROWS, count) != count:
            break
        found = count
    return found


def test_one_may_allow_oneself_less(database: Database, limited: Tenant) -> None:
    run = limited.connection.execute
    assert allowed(limited) == MOST
    run(f"SET {OWN} = 5")
    assert allowed(limited) == 5
    diag = limited.fails(ROWS, 6)
    assert diag.sqlstate == "WH004"
    assert diag.message_hint == "It is a setting of your own: multicorn.wormhole_own_rows."
    run(f"RESET {OWN}")
    assert allowed(limited) == MOST
    assert limited.fails(ROWS, 11).message_hint == "A superuser can change it: multicorn.wormhole_rows."
    run(f"BEGIN; SET LOCAL {OWN} = 3")
    assert limited.call(ROWS, 3) == 3
    run("ROLLBACK")
    assert allowed(limited) == MOST
    run(f"ALTER ROLE CURRENT_USER SET {OWN} = 4")
    with database.connect(user=ROLE) as connection:
        assert allowed(Tenant(connection)) == 4
    with database.connect(user=ROLE, options=f"-c {OWN}=2") as connection:
        assert allowed(Tenant(connection)) == 2


def test_every_limit_has_one(limited: Tenant) -> None:
    run = limited.connection.execute
    run("SET multicorn.wormhole_own_queries = 0")
    assert limited.fails("def f(): return query('SELECT 1')").sqlstate == "WH004"
    run("RESET ALL")
    run("SET multicorn.wormhole_own_result_size = 1")
    assert limited.fails("def f(): return 'x' * 2000").sqlstate == "WH004"
    run("RESET ALL")
    run("SET multicorn.wormhole_own_cpu_time = '50ms'")
    diag = limited.fails("def f():\n    while True: pass")
    assert (diag.sqlstate, diag.message_primary) == (
        "WH004",
        "the remote function exceeds a limit: 50 ms of processor time",
    )
    run("RESET ALL")
    big = "def f(): return len(bytes(100_000_000))"
    assert limited.call(big) == 100_000_000
    run("SET multicorn.wormhole_own_memory = '32MB'")
    assert limited.fails(big).sqlstate == "WH004"
    run("RESET ALL")
    assert limited.call(big) == 100_000_000


@pytest.mark.parametrize("value", ["-1", "1000000"])
@pytest.mark.parametrize(
    "way",
    [
        "SET {own} = {value}",
        "SET SESSION {own} = {value}; RESET {own}; SET {own} = {value}",
        "BEGIN; SET LOCAL {own} = 1; ROLLBACK; SET {own} = {value}",
        "SAVEPOINT s; SET {own} = 1; ROLLBACK TO s",
        "SELECT set_config('{own}', '{value}', false)",
        "ALTER ROLE CURRENT_USER SET {own} = {value}",
        "RESET ALL",
        "DISCARD ALL",
    ],
)
def test_none_allows_more(database: Database, limited: Tenant, way: str, value: str) -> None:
    text = way.format(own=OWN, value=value)
    if text.startswith("SAVEPOINT"):
        with limited.connection.transaction():
            for statement in text.split("; "):
                limited.connection.execute(statement)
    else:
        for statement in text.split("; "):
            limited.connection.execute(statement)
    assert allowed(limited) == MOST
    with database.connect(user=ROLE, options=f"-c {OWN}={value}") as connection:
        assert allowed(Tenant(connection)) == MOST


def test_nor_does_a_setting_in_or_around_a_call(limited: Tenant) -> None:
    inside = f"""
def f(n):
    query("SELECT set_config('{OWN}', '-1', false)")
    return len(query("SELECT generate_series(1, $1::int)", n))
"""
    limited.connection.execute(f"SET {OWN} = 5")
    assert limited.call(inside, 4) == 4
    assert limited.fails(inside, 5).sqlstate == "WH004"
    row = limited.connection.execute("SELECT func_id FROM wormhole_functions LIMIT 1").fetchone()
    assert row is not None
    # A function's own setting holds for what it calls, within the superuser's.
    limited.connection.execute(
        f"CREATE FUNCTION around(n int) RETURNS jsonb LANGUAGE sql SET {OWN} = 1000"
        f" AS $$ SELECT wormhole_execute(wormhole_install('f', $q${ROWS}$q$),"
        " jsonb_build_object('a', jsonb_build_array(n))) $$"
    )
    answer = limited.connection.execute("SELECT around(10)").fetchone()
    assert answer == ({"r": 10, "w": False},)
    with pytest.raises(psycopg.Error) as caught:
        limited.connection.execute("SELECT around(11)")
    assert caught.value.sqlstate == "WH004"
    assert allowed(limited) == 5


@pytest.mark.parametrize(
    "statement",
    [
        "SET multicorn.wormhole_rows = 1000",
        "SELECT set_config('multicorn.wormhole_rows', '1000', true)",
        "ALTER ROLE CURRENT_USER SET multicorn.wormhole_rows = 1000",
        "ALTER ROLE CURRENT_USER RESET multicorn.wormhole_rows",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql SET multicorn.wormhole_rows = 1000 AS 'SELECT 1'",
    ],
)
def test_those_of_superusers_stay(limited: Tenant, statement: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        limited.connection.execute(statement)
    assert caught.value.sqlstate == "42501"
    assert allowed(limited) == MOST


def test_nor_from_outside(database: Database, limited: Tenant) -> None:
    # The library is not loaded when these are said; it does not take them when it is. The server has put the
    # first in the place of the role's own setting, which is lost.
    for options in (
        "-c multicorn.wormhole_rows=1000",
        "--MULTICORN.wormhole-rows=1000",
        "-c multi\\corn.wormhole_rows=nonsense",
    ):
        with database.connect(user=ROLE, options=options) as connection:
            diag = Tenant(connection).fails(ROWS, 1)
            assert (diag.sqlstate, diag.message_primary, diag.message_hint) == (
                "42501",
                'permission denied to set parameter "multicorn.wormhole_rows"',
                "Connect without it.",
            )
    with database.connect(options="-c multicorn.wormhole_rows=12") as admin:
        admin.execute(f"SET ROLE {ROLE}")
        assert allowed(Tenant(admin)) == 12
    with database.connect(user=ROLE) as connection:
        connection.execute("SET multicorn.wormhole_rows = 1000")
        assert allowed(Tenant(connection)) == MOST
    # A superuser's login takes its own limits along to whomever it becomes, in both directions.
    with database.connect() as admin:
        admin.execute("SET multicorn.wormhole_rows = 7")
        admin.execute(f"SET ROLE {ROLE}")
        pooled = Tenant(admin)
        assert allowed(pooled) == 7
        with pytest.raises(psycopg.Error):
            admin.execute("SET multicorn.wormhole_rows = 8")
        admin.execute(f"SET {OWN} = 100")
        assert allowed(pooled) == 7
    assert allowed(limited) == MOST
