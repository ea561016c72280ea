"""The registry of remote functions: who may write to it, and that no session goes by what it has said."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import psycopg
import pytest
from wormhole_tenant import ROLE, Tenant

from conftest import Database

TABLES = ("functions", "approvals", "grants", "allowed_modules", "installs")
PID = "import random\ndef f(): return random._os.getpid()"


def installed(connection: psycopg.Connection, source: str, name: str = "f") -> str:
    row = connection.execute("SELECT wormhole_install(%s, %s)", [name, source]).fetchone()
    assert row is not None
    return str(row[0])


def answer(connection: psycopg.Connection, func_id: str, *args: object) -> object:
    """What a call gives; the whole answer if the function is not known."""
    row = connection.execute("SELECT wormhole_execute(%s, %s)", [func_id, json.dumps({"a": args})]).fetchone()
    assert row is not None
    return row[0].get("r", row[0])


UNKNOWN = {"unknown": True}


@pytest.fixture
def session(tenant: Tenant) -> psycopg.Connection:
    """A session of the role that may install and call functions."""
    return tenant.connection


@pytest.fixture
def other(database: Database, tenant: Tenant) -> Iterator[psycopg.Connection]:
    """A session of another role that may call functions."""
    with database.connect() as admin:
        admin.execute("DROP ROLE IF EXISTS wormhole_tenant_other")
        admin.execute("CREATE ROLE wormhole_tenant_other LOGIN")
        admin.execute("GRANT EXECUTE ON FUNCTION wormhole_execute TO wormhole_tenant_other")
        with database.connect(user="wormhole_tenant_other") as made:
            yield made
        admin.execute("DROP OWNED BY wormhole_tenant_other")
        admin.execute("DROP ROLE wormhole_tenant_other")


ATTEMPTS = [
    "INSERT INTO wormhole_approvals VALUES ('x', 'x')",
    "INSERT INTO wormhole_approvals SELECT func_id, 'x' FROM wormhole_functions",
    "UPDATE wormhole_functions SET trusted = true",
    "UPDATE wormhole_functions SET source = 'x'",
    "INSERT INTO wormhole_functions SELECT 'x', 'f', current_user, now(), 0, NULL, 'x', 'x', 1, '', 'x'",
    "MERGE INTO wormhole_approvals USING (SELECT) s ON false WHEN NOT MATCHED THEN INSERT VALUES ('x', 'x')",
    "INSERT INTO wormhole_grants VALUES ('x', 'x', 'x', 'x')",
    "INSERT INTO wormhole_allowed_modules VALUES ('os', true)",
    "INSERT INTO wormhole_allowed_modules VALUES ('ctypes_of_mine', true)",
    "UPDATE wormhole_allowed_modules SET allowed = true",
    "DELETE FROM wormhole_installs",
]  # fmt: skip
TRUNCATIONS = [f"TRUNCATE wormhole_{table}" for table in TABLES]


def contents(connection: psycopg.Connection) -> list[list[tuple[object, ...]]]:
    return [
        connection.execute(f"SELECT * FROM wormhole_{table} ORDER BY 1, 2, 3").fetchall() for table in TABLES
    ]


def outcome(connection: psycopg.Connection, sql: str) -> str | None:
    try:
        return f"{connection.execute(sql).rowcount} rows"
    except psycopg.Error as error:
        return error.sqlstate


@pytest.mark.parametrize("how", ["GRANT ALL", "pg_write_all_data", "BYPASSRLS"])
def test_rights_on_all_tables_are_not_enough(database: Database, tenant: Tenant, how: str) -> None:
    """Such rights are given lightly, and what these tables say may run as the server's account."""
    assert tenant.lives()
    with database.connect() as admin:
        if how == "GRANT ALL":
            admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
        else:
            admin.execute(f"GRANT pg_write_all_data, pg_read_all_data TO {ROLE}")
        if how == "BYPASSRLS":
            admin.execute(f"ALTER ROLE {ROLE} BYPASSRLS")
        before = contents(admin)
        try:
            with database.connect(user=ROLE) as connection:
                for sql in ATTEMPTS + (TRUNCATIONS if how == "GRANT ALL" else []):
                    assert outcome(connection, sql) in {"42501", "0 rows"}, sql
                assert Tenant(connection).lives()
            assert contents(admin)[1:] == before[1:]
            assert [row[:3] for row in contents(admin)[0]] == [row[:3] for row in before[0]]
        finally:
            admin.execute(f"ALTER ROLE {ROLE} NOBYPASSRLS")
            admin.execute(f"REVOKE pg_write_all_data, pg_read_all_data FROM {ROLE}")


