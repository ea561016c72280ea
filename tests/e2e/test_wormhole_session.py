"""Remote functions in a session: what ends them, what is left, counts, standbys, dumps, and no walls."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psycopg
import psycopg2
import pytest
import worker_kit
from following import Standby
from psycopg.conninfo import conninfo_to_dict
from running import signal_soon
from wormhole_tenant import ROLE, Tenant

from conftest import Database

LOOP = "def f():\n    while True: pass"
SLEEP = "def f():\n    import time\n    time.sleep(60)"
QUERY = "def f(): return query_value('SELECT pg_sleep(60)')"
CATCHES = (
    "def f():\n    while True:\n        try: query('SELECT pg_sleep(60)')\n        except BaseException: pass"
)


def children(pid: int) -> list[int]:
    """The processes below a process that have not ended."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                letter, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            except (OSError, ValueError):
                continue
            if int(parent) == pid and letter != "Z":
                found += [int(entry.name), *children(int(entry.name))]
    return found


def gone(pids: list[int]) -> bool:
    """Whether the processes end within a few seconds; one that nobody has waited for yet has ended."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if all(state(pid) in {None, "Z"} for pid in pids):
            return True
        time.sleep(0.02)
    return False


def state(pid: int) -> str | None:
    """The letter by which the kernel tells what a process does; None for one that is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return None


@pytest.mark.parametrize("source", [LOOP, SLEEP, QUERY, CATCHES])
def test_a_timeout_ends_whatever_it_does(tenant: Tenant, source: str) -> None:
    tenant.call("def f(): pass")
    workers = set(children(tenant.connection.info.backend_pid))
    tenant.connection.execute("SET statement_timeout = '200ms'")
    began = time.monotonic()
    assert tenant.fails(source).sqlstate == "57014"
    assert time.monotonic() - began < 2
    tenant.connection.execute("RESET statement_timeout")
    assert tenant.lives()
    # The helper stays, the worker was killed.
    assert len(workers & set(children(tenant.connection.info.backend_pid))) == 1


@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
@pytest.mark.parametrize("source", [LOOP, SLEEP, CATCHES])
def test_a_cancel_and_a_terminate(database: Database, tenant: Tenant, function: str, source: str) -> None:
    tenant.call("def f(): pass")
    pid = tenant.connection.info.backend_pid
    below = children(pid)
    assert len(below) == 2
    with signal_soon(database.conninfo, function, pid):
        sqlstate = tenant.fails(source).sqlstate
    if function == "pg_cancel_backend":
        assert sqlstate == "57014"
        assert tenant.lives()
    else:
        assert sqlstate in {"57P01", None}
        assert gone([pid, *below])


def test_the_end_of_the_session_ends_its_processes(database: Database, tenant: Tenant) -> None:
    with database.connect(user=ROLE) as connection:
        assert Tenant(connection).lives()
        pid = connection.info.backend_pid
        below = children(pid)
        assert len(below) == 2
    assert gone([pid, *below])


@pytest.mark.crashes
def test_a_killed_backend_takes_its_processes_along(tenant: Tenant) -> None:
    assert tenant.lives()
    pid = tenant.connection.info.backend_pid
    below = children(pid)
    os.kill(pid, 9)
    assert gone([pid, *below])
    # The server restarts, and whoever comes next needs it.
    end = time.monotonic() + 30
    conninfo = tenant.connection.info.dsn
    while time.monotonic() < end:
        try:
            psycopg.connect(conninfo, user=ROLE).close()
            break
        except psycopg.OperationalError:
            time.sleep(0.2)


def test_a_worker_is_near_for_short_work_and_free_for_long_work(tenant: Tenant) -> None:
    assert tenant.lives()
    backend = tenant.connection.info.backend_pid
    _, worker = children(backend)
    everywhere = os.sched_getaffinity(backend)
    assert everywhere == os.sched_getaffinity(os.getpid())
    # On a busy machine one call may take longer than what counts as short.
    assert any(tenant.lives() and len(os.sched_getaffinity(worker)) == 1 for _ in range(100))
    tenant.connection.execute("SET statement_timeout = '20s'")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(tenant.fails, LOOP)
        while len(os.sched_getaffinity(worker)) < len(everywhere):
            assert not call.done()
        tenant.connection.cancel()
        assert call.result().sqlstate == "57014"
    assert os.sched_getaffinity(backend) == everywhere


