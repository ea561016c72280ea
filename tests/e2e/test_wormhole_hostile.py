# ruff: noqa: E501 - the attempts are what they are
"""Hostile remote functions: nothing outside is read, nothing is left behind, and the session goes on."""

from __future__ import annotations

import json
import sqlite3
import struct
import time
import zipfile
from pathlib import Path

import psycopg
import pytest
import wormhole_hostile
from test_wormhole_session import children, gone, state
from wormhole_tenant import ROLE, Tenant

from conftest import Database

SECRET = "the secret of the server's account"


@pytest.fixture
def secret(database: Database) -> Path:
    """A file that the server's account can read, and others beside it, in a directory that it can write."""
    folder = database.cluster.files / "wormhole_hostile"
    folder.mkdir(exist_ok=True)
    path = folder / "secret"
    for old in folder.iterdir():
        if old.is_file() or old.is_symlink():
            old.unlink()
    path.write_text(SECRET)
    (folder / "wormhole_secret.py").write_text(f"CONTENT = {SECRET!r}")
    with sqlite3.connect(f"{path}.db") as connection:
        connection.execute("CREATE TABLE t (c)")
        connection.execute("INSERT INTO t VALUES (?)", [SECRET])
    connection.close()
    with zipfile.ZipFile(f"{path}.zip", "w") as archive:
        archive.writestr("x", SECRET)
    for file in folder.iterdir():
        file.chmod(0o644)
    folder.chmod(0o777)
    return path


def attempts(tenant: Tenant, path: Path) -> dict[str, str]:
    """What each attempt has come to: the value, or the error."""
    outcomes: dict[str, str] = {}
    for name, source in wormhole_hostile.sources().items():
        for left in path.parent.glob("secret.*"):
            if left.suffix not in {".db", ".zip"}:
                left.unlink()
        try:
            outcomes[name] = str(tenant.call(source, str(path)))
        except psycopg.Error as error:
            outcomes[name] = f"{error.sqlstate}: {error.diag.message_primary}"
    return outcomes


def test_no_attempt_reads_a_file(tenant: Tenant, secret: Path) -> None:
    before = sorted(file.name for file in secret.parent.iterdir())
    pid = tenant.connection.info.backend_pid
    outcomes = attempts(tenant, secret)
    assert len(outcomes) >= 90
    assert {name: text for name, text in outcomes.items() if SECRET in text} == {}
    # The check lets them pass: it is the walls that hold.
    assert {name: text for name, text in outcomes.items() if text.startswith("WH002")} == {}
    assert sorted(file.name for file in secret.parent.iterdir()) == before
    assert tenant.lives()
    assert tenant.connection.info.backend_pid == pid


def test_unconfined_the_same_attempts_succeed(database: Database, tenant: Tenant, secret: Path) -> None:
    with database.connect() as admin:
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_confinement = 'off'")
    with database.connect(user=ROLE) as connection:
        outcomes = attempts(Tenant(connection), secret)
    failed = {name: text for name, text in outcomes.items() if SECRET not in text}
    # Other versions of Python have moved some of what they go through.
    assert len(outcomes) - len(failed) >= 80, failed


OS = "def f(*args):\n    import random\n    os = random._os\n"


