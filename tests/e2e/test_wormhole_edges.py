"""Where remote functions meet the rest of the server: triggers, search paths, encodings, parallel plans."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from devkit.cluster import Cluster
from test_wormhole_session import children, gone
from wormhole_tenant import ROLE, Tenant

from conftest import Database


@pytest.fixture(params=["in process", "confined"])
def either(request: pytest.FixtureRequest, database: Database, tenant: Tenant) -> Iterator[Tenant]:
    """A superuser's session, whose functions run in process, and that of an ordinary role."""
    if request.param == "confined":
        yield tenant
        return
    with database.connect() as connection:
        yield Tenant(connection)


def test_a_trigger_s_transition_tables_are_not_the_function_s(database: Database, either: Tenant) -> None:
    """A name that a function looks up is not shadowed by the trigger around it."""
    with database.connect() as admin:
        admin.execute(
            "CREATE TABLE item (id int); CREATE TABLE changed (what text); CREATE TABLE log (what text)"
        )
        admin.execute("INSERT INTO changed VALUES ('the table')")
        admin.execute(f"GRANT ALL ON item, changed, log TO {ROLE}")
        admin.execute("""
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpy AS $$
    own = plpy.execute("SELECT count(*) AS n FROM changed")[0]["n"]
    plan = plpy.prepare("SELECT wormhole_execute($1)->>'r' AS r", ["text"])
    plpy.execute(plpy.prepare("INSERT INTO log VALUES ($1)", ["text"]),
                 [f"{own} {plpy.execute(plan, [TD['args'][0]])[0]['r']}"])
$$""")
    source = "def f(): return query_value('SELECT max(c::text) FROM changed AS c')"
    row = either.connection.execute("SELECT wormhole_install('f', %s)", [source]).fetchone()
    assert row is not None
    with database.connect() as admin:
        admin.execute(
            "CREATE TRIGGER note AFTER INSERT ON item REFERENCING NEW TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION note('{row[0]}')"
        )
    either.connection.execute("INSERT INTO item VALUES (1), (2)")
    with database.connect() as admin:
        assert admin.execute("SELECT what FROM log").fetchall() == [('2 ("the table")',)]


def test_a_transition_table_cannot_stand_for_a_catalogue(database: Database, tenant: Tenant) -> None:
    """Whoever may name one could else say which groups a role belongs to."""
    with database.connect() as admin:
        row = admin.execute("SELECT wormhole_install('f', 'def f(): return 1')").fetchone()
        assert row is not None
        admin.execute("DROP ROLE IF EXISTS wormhole_edges_team")
        admin.execute("CREATE ROLE wormhole_edges_team")
        admin.execute("SELECT wormhole_grant(%s, 'wormhole_edges_team')", [row[0]])
        admin.execute("""
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpy AS $$
    plpy.notice(plpy.execute(f"SELECT wormhole_execute('{TD['args'][0]}') AS r")[0]["r"])
$$""")
        admin.execute(f"CREATE SCHEMA own AUTHORIZATION {ROLE}")
    notices: list[str | None] = []
    tenant.connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    tenant.connection.execute("CREATE TABLE own.item (oid oid, rolname name)")
    tenant.connection.execute(
        "CREATE TRIGGER note AFTER INSERT ON own.item REFERENCING NEW TABLE AS pg_roles"
        f" FOR EACH STATEMENT EXECUTE FUNCTION public.note('{row[0]}')"
    )
    tenant.connection.execute(
        f"INSERT INTO own.item SELECT oid, 'wormhole_edges_team' FROM pg_roles WHERE rolname = '{ROLE}'"
    )
    assert notices == ['{"unknown": true}']
    with database.connect() as admin:
        admin.execute("DROP ROLE wormhole_edges_team")


