"""statement_timeout, cancel and terminate end whatever Python does; `finally` blocks run."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from running import TABLE, Runner, signal_soon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

# Each would go on for a minute or for ever.
BLOCKERS = {
    "loop": "n = 0\nwhile True:\n    n += 1",
    "generator": "sum(1 for _ in iter(int, 1))",
    "sleep": "import time\ntime.sleep(60)",
    "lock": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
    "lock with timeout": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire(True, 60)",
    "queue": "import queue\nqueue.Queue().get()",
    "event": "import threading\nthreading.Event().wait()",
    "recv": "import socket\na, b = socket.socketpair()\na.recv(1)",
    "accept": "import socket\ns = socket.create_server(('127.0.0.1', 0))\ns.accept()",
    "pipe": "import os\nr, w = os.pipe()\nos.read(r, 1)",
    "select": "import os, select\nr, w = os.pipe()\nselect.select([r], [], [])",
    "subprocess": "import subprocess\nsubprocess.run(['sleep', '60'])",
    "thread": "import threading, time\nt = threading.Thread(target=time.sleep, args=(5,), daemon=True)\n"
    "t.start()\nt.join()",
    "asyncio": "import asyncio\nasyncio.run(asyncio.sleep(60))",
    "broad except": "n = 0\nwhile True:\n    try:\n        while True:\n            n += 1\n"
    "    except Exception:\n        pass",
}
WAYS = {
    "timeout": ("57014", "canceling statement due to statement timeout"),
    "pg_cancel_backend": ("57014", "canceling statement due to user request"),
    "pg_terminate_backend": ("57P01", "terminating connection due to administrator command"),
}
# Seconds. Promised; a machine that is busy with something else may miss it once, not three times.
LIMIT = 0.1
ATTEMPTS = 3


def with_finally(source: str) -> str:
    return f"try:\n{textwrap.indent(source, '    ')}\nfinally:\n    print('finally ran')\n"


@pytest.fixture
def prepared(database: Database) -> Database:
    with database.connect() as connection:
        connection.execute(TABLE)
    return database


@pytest.fixture
def runner(prepared: Database) -> Iterator[Runner]:
    with prepared.connect() as connection:
        made = Runner(connection)
        # Starting Python takes a good part of the time-outs below.
        made.run("result = 1")
        yield made


def seconds_to_end(database: Database, source: str, way: str) -> float:
    """Interrupt the source and return how long it lived on; checks the error and that all is well."""
    with database.connect() as connection:
        runner = Runner(connection)
        assert runner.run("result = 1") == "1"
        if way == "timeout":
            connection.execute("SET statement_timeout = 100")
            start = time.monotonic() + 0.1
            diag = runner.fails(with_finally(source))
            taken = time.monotonic() - start
            connection.execute("SET statement_timeout = 0")
        else:
            with signal_soon(database.conninfo, way, connection.info.backend_pid) as when:
                diag = runner.fails(with_finally(source))
                end = time.monotonic()
            taken = end - when[0]
        assert (diag.sqlstate, diag.message_primary) == WAYS[way]
        assert [message.text for message in runner.messages] == ["finally ran"], runner.messages
        if way != "pg_terminate_backend":
            assert runner.run("result = 'goes on'") == "goes on"
    return taken


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("blocker", BLOCKERS)
def test_everything_ends_in_time(prepared: Database, blocker: str, way: str) -> None:
    taken: list[float] = []
    while len(taken) < ATTEMPTS and min(taken, default=LIMIT) >= LIMIT:
        taken.append(seconds_to_end(prepared, BLOCKERS[blocker], way))
    assert min(taken) < LIMIT


def test_an_empty_loop_ends_as_well(runner: Runner) -> None:
    # Without `finally`: CPython 3.11 forgets it when the interrupted instruction is the loop's jump.
    runner.connection.execute("SET statement_timeout = 100")
    assert runner.fails("while True: pass").sqlstate == "57014"


def test_code_that_swallows_the_cancel_gets_it_again(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = 100")
    start = time.monotonic()
    diag = runner.fails(
        """
        import time
        for attempt in range(60):
            try:
                time.sleep(60)
            except BaseException:
                print(attempt)
                time.sleep(0.1)
                if attempt == 1:
                    raise
        """
    )
    assert diag.message_primary == "canceling statement due to statement timeout"
    assert 1 <= time.monotonic() - start < 3


def test_a_cancel_inside_a_destructor_is_not_lost(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = 100")
    start = time.monotonic()
    diag = runner.fails(
        """
        import time
        class Slow:
            def __del__(self):
                time.sleep(60)
        Slow()
        time.sleep(60)
        """
    )
    assert diag.message_primary == "canceling statement due to statement timeout"
    assert time.monotonic() - start < 0.9
    assert runner.messages == []


def test_finally_has_a_second_of_peace(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = 100")
    runner.fails(
        """
        import time
        try:
            time.sleep(60)
        finally:
            print('cleaning')
            time.sleep(0.5)
            print('cleaned up')
        """
    )
    assert runner.texts() == ["cleaning", "cleaned up"]


@pytest.mark.parametrize("raised", ["ValueError('in finally')", "SystemExit(1)"])
def test_an_error_of_finally_does_not_hide_the_cancel(runner: Runner, raised: str) -> None:
    runner.connection.execute("SET statement_timeout = 100")
    diag = runner.fails(f"import time\ntry:\n    time.sleep(60)\nfinally:\n    raise {raised}")
    assert diag.message_primary == "canceling statement due to statement timeout"


def test_a_cancelled_text_of_an_exception(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = 100")
    diag = runner.fails(
        """
        class Endless(Exception):
            def __str__(self):
                n = 0
                while True:
                    n += 1
        raise Endless
        """
    )
    assert diag.message_primary == "canceling statement due to statement timeout"


def test_a_child_that_ignores_signals_does_not_hold_the_statement(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = 100")
    start = time.monotonic()
    diag = runner.fails(
        """
        import subprocess
        subprocess.Popen(["sh", "-c", "trap '' INT TERM; sleep 2"], start_new_session=True).wait()
        """
    )
    assert diag.sqlstate == "57014"
    assert time.monotonic() - start < 1.5


def test_check_interrupts_raises_what_except_exception_does_not_catch(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = 100")
    diag = runner.fails(
        """
        from multicorn.utils import check_interrupts
        while True:
            try:
                check_interrupts()
            except Exception:
                pass
        """
    )
    assert diag.message_primary == "canceling statement due to statement timeout"


def test_a_cancel_of_nested_sql_is_not_swallowed(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = 100")
    diag = runner.fails(
        """
        from multicorn import sql
        for attempt in range(100):
            try:
                sql.execute("SELECT pg_sleep(60)")
            except Exception:
                pass
        """
    )
    assert diag.message_primary == "canceling statement due to statement timeout"


def test_a_terminate_inside_nested_sql_ends_the_session_quietly(prepared: Database) -> None:
    # The server ends the process below Python's frames: what they hold must be left alone.
    with prepared.connect() as connection:
        runner = Runner(connection)
        with signal_soon(prepared.conninfo, "pg_terminate_backend", connection.info.backend_pid):
            diag = runner.fails("from multicorn import sql\nsql.execute('SELECT pg_sleep(60)')")
        assert diag.sqlstate == "57P01"
        assert runner.messages == []


# What runs after an error, while the server holds interrupts.
CLEANUPS = {
    "sleep": "import time\n    time.sleep(60)",
    "loop": "n = 0\n    while True:\n        n += 1",
    "lock": "import threading\n    lock = threading.Lock()\n    lock.acquire()\n    lock.acquire()",
}


@pytest.mark.parametrize("cleanup", CLEANUPS)
def test_a_clean_up_ends_by_its_own_timeout(runner: Runner, cleanup: str) -> None:
    runner.connection.execute("SET multicorn.hook_timeout = 200")
    start = time.monotonic()
    diag = runner.fails_afterwards(f"result = 1\ndef finish():\n    {CLEANUPS[cleanup]}")
    assert diag.message_primary == "division by zero"
    assert 0.2 <= time.monotonic() - start < 2
    (text,) = runner.texts()
    assert "ran longer than multicorn.hook_timeout" in str(text)
    assert runner.run("result = 'goes on'") == "goes on"


def test_a_terminate_ends_a_clean_up(prepared: Database) -> None:
    with prepared.connect() as connection:
        runner = Runner(connection)
        runner.run("result = 1")
        with signal_soon(prepared.conninfo, "pg_terminate_backend", connection.info.backend_pid) as when:
            runner.fails_afterwards(f"result = 1\ndef finish():\n    {CLEANUPS['lock']}")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
            end = time.monotonic()
        assert end - when[0] < 1


def test_sql_is_refused_in_a_clean_up(runner: Runner) -> None:
    runner.fails_afterwards(
        """
        from multicorn import sql
        result = 1
        def finish():
            try:
                sql.execute("SELECT 1")
            except RuntimeError as error:
                print(error)
        """
    )
    assert runner.texts() == ["SQL cannot be run in a transaction hook or a clean-up"]


def test_a_clean_up_after_a_normal_end_obeys_the_timeout(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = 200")
    diag = runner.fails(f"result = 1\ndef finish():\n    {CLEANUPS['sleep']}")
    assert diag.message_primary == "canceling statement due to statement timeout"


def test_other_requests_are_served_while_python_waits(prepared: Database, runner: Runner) -> None:
    """DROP DATABASE waits until every backend has answered; a sleeping one must answer as well."""
    results: list[str | None] = []
    source = "import threading\nlock = threading.Lock()\nlock.acquire()\nresult = lock.acquire(timeout=2)"
    thread = threading.Thread(target=lambda: results.append(runner.run(source)))
    with prepared.connect() as other:
        other.execute("CREATE DATABASE doomed")
        thread.start()
        wait_until_active(other, runner.connection.info.backend_pid)
        start = time.monotonic()
        other.execute("DROP DATABASE doomed")
        assert time.monotonic() - start < 1.5
    thread.join()
    assert results == ["False"]


def wait_until_active(connection: psycopg.Connection, pid: int) -> None:
    query = f"SELECT state FROM pg_stat_activity WHERE pid = {int(pid)}"
    deadline = time.monotonic() + 10
    while connection.execute(query).fetchone() != ("active",):
        assert time.monotonic() < deadline


def test_a_backend_whose_client_is_gone_ends(prepared: Database) -> None:
    with prepared.connect() as watcher:
        script = (
            "import psycopg, sys\n"
            "c = psycopg.connect(sys.argv[1], autocommit=True)\n"
            "c.execute(\"SET client_connection_check_interval = '50ms'\")\n"
            "print(c.info.backend_pid, flush=True)\n"
            "c.execute(\"SELECT * FROM run WHERE source = 'import time; time.sleep(60)'\")\n"
        )
        command = [sys.executable, "-c", script, prepared.conninfo]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            pid = int(client.stdout.readline())
            wait_until_active(watcher, pid)
            client.kill()
        deadline = time.monotonic() + 10
        while watcher.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is not None:
            assert time.monotonic() < deadline