@pytest.mark.parametrize(
    ("source", "sqlstate", "message"),
    [
        ("def f(): return len('x' * (1 << 40))", "WH004", "exceeds a limit: 268435456 bytes of memory"),
        ("def f():\n    x = [0]\n    while True: x += x", "WH004", "bytes of memory"),
        ("def f(): return {i: [i] for i in range(10**9)}", "WH004", "bytes of memory"),
        ("def f(): return 'x' * 20_000_000", "WH004", "16777216 bytes in one message"),
        ("def f():\n    while True: pass", "WH004", "2000 ms of processor time"),
        ("def f(): return 7 ** (7 ** 12) % 2", "WH004", "2000 ms of processor time"),
        ("import re\ndef f(): return re.match('(a|a)*b', 'a' * 60)", "WH004", "2000 ms of processor time"),
        ("def f():\n    while True: print('x' * 1000)", "WH004", "a limit"),
        ("def f():\n    while True: query('SELECT 1')", "WH004", "1000 queries"),
        ("def f(): return len(query('SELECT generate_series(1, 20000)'))", "WH004", "10000 rows"),
        ("def f(): return f()", "WH005", "RecursionError"),
        ("def f():\n    x = []\n    for i in range(100000): x = [x]\n    return x", "WH005", "ValueError"),
        (
            "def f():\n    x = []\n    for i in range(100000): x = [x]\n    return repr(x)",
            "WH005",
            "RecursionError",
        ),
        (f"{OS}    while True: os.fork()", "WH005", "PermissionError"),
        (f"{OS}    os.kill(os.getppid(), 9)", "WH005", "PermissionError"),
        (f"{OS}    os.killpg(0, 9)", "WH005", "PermissionError"),
        (f"{OS}    os.abort()", "WH006", "the worker of the remote function died: signal"),
        (f"{OS}    os._exit(0)", "WH006", "the worker of the remote function died: exit status 0"),
        (f"{OS}    os.close(3)\n    query('SELECT 1')", "WH006", "the worker of the remote function died"),
        (f"{OS}    return [os.open('/dev/null', 0) for i in range(10**6)]", "WH005", "PermissionError"),
        ("def f(): return query('SELECT repeat($1, 100000000)', 'x')", "WH004", "a limit"),
        (
            "def f():\n    kept = [cursor('SELECT generate_series(1, 9)', chunk=1) for i in range(100)]\n    return [next(c) for c in kept]",
            "0A000",
            "64",
        ),
    ],
)
def test_what_takes_too_much_is_ended(
    tenant: Tenant, database: Database, source: str, sqlstate: str, message: str
) -> None:
    with database.connect() as admin:
        for setting in ("cpu_time = 2000", "queries = 1000", "rows = 10000", "result_size = '4MB'"):
            admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_{setting}")
    with database.connect(user=ROLE) as connection:
        own = Tenant(connection)
        began = time.monotonic()
        diag = own.fails(source)
        assert (diag.sqlstate, message in (diag.message_primary or "")) == (sqlstate, True), (
            diag.message_primary
        )
        assert time.monotonic() - began < 30
        assert own.lives()


UNCONFINED = {
    "fork": "pid = os.fork()\n    if pid == 0: os._exit(7)\n    return os.waitpid(pid, 0)[1] >> 8",
    "signal to the parent": "os.kill(os.getppid(), 0)\n    return 7",
    "signal to a group": "os.killpg(os.getpgid(os.getppid()), 0)\n    return 7",
    "a file": "return len(os.read(os.open('/dev/zero', 0), 7))",
    "many files": "return len([os.open('/dev/null', 0) for i in range(50)]) // 7",
    "a socket": "imp = vars(os)['sys'].modules['importlib']\n    return imp.import_module('socket').AF_INET + 5",
    "memory": "return len(bytearray(300 << 20)) // (300 << 20) * 7",
    "time": "end = os.times().user + 0.7\n    while os.times().user < end: pass\n    return 7",
    "queries": "for i in range(30): query('SELECT 1')\n    return 7",
    "rows": "return len(query('SELECT generate_series(1, 200)')) // 25",
    "output": "return 7, 'x' * 300_000",
    "printing": "print('x' * 3000)\n    return 7",
}
LOW = {"cpu_time": "500ms", "memory": "100MB", "queries": "20", "rows": "100", "result_size": "2kB"}


@pytest.mark.parametrize("name", UNCONFINED)
def test_unconfined_and_without_limits_it_would_be_done(
    database: Database, tenant: Tenant, name: str
) -> None:
    """What the test above sees is the work of walls and limits."""
    source = f"{OS}    {UNCONFINED[name]}"
    with database.connect() as admin:
        for setting, value in LOW.items():
            admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_{setting} = '{value}'")
        with database.connect(user=ROLE) as connection:
            assert Tenant(connection).fails(source).sqlstate in {"WH004", "WH005"}
        admin.execute(f"ALTER ROLE {ROLE} RESET ALL")
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_confinement = 'off'")
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_memory = '1GB'")
        with database.connect(user=ROLE) as connection:
            value = Tenant(connection).call(source)
            assert (value["v"][0] if isinstance(value, dict) else value) == (8 if name == "rows" else 7)