@pytest.mark.parametrize("table", ["functions", "installs"])
def test_nobody_s_trigger_runs_as_the_owner(
    database: Database, session: psycopg.Connection, table: str
) -> None:
    """The right TRIGGER on all tables would else make a superuser of whoever installs a function."""
    known = installed(session, "def f(): return 1")
    assert answer(session, known) == 1
    with database.connect() as admin:
        admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
        admin.execute(f"CREATE SCHEMA own AUTHORIZATION {ROLE}")
    session.execute(
        "CREATE FUNCTION own.evil() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN EXECUTE 'ALTER ROLE {ROLE} SUPERUSER'; RETURN NEW; END $$"
    )
    session.execute(
        f"CREATE TRIGGER evil BEFORE INSERT ON wormhole_{table} FOR EACH ROW EXECUTE FUNCTION own.evil()"
    )
    with pytest.raises(psycopg.Error) as caught:
        installed(session, "def f(): return 2")
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == (
        "55000",
        f'table "wormhole_{table}" of the extension has a trigger that is not a superuser\'s',
    )
    row = session.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False,)
    # What is only read goes on.
    assert answer(session, known) == 1
    with database.connect() as admin:
        admin.execute(f"DROP TRIGGER evil ON wormhole_{table}")
    assert answer(session, installed(session, "def f(): return 2")) == 2


def test_a_superuser_s_trigger_is_fine(database: Database, session: psycopg.Connection) -> None:
    with database.connect() as admin:
        admin.execute("CREATE TABLE seen (func_id text)")
        admin.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO public.seen VALUES (NEW.func_id); RETURN NULL; END $$"
        )
        admin.execute(
            "CREATE TRIGGER note AFTER INSERT ON wormhole_installs FOR EACH ROW EXECUTE FUNCTION note()"
        )
        func_id = installed(session, "def f(): return 1")
        assert admin.execute("SELECT func_id FROM seen").fetchall() == [(func_id,)]


def test_an_owner_that_is_no_superuser_vouches_for_nothing(database: Database, tenant: Tenant) -> None:
    """Whoever owns the tables could write that a function runs in process."""
    with database.connect() as admin:
        func_id = installed(admin, PID)
        admin.execute("SELECT wormhole_grant(%s, 'public')", [func_id])
        own = tenant.connection.info.backend_pid
        assert answer(tenant.connection, func_id) == own
        admin.execute("DROP ROLE IF EXISTS wormhole_registry_owner")
        admin.execute("CREATE ROLE wormhole_registry_owner")
        try:
            admin.execute("ALTER TABLE wormhole_approvals OWNER TO wormhole_registry_owner")
            assert answer(tenant.connection, func_id) != own
            admin.execute("SELECT wormhole_approve(%s)", [func_id])
            assert answer(tenant.connection, func_id) != own
            admin.execute("ALTER ROLE wormhole_registry_owner SUPERUSER")
            assert answer(tenant.connection, func_id) == own
            admin.execute("ALTER ROLE wormhole_registry_owner NOSUPERUSER")
            assert answer(tenant.connection, func_id) != own
        finally:
            admin.execute("ALTER TABLE wormhole_approvals OWNER TO postgres")
            admin.execute("DROP ROLE wormhole_registry_owner")


def test_what_was_taken_back_stays_taken_back(
    database: Database, session: psycopg.Connection, other: psycopg.Connection
) -> None:
    """A call under an old snapshot leaves nothing old for the calls that follow."""
    func_id = installed(session, PID)
    session.execute("SELECT 1")
    with database.connect() as admin:
        admin.execute("SELECT wormhole_approve(%s), wormhole_grant(%s, 'public')", [func_id, func_id])
        own = other.info.backend_pid
        with other.transaction():
            other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            assert answer(other, func_id) == own
            admin.execute("DELETE FROM wormhole_approvals")
            assert answer(other, func_id) != own
        assert answer(other, func_id) != own
        with other.transaction():
            other.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            assert answer(other, func_id) != own
            admin.execute("SELECT wormhole_revoke(%s, 'public')", [func_id])
            assert answer(other, func_id) == UNKNOWN
        assert answer(other, func_id) == UNKNOWN


def test_a_role_s_groups_count_at_each_call(
    database: Database, session: psycopg.Connection, other: psycopg.Connection
) -> None:
    func_id = installed(session, "def f(): return 1")
    with database.connect() as admin:
        admin.execute("DROP ROLE IF EXISTS wormhole_registry_team")
        admin.execute("CREATE ROLE wormhole_registry_team")
        try:
            admin.execute("SELECT wormhole_grant(%s, 'wormhole_registry_team')", [func_id])
            assert answer(other, func_id) == UNKNOWN
            admin.execute("GRANT wormhole_registry_team TO wormhole_tenant_other")
            assert answer(other, func_id) == 1
            admin.execute("REVOKE wormhole_registry_team FROM wormhole_tenant_other")
            assert answer(other, func_id) == UNKNOWN
        finally:
            admin.execute("DROP ROLE wormhole_registry_team")


