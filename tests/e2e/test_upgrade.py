"""A database of Multicorn2 3.2 becomes one of this version by ALTER EXTENSION, and its tables work on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from devkit.server import Installation

    from conftest import Database

# The objects of 3.2 by name and signature. Its library is gone in any case: both functions resolve to
# ours, by the name alone, as 3.2 declared them.
OLD = """
CREATE FUNCTION multicorn_validator(text[], oid) RETURNS bool LANGUAGE c STRICT AS 'MODULE_PATHNAME';
CREATE FUNCTION multicorn_handler() RETURNS fdw_handler LANGUAGE c STRICT AS 'MODULE_PATHNAME';
CREATE FOREIGN DATA WRAPPER multicorn VALIDATOR multicorn_validator HANDLER multicorn_handler;
"""
HELPER = """
CREATE FUNCTION multicorn_check_plpython3u() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
"""
OBJECTS = """
CREATE SERVER old FOREIGN DATA WRAPPER multicorn
    OPTIONS (wrapper 'multicorn.testfdw.TestForeignDataWrapper', test_type 'sequence');
CREATE USER MAPPING FOR PUBLIC SERVER old OPTIONS (username 'somebody');
CREATE FOREIGN TABLE kept (test1 text OPTIONS (prefix 'a'), test2 text) SERVER old;
CREATE VIEW over AS SELECT test2 FROM kept WHERE test1 = 'test1 3 1';
GRANT USAGE ON FOREIGN DATA WRAPPER multicorn TO PUBLIC;
"""
# Everything that the extension is, without its OIDs.
MEMBERS = """
SELECT pg_describe_object(d.classid, d.objid, 0) AS object, obj_description(d.objid),
       p.prorettype::regtype::text, p.proisstrict, p.provolatile, p.prosrc, p.probin, p.proacl::text,
       w.fdwhandler::regprocedure::text, w.fdwvalidator::regprocedure::text