POWER = [
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY wormhole_power FROM PROGRAM 'echo 1'",
    "COPY (SELECT 1) TO '/dev/null'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    f"ALTER ROLE {ROLE} SUPERUSER",
    "CREATE ROLE wormhole_power",
    "CREATE FUNCTION wormhole_power() RETURNS int LANGUAGE plpy AS 'return 1'",
    "CREATE FUNCTION wormhole_power() RETURNS int LANGUAGE internal AS 'int4pl'",
    "INSERT INTO wormhole_allowed_modules VALUES ('os', true)",
    "UPDATE wormhole_functions SET trusted = NOT trusted",
    "INSERT INTO wormhole_approvals SELECT DISTINCT func_id, 'x' FROM wormhole_functions",
    "SELECT * FROM pg_authid",
    "SET multicorn.wormhole_rows = 1",
    "SET session_replication_role = replica",
]


@pytest.mark.parametrize("sql", POWER)
def test_a_statement_has_the_caller_s_rights_and_no_others(
    database: Database, tenant: Tenant, sql: str
) -> None:
    """A role without rights is refused what a superuser's function does."""
    source = f"def f(): execute({sql!r})"
    with database.connect() as admin:
        admin.execute("CREATE TABLE wormhole_power (n int)")
        assert tenant.fails(source).sqlstate == "42501"
        with admin.transaction(force_rollback=True):
            Tenant(admin).call(source)


MISCHIEF = [
    ("PREPARE p AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements"),
    ("SELECT pg_advisory_lock(1)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
    ("LISTEN x", "SELECT count(*) FROM pg_listening_channels()"),
    ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*) FROM pg_cursors WHERE is_holdable"),
    (
        "SET work_mem = '77MB'",
        "SELECT count(*) FROM pg_settings WHERE name = 'work_mem' AND setting = '78848'",
    ),
    ("SELECT set_config('search_path', 'evil', false)", "SELECT (current_schemas(false) = '{}')::int"),
    ("SET ROLE wormhole_tenant_team", "SELECT (current_user = 'wormhole_tenant_team')::int"),
]


@pytest.mark.parametrize(("sql", "left"), MISCHIEF)
def test_what_a_statement_leaves_in_a_session(
    database: Database, tenant: Tenant, sql: str, left: str
) -> None:
    """The same role can do it by itself; from a function nothing of it stays."""
    with database.connect() as admin:
        admin.execute("DROP ROLE IF EXISTS wormhole_tenant_team")
        admin.execute(f"CREATE ROLE wormhole_tenant_team ROLE {ROLE}")
    tenant.attempt(f"def f(): query({sql!r})")
    assert tenant.connection.execute(left).fetchone() == (0,)
    tenant.connection.execute(sql)
    assert tenant.connection.execute(left).fetchone() == (1,)
    with database.connect() as admin:
        admin.execute("DROP ROLE wormhole_tenant_team")


def frame(head: object, body: str = "", *, head_length: int | None = None) -> str:
    text, rest = json.dumps(head).encode(), body.encode()
    length = len(text) if head_length is None else head_length
    return (struct.pack("<II", 4 + len(text) + len(rest), length) + text + rest).hex()


