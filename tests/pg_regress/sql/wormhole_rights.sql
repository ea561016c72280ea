-- Who may do what with remote functions.
CREATE ROLE wormhole_rights_ann;
CREATE ROLE wormhole_rights_bob;
CREATE ROLE wormhole_rights_team;
GRANT wormhole_rights_team TO wormhole_rights_bob;
CREATE ROLE wormhole_rights_tenant;

-- Nobody but superusers, until it is granted; the hint says how.
SET ROLE wormhole_rights_ann;
SELECT wormhole_install('f', 'def f(): pass');
SELECT * FROM wormhole_stream('x');
SELECT * FROM wormhole_query('SELECT 1');
RESET ROLE;
GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_stream, wormhole_drop, wormhole_grant,
    wormhole_revoke, wormhole_approve TO wormhole_rights_ann, wormhole_rights_bob, wormhole_rights_tenant;

-- A role sees its own functions, and nobody's source.
SET ROLE wormhole_rights_ann;
SELECT wormhole_install('who', 'def who(): return query_single("SELECT current_user, session_user = current_user AS same")') AS id \gset
SELECT func_name, created_by, trusted FROM wormhole_functions;
SET ROLE wormhole_rights_bob;
SELECT count(*) FROM wormhole_functions;
SELECT count(*) FROM wormhole_installs;
SELECT wormhole_execute(:'id');
SELECT wormhole_grant(:'id', 'wormhole_rights_bob');
SELECT wormhole_drop(:'id');
SELECT wormhole_approve(:'id');

-- The owner grants, to a role or a group.
SET ROLE wormhole_rights_ann;
SELECT wormhole_grant(:'id', 'wormhole_rights_team');
SELECT wormhole_grant(:'id', 'wormhole_rights_nobody');
SET ROLE wormhole_rights_bob;
SELECT func_name, created_by, grantee FROM wormhole_granted;
SELECT count(*) FROM wormhole_functions;
SELECT wormhole_execute(:'id') -> 'r' ->> 'current_user' AS runs_as;
SET ROLE wormhole_rights_tenant;
SELECT wormhole_execute(:'id');
SET ROLE wormhole_rights_ann;
SELECT wormhole_revoke(:'id', 'wormhole_rights_team');
SELECT wormhole_grant(:'id', 'public');
SET ROLE wormhole_rights_tenant;
SELECT wormhole_execute(:'id') -> 'r' ->> 'current_user' AS runs_as;
RESET ROLE;

-- A superuser does not run it without having read it.
SELECT wormhole_execute(:'id');
SELECT * FROM wormhole_stream(:'id');
SELECT wormhole_approve(:'id');
SELECT wormhole_execute(:'id') -> 'r' ->> 'same' AS same;
SET ROLE wormhole_rights_ann;
SELECT wormhole_execute(:'id') -> 'r' ->> 'current_user' AS runs_as;
RESET ROLE;

-- Superusers by SET ROLE alone get no code into the process, in neither direction.
CREATE ROLE wormhole_rights_super SUPERUSER;
GRANT wormhole_rights_super TO wormhole_rights_tenant;
SET SESSION AUTHORIZATION wormhole_rights_tenant;
SET ROLE wormhole_rights_super;
SELECT wormhole_approve(:'id');
SELECT wormhole_install('mine', 'def mine(): return query_value("SHOW is_superuser")') AS mine \gset
SELECT trusted FROM wormhole_functions WHERE func_name = 'mine';
SELECT wormhole_execute(:'mine');
RESET SESSION AUTHORIZATION;
SET ROLE wormhole_rights_tenant;
SELECT wormhole_install('mine', 'def mine(): return query_value("SHOW is_superuser")') = :'mine' AS same;
SELECT trusted FROM wormhole_functions WHERE func_name = 'mine';
RESET ROLE;

-- SQL in a function has the caller's rights, and cannot get others.
SET ROLE wormhole_rights_ann;
SELECT wormhole_install('attempt', $$
def attempt(sql):
    try:
        return query(sql)
    except Exception as error:
        return [error.sqlstate, str(error)] if error.sqlstate != "42501" else error.sqlstate
$$) AS id \gset
CREATE FUNCTION pg_temp.attempt(id text, sql text) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT wormhole_execute(id, jsonb_build_object('a', jsonb_build_array(sql))) -> 'r' $$;
\pset format unaligned
SELECT attempt, pg_temp.attempt(:'id', attempt) FROM unnest(ARRAY[
    'RESET ROLE',
    'SET ROLE postgres',
    'SET LOCAL ROLE wormhole_rights_bob',
    'SET SESSION AUTHORIZATION DEFAULT',
    $$SELECT set_config('role', 'postgres', false)$$,
    $$SELECT set_config('session_authorization', 'postgres', true)$$,
    'DO $x$ BEGIN RESET ROLE; END $x$',
    'ALTER ROLE wormhole_rights_ann SUPERUSER',
    $$COPY (SELECT 1) TO PROGRAM 'true'$$,
    $$COPY pg_class TO '/tmp/wormhole_rights'$$,
    $$SELECT pg_read_file('/etc/passwd')$$,
    $$SELECT lo_import('/etc/passwd')$$,
    $$CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'y'$$,
    $$CREATE FUNCTION f() RETURNS int LANGUAGE plpy AS 'return 1'$$,
    $$INSERT INTO wormhole_allowed_modules VALUES ('os', true)$$,
    $$UPDATE wormhole_functions SET trusted = true$$,
    $$INSERT INTO wormhole_approvals SELECT func_id, 'x' FROM wormhole_functions$$,
    $$ALTER SYSTEM SET port = 1$$,
    $$LOAD 'multicorn'$$,
    $$SET multicorn.wormhole_confinement = off$$,
    $$SET multicorn.wormhole_rows = 1$$,
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT s',
    'PREPARE p AS SELECT 1',
    'DEALLOCATE ALL',
    'DO $x$ BEGIN EXECUTE ''PREPARE p AS SELECT 1''; END $x$',
    'LISTEN x',
    'UNLISTEN *',
    'DISCARD ALL',
    'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
    'SELECT pg_advisory_lock(1)',
    'SELECT pg_try_advisory_lock(1, 2)',
    'SELECT pg_advisory_unlock_all()',
    'DO $x$ BEGIN PERFORM pg_advisory_lock(1); END $x$',
    'SELECT pg_try_advisory_xact_lock(1)'
]) AS attempt;
\pset format aligned
SELECT count(*) FROM pg_prepared_statements;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';

-- Settings are put back, names are the caller's, and nothing of it stays.
SET search_path = pg_temp, public;
SELECT wormhole_execute(wormhole_install('path', $$
def path():
    execute("SET search_path = pg_catalog")
    execute("SET work_mem = '77MB'")
    return [query_value("SHOW search_path"), query_value("SHOW work_mem")]
$$));
SHOW search_path;
SELECT current_setting('work_mem') = '77MB' AS left_behind;
RESET search_path;
RESET ROLE;

-- Everything was noted.
SELECT action, func_name, created_by, role, session_role = 'postgres' AS by_superuser, detail
FROM wormhole_installs WHERE func_name IN ('who', 'mine') ORDER BY at;

DROP OWNED BY wormhole_rights_ann, wormhole_rights_bob, wormhole_rights_team, wormhole_rights_tenant;
DROP ROLE wormhole_rights_ann, wormhole_rights_bob, wormhole_rights_tenant, wormhole_rights_team,
    wormhole_rights_super;
