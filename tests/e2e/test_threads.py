"""Threads, processes and exit handlers of wrappers; a backend that ends while they live."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from running import TABLE, Runner, written_since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

LIVING = """
CREATE SERVER {name} FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'living.{class_name}');
CREATE FOREIGN TABLE {name} (n int) SERVER {name};
"""
# Seconds. A backend has nothing to wait for; a machine that is busy otherwise may take its time.
LIMIT = 5


@pytest.fixture
def runner(database: Database) -> Iterator[Runner]:
    with database.connect() as connection:
        connection.execute(TABLE)
        yield Runner(connection)


def make(connection: psycopg.Connection, class_name: str) -> str:
    """Make a table of a class of `living` and return its name."""
    name = class_name.lower()
    connection.execute(LIVING.format(name=name, class_name=class_name))
    return name


def exists(watcher: psycopg.Connection, pid: int) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE pid = %s"
    return watcher.execute(query, [pid]).fetchone() is not None


def wait_until_gone(watcher: psycopg.Connection, pid: int) -> None:
    deadline = time.monotonic() + LIMIT
    while exists(watcher, pid):
        assert time.monotonic() < deadline, "the backend does not end"


class TestThreads:
    def test_a_pool_in_execute(self, runner: Runner) -> None:
        table = make(runner.connection, "Pooled")
        for _ in range(3):
            rows = runner.connection.execute(f"SELECT n FROM {table}").fetchall()
            assert rows == [(n * n,) for n in range(10)]
        rows = runner.connection.execute(f"SELECT n FROM {table} LIMIT 2").fetchall()
        assert rows == [(0,), (1,)]

    def test_a_thread_outlives_the_query(self, runner: Runner) -> None:
        """It runs while Python runs; its messages come with the next call."""
        table = make(runner.connection, "Ticking")
        ticks: list[int] = []
        deadline = time.monotonic() + LIMIT
        while not any(str(message.text).startswith("tick ") for message in runner.messages):
            row = runner.connection.execute(f"SELECT n FROM {table}").fetchone()
            assert row is not None
            ticks.append(row[0])
            assert time.monotonic() < deadline
        assert ticks == sorted(ticks)

    def test_exit_in_a_thread_ends_the_thread(self, runner: Runner) -> None:
        found = runner.run(
            """
            import sys, threading
            thread = threading.Thread(target=sys.exit, args=(3,))
            thread.start()
            thread.join()
            result = thread.is_alive()
            """
        )
        assert (found, runner.texts()) == ("False", [])

    def test_logging_and_warnings_of_a_thread(self, runner: Runner) -> None:
        runner.run(
            """
            import logging, threading, warnings
            def work():
                logging.getLogger("library").warning("logged %d", 1)
                warnings.warn("warned")
                print("printed")
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            """
        )
        assert runner.texts() == ["logged 1", "UserWarning: warned", "printed"]

    def test_a_cancel_while_threads_run(self, runner: Runner) -> None:
        runner.run("result = 1")
        runner.connection.execute("SET statement_timeout = 200")
        diag = runner.fails(
            """
            from concurrent.futures import ThreadPoolExecutor
            import threading
            stop = threading.Event()
            with ThreadPoolExecutor(4) as pool:
                try:
                    list(pool.map(lambda n: stop.wait(60), range(8)))
                finally:
                    stop.set()
            """
        )
        assert diag.sqlstate == "57014"
        runner.connection.execute("SET statement_timeout = 0")
        assert runner.run("result = 2") == "2"

    def test_a_thread_may_not_use_what_belongs_to_the_session(self, runner: Runner) -> None:
        found = runner.run(
            """
            import threading
            from multicorn import _native, sql
            seen = []
            def work():
                for call in (lambda: sql.execute("SELECT 1"), lambda: _native.rights()):
                    try:
                        seen.append(call())
                    except RuntimeError as error:
                        seen.append(str(error))
            threads = [threading.Thread(target=work) for _ in range(8)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
            result = len(seen), sorted({str(one) for one in seen})
            """
        )
        assert found == "(16, ['None', \"SQL can be run only on the session's own thread\"])"


class TestExit:
    """A backend that ends has nothing to wait for, and does not end by a signal (the fixture looks)."""

    @pytest.mark.parametrize("class_name", ["Living", "Pooled", "Ticking", "Stubborn"])
    @pytest.mark.parametrize(
        "way", ["quit", "quit in a cursor", "terminate", "terminate in a cursor", "vanish"]
    )
    def test_a_session_ends(self, database: Database, class_name: str, way: str) -> None:
        with database.connect() as watcher:
            connection = database.connect()
            table = make(connection, class_name)
            pid = connection.info.backend_pid
            if "cursor" in way:
                connection.execute(f"BEGIN; DECLARE c CURSOR FOR SELECT n FROM {table}; FETCH c")
            else:
                connection.execute(f"SELECT n FROM {table}").fetchall()
            if way.startswith("quit"):
                connection.close()
            elif way.startswith("terminate"):
                watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
            else:
                # No goodbye: the server finds the socket closed.
                with socket.socket(fileno=os.dup(connection.fileno())) as shared:
                    shared.shutdown(socket.SHUT_RDWR)
            wait_until_gone(watcher, pid)
            connection.close()

    def test_exit_in_the_middle_of_a_sleep(self, database: Database) -> None:
        with database.connect() as watcher, database.connect() as connection:
            connection.execute(TABLE)
            runner = Runner(connection)
            pid = connection.info.backend_pid
            runner.run(
                "import atexit, threading, time\natexit.register(time.sleep, 60)\n"
                "threading.Thread(target=time.sleep, args=(60,)).start()\nresult = 1"
            )
            watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
            wait_until_gone(watcher, pid)

    @pytest.mark.crashes
    def test_os_exit_restarts_the_server(self, database: Database) -> None:
        """It skips the server's own end of a session, and the server then trusts nothing any more."""
        size = database.cluster.log.stat().st_size
        with database.connect() as connection:
            connection.execute(TABLE)
            with pytest.raises(psycopg.OperationalError, match="server closed the connection"):
                Runner(connection).run("import os\nos._exit(0)")
        wait_for_log(database, size, "terminating any other active server processes")
        wait_for_log(database, size, "database system is ready to accept connections")


def wait_for_log(database: Database, size: int, text: str) -> None:
    deadline = time.monotonic() + LIMIT
    while text not in written_since(database.cluster.log, size):
        assert time.monotonic() < deadline, text


def swallowed(source: str) -> str:
    """Source that tries something, reports what it raised, and then loops until it is cancelled."""
    return f"""
import signal
try:
    {source}
except Exception as error:
    print(f"{{type(error).__name__}}: {{error}}")
import time
time.sleep(60)
"""


class TestSignals:
    """What a wrapper's library does to the signals by which the server rules the session is refused."""

    @pytest.mark.parametrize(
        "source",
        [
            "signal.signal(signal.SIGALRM, lambda *a: None)",
            "signal.signal(signal.SIGALRM, signal.SIG_IGN)",
            "signal.signal(14, signal.SIG_DFL)",
            "__import__('_signal').signal(signal.SIGALRM, signal.SIG_IGN)",
            "signal.alarm(60)",
            "signal.setitimer(signal.ITIMER_REAL, 60)",
            "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])",
            "signal.pthread_sigmask(signal.SIG_SETMASK, range(1, 32))",
        ],
    )
    def test_a_timeout_still_comes(self, runner: Runner, source: str) -> None:
        runner.run("result = 1")
        runner.connection.execute("SET statement_timeout = 200")
        start = time.monotonic()
        diag = runner.fails(swallowed(source))
        assert diag.message_primary == "canceling statement due to statement timeout"
        assert time.monotonic() - start < LIMIT
        texts = [] if "pthread_sigmask" in source else ["SIGALRM belongs to the server"]
        assert [str(text).split(": ")[1] for text in runner.texts()] == texts

    @pytest.mark.parametrize(
        "name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP", "SIGQUIT", "SIGPIPE", "SIGURG"]
    )
    def test_the_servers_signals_stay_its_own(self, runner: Runner, name: str) -> None:
        diag = runner.fails(f"import signal\nsignal.signal(signal.{name}, signal.SIG_DFL)")
        assert diag.message_primary == "Error in python: ValueError"
        assert diag.message_detail == f"{name} belongs to the server: a wrapper cannot change what it does"

    def test_other_signals_are_the_wrappers(self, runner: Runner) -> None:
        found = runner.run(
            """
            import signal
            seen = []
            old = signal.signal(signal.SIGUSR2, lambda number, frame: seen.append(number))
            signal.raise_signal(signal.SIGUSR2)
            signal.signal(signal.SIGUSR2, old)
            with_mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
            result = len(seen), signal.getitimer(signal.ITIMER_VIRTUAL)
            """
        )
        assert found == "(1, (0.0, 0.0))"

    def test_faulthandler(self, runner: Runner) -> None:
        """It writes to a file descriptor, which sys.stderr has not."""
        diag = runner.fails("import faulthandler\nfaulthandler.enable()")
        assert diag.message_primary in {
            "Error in python: UnsupportedOperation",
            "Error in python: AttributeError",
        }
        assert (
            runner.run("import faulthandler\nfaulthandler.enable(2)\nresult = faulthandler.is_enabled()")
            == "True"
        )