@pytest.mark.parametrize(
    ("sent", "sqlstate", "message"),
    [
        ("ffffffff", "WH004", "16777216 bytes in one message"),
        ("0100000000", "WH006", "a frame's header is longer than the frame"),
        (frame({"t": "Returned"}, head_length=5000), "WH006", "a frame's header is longer than the frame"),
        (frame({"t": "Nonsense"}), "WH006", "a frame's header cannot be read"),
        (frame({"t": "Query", "sql": 5, "mode": "All"}), "WH006", "a frame's header cannot be read"),
        (frame({"t": "Yielded"}, "1"), "WH006", 'the worker sent "Yielded", which may not come now'),
        (frame({"t": "Accepted"}), "WH006", 'the worker sent "Accepted", which may not come now'),
        (frame({"t": "Ended"}), "WH006", 'the worker sent "Ended", which may not come now'),
        (frame({"t": "Returned"}, "no json"), "WH006", "what it gave is no JSON"),
        (frame({"t": "Returned"}, '1}, "unknown": true'), "WH006", "what it gave is no JSON"),
        # It would tell the client that the function is not known, or that it has written.
        (frame({"t": "Returned"}, '1, "unknown": true'), "WH006", "what it gave is no JSON"),
        (frame({"t": "Returned"}, "[" * 1_000_000 + "]" * 1_000_000), "54001", "stack depth limit exceeded"),
        (frame({"t": "Raised", "message": "x", "number": 99, "memory": False}, "{}"), "WH005", "x"),
        (
            frame({"t": "Raised", "message": "FATAL\0x" * 9999, "number": None, "memory": False}),
            "WH005",
            "FATAL",
        ),
        (
            frame({"t": "Refused", "sqlstate": "57P01", "message": "x", "hint": None, "detail": None}),
            "WH002",
            "x",
        ),
        (
            frame({"t": "Fetch", "cursor": 77, "count": 1}) + frame({"t": "Fetch", "cursor": 78, "count": 1}),
            "WH006",
            "",
        ),
    ],
)
def test_a_forged_frame_changes_nothing(tenant: Tenant, sent: str, sqlstate: str, message: str) -> None:
    diag = tenant.fails(
        f"{OS}    os.write(4, bytes.fromhex(args[0]))\n    os.read(3, 1)\n    os._exit(0)", sent
    )
    assert (diag.sqlstate, message in (diag.message_primary or "")) == (sqlstate, True), diag.message_primary
    assert diag.severity_nonlocalized == "ERROR"
    assert tenant.lives()


def test_a_reply_for_the_next_call_is_thrown_away(tenant: Tenant) -> None:
    """A worker that has said more than it was asked for is not used again."""
    two = frame({"t": "Returned"}, "1") + frame({"t": "Returned"}, '"forged"')
    source = f"{OS}    os.write(4, bytes.fromhex(args[0]))\n    os._exit(0)"
    assert tenant.call(source, two) == 1
    assert tenant.call("def f(): return 'true'") == "true"


def test_who_works_on_after_the_result_is_ended(database: Database, tenant: Tenant) -> None:
    """A function that gives its result by itself and goes on has nobody who watches its time, but the kernel."""
    with database.connect() as admin:
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_cpu_time = '500ms'")
    with database.connect(user=ROLE) as connection:
        own = Tenant(connection)
        source = f"{OS}    os.write(4, bytes.fromhex(args[0]))\n    while True: pass"
        assert own.call(source, frame({"t": "Returned"}, '"done"')) == "done"
        helper, worker = children(connection.info.backend_pid)
        assert gone([worker])
        assert state(helper) is not None
        assert own.lives()


def test_a_worker_that_has_used_its_time_is_replaced(database: Database, tenant: Tenant) -> None:
    """Calls are not ended by what the ones before them have used."""
    with database.connect() as admin:
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_cpu_time = '1s'")
    busy = """
import time
def f():
    end = time.process_time() + 0.7
    while time.process_time() < end: pass
    return end
"""
    with database.connect(user=ROLE) as connection:
        ends = [Tenant(connection).call(busy) for _ in range(7)]
        # The time of a new worker begins anew.
        assert [end for end in ends if end > 2] == []
        assert sorted(ends) != ends


def test_nothing_stays_in_a_worker_of_another_role(database: Database, tenant: Tenant) -> None:
    """What one role's code changes in its worker is gone when another role's code runs in the session."""
    spoil = "import json\ndef f():\n    json.dumps = lambda *a, **k: '\"spoiled\"'\n    return 1"
    show = "import json\ndef f(): return [json.dumps(1), query_value('SELECT current_user')]"
    with database.connect() as admin:
        admin.execute(f"SET ROLE {ROLE}")
        pooled = Tenant(admin)
        assert pooled.call(spoil) == 1
        assert pooled.call(show) == ['"spoiled"', ROLE]
        admin.execute("RESET ROLE")
        admin.execute("DROP ROLE IF EXISTS wormhole_tenant_other")
        admin.execute("CREATE ROLE wormhole_tenant_other")
        admin.execute("GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute TO wormhole_tenant_other")
        admin.execute("SET ROLE wormhole_tenant_other")
        assert pooled.call(show) == ["1", "wormhole_tenant_other"]
        admin.execute("RESET ROLE")
        admin.execute("DROP OWNED BY wormhole_tenant_other")
        admin.execute("DROP ROLE wormhole_tenant_other")


