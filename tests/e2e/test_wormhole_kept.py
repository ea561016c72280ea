"""What is kept between calls: functions and sources within bounds, workers that have done no wrong."""

from __future__ import annotations

import time

import psycopg
import pytest
from test_wormhole_registry import answer, installed
from test_wormhole_session import children, gone
from wormhole_tenant import ROLE, Tenant

from conftest import Database

COUNT = "seen = []\n# {}\ndef f():\n    seen.append(1)\n    return len(seen)"


def test_compiled_functions_are_bounded_by_bytes(database: Database) -> None:
    """What was used longest ago is forgotten: its module is executed once more at the next call."""
    large = [COUNT.format(str(number) * 4000) for number in range(6)]
    with database.connect() as admin:
        ids = [installed(admin, source) for source in large]
        assert [answer(admin, func_id) for _ in range(2) for func_id in ids] == [1] * 6 + [2] * 6
        admin.execute("SET multicorn.wormhole_code_cache = '64kB'")
        # One of them takes more than half of that.
        assert [answer(admin, func_id) for _ in range(2) for func_id in ids] == [1] * 12
        assert [answer(admin, ids[0]) for _ in range(3)] == [1, 2, 3]


def test_sources_are_bounded_by_bytes(tenant: Tenant) -> None:
    """A session that has called many large functions does not keep the text of all of them."""
    connection = tenant.connection
    ids = [installed(connection, f"def f(): return {n}\n# {'x' * 3_000_000}") for n in range(20)]
    pid = connection.info.backend_pid
    assert answer(connection, ids[0]) == 0
    before = resident(pid)
    assert [answer(connection, func_id) for func_id in ids] == list(range(20))
    assert resident(pid) - before < 35 << 20


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        line = next(line for line in file if line.startswith("RssAnon:"))
    return int(line.split()[1]) << 10


def test_counts_survive_that_the_tables_change(database: Database, tenant: Tenant) -> None:
    """A function that is looked up anew is counted where it was."""
    func_id = installed(tenant.connection, "def f(): return 1")
    with database.connect() as admin:
        for number in range(520):
            admin.execute("UPDATE wormhole_allowed_modules SET notes = %s WHERE module_name = 'os'", [number])
            assert answer(tenant.connection, func_id) == 1
        tenant.connection.close()
        count = "SELECT execution_count FROM wormhole_functions"
        end = time.monotonic() + 10
        while admin.execute(count).fetchone() != (520,) and time.monotonic() < end:
            time.sleep(0.1)
        assert admin.execute(count).fetchone() == (520,)


def test_errors_are_bounded_by_bytes(tenant: Tenant) -> None:
    """Those that a function has caught are kept in case that it raises one of them."""
    source = """
def f():
    caught = []
    for number in range(16):
        try:
            query("DO $$ BEGIN RAISE EXCEPTION '%', repeat('x', 30000000) USING DETAIL = 'd'; END $$")
        except Exception as error:
            caught.append(error)
    print(len(str(caught[0])))
    raise caught[3]
"""
    assert tenant.lives()
    pid = tenant.connection.info.backend_pid
    before = resident(pid)
    diag = tenant.fails(source)
    assert (diag.sqlstate, diag.message_detail) == ("P0001", "d")
    assert diag.message_primary == "x" * (64 << 10) + "…"
    assert resident(pid) - before < 200 << 20


@pytest.mark.parametrize(
    "ending",
    ["def f(): raise ValueError", "def f(): query('SELECT 1 / 0')", "def f(): return object()", "def f(:"],
)
def test_an_error_ends_the_worker(tenant: Tenant, ending: str) -> None:
    assert tenant.lives()
    helper, worker = children(tenant.connection.info.backend_pid)
    assert tenant.lives()
    assert children(tenant.connection.info.backend_pid) == [helper, worker]
    tenant.fails(ending)
    assert gone([worker])
    assert tenant.lives()
    assert worker not in children(tenant.connection.info.backend_pid)


def test_an_error_that_was_caught_does_not(tenant: Tenant) -> None:
    assert tenant.lives()
    before = children(tenant.connection.info.backend_pid)
    source = "def f():\n    try: query('SELECT 1 / 0')\n    except Exception as error: return error.sqlstate"
    assert tenant.call(source) == "22012"
    assert children(tenant.connection.info.backend_pid) == before


def test_another_role_s_call_ends_the_worker(database: Database, tenant: Tenant) -> None:
    source = "def f(): return query_value('SELECT current_user')"
    with database.connect() as admin:
        admin.execute("DROP ROLE IF EXISTS wormhole_tenant_other")
        admin.execute("CREATE ROLE wormhole_tenant_other")
        admin.execute("GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute TO wormhole_tenant_other")
        pid = admin.info.backend_pid
        for role in (ROLE, "wormhole_tenant_other", ROLE):
            before = children(pid)
            admin.execute(f"SET ROLE {role}")
            assert Tenant(admin).call(source) == role
            assert gone(before[1:])
        admin.execute("RESET ROLE")
        admin.execute("DROP OWNED BY wormhole_tenant_other")
        admin.execute("DROP ROLE wormhole_tenant_other")


def test_a_change_of_the_list_of_modules_ends_helper_and_worker(database: Database, tenant: Tenant) -> None:
    assert tenant.lives()
    before = children(tenant.connection.info.backend_pid)
    with database.connect() as admin:
        admin.execute("INSERT INTO wormhole_allowed_modules VALUES ('colorsys', true)")
    assert tenant.call("import colorsys\ndef f(): return colorsys.rgb_to_hls(1, 1, 1)[1] == 1") is True
    assert gone(before)


def test_a_change_that_is_none_ends_nothing(database: Database, tenant: Tenant) -> None:
    """Whatever makes a session look at the tables anew: what it finds decides."""
    count = COUNT.format("")
    assert [tenant.call(count) for _ in range(2)] == [1, 2]
    with database.connect() as admin:
        own = Tenant(admin)
        assert own.call(count) == 1
        admin.execute("INSERT INTO wormhole_allowed_modules VALUES ('json', true, 'as before')")
        admin.execute("CREATE TABLE item (id int)")
        assert own.call(count) == 2
    assert tenant.call(count) == 3


def test_a_session_without_rights_starts_nothing(database: Database) -> None:
    with database.connect() as admin:
        admin.execute("DROP ROLE IF EXISTS wormhole_tenant_none")
        admin.execute("CREATE ROLE wormhole_tenant_none LOGIN")
        with database.connect(user="wormhole_tenant_none") as connection:
            for sql in ("wormhole_install('f', 'x')", "wormhole_execute('x')", "wormhole_approve('x')"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
                    connection.execute(f"SELECT {sql}")
                assert "GRANT EXECUTE ON FUNCTION public." in (caught.value.diag.message_hint or "")
            assert children(connection.info.backend_pid) == []
        admin.execute("DROP ROLE wormhole_tenant_none")