def test_parameters_are_typed_in_the_path_of_the_call(database: Database, either: Tenant) -> None:
    """Tenants by schema: the same text means another table, whose columns have other types."""
    with database.connect() as admin:
        for schema, kind, value in (
            ("one", "int", "1"),
            ("two", "text", "'x'"),
            ("three", "date", "'2026-01-02'"),
        ):
            admin.execute(f"CREATE SCHEMA {schema}")
            admin.execute(f"CREATE TABLE {schema}.item (a {kind})")
            admin.execute(f"INSERT INTO {schema}.item VALUES ({value})")
            admin.execute(
                f"GRANT USAGE ON SCHEMA {schema} TO {ROLE}; GRANT SELECT ON {schema}.item TO {ROLE}"
            )
    source = "def f(value): return query_value('SELECT count(*) FROM item WHERE a = $1', value)"
    for _ in range(3):
        for schema, value in (("one", 1), ("two", "x"), ("three", {"$": "date", "v": "2026-01-02"})):
            either.connection.execute(f"SET search_path = {schema}, public")
            assert either.call(source, value) == 1
    inside = """
def f():
    found = []
    for schema, value in ("one", 1), ("two", "x"):
        execute(f"SET search_path = {schema}, public")
        found.append(query_value('SELECT count(*) FROM item WHERE a = $1', value))
    return found
"""
    assert either.call(inside) == [1, 1]


ONE_HASH = [{"$": "int", "v": str(n * (2**61 - 1))} for n in range(200_000)]


@pytest.mark.parametrize(
    "value",
    [
        {"$": "set", "v": ONE_HASH},
        {"$": "frozenset", "v": ONE_HASH},
        {"$": "dict", "v": [[key, 1] for key in ONE_HASH]},
        [1, {"a": {"$": "set", "v": ONE_HASH}}],
    ],
    ids=["set", "frozenset", "dict", "inside"],
)
def test_values_of_one_hash_can_be_interrupted(database: Database, either: Tenant, value: object) -> None:
    """A set of them takes minutes to make, in the backend where it is a query's parameter."""
    with database.connect() as admin:
        admin.execute(f"GRANT EXECUTE ON FUNCTION wormhole_query TO {ROLE}")
    text = json.dumps(value)
    either.call("def f(x): return 1", 1)
    either.connection.execute("SET statement_timeout = '500ms'")
    for sql, arguments in (
        ("SELECT * FROM wormhole_query('SELECT 1 WHERE $1::text IS NULL', %s::jsonb)", f"[{text}]"),
        (
            "SELECT wormhole_execute(wormhole_install('f', 'def f(x): return 1'), %s::jsonb)",
            f'{{"a": [{text}]}}',
        ),
    ):
        began = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            either.connection.execute(sql, [arguments])
        assert time.monotonic() - began < 8
    either.connection.execute("RESET statement_timeout")
    assert either.lives()


