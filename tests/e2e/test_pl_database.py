"""The module `Postgres` under what no regression test shows: FATAL, threads, cancels in blocks, memory."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from running import signal_soon

if TYPE_CHECKING:
    from conftest import Database

TABLE = "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)"


def function(body: str, head: str = "f() RETURNS text") -> str:
    """The SQL that makes a function."""
    return f"CREATE OR REPLACE FUNCTION {head} LANGUAGE python AS $py$\n{body}\n$py$"


def resident(pid: int) -> int:
    """Kilobytes of private memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    message = f"process {pid} shows no RssAnon"
    raise AssertionError(message)


@pytest.mark.parametrize("caught", ["pass", "raise ValueError('in its place')"])
def test_fatal_ends_the_session_whatever_catches_it(database: Database, caught: str) -> None:
    body = f"""
import Postgres
def main():
    try:
        Postgres.FATAL("the end", code="57P05", detail="its detail")
    except Exception:
        {caught}
    finally:
        Postgres.NOTICE("finally")
    return "lives on"
"""
    notices: list[str] = []
    with database.connect() as connection:
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        connection.execute(function(body))
        with pytest.raises(psycopg.OperationalError, match="the end"):
            connection.execute("SELECT f()")
    assert connection.broken
    assert notices == ["finally"]


def test_the_database_is_refused_in_threads(connection: psycopg.Connection) -> None:
    body = """
import threading, Postgres
statement = prepare("SELECT 1")
def main():
    told = []
    def run():
        for action in (lambda: prepare("SELECT 1"), statement, lambda: sqleval("1"),
                       lambda: xact().__enter__(), lambda: Postgres.LargeObject.create(),
                       lambda: Postgres.proc("now()")()):
            try:
                action()
                told.append("done")
            except RuntimeError as error:
                told.append(str(error))
        Postgres.NOTICE("from a thread")
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return "\\n".join(sorted(set(told)))
"""
    notices: list[str] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    connection.execute(function(body))
    told = connection.execute("SELECT f()").fetchone()
    assert told == ("SQL can be run only on the session's own thread",)
    assert "from a thread" in notices


def test_a_statement_may_be_let_go_by_a_thread(connection: psycopg.Connection) -> None:
    body = """
import threading
def main():
    for _ in range(20):
        held = [prepare("SELECT 1"), prepare("SELECT 1").rows()]
        thread = threading.Thread(target=held.clear)
        thread.start()
        thread.join()
    return str(prepare("SELECT 2").first())
"""
    connection.execute(function(body))
    assert connection.execute("SELECT f()").fetchone() == ("2",)


BLOCKED = {
    "block": "with xact():\n        while True: pass",
    "blocks": "with xact():\n        with xact():\n            while True: pass",
    "broad except": "with xact():\n        while True:\n            try:\n                while True: pass\n"
    "            except Exception: pass",
    "statement": "with xact():\n        sqleval('pg_sleep(60)')",
    "cursor": "for _ in prepare('SELECT pg_sleep(0.01) FROM generate_series(1, 10000)').rows(): pass",
    "sleep": "Postgres.sleep(60)",
    "swallowed": "try:\n        sqleval('pg_sleep(60)')\n    except Exception: pass\n    while True: pass",
}


@pytest.mark.parametrize("blocked", BLOCKED.values(), ids=BLOCKED)
def test_a_timeout_ends_it_and_the_session_lives_on(connection: psycopg.Connection, blocked: str) -> None:
    connection.execute(TABLE)
    insert = "prepare('INSERT INTO t VALUES (2)')()"
    connection.execute(function(f"import Postgres\ndef main():\n    {insert}\n    {blocked}"))
    connection.execute("SET statement_timeout = '150ms'")
    begun = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT f()")
    assert time.monotonic() - begun < 2
    connection.execute("SET statement_timeout = 0")
    connection.execute(function("def main():\n    with xact():\n        return str(sqleval('1 + 1'))"))
    assert connection.execute("SELECT f(), count(*) FROM t").fetchone() == ("2", 1)


def test_a_cancel_of_another_session_ends_a_block(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(function("def main():\n    with xact():\n        while True: pass"))
        pid = connection.info.backend_pid
        with (
            signal_soon(database.conninfo, "pg_cancel_backend", pid),
            pytest.raises(psycopg.errors.QueryCanceled, match="user request"),
        ):
            connection.execute("SELECT f()")
        assert connection.execute("SELECT 1").fetchone() == (1,)


GROWS = {
    "prepared once": """
s = prepare('SELECT $1::int + 1')
def main():
    for i in range(2000): s.first(i)""",
    "prepared each time": """
def main():
    for i in range(200): sqleval('$1::int', i)""",
    "errors caught": """
import Postgres
s = prepare('INSERT INTO t VALUES (1)')
def main():
    for i in range(200):
        try:
            with xact(): s()
        except Postgres.Exception: pass""",
    "cursors": """
s = prepare('SELECT i FROM generate_series(1, 1000) i')
def main():
    for i in range(50): sum(int(row[0]) for row in s.rows())""",
    "functions": """
f = proc('lower(text)')
def main():
    for i in range(1000): f('ABC')""",
    "relayed": """
def main():
    for i in range(100):
        try:
            with xact(): sqleval('raises()')
        except ValueError: pass""",
    "arguments refused": """
s = prepare('SELECT $1::int')
def main():
    for i in range(100):
        try:
            with xact(): s.first(object())
        except Exception: pass""",
}


@pytest.mark.parametrize("body", GROWS.values(), ids=GROWS)
def test_memory_does_not_grow(connection: psycopg.Connection, body: str) -> None:
    connection.execute(TABLE)
    connection.execute(function("def main():\n    raise ValueError('again')", "raises() RETURNS int"))
    connection.execute(function(body))
    for _ in range(10):
        connection.execute("SELECT f()")
    pid = connection.info.backend_pid
    before = resident(pid)
    for _ in range(30):
        connection.execute("SELECT f()")
    assert resident(pid) - before < 1500


def test_a_replaced_function_costs_little(connection: psycopg.Connection) -> None:
    def replace(times: int) -> None:
        for at in range(times):
            body = f"s = prepare('SELECT {at}')\ndef main():\n    return str(s.first())"
            connection.execute(function(body))
            assert connection.execute("SELECT f()").fetchone() == (str(at),)

    replace(200)
    pid = connection.info.backend_pid
    before = resident(pid)
    replace(600)
    assert resident(pid) - before < 2500


COUNTS = """
add = prepare('INSERT INTO counted VALUES ($1)')
def main(n):
    for i in range(int(n)):
        try:
            with xact():
                add(i)
                if i % 2: raise KeyError
        except KeyError: pass
    return 'done'"""


def test_many_sessions_with_blocks(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE counted (n int)")
        connection.execute(function(COUNTS, "f(n int) RETURNS text"))

    def run() -> None:
        with database.connect() as connection:
            for _ in range(5):
                connection.execute("SELECT f(40)")

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM counted").fetchone() == (6 * 5 * 20,)