def test_a_worker_that_was_killed_meanwhile_is_replaced(tenant: Tenant) -> None:
    assert tenant.lives()
    helper, worker = children(tenant.connection.info.backend_pid)
    os.kill(worker, 9)
    assert tenant.lives()
    os.kill(helper, 9)
    assert gone([helper])
    assert tenant.lives()


def test_functions_call_functions(tenant: Tenant) -> None:
    source = """
def f(depth):
    if depth == 0:
        return 1
    rows = query("SELECT wormhole_execute(func_id, $1) AS r FROM wormhole_functions WHERE func_name = 'f'",
                 {"a": [depth - 1], "k": {}})
    return 1 + rows[0]["r"]["r"]
"""
    assert tenant.call(source, 3) == 4
    diag = tenant.fails(source, 20)
    assert (diag.sqlstate, diag.message_primary) == (
        "WH004",
        "remote functions call each other more than 8 deep",
    )
    assert tenant.lives()


def test_a_worker_is_replaced_after_so_many_calls(database: Database, tenant: Tenant) -> None:
    with database.connect() as admin:
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_calls_per_worker = 3")
    count = "seen = []\ndef f():\n    seen.append(1)\n    return len(seen)"
    with database.connect(user=ROLE) as connection:
        # The look at the source, when it was installed, was the first.
        assert [Tenant(connection).call(count) for _ in range(5)] == [1, 2, 1, 2, 3]


def test_a_pool_of_one_login(database: Database, tenant: Tenant) -> None:
    """A superuser's login that becomes its tenants gives them no code in the process."""
    with database.connect() as admin:
        admin.execute(f"SET ROLE {ROLE}")
        pooled = Tenant(admin)
        where = "import random\ndef f(): return [random._os.getpid(), query_value('SELECT pg_backend_pid()')]"
        worker, backend = pooled.call(where)
        assert worker != backend
        assert worker in children(backend)


def counted(connection: psycopg.Connection) -> tuple[int, str | None]:
    row = connection.execute(
        "SELECT sum(execution_count)::int, max(last_error) FROM wormhole_functions"
    ).fetchone()
    assert row is not None
    return row


def test_counts_are_written_now_and_then(database: Database, tenant: Tenant) -> None:
    with database.connect() as other:
        tenant.lives()
        assert counted(other)[0] == 1
        for _ in range(3):
            tenant.lives()
        bad = "def f(): raise ValueError('counted')"
        tenant.connection.execute("SELECT wormhole_install('f', %s)", [bad])
        assert tenant.fails(bad).sqlstate == "WH005"
        assert counted(other) == (1, None)
        time.sleep(10.2)
        with tenant.connection.transaction():
            # Not where it could fail the transaction, …
            tenant.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            tenant.lives()
        assert counted(other) == (1, None)
        with tenant.connection.transaction():
            tenant.connection.execute("SET TRANSACTION READ ONLY")
            tenant.lives()
        assert counted(other) == (1, None)
        with other.transaction():
            # … and not where it would have to wait.
            other.execute("SELECT * FROM wormhole_functions FOR UPDATE")
            tenant.connection.execute("SET lock_timeout = '1s'")
            tenant.lives()
        assert counted(other) == (1, None)
        time.sleep(10.2)
        tenant.lives()
        assert counted(other) == (9, "WH005: ValueError: counted")


def test_calls_work_on_a_standby(database: Database, tenant: Tenant) -> None:
    source = "def f(): return query_value('SELECT pg_is_in_recovery()')"
    assert tenant.call(source) is False
    row = tenant.connection.execute("SELECT func_id FROM wormhole_functions").fetchone()
    assert row is not None
    with Standby(database.cluster) as standby:
        standby.catch_up()
        with psycopg.connect(standby.conninfo(database.name), autocommit=True) as admin:
            admin.execute(f"SET ROLE {ROLE}")
            for _ in range(3):
                answer = admin.execute("SELECT wormhole_execute(%s)", [row[0]]).fetchone()
                assert answer == ({"r": True, "w": False},)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                Tenant(admin).call("def f(): return 'new'")


