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
