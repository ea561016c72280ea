-- Whose a function is does not hang on a name.
CREATE ROLE wormhole_roles_ann;
CREATE ROLE wormhole_roles_bob;
CREATE ROLE "Wormhole Roles, ""odd""";
GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_drop, wormhole_grant, wormhole_revoke
    TO wormhole_roles_ann, wormhole_roles_bob, "Wormhole Roles, ""odd""";

SET ROLE wormhole_roles_ann;
SELECT wormhole_install('mine', 'def mine(): return "ann''s"') AS mine \gset
SELECT wormhole_grant(:'mine', 'wormhole_roles_bob');
SET ROLE "Wormhole Roles, ""odd""";
SELECT wormhole_install('odd', 'def odd(): return "odd"') AS odd \gset
SELECT wormhole_grant(:'odd', 'public');
SET ROLE wormhole_roles_bob;
SELECT wormhole_execute(:'mine') -> 'r' AS r;
SELECT func_name, created_by, grantee FROM wormhole_granted ORDER BY func_name;
RESET ROLE;

-- Renamed, a role keeps its functions and what it was granted.
ALTER ROLE wormhole_roles_ann RENAME TO wormhole_roles_eve;
ALTER ROLE wormhole_roles_bob RENAME TO wormhole_roles_rob;
SET ROLE wormhole_roles_eve;
SELECT func_name, created_by FROM wormhole_functions;
SELECT wormhole_execute(:'mine') -> 'r' AS r;
SET ROLE wormhole_roles_rob;
SELECT wormhole_execute(:'mine') -> 'r' AS r;
SELECT func_name, created_by, grantee FROM wormhole_granted ORDER BY func_name;
RESET ROLE;

-- Those who have the names now have nothing else.
CREATE ROLE wormhole_roles_ann;
CREATE ROLE wormhole_roles_bob;
GRANT EXECUTE ON FUNCTION wormhole_execute, wormhole_drop, wormhole_install, wormhole_grant
    TO wormhole_roles_ann, wormhole_roles_bob;
SET ROLE wormhole_roles_ann;
SELECT count(*) FROM wormhole_functions;
SELECT wormhole_execute(:'mine');
SELECT wormhole_drop(:'mine');
SELECT wormhole_grant(:'mine', 'wormhole_roles_ann');
SET ROLE wormhole_roles_bob;
SELECT wormhole_execute(:'mine');
SELECT func_name FROM wormhole_granted;
RESET ROLE;

-- By names, as far as SQL is concerned.
SELECT func_name FROM wormhole_functions WHERE created_by = 'wormhole_roles_eve';
SELECT func_name FROM wormhole_functions WHERE created_by = 'Wormhole Roles, "odd"';
SELECT func_name FROM wormhole_functions WHERE created_by = 'wormhole_roles_none';
SELECT func_name FROM wormhole_functions WHERE created_by IN ('wormhole_roles_eve', 'postgres') OR created_by LIKE 'Worm%' ORDER BY 1;
SELECT func_name, grantee FROM wormhole_functions JOIN wormhole_grants USING (func_id, created_by) ORDER BY 1;
SELECT created_by, count(*) FROM wormhole_functions GROUP BY created_by ORDER BY created_by::text;
SELECT DISTINCT pg_typeof(created_by), pg_typeof(created_by || '') FROM wormhole_functions;
SELECT to_jsonb(created_by) FROM wormhole_functions WHERE func_name = 'mine';
PREPARE whose(text) AS SELECT func_name FROM wormhole_functions WHERE created_by = $1;
EXECUTE whose('wormhole_roles_eve');
SELECT 'public'::wormhole_role::oid, 'none'::wormhole_role::oid, 0::oid::wormhole_role;
SELECT '10'::wormhole_role, 'postgres'::wormhole_role::oid = 'postgres'::regrole AS same;

-- Dropped, it takes them along: nobody may call them, not those to whom they were granted, nor a superuser.
SELECT wormhole_approve(:'mine');
DROP OWNED BY wormhole_roles_eve;
DROP ROLE wormhole_roles_eve;
CREATE ROLE wormhole_roles_eve;
GRANT EXECUTE ON FUNCTION wormhole_execute TO wormhole_roles_eve;
SET ROLE wormhole_roles_eve;
SELECT wormhole_execute(:'mine');
SELECT count(*) FROM wormhole_functions;
SET ROLE wormhole_roles_rob;
SELECT wormhole_execute(:'mine');
SELECT func_name FROM wormhole_granted;
RESET ROLE;
SELECT wormhole_execute(:'mine');
SELECT func_name, regexp_replace(created_by, '\d+', 'N') AS created_by FROM wormhole_functions ORDER BY 1;
SELECT func_name, created_by, role FROM wormhole_installs WHERE role LIKE 'wormhole_roles%' ORDER BY at LIMIT 2;

-- Somebody else can be made the owner.
UPDATE wormhole_functions SET created_by = 'wormhole_roles_rob' WHERE func_name = 'mine';
SET ROLE wormhole_roles_rob;
SELECT wormhole_execute(:'mine') -> 'r' AS r;
RESET ROLE;

-- What was granted to a role that is gone can be taken back by what is shown of it.
UPDATE wormhole_grants SET created_by = 'wormhole_roles_rob' WHERE func_id = :'mine';
UPDATE wormhole_grants SET grantee = 4000000000::oid::wormhole_role WHERE func_id = :'mine';
SET ROLE wormhole_roles_rob;
SELECT grantee FROM wormhole_grants;
SELECT wormhole_revoke(:'mine', 'unknown (OID=4000000000)');
SELECT grantee FROM wormhole_grants;
RESET ROLE;

-- What a dump has of roles that are not there is left out.
COPY wormhole_functions (func_id, func_name, created_by, source, hash, created_by_session) FROM stdin;
x1	theirs	wormhole_roles_none	def theirs(): pass	h	postgres
x1	theirs	unknown (OID=10)	def theirs(): pass	h	postgres
x1	theirs	wormhole_roles_ann	def theirs(): pass	h	postgres
\.
COPY wormhole_grants (func_id, created_by, grantee, granted_by) FROM stdin;
x1	wormhole_roles_ann	wormhole_roles_none	postgres
x1	wormhole_roles_ann	public	postgres
\.
SELECT func_name, created_by FROM wormhole_functions WHERE func_id = 'x1';
SELECT created_by, grantee FROM wormhole_grants WHERE func_id = 'x1';

DROP OWNED BY wormhole_roles_ann, wormhole_roles_bob, wormhole_roles_eve, wormhole_roles_rob, "Wormhole Roles, ""odd""";
DROP ROLE wormhole_roles_ann, wormhole_roles_bob, wormhole_roles_eve, wormhole_roles_rob, "Wormhole Roles, ""odd""";