def test_a_dump_keeps_functions_and_modules(database: Database, tenant: Tenant) -> None:
    tenant.lives()
    tenant.connection.execute("SELECT count(*) FROM wormhole_functions")
    with database.connect() as admin:
        admin.execute(
            "INSERT INTO wormhole_allowed_modules VALUES ('os', true, 'on purpose'), ('csv', true, NULL)"
        )
        admin.execute(
            "SELECT wormhole_approve(func_id), wormhole_grant(func_id, 'public') FROM wormhole_functions"
        )
        kept = dump_of(admin)
        bin_directory = database.cluster.psql.parent
        environment = database.cluster.environment(database.name)
        dump = subprocess.run([bin_directory / "pg_dump"], env=environment, check=True, capture_output=True)
        # By names: another cluster's numbers are others.
        assert f"\tf\t{ROLE}\t".encode() in dump.stdout
        admin.execute("DROP DATABASE IF EXISTS e2e_restored")
        admin.execute("CREATE DATABASE e2e_restored")
        try:
            command = [database.cluster.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "e2e_restored"]
            subprocess.run(command, env=environment, check=True, input=dump.stdout, capture_output=True)
            with psycopg.connect(database.cluster.conninfo("e2e_restored"), autocommit=True) as restored:
                assert dump_of(restored) == kept
                restored.execute(f"SET ROLE {ROLE}")
                assert Tenant(restored).lives()
        finally:
            admin.execute("DROP DATABASE e2e_restored WITH (FORCE)")


def test_a_role_without_the_right_to_all_functions_dumps_the_rest(database: Database, tenant: Tenant) -> None:
    assert tenant.lives()
    pg_dump = database.cluster.psql.parent / "pg_dump"
    environment = {**database.cluster.environment(database.name), "PGUSER": ROLE}

    def dump(*options: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([pg_dump, *options], env=environment, check=False, capture_output=True)

    # As the guide says: it may not see what others have installed.
    assert b"permission denied for table wormhole_" in dump().stderr
    rest = dump("--exclude-table=wormhole_*")
    assert rest.returncode == 0, rest.stderr
    assert b"CREATE EXTENSION IF NOT EXISTS multicorn" in rest.stdout


def test_drivers_read_owners_as_text(database: Database, tenant: Tenant) -> None:
    tenant.lives()
    read = "SELECT created_by FROM wormhole_functions"
    with database.connect() as admin, admin.cursor(binary=True) as cursor:
        assert admin.execute(read).fetchall() == [(ROLE,)]
        written = cursor.execute("SELECT wormhole_role_send(created_by) FROM wormhole_functions").fetchall()
        assert written == [(ROLE.encode(),)]
        with cursor.copy(f"COPY ({read}) TO STDOUT (FORMAT binary)") as copy:
            data = b"".join(copy)
        cursor.execute("CREATE TEMP TABLE again (role wormhole_role)")
        with cursor.copy("COPY again FROM STDIN (FORMAT binary)") as copy:
            copy.write(data)
        assert admin.execute("SELECT role::oid = %s::regrole FROM again", [ROLE]).fetchall() == [(True,)]
    old = psycopg2.connect(database.conninfo)
    with old, old.cursor() as cursor:
        cursor.execute(read + " WHERE created_by = %s", [ROLE])
        assert cursor.fetchall() == [(ROLE,)]
    old.close()

    async def by_asyncpg() -> object:
        where = conninfo_to_dict(database.conninfo)
        connection = await asyncpg.connect(
            host=where["host"], port=where["port"], user=where["user"], database=where["dbname"]
        )
        try:
            return await connection.fetchval(read + " WHERE created_by = $1", ROLE)
        finally:
            await connection.close()

    assert asyncio.run(by_asyncpg()) == ROLE


def dump_of(connection: psycopg.Connection) -> list[list[tuple[object, ...]]]:
    tables = ("functions", "approvals", "grants", "allowed_modules", "installs")
    return [
        connection.execute(f"SELECT * FROM wormhole_{table} ORDER BY 1, 2, 3").fetchall() for table in tables
    ]


def test_eight_sessions_at_once(database: Database, tenant: Tenant) -> None:
    row = tenant.connection.execute(
        "SELECT wormhole_install('f', 'def f(n): return query_value(\"SELECT $1::int * 2\", n)')"
    ).fetchone()
    assert row is not None
    connections = [database.connect(user=ROLE) for _ in range(8)]
    try:
        for number in range(40):
            for at, connection in enumerate(connections):
                args = json.dumps({"a": [number + at]})
                answer = connection.execute("SELECT wormhole_execute(%s, %s)", [row[0], args]).fetchone()
                assert answer == ({"r": 2 * (number + at), "w": False},)
    finally:
        for connection in connections:
            connection.close()


WITHOUT = """
import ctypes, os, struct, sys
# if number == {number}: return ENOSYS; return ALLOW
program = b"".join(struct.pack("<HBBI", *line) for line in [
    (0x20, 0, 0, 0), (0x15, 0, 1, {number}), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)])
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_char_p)]
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
held = Filter(4, program)
assert libc.prctl(22, 2, ctypes.byref(held)) == 0
os.execve(sys.argv[1], [sys.argv[1], sys.argv[2]], {{}})
"""
LANDLOCK_CREATE_RULESET = 444
SECCOMP = 317


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of system calls are those of x86-64")
@pytest.mark.parametrize(("number", "why"), [(LANDLOCK_CREATE_RULESET, "Landlock"), (SECCOMP, "seccomp")])
def test_a_kernel_without_walls_is_told(number: int, why: str) -> None:
    wrapper = [
        sys.executable,
        "-c",
        WITHOUT.format(number=number),
        str(worker_kit.EXECUTABLE),
        str(os.getpid()),
    ]
    with worker_kit.helper(wrapper=wrapper) as helper:
        confinement = helper.ready["confinement"]
        assert confinement["c"] == "Impossible"
        assert why in confinement["why"]
    assert ctypes.sizeof(ctypes.c_void_p) == struct.calcsize("P")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="as above")