FROM pg_depend d
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_foreign_data_wrapper w ON d.classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'multicorn')
ORDER BY 1
"""
# What belongs to the members: all that the two scripts say, and a test that they say the same.
TABLES = """(
    SELECT c.* FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'multicorn')
)"""
PARTS = {
    "relations": "SELECT c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text,"
    " c.reloptions, c.relpersistence FROM {tables} c ORDER BY 1",
    "columns": "SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
    " a.attacl::text, pg_get_expr(f.adbin, f.adrelid), col_description(c.oid, a.attnum)"
    " FROM {tables} c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum ORDER BY 1, 2",
    "constraints": "SELECT c.relname, n.conname, pg_get_constraintdef(n.oid)"
    " FROM {tables} c JOIN pg_constraint n ON n.conrelid = c.oid ORDER BY 1, 2",
    "indexes": "SELECT c.relname, pg_get_indexdef(i.indexrelid)"
    " FROM {tables} c JOIN pg_index i ON i.indrelid = c.oid ORDER BY 1, 2",
    "triggers": "SELECT c.relname, pg_get_triggerdef(t.oid), t.tgenabled"
    " FROM {tables} c JOIN pg_trigger t ON t.tgrelid = c.oid ORDER BY 1, 2",
    "policies": "SELECT c.relname, p.polname, p.polcmd, p.polpermissive, p.polroles::text,"
    " pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)"
    " FROM {tables} c JOIN pg_policy p ON p.polrelid = c.oid ORDER BY 1, 2",
    "views": "SELECT c.relname, pg_get_viewdef(c.oid) FROM {tables} c WHERE c.relkind = 'v' ORDER BY 1",
    "rows": "SELECT * FROM wormhole_allowed_modules ORDER BY 1",
    "dumped": "SELECT c.oid::regclass::text, condition FROM pg_extension e,"
    " unnest(e.extconfig, e.extcondition) AS c(oid, condition) WHERE e.extname = 'multicorn' ORDER BY 1",
    "functions": "SELECT p.oid::regprocedure::text, p.prokind, p.provolatile, p.proisstrict, p.proparallel,"
    " p.prosecdef, p.proretset, p.proleakproof, p.procost, p.prorows, p.proconfig, p.proargnames,"
    " pg_get_expr(p.proargdefaults, 0), p.prosupport::regproc::text, p.proacl::text, l.lanname"
    " FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
    " JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' ORDER BY 1",
    "types": "SELECT t.oid::regtype::text, t.typlen, t.typbyval, t.typcategory, t.typispreferred,"
    " t.typinput::regproc::text, t.typoutput::regproc::text, t.typreceive::regproc::text,"
    " t.typsend::regproc::text, t.typalign, t.typstorage"
    " FROM pg_type t JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid"
    " AND d.deptype = 'e' ORDER BY 1",
    "casts": "SELECT castsource::regtype::text, casttarget::regtype::text, castfunc::regproc::text,"
    " castcontext, castmethod FROM pg_cast c JOIN pg_depend d ON d.classid = 'pg_cast'::regclass"
    " AND d.objid = c.oid AND d.deptype = 'e' ORDER BY 1, 2",
    "operators": "SELECT o.oid::regoperator::text, o.oprcode::regproc::text, o.oprcom::regoperator::text,"
    " o.oprnegate::regoperator::text, o.oprrest::regproc::text, o.oprjoin::regproc::text, o.oprcanmerge,"
    " o.oprcanhash FROM pg_operator o JOIN pg_depend d ON d.classid = 'pg_operator'::regclass"
    " AND d.objid = o.oid AND d.deptype = 'e' ORDER BY 1",
    "classes": "SELECT o.opcname, o.opcdefault, o.opcintype::regtype::text, p.amopstrategy,"
    " p.amopopr::regoperator::text FROM pg_opclass o JOIN pg_amop p ON p.amopfamily = o.opcfamily"
    " JOIN pg_depend d ON d.classid = 'pg_opclass'::regclass AND d.objid = o.oid AND d.deptype = 'e'"
    " ORDER BY 1, 4",
    "transforms": "SELECT trftype::regtype::text, l.lanname, trffromsql::regproc::text,"
    " trftosql::regproc::text FROM pg_transform JOIN pg_language l ON l.oid = trflang ORDER BY 1",
    "languages": "SELECT lanname, lanpltrusted, lanplcallfoid::regproc::text, laninline::regproc::text,"
    " lanvalidator::regproc::text, lanacl::text FROM pg_language ORDER BY 1",
}
ROW = [("test2 1 1",)]


@pytest.fixture(params=[OLD, OLD + HELPER], ids=["plain", "with the helper"])
def old_script(installation: Installation, request: pytest.FixtureRequest) -> Iterator[None]:
    """The script of 3.2, among the private PostgreSQL's extensions for this test only."""
    script = installation.directory("SHAREDIR") / "extension" / "multicorn--3.2.sql"
    script.write_text(request.param)
    script.chmod(0o644)
    yield
    script.unlink()