def test_integers_that_take_long_to_compare(either: Tenant) -> None:
    """To find that an int and a Decimal of one hash differ takes a time that grows with the square."""
    number = int("f" * 4_000_000, 16)
    pair = [{"$": "dec", "v": str(number % (2**61 - 1))}, {"$": "int", "v": hex(number)}]
    began = time.monotonic()
    diag = either.fails("def f(x): return len(x)", {"$": "set", "v": pair})
    assert (diag.sqlstate, diag.message_primary) == (
        "WH005",
        "ValueError: a value tagged 'int' is malformed: an int of more than 524288 bits",
    )
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("victim", "died"), [(-1, "signal 9"), (0, "the helper has ended")])
def test_who_is_killed_in_the_middle_of_a_call(
    database: Database, tenant: Tenant, victim: int, died: str
) -> None:
    """As by a kernel that is short of memory: the call fails, and the next one does not."""
    assert tenant.lives()
    pid = tenant.connection.info.backend_pid

    def kill() -> None:
        sleeps = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        with database.connect() as other:
            while other.execute(sleeps, [pid]).fetchone() == (0,):
                time.sleep(0.01)
        os.kill(children(pid)[victim], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    diag = tenant.fails("def f(): return query_value('SELECT pg_sleep(2)')")
    thread.join()
    assert (diag.sqlstate, diag.message_primary) == (
        "WH006",
        f"the worker of the remote function died: {died}",
    )
    assert tenant.lives()


@pytest.mark.parametrize("stopped", ["helper", "worker"])
def test_a_process_that_does_not_answer_can_be_waited_for_in_vain(tenant: Tenant, stopped: str) -> None:
    assert tenant.lives()
    helper, worker = children(tenant.connection.info.backend_pid)
    os.kill(helper if stopped == "helper" else worker, signal.SIGSTOP)
    if stopped == "helper":
        os.kill(worker, signal.SIGKILL)
    tenant.connection.execute("SET statement_timeout = '500ms'")
    began = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        tenant.lives()
    assert time.monotonic() - began < 2
    tenant.connection.execute("RESET statement_timeout")
    assert tenant.lives()
    assert gone([helper if stopped == "helper" else worker])


def test_a_timeout_while_the_helper_starts_is_a_timeout(database: Database, tenant: Tenant) -> None:
    """The server signals the whole process group of a session, of which nobody's process must be a part."""
    tenant.call("def f(): return 1")
    seen: set[object] = set()
    for number in range(60):
        with database.connect(user=ROLE) as connection:
            connection.execute(f"SET statement_timeout = '{2 + number % 20}ms'")
            seen.add(Tenant(connection).attempt("def f(): return 1"))
    assert seen <= {"57014", 1}


def test_policies_and_definers_call_functions(database: Database, tenant: Tenant) -> None:
    """A function inside a query of a function runs as whoever the query runs as at that place."""
    who = "def who(): return query_single('SELECT current_user::text, session_user::text')"
    with database.connect() as admin:
        admin.execute(f"CREATE SCHEMA own AUTHORIZATION {ROLE}")
        admin.execute(
            "CREATE FUNCTION definer(i text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER"
            " AS 'SELECT wormhole_execute(i)'"
        )
        call = "def f(i): return query_value('SELECT definer($1)', i)"
        row = tenant.connection.execute("SELECT wormhole_install('who', %s)", [who]).fetchone()
        assert row is not None
        diag = tenant.fails(call, row[0])
        assert (diag.sqlstate, diag.message_primary) == (
            "42501",
            f'remote function "who" of role "{ROLE}" is not approved',
        )
        admin.execute("SELECT wormhole_install('who', %s)", [who])
        value = tenant.call(call, row[0])
        assert isinstance(value, dict)
        assert value["r"] == {"current_user": "postgres", "session_user": ROLE}
    row = tenant.connection.execute(
        "SELECT wormhole_install('even', 'def even(x): return query_value(\"SELECT $1::int % 2\", x) == 0')"
    ).fetchone()
    assert row is not None
    tenant.connection.execute(f"""
        CREATE TABLE own.t AS SELECT generate_series(1, 6) AS a;
        CREATE POLICY even ON own.t USING (
            (wormhole_execute('{row[0]}', jsonb_build_object('a', jsonb_build_array(a))) ->> 'r')::bool);
        ALTER TABLE own.t ENABLE ROW LEVEL SECURITY;
        ALTER TABLE own.t FORCE ROW LEVEL SECURITY""")
    assert tenant.call("def f(): return [row['a'] for row in query('SELECT * FROM own.t')]") == [2, 4, 6]


def test_characters_that_no_message_holds(either: Tenant) -> None:
    """They are shown as escapes, and the exception stays what it was."""
    diag = either.fails("def f(): raise KeyError('\\ud800 \\0 ü') from None")
    assert (diag.sqlstate, diag.message_primary) == ("WH005", "KeyError: '\\ud800 \\x00 ü'")
    diag = either.fails("def f(): raise ValueError('\\ud800 \\0 ü') from None")
    assert (diag.sqlstate, diag.message_primary) == ("WH005", "ValueError: \\ud800 \\x00 ü")
    assert json.loads(diag.message_detail or "")["class"] == "builtins.ValueError"
    notices: list[str | None] = []
    either.connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    assert either.call("def f():\n    print('a\\ud800\\0ü')\n    print('b', end='')\n    return 1") == 1
    if notices:
        assert notices == ["a\\ud800\\x00ü", "b"]


@pytest.mark.parametrize("args", ["[1]", "1", "null", '{"a": {"x": 1}}', '{"k": [1]}', '{"a": null}'])
def test_arguments_that_are_none(either: Tenant, args: str) -> None:
    row = either.connection.execute("SELECT wormhole_install('f', 'def f(x): return 1')").fetchone()
    assert row is not None
    with pytest.raises(psycopg.Error) as caught:
        either.connection.execute("SELECT wormhole_execute(%s, %s)", [row[0], args])
    assert caught.value.sqlstate == "WH005"
    assert (caught.value.diag.message_primary or "").startswith("TypeError: the arguments are ")


def test_a_part_of_a_package_that_is_refused(database: Database, either: Tenant) -> None:
    with database.connect() as admin:
        admin.execute("INSERT INTO wormhole_allowed_modules VALUES ('xml', true), ('xml.sax', false)")
    message = 'module "xml.sax" is not allowed'
    diag = either.fails("def f():\n    from xml import dom, sax")
    assert (diag.sqlstate, diag.message_primary) == ("WH001", message)
    hidden = "def f():\n    g = (lambda: 0).__getattribute__('__glo' + 'bals__')\n"
    diag = either.fails(f"{hidden}    g['__built' + 'ins__']['__imp' + 'ort__']('xml', g, g, ['sax'])")
    assert (diag.sqlstate, diag.message_primary) == ("WH001", message)
    assert either.call("def f():\n    from math import pi\n    return pi > 3") is True


def test_a_module_of_a_package_wants_a_row_of_its_own(database: Database, tenant: Tenant) -> None:
    """A worker has what was imported before it was confined; the error says how a module gets there."""
    with database.connect() as admin:
        admin.execute("INSERT INTO wormhole_allowed_modules VALUES ('xml', true)")
        needs = "wormhole_allowed_modules needs a row for it, not for its package alone"
        for statement in ("import xml.dom", "from xml import dom"):
            diag = tenant.fails(f"def f():\n    {statement}\n    return 1")
            assert (diag.sqlstate, diag.message_primary) == (
                "WH005",
                f"ModuleNotFoundError: No module named 'xml.dom' in the worker: {needs}",
            )
        admin.execute("INSERT INTO wormhole_allowed_modules VALUES ('xml.dom', true)")
    assert tenant.call("def f():\n    from xml import dom\n    return dom.__name__") == "xml.dom"
    assert tenant.fails("def f():\n    from math import nothing").message_primary == (
        "ImportError: cannot import name 'nothing' from 'math' (unknown location)"
    )


def test_arguments_that_are_too_large_are_told_as_such(tenant: Tenant) -> None:
    diag = tenant.fails("def f(x): return len(x)", "x" * (17 << 20))
    assert (diag.sqlstate, diag.message_primary) == (
        "WH004",
        "the remote function exceeds a limit: 16777216 bytes in one message",
    )
    assert tenant.call("def f(x): return len(x)", "x" * (15 << 20)) == 15 << 20


def test_rows_that_are_too_large_are_told_as_such(tenant: Tenant) -> None:
    diag = tenant.fails(
        "def f(): return len(query(\"SELECT repeat('x', 100000000) FROM generate_series(1, 3)\"))"
    )
    assert (diag.sqlstate, diag.message_primary) == (
        "WH004",
        "the remote function exceeds a limit: 268435456 bytes of memory",
    )
    assert tenant.lives()


def test_a_stream_that_is_left_closes_its_cursors(database: Database, tenant: Tenant) -> None:
    with database.connect() as admin:
        admin.execute(f"GRANT pg_read_all_stats TO {ROLE}")
    source = """
def f():
    for row in cursor('SELECT generate_series(1, 9) AS n', chunk=1):
        yield row['n']
"""
    row = tenant.connection.execute("SELECT wormhole_install('f', %s)", [source]).fetchone()
    assert row is not None
    count = "SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'PortalContext'"
    with tenant.connection.transaction():
        before = tenant.connection.execute(count).fetchone()
        for _ in range(5):
            first = tenant.connection.execute("SELECT wormhole_items(%s) -> 'r' LIMIT 1", [row[0]]).fetchone()
            assert first == (1,)
        assert tenant.connection.execute(count).fetchone() == before


def test_functions_in_process_call_each_other_until_the_stack_ends(database: Database) -> None:
    source = """
def f(depth):
    if depth == 0:
        return 0
    rows = query("SELECT wormhole_execute(func_id, $1) AS r FROM wormhole_functions WHERE func_name = 'f'",
                 {"a": [depth - 1]})
    return 1 + rows[0]["r"]["r"]
"""
    with database.connect() as admin:
        own = Tenant(admin)
        assert own.call(source, 20) == 20
        diag = own.fails(source, 100_000)
        assert (diag.sqlstate, diag.message_primary) in {
            ("WH005", "RecursionError: maximum recursion depth exceeded"),
            ("54001", "stack depth limit exceeded"),
        }
        assert own.lives()


def test_a_wrapper_that_claims_to_be_parallel_safe(database: Database, either: Tenant) -> None:
    """A promise that nobody should give: it ends in an answer or an error, and the session goes on."""
    row = either.connection.execute(
        "SELECT wormhole_install('f', 'def f(n): return query_value(\"SELECT $1::int + 1\", n)')"
    ).fetchone()
    assert row is not None
    with database.connect() as admin:
        admin.execute(
            "CREATE FUNCTION safe(n int) RETURNS jsonb LANGUAGE plpgsql PARALLEL SAFE AS"
            f" $$ BEGIN RETURN wormhole_execute('{row[0]}', format('{{\"a\": [%s]}}', n)::jsonb); END $$"
        )
        admin.execute("CREATE TABLE item AS SELECT generate_series(1, 1000) AS n; ANALYZE item")
        admin.execute(f"GRANT SELECT ON item TO {ROLE}")
        version = admin.info.server_version
    setting = "force_parallel_mode" if version < 160000 else "debug_parallel_query"
    either.connection.execute(f"SET {setting} = on")
    with psycopg.ClientCursor(either.connection) as cursor:
        try:
            found = cursor.execute("SELECT sum((safe(n) -> 'r')::int) FROM item WHERE n < 10").fetchall()
        except psycopg.Error as error:
            assert error.sqlstate is not None  # noqa: PT017 - either will do
        else:
            assert found == [(54,)]
    either.connection.execute(f"RESET {setting}")
    assert either.lives()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_other_encodings(cluster: Cluster, tenant: Tenant, encoding: str) -> None:
    name = f"wormhole_{encoding.lower()}"
    cluster.sql(
        f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    made = Database(cluster, name)
    source = """
def f(word):
    here = query_single("SELECT $1::text AS wörd, 'é' AS e, octet_length('é') AS n", word)
    if word == "raise":
        raise ValueError("Grüße")
    if word == "fail":
        query("SELECT 1 AS ü FROM naïve")
    print("nötig")
    return [here, "ä" + word]
"""
    try:
        with made.connect() as admin:
            admin.execute("CREATE EXTENSION multicorn")
            admin.execute(f"GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute TO {ROLE}")
        for user in ("postgres", ROLE):
            with made.connect(user=user, client_encoding="utf8") as connection:
                own = Tenant(connection)
                size = 1 if encoding == "LATIN1" else 2
                # SQL_ASCII takes no escapes for what is not ASCII.
                args = json.dumps({"a": ["ñ"]}, ensure_ascii=False)
                row = connection.execute(
                    "SELECT wormhole_execute(wormhole_install('f', %s), %s)", [source, args]
                ).fetchone()
                assert row is not None
                assert row[0]["r"] == [{"wörd": "ñ", "e": "é", "n": size}, "äñ"]
                diag = own.fails(source, "raise")
                assert (diag.sqlstate, diag.message_primary) == ("WH005", "ValueError: Grüße")
                diag = own.fails(source, "fail")
                assert (diag.sqlstate, diag.message_primary) == ("42P01", 'relation "naïve" does not exist')
                euro = own.attempt("def f(): return '\\u20ac'")
                assert euro == ("22P05" if encoding == "LATIN1" else "€")
                euro = own.attempt("def f(): return query_value('SELECT $1::text', '\\u20ac') and 1")
                assert euro == ("22P05" if encoding == "LATIN1" else 1)
                # Bytes that are no text of any kind.
                odd = "convert_from('\\x%s', getdatabaseencoding())"
                odd = f"SELECT wormhole_execute(wormhole_install('f', {odd}))"
                text = b"def f(): return len('\xff\xfe')".hex()
                if encoding == "SQL_ASCII":
                    connection.execute("SET client_encoding = 'SQL_ASCII'")
                try:
                    row = connection.execute(odd % text).fetchone()
                except psycopg.Error as error:
                    assert error.sqlstate in {"22021", "WH002"}, error  # noqa: PT017 - either will do
                else:
                    assert row == ({"r": 2, "w": False},)
                connection.execute("SET client_encoding = 'utf8'")
                assert own.lives()
    finally:
        cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")