def test_without_walls_nothing_runs(database: Database, tenant: Tenant) -> None:
    """The executable is replaced by one that runs it without Landlock, as an old kernel would."""
    library = Path(database.cluster.installation.directory("PKGLIBDIR"))
    real, kept = library / "multicorn-worker", library / "multicorn-worker.kept"
    real.rename(kept)
    try:
        script = WITHOUT.format(number=LANDLOCK_CREATE_RULESET)
        real.write_text(f"#!/usr/bin/python3\nimport sys\nsys.argv.insert(1, {str(kept)!r})\n{script}")
        real.chmod(0o755)
        diag = tenant.fails("def f(): return 1")
        assert diag.sqlstate == "WH003"
        assert (diag.message_primary or "").startswith(
            "remote functions cannot be confined on this machine: the kernel lacks Landlock"
        )
        assert "multicorn.wormhole_confinement" in (diag.message_hint or "")
        with database.connect() as admin:
            admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_confinement = 'optional'")
        with database.connect(user=ROLE) as connection:
            assert Tenant(connection).lives()
    finally:
        kept.rename(real)


def wait_until(connection: psycopg.Connection, pid: int) -> float:
    """Wait for the end of a session, and tell how long it took."""
    began = time.monotonic()
    while connection.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).rowcount:
        assert time.monotonic() - began < 5
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.mark.parametrize("way", ["close", "close in a transaction", "terminate", "serializable"])
def test_the_last_counts_are_written_at_the_end(database: Database, tenant: Tenant, way: str) -> None:
    pid = tenant.connection.info.backend_pid
    tenant.lives()  # written at once
    for _ in range(3):
        tenant.lives()
    if way == "serializable":
        tenant.connection.execute("SET default_transaction_isolation = 'serializable'")
    if way == "close in a transaction":
        tenant.connection.execute("BEGIN; SET default_transaction_read_only = on")
        tenant.lives()
    with database.connect() as admin:
        assert counted(admin)[0] == 1
        if way == "terminate":
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        else:
            tenant.connection.close()
        wait_until(admin, pid)
        assert counted(admin)[0] == (5 if way == "close in a transaction" else 4)


