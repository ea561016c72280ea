"""What a call leaves behind in the session: nothing that whoever uses the session next could meet."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from wormhole_tenant import ROLE, Tenant

from conftest import Database

RUN = "def f(*statements):\n    for sql in statements: execute(sql)"

# What others of the session can see.
STATE = {
    "settings": "SELECT name, setting FROM pg_settings WHERE name <> 'application_name' ORDER BY 1",
    "roles": "SELECT current_user, session_user, current_setting('role')",
    "prepared": "SELECT name, statement FROM pg_prepared_statements",
    "cursors": "SELECT name FROM pg_cursors WHERE statement NOT LIKE '%pg_cursors%'",
    "listening": "SELECT pg_listening_channels()",
    "locks": "SELECT locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'",
    "relations": "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
    "functions": "SELECT proname FROM pg_proc WHERE pronamespace = pg_my_temp_schema()",
    "types": "SELECT typname FROM pg_type WHERE typnamespace = pg_my_temp_schema()",
    "operators": "SELECT oprname FROM pg_operator WHERE oprnamespace = pg_my_temp_schema()",
}

REFUSED = [
    ["PREPARE p AS SELECT 1"],
    ["DEALLOCATE ALL"],
    ["LISTEN c"],
    ["UNLISTEN *"],
    ["DISCARD ALL"],
    ["DISCARD TEMP"],
    ["DECLARE c CURSOR WITH HOLD FOR SELECT 1"],
    ["SELECT pg_advisory_lock(1)"],
    ["SELECT pg_try_advisory_lock_shared(1, 2)"],
    ["SET ROLE postgres"],
    ["SET SESSION AUTHORIZATION DEFAULT"],
    ["CREATE TEMP TABLE t ()"],
    ["CREATE TABLE pg_temp.t (i serial)"],
    ["SET search_path = pg_temp", "CREATE TABLE t ()"],
    ["SET search_path = pg_temp", "CREATE TYPE t AS (a int)"],
    ["CREATE TEMP TABLE t (i int) ON COMMIT DELETE ROWS"],
    ["CREATE TEMP TABLE t AS SELECT 1"],
    ["SELECT 1 AS i INTO TEMP t"],
    ["EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1"],
    ["EXPLAIN ANALYZE CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1"],
    ["CREATE TEMP VIEW v AS SELECT 1"],
    ["CREATE TEMP SEQUENCE s"],
    ["CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    ["SET search_path = pg_temp", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    ["CREATE TYPE pg_temp.e AS ENUM ('a')"],
    ["CREATE TYPE pg_temp.r AS RANGE (subtype = int)"],
    ["CREATE TYPE pg_temp.c AS (a int)"],
    ["CREATE DOMAIN pg_temp.d AS int"],
    ["CREATE AGGREGATE pg_temp.a (int) (SFUNC = int4pl, STYPE = int)"],
    ["CREATE OPERATOR pg_temp.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)"],
    ["DO $$ BEGIN CREATE TEMP TABLE t (); END $$"],
    ["DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE t (i serial)'; END $$"],
    ["CREATE TEMP TABLE t ON COMMIT DROP AS SELECT make_temporary()"],
]

ALLOWED = [
    ["SET work_mem = '1MB'", "SET search_path = nowhere", "SET TIME ZONE 'Asia/Tokyo'"],
    ["SET LOCAL work_mem = '1MB'", "SELECT set_config('my.own', 'x', false)"],
    ["SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
    ["SET TRANSACTION READ ONLY"],
    ["DECLARE c CURSOR FOR SELECT 1", "FETCH c"],
    ["SELECT pg_advisory_xact_lock(1)"],
    ["NOTIFY c"],
    ["CREATE TEMP TABLE t (i serial PRIMARY KEY, n text) ON COMMIT DROP", "INSERT INTO t (n) VALUES ('x')",
     "CREATE INDEX ON t (n)", "CREATE TEMP TABLE u ON COMMIT DROP AS SELECT * FROM t"],
    ["CREATE TEMP TABLE t (i int GENERATED ALWAYS AS IDENTITY) ON COMMIT DROP", "TABLE t"],
]  # fmt: skip


@pytest.fixture
def both(database: Database, tenant: Tenant) -> Iterator[tuple[Tenant, Tenant]]:
    """Sessions of roles whose functions run in the process and in a worker."""
    with database.connect() as admin:
        admin.execute(
            f"GRANT TEMPORARY ON DATABASE {database.name} TO {ROLE};"
            " CREATE FUNCTION make_temporary() RETURNS int LANGUAGE plpgsql AS"
            " $$ BEGIN CREATE TEMP TABLE inner_one (); RETURN 1; END $$"
        )
        near = Tenant(admin)
        assert near.lives()  # the library's settings are there from now on
        assert tenant.lives()
        for one in (admin, tenant.connection):
            one.execute("DO $$ BEGIN END $$")
        yield near, tenant


def state(tenant: Tenant) -> dict[str, list[tuple[object, ...]]]:
    """What is in the session now, by kind."""
    return {what: tenant.connection.execute(sql).fetchall() for what, sql in STATE.items()}


@pytest.mark.parametrize("statements", REFUSED, ids="; ".join)
def test_what_would_stay_is_refused(both: tuple[Tenant, Tenant], statements: list[str]) -> None:
    for one in both:
        before = state(one)
        # In a transaction, and with the error caught by the function.
        with one.connection.transaction():
            caught = one.attempt(
                "def f(*statements):\n"
                "    try:\n"
                "        for sql in statements: execute(sql)\n"
                "    except ServerError as error: return error.sqlstate",
                *statements,
            )
        assert caught in {"0A000", "42501"}
        assert state(one) == before
        assert one.attempt(RUN, *statements) == caught
        assert state(one) == before


@pytest.mark.parametrize("statements", ALLOWED, ids="; ".join)
def test_what_is_allowed_does_not_stay(both: tuple[Tenant, Tenant], statements: list[str]) -> None:
    for one in both:
        before = state(one)
        assert one.call(RUN, *statements) is None
        assert state(one) == before
        with one.connection.transaction():
            assert one.call(RUN, *statements) is None
        assert state(one) == before


def test_a_table_of_the_client_may_be_used(both: tuple[Tenant, Tenant]) -> None:
    for one in both:
        one.connection.execute("CREATE TEMP TABLE mine (i serial)")
        use = "INSERT INTO mine DEFAULT VALUES"
        assert one.call(RUN, use, "CREATE INDEX ON mine (i)", "ALTER TABLE mine ADD n text") is None
        # That writes the table anew.
        assert one.call(RUN, "ALTER TABLE mine ALTER i TYPE int8 USING i") is None
        assert one.connection.execute("SELECT * FROM mine").fetchall() == [(1, None)]
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            one.call(RUN, "CREATE VIEW over AS SELECT * FROM mine")


def test_what_the_server_makes_for_itself_is_its_own(database: Database, both: tuple[Tenant, Tenant]) -> None:
    with database.connect() as admin:
        admin.execute(f"GRANT CREATE ON SCHEMA public TO {ROLE}")
    for name, one in zip(("near", "far"), both, strict=True):
        one.connection.execute(f"CREATE MATERIALIZED VIEW {name} AS SELECT 1 AS i")
        one.connection.execute(f"CREATE UNIQUE INDEX ON {name} (i)")
        before = state(one)
        assert one.call(RUN, f"REFRESH MATERIALIZED VIEW CONCURRENTLY {name}") is None
        assert (
            one.call(RUN, f"REFRESH MATERIALIZED VIEW {name}", f"CLUSTER {name} USING {name}_i_idx") is None
        )
        assert state(one) == before


def test_the_hint_says_how(tenant: Tenant) -> None:
    diag = tenant.fails("def f(): execute('CREATE TEMP TABLE t ()')")
    assert diag.message_primary == (
        "a table, view, sequence or type that is temporary and outlives the transaction cannot be created in"
        " a remote function"
    )
    hint = "CREATE TEMPORARY TABLE … ON COMMIT DROP makes a table that ends with the transaction."
    assert (diag.sqlstate, diag.message_hint) == ("0A000", hint)