def test_no_descriptor_of_the_server_reaches_a_worker(database: Database, tenant: Tenant) -> None:
    with database.connect() as admin:
        admin.execute(f"ALTER ROLE {ROLE} SET multicorn.wormhole_confinement = 'off'")
    with database.connect(user=ROLE) as connection:
        connection.execute("SELECT count(*) FROM pg_class")
        links = Tenant(connection).call(
            f"{OS}    return [os.readlink(f'/proc/self/fd/{{n}}') for n in os.listdir('/proc/self/fd')"
            " if os.path.exists(f'/proc/self/fd/{n}')]"
        )
    assert isinstance(links, list)
    assert sorted(str(link).split(":")[0] for link in links) == ["/dev/null"] * 3 + ["pipe"] * 2


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        ({"$": "range", "v": [0, 10**12, 1]}, "SELECT array_length($1::bigint[], 1)"),
        ([{"$": "tuple", "v": [{"$": "range", "v": [0, 10**12, 1]}]}], "SELECT $1::jsonb"),
        ({"$": "dec", "v": "1e999999999"}, "SELECT $1::numeric"),
        ({"$": "dec", "v": "1e-999999999"}, "SELECT length($1::numeric::text) > 0"),
        ({"$": "dec", "v": "1e999999999"}, "SELECT $1::text"),
        ({"$": "dec", "v": "sNaN"}, "SELECT $1::numeric"),
        ({"$": "int", "v": "0x" + "f" * 100_000}, "SELECT $1::numeric"),
        ({"$": "int", "v": "0x" + "f" * 100_000}, "SELECT $1::text"),
        ({"$": "int", "v": "9" * 100_000}, "SELECT $1::int"),
        (
            {"$": "datetime", "v": "2026-01-01T00:00:00", "tz": "../../../../etc/passwd"},
            "SELECT $1::timestamptz",
        ),
        ({"$": "datetime", "v": "2026-01-01T00:00:00", "tz": "/etc/passwd"}, "SELECT $1::timestamptz"),
        ({"$": "timedelta", "v": [10**30, 0, 0]}, "SELECT $1::interval"),
        ({"$": "str", "v": "AA=="}, "SELECT $1::text"),
        ({"$": ["x"], "v": 1}, "SELECT $1::text"),
        ({"$": "dict", "v": [[{"$": "set", "v": []}, 1]]}, "SELECT $1::jsonb"),
        ("[" * 100_000, "SELECT $1::json"),
        ([1, "x", None, {}], "SELECT $1::int[]"),
    ],
)
def test_a_value_of_a_query_may_be_anything(tenant: Tenant, value: object, sql: str) -> None:
    """Values go from the worker into the backend's own Python: whatever they are, it takes no harm."""
    source = f"""{OS}    import collections
    backend = collections._sys.modules["wormhole._backend"]
    return str(backend.query(args[0], args[1], False))[:200]
"""
    outcome = tenant.attempt(source, sql, json.dumps([value]))
    assert isinstance(outcome, str)
    assert tenant.lives()


def test_text_that_is_no_json_as_a_query_s_values(tenant: Tenant) -> None:
    source = f"""{OS}    import collections
    backend = collections._sys.modules["wormhole._backend"]
    return [str(backend.query("SELECT 1", text, False)) for text in args]
"""
    answers = tenant.call(source, "{}", "[1", "[" * 200_000, "", "null", '{"$": "set", "v": [[]]}', "[1, 2]")
    assert isinstance(answers, list)
    assert all("sqlstate" in answer for answer in answers), answers
    assert tenant.lives()