@pytest.mark.parametrize("way", ["row", "table", "dropped", "read only", "in a call", "standby"])
def test_the_last_counts_hold_no_session_back(database: Database, tenant: Tenant, way: str) -> None:
    pid = tenant.connection.info.backend_pid
    tenant.lives()
    tenant.lives()
    with database.connect() as admin, database.connect() as other:
        other.autocommit = False
        if way == "row":
            other.execute("SELECT FROM wormhole_functions FOR UPDATE")
        elif way == "table":
            other.execute("LOCK TABLE wormhole_functions")
        elif way == "dropped":
            other.execute("DROP EXTENSION multicorn CASCADE")
            other.commit()
        elif way == "read only":
            tenant.connection.execute("SET default_transaction_read_only = on")
        elif way == "standby":
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            admin.execute("SELECT pg_reload_conf()")
            time.sleep(0.2)
        try:
            if way == "in a call":
                with (
                    signal_soon(database.conninfo, "pg_terminate_backend", pid),
                    pytest.raises(psycopg.OperationalError),
                ):
                    tenant.connection.execute("SELECT pg_sleep(60)")
            tenant.connection.close()
            assert wait_until(admin, pid) < 1
        finally:
            other.rollback()
            admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
            admin.execute("SELECT pg_reload_conf()")
        if way != "dropped":
            assert counted(admin)[0] == (2 if way == "standby" else 1)


def test_idle_processes_end(database: Database, tenant: Tenant) -> None:
    """The workers, then the helper; calls before, between and after work as ever."""
    with database.connect() as admin:
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_idle_timeout = '400ms'")
        admin.execute(f"GRANT EXECUTE ON FUNCTION wormhole_stream TO {ROLE}")
    with database.connect(user=ROLE) as connection:
        session = Tenant(connection)
        pid = connection.info.backend_pid
        for _ in range(3):
            assert session.lives()
            started = children(pid)
            assert len(started) == 2
            time.sleep(0.2)
            assert session.lives()
            assert children(pid) == started
            assert gone(started)
        # One that is at work is not idle, however long it waits.
        assert session.call("def f(): return query_value('SELECT 1 FROM pg_sleep(1.5)')") == 1
        assert session.call("import time\ndef f():\n    time.sleep(1.5)\n    return 2") == 2
        busy = "import time\ndef f():\n    while time.process_time() < 1.5: pass\n    return 3"
        assert session.call(busy) == 3
        # Nor is one that has yielded and may be asked for more.
        connection.execute("SELECT wormhole_install('g', 'def g():\n    yield 1\n    yield 2')")
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "DECLARE c CURSOR FOR SELECT wormhole_stream(func_id) FROM wormhole_functions"
                " WHERE func_name = 'g'"
            )
            assert cursor.execute("FETCH c").fetchone() == ({"r": 1},)
            time.sleep(1)
            assert cursor.execute("FETCH c").fetchone() == ({"r": 2},)


def test_a_call_at_the_moment_of_the_end(database: Database, tenant: Tenant) -> None:
    with database.connect() as admin:
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_idle_timeout = '20ms'")
    with database.connect(user=ROLE) as connection:
        session = Tenant(connection)
        for number in range(300):
            assert session.lives()
            time.sleep(0.018 + (number % 50) / 4_000)


def test_an_error_at_the_end_ends_that_session_only(database: Database, tenant: Tenant) -> None:
    """There it is FATAL to the server: the session ends, as it was about to, and nobody else notices."""
    pid = tenant.connection.info.backend_pid
    tenant.lives()
    tenant.lives()
    processes = children(pid)
    with database.connect() as admin:
        admin.execute("ALTER TABLE wormhole_functions ADD CONSTRAINT few CHECK (execution_count < 2)")
        tenant.connection.close()
        wait_until(admin, pid)
        assert gone(processes)
        assert counted(admin)[0] == 1
        admin.execute("ALTER TABLE wormhole_functions DROP CONSTRAINT few")
        assert Tenant(admin).lives()
