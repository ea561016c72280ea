"""Remote functions called with values of SQL: what ends a call, whose it is, counts, memory, encodings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from running import signal_soon
from test_function_memory import memory
from wormhole_tenant import ROLE, Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devkit.cluster import Cluster

    from conftest import Database

ADD = "def add(a, b): return a + b"
LOOP = "def loop(n):\n    while True: pass"
GENERATOR = "def loop(n):\n    yield n\n    while True: pass"
QUERY = "def loop(n): return query_value('SELECT pg_sleep(60)')"
FORMS = ("wormhole_value(%s::text, NULL::int, 1)", "(wormhole_typed(%s::text, NULL::int, 1)).value")


def installed(connection: psycopg.Connection, source: str) -> str:
    """The id of a function."""
    name = source.partition("(")[0].removeprefix("def ")
    row = connection.execute("SELECT wormhole_install(%s, %s)", [name, source]).fetchone()
    assert row is not None
    return str(row[0])


def one(connection: psycopg.Connection, sql: str, *args: object) -> object:
    """The only value of a statement."""
    row = connection.execute(sql.encode(), args).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", [LOOP, GENERATOR, QUERY])
@pytest.mark.parametrize("confined", [False, True])
def test_a_timeout_and_a_cancel_end_a_call(
    database: Database, tenant: Tenant, form, source, confined
) -> None:
    with database.connect(user=ROLE) if confined else database.connect() as connection:
        loop, add = installed(connection, source), installed(connection, ADD)
        connection.execute("SET statement_timeout = '200ms'")
        began = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            one(connection, f"SELECT {form}", loop)
        connection.execute("RESET statement_timeout")
        with (
            signal_soon(database.conninfo, "pg_cancel_backend", connection.info.backend_pid),
            pytest.raises(psycopg.errors.QueryCanceled, match="user request"),
        ):
            one(connection, f"SELECT {form}", loop)
        assert time.monotonic() - began < 4
        assert one(connection, "SELECT wormhole_value(%s::text, NULL::int, 1, 2)", add) == 3


def test_the_role_counts_at_each_call_of_a_site(database: Database, tenant: Tenant) -> None:
    source = "def who(): return query_value('SELECT current_user::text')"
    who = tenant.connection.execute("SELECT wormhole_install('who', %s)", [source]).fetchone()
    assert who is not None
    with database.connect() as admin:
        admin.execute("SELECT wormhole_approve(%s)", who)
        seen: list[str] = []
        admin.add_notice_handler(lambda notice: seen.append(notice.message_primary or ""))
        admin.execute(
            f"""DO $$ BEGIN
                FOR i IN 1..6 LOOP
                    IF i = 3 THEN SET LOCAL ROLE {ROLE}; ELSIF i = 5 THEN SET LOCAL ROLE NONE; END IF;
                    RAISE NOTICE '%', wormhole_value('{who[0]}', NULL::text);
                END LOOP;
            END $$"""
        )
        assert seen == ["postgres", "postgres", ROLE, ROLE, "postgres", "postgres"]
        # A right that is lost between two calls of the same site: the function is no longer there for it.
        admin.execute("DELETE FROM wormhole_approvals")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is not approved"):
            admin.execute("SELECT wormhole_value(%s, NULL::text)", who)


def test_what_a_function_changes_of_itself_counts_at_its_next_call(database: Database) -> None:
    """It drops itself while its own call site runs it."""
    source = "def once(me): return query_value('SELECT wormhole_drop($1)', me)"
    with database.connect() as connection:
        once = installed(connection, source)
        with pytest.raises(psycopg.errors.UndefinedFunction, match="no remote function"):
            connection.execute(
                "SELECT wormhole_value(%s::text, NULL::int, %s::text) FROM generate_series(1, 3)",
                [once, once],
            )
        assert installed(connection, source) == once
        assert one(connection, "SELECT wormhole_value(%s::text, NULL::int, %s::text)", once, once) == 1


def test_calls_of_a_loop_are_counted_and_timed(database: Database) -> None:
    source = (
        "def spin(n):\n    import time\n    end = time.monotonic() + n / 1000\n"
        "    while time.monotonic() < end: pass\n    return n"
    )
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO wormhole_allowed_modules (module_name, allowed) VALUES ('time', true)"
        )
        spin = installed(connection, source)
        connection.execute(
            "SELECT wormhole_value(%s::text, NULL::int, 10) FROM generate_series(1, 40)", [spin]
        )
        row = connection.execute(
            "SELECT execution_count, total_time FROM wormhole_functions WHERE func_id = %s", [spin]
        ).fetchone()
        assert row is not None
        assert row[0] == 40
        # The coarse clock's ticks are right on the average.
        assert 350 < row[1] < 600


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize("confined", [False, True])
def test_calls_leave_nothing_behind(database: Database, confined) -> None:
    with database.connect(user=ROLE) if confined else database.connect() as connection:
        echo = installed(connection, "def echo(*a): return a[0]")
        bad = installed(connection, "def bad(a): raise ValueError(a)")
        many = (
            "SELECT count(t.value), count(t.tagged), count(c.value) FROM generate_series(1, %s) n,"
            " LATERAL wormhole_typed(%s::text, NULL::text, repeat('x', 1000 + n %% 2), ARRAY[n], ROW(n)) t,"
            " LATERAL wormhole_call(%s::text, json_build_object('a', ARRAY[repeat('y', 1000 + n %% 2)])) c"
        )

        def work(calls: int) -> None:
            assert connection.execute(many, [calls, echo, echo]).fetchone() == (calls, 0, calls)
            for _ in range(calls // 20):
                connection.execute("SELECT wormhole_value(%s::text, NULL::int[], ARRAY[1, 2])", [echo])
                with pytest.raises(psycopg.DatabaseError):
                    connection.execute("SELECT wormhole_typed(%s::text, NULL::int, 1)", [bad])

        calls = 400 if confined else 4000
        work(calls)
        work(calls)
        before = memory(connection, "VmRSS")
        work(calls * 3)
        assert memory(connection, "VmRSS") - before < 1 << 20


@pytest.fixture(scope="module")
def latin(cluster: Cluster) -> Iterator[Database]:
    from conftest import Database

    cluster.sql("CREATE DATABASE in_latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    made = Database(cluster, "in_latin")
    made.sql("CREATE EXTENSION multicorn")
    yield made
    cluster.sql("DROP DATABASE in_latin WITH (FORCE)")


def test_another_encoding(latin: Database) -> None:
    with latin.connect(client_encoding="utf8") as connection:
        echo = installed(connection, "def echo(a): return a")
        euro = installed(connection, r"def euro(): return '\u20ac'")
        assert (
            one(connection, "SELECT (wormhole_typed(%s::text, NULL::text, %s::text)).value", echo, "ü") == "ü"
        )
        assert one(connection, "SELECT wormhole_value(%s::text, NULL::text, %s::text)", echo, "ü") == "ü"
        assert one(connection, 'SELECT (wormhole_call(%s::text, \'{"a": ["ü"]}\')).value', echo) == "ü"
        for call in (
            "wormhole_value(%s::text, NULL::text)", "wormhole_typed(%s::text, NULL::text)",
            "wormhole_typed(%s::text, NULL::int)", "wormhole_call(%s::text)",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.UntranslatableCharacter):
                one(connection, f"SELECT {call}", euro)