def test_another_session_s_install_is_no_conflict(database: Database, session: psycopg.Connection) -> None:
    with database.connect(user=ROLE) as second, session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        session.execute("SELECT 1 FROM pg_class")
        func_id = installed(second, "def f(): return 1")
        assert installed(session, "def f(): return 1") == func_id
        assert answer(session, func_id) == 1


def test_a_text_that_is_changed_by_hand_counts(database: Database, tenant: Tenant) -> None:
    """Compiled code is kept for its text, in process and in a worker."""
    with database.connect() as admin:
        trusted = installed(admin, "def f(): return 1", "f")
        own = installed(tenant.connection, "def g(): return 1", "g")
        for value in (1, 2, 3, 2, 1):
            admin.execute(
                "UPDATE wormhole_functions SET source = format('def %%s(): return %%s', func_name, %s::int)",
                [value],
            )
            assert answer(admin, trusted) == value
            assert answer(tenant.connection, own) == value


def test_a_schema_that_is_renamed(database: Database, tenant: Tenant) -> None:
    with database.connect() as admin:
        admin.execute("DROP EXTENSION multicorn CASCADE")
        admin.execute('CREATE SCHEMA "a b"')
        admin.execute('CREATE EXTENSION multicorn SCHEMA "a b"')
        for schema in ('"a b"', '"c d"'):
            admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {ROLE}")
            admin.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {ROLE}")
            for connection in (admin, tenant.connection):
                connection.execute(f"SET search_path = {schema}")
                func_id = installed(connection, f"def f(): return {schema!r}")
                assert answer(connection, func_id) == schema
                connection.execute("SELECT wormhole_grant(%s, 'public')", [func_id])
            admin.execute("INSERT INTO wormhole_allowed_modules VALUES ('json', true, 'again')")
            admin.execute("DELETE FROM wormhole_functions WHERE created_by = 'postgres'")
            row = admin.execute("SELECT count(*) FROM wormhole_grants").fetchone()
            assert row == (1,)
            admin.execute("SELECT wormhole_drop('f')")
            if schema != '"c d"':
                admin.execute('ALTER SCHEMA "a b" RENAME TO "c d"')


def test_a_commit_does_not_wait_for_the_table(database: Database, tenant: Tenant) -> None:
    """Counting neither waits for whoever rebuilds the table nor fails, and is made up for later."""
    func_id = installed(tenant.connection, "def f(): return 1")
    assert answer(tenant.connection, func_id) == 1
    time.sleep(10.2)
    notices: list[str | None] = []
    tenant.connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    tenant.connection.execute("SET lock_timeout = '3s'")
    with database.connect() as admin, admin.transaction():
        admin.execute("LOCK TABLE wormhole_functions IN SHARE MODE")
        began = time.monotonic()
        assert answer(tenant.connection, func_id) == 1
        assert time.monotonic() - began < 2
    assert notices == []
    time.sleep(10.2)
    assert answer(tenant.connection, func_id) == 1
    row = tenant.connection.execute("SELECT execution_count FROM wormhole_functions").fetchone()
    assert row == (3,)


def test_a_cursor_s_function_runs_as_who_has_opened_it(database: Database, tenant: Tenant) -> None:
    """A pool's login that becomes its tenants does not lend them its rights where it reads their cursor."""
    source = "def f():\n    for i in range(3):\n        yield query_value('SELECT current_user')"
    with database.connect() as admin:
        for trusted in (False, True):
            if not trusted:
                admin.execute(f"SET ROLE {ROLE}")
            func_id = installed(admin, source)
            if trusted:
                admin.execute("SELECT wormhole_grant(%s, 'public')", [func_id])
                admin.execute(f"SET ROLE {ROLE}")
            seen: list[object] = []
            with admin.transaction():
                admin.execute("DECLARE c CURSOR FOR SELECT wormhole_items(%s) -> 'r'", [func_id])
                seen += admin.execute("FETCH 1 FROM c").fetchall()
                admin.execute("RESET ROLE")
                seen += admin.execute("FETCH ALL FROM c").fetchall()
                seen += admin.execute("SELECT current_user").fetchall()
            assert seen == [(ROLE,)] * 3 + [("postgres",)]