def members(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(MEMBERS).fetchall()


def parts(connection: psycopg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {what: connection.execute(sql.format(tables=TABLES)).fetchall() for what, sql in PARTS.items()}


@pytest.mark.usefixtures("old_script")
def test_both_scripts_make_the_same(connection: psycopg.Connection) -> None:
    fresh = parts(connection)
    connection.execute("DROP EXTENSION multicorn")
    connection.execute("CREATE EXTENSION multicorn VERSION '3.2'; ALTER EXTENSION multicorn UPDATE")
    updated = parts(connection)
    for what, found in fresh.items():
        assert found, what
        assert (what, updated[what]) == (what, found)
    named = {row[0] for row in fresh["triggers"]} | {row[0] for row in fresh["policies"]}
    assert {"wormhole_functions", "wormhole_grants", "wormhole_allowed_modules"} <= named
    assert len(fresh["dumped"]) == len([row for row in fresh["relations"] if row[1] == "r"])


@pytest.mark.usefixtures("old_script")
def test_a_database_of_3_2_is_upgraded_in_place(database: Database) -> None:
    messages: list[str | None] = []
    with database.connect() as connection:
        fresh = members(connection)
        connection.execute("DROP EXTENSION multicorn; CREATE EXTENSION multicorn VERSION '3.2'")
        connection.execute(OBJECTS)
        wrapper = connection.execute("SELECT oid FROM pg_foreign_data_wrapper").fetchall()
        assert connection.execute("SELECT * FROM over").fetchall() == ROW
        connection.add_notice_handler(lambda diag: messages.append(diag.message_primary))
        connection.execute("ALTER EXTENSION multicorn UPDATE")
        assert messages == []
        # In the session that did it, and in another.
        assert connection.execute("SELECT * FROM over").fetchall() == ROW
        assert connection.execute("SHOW client_min_messages").fetchone() == ("notice",)
    with database.connect() as connection:
        assert connection.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'multicorn'"
        ).fetchone() == ("4.0.0",)
        assert connection.execute("SELECT * FROM over").fetchall() == ROW
        assert members(connection) == fresh
        assert connection.execute("SELECT oid FROM pg_foreign_data_wrapper").fetchall() == wrapper
        assert connection.execute(
            "SELECT has_foreign_data_wrapper_privilege('pg_monitor', 'multicorn', 'USAGE')"
        ).fetchone() == (True,)
        with pytest.raises(psycopg.Error, match="Cannot set the wrapper class on the table"):
            connection.execute("ALTER FOREIGN TABLE kept OPTIONS (ADD wrapper 'other.Class')")
        with pytest.raises(psycopg.Error, match="The wrapper parameter is mandatory"):
            connection.execute("ALTER SERVER old OPTIONS (DROP wrapper)")
        connection.execute("DROP EXTENSION multicorn CASCADE")
        left = (
            "SELECT proname FROM pg_proc WHERE proname LIKE 'multicorn%'"
            " UNION ALL SELECT fdwname FROM pg_foreign_data_wrapper"
        )
        assert connection.execute(left).fetchall() == []


@pytest.mark.usefixtures("old_script")
def test_an_extension_in_a_schema_of_its_own_and_a_second_wrapper(connection: psycopg.Connection) -> None:
    connection.execute('DROP EXTENSION multicorn; CREATE SCHEMA "Odd Place"')
    connection.execute("CREATE EXTENSION multicorn VERSION '3.2' SCHEMA \"Odd Place\"")
    connection.execute(
        'CREATE FOREIGN DATA WRAPPER "Second One" HANDLER "Odd Place".multicorn_handler'
        ' VALIDATOR "Odd Place".multicorn_validator'
    )
    # A function of that name elsewhere is none of the script's business.
    connection.execute("CREATE FUNCTION multicorn_check_plpython3u() RETURNS void LANGUAGE sql AS ''")
    connection.execute(OBJECTS.replace("WRAPPER multicorn\n", 'WRAPPER "Second One"\n'))
    assert connection.execute("SELECT * FROM over").fetchall() == ROW
    connection.execute("ALTER EXTENSION multicorn UPDATE")
    assert connection.execute("SELECT * FROM over").fetchall() == ROW
    used = connection.execute(
        "SELECT fdwname, fdwhandler::regproc::text, fdwvalidator::regproc::text"
        " FROM pg_foreign_data_wrapper ORDER BY fdwname"
    ).fetchall()
    functions = ('"Odd Place".multicorn_handler', '"Odd Place".multicorn_validator')
    assert used == [("Second One", *functions), ("multicorn", *functions)]
    kept = connection.execute(
        "SELECT count(*) FROM pg_proc WHERE proname = 'multicorn_check_plpython3u'"
    ).fetchone()
    assert kept == (1,)
