-- The registry and the list of modules, as an administrator uses them.
CREATE ROLE wormhole_administration_user;
GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_drop TO wormhole_administration_user;

SELECT module_name, allowed, notes FROM wormhole_allowed_modules ORDER BY allowed, module_name;

SET ROLE wormhole_administration_user;
SELECT wormhole_execute(wormhole_install('old_function', 'def old_function(): return 1'));
SELECT wormhole_install('other', 'def other(): return 2') IS NOT NULL AS installed;
RESET ROLE;
SELECT wormhole_install('own', 'def own(): return 3') IS NOT NULL AS installed;

-- View installed functions. The first call of a session is counted at once.
SELECT func_name, created_by, execution_count
FROM wormhole_functions
ORDER BY execution_count DESC, func_name;
SELECT last_executed <= now() AS executed, total_time > 0 AS took_time, last_error
FROM wormhole_functions WHERE func_name = 'old_function';

-- Manage the list of modules: defaults are in nobody's way.
SELECT * FROM wormhole_allowed_modules WHERE allowed = true AND module_name = 'json';
SELECT wormhole_execute(wormhole_install('http', 'def http(): pass')) -> 'r' AS fine;
SELECT wormhole_install('lower', E'from requests import get\ndef lower(): return 1');
INSERT INTO wormhole_allowed_modules (module_name, allowed, notes)
VALUES ('requests', true, 'HTTP client library');
SELECT * FROM wormhole_allowed_modules WHERE module_name = 'requests';
INSERT INTO wormhole_allowed_modules (module_name, allowed) VALUES ('colorsys', true);
SELECT wormhole_install('grey', E'import colorsys\ndef grey(): return colorsys.rgb_to_hls(1, 1, 1)[1]') AS grey \gset
SELECT wormhole_execute(:'grey');
SET ROLE wormhole_administration_user;
SELECT wormhole_install('grey', E'import colorsys\ndef grey(): return colorsys.rgb_to_hls(1, 1, 1)[1]') = :'grey' AS same;
SELECT wormhole_execute(:'grey');
RESET ROLE;
-- A module that is blocked is blocked for functions that are installed, in both tiers.
UPDATE wormhole_allowed_modules SET allowed = false WHERE module_name = 'colorsys';
SELECT wormhole_execute(:'grey');
SET ROLE wormhole_administration_user;
SELECT wormhole_execute(:'grey');
RESET ROLE;
UPDATE wormhole_allowed_modules
SET allowed = false
WHERE module_name = 'os';
-- Part of a package.
INSERT INTO wormhole_allowed_modules VALUES ('xml', true), ('xml.sax', false);
SELECT wormhole_install('x', E'import xml.dom\ndef x(): pass') IS NOT NULL AS dom;
SELECT wormhole_install('x', E'import xml.sax.handler\ndef x(): pass');

-- Clear the functions.
DELETE FROM wormhole_functions WHERE func_name = 'old_function';
SELECT wormhole_grant(func_id, 'public') FROM wormhole_functions WHERE func_name = 'other';
SELECT count(*) FROM wormhole_grants;
DELETE FROM wormhole_functions WHERE created_by = 'wormhole_administration_user';
DELETE FROM wormhole_functions WHERE created_by = 'testuser';
SELECT count(*) FROM wormhole_grants;
SELECT func_name FROM wormhole_functions ORDER BY func_name;
SELECT wormhole_execute(func_id) -> 'r' AS here, func_id AS id FROM wormhole_functions WHERE func_name = 'own' \gset
BEGIN;
TRUNCATE wormhole_functions;
SELECT wormhole_execute(:'id');
ROLLBACK;
SELECT wormhole_execute(:'id');
TRUNCATE wormhole_functions;
SELECT wormhole_execute(:'id');

-- A rollback takes an install back.
BEGIN;
SELECT wormhole_execute(wormhole_install('own', 'def own(): return 3'));
ROLLBACK;
SELECT wormhole_execute(:'id');

-- Dropping by id and by name, one's own.
SELECT wormhole_install('own', 'def own(): return 3') AS id \gset
SET ROLE wormhole_administration_user;
SELECT wormhole_install('own', 'def own(): return 4') IS NOT NULL AS installed;
SELECT wormhole_drop('own');
SELECT wormhole_drop(:'id');
RESET ROLE;
SELECT wormhole_drop(:'id'), wormhole_drop('own');

-- Settings are superusers', but for limits of one's own.
SET ROLE wormhole_administration_user;
SET multicorn.wormhole_cpu_time = '1h';
SET multicorn.wormhole_own_cpu_time = '1h';
RESET ROLE;
SELECT name, setting, unit, context FROM pg_settings WHERE name LIKE 'multicorn.wormhole%' ORDER BY name;

DROP OWNED BY wormhole_administration_user;
DROP ROLE wormhole_administration_user;
