-- TRANSFORM FOR TYPE, and functions that change their language.
-- regress: needs plpython3u hstore jsonb_plpython3u hstore_plpython3u ltree_plpython3u
CREATE EXTENSION jsonb_plpython3u CASCADE;
CREATE EXTENSION hstore_plpython3u CASCADE;
CREATE EXTENSION ltree_plpython3u CASCADE;

-- jsonb has a transform of the extension's own, which has to agree with PL/Python's.
CREATE FUNCTION ours(j jsonb) RETURNS text TRANSFORM FOR TYPE jsonb LANGUAGE plpy AS 'return repr(j)';
CREATE FUNCTION theirs(j jsonb) RETURNS text TRANSFORM FOR TYPE jsonb LANGUAGE plpython3u AS 'return repr(j)';
CREATE FUNCTION ours_back(j jsonb) RETURNS jsonb TRANSFORM FOR TYPE jsonb LANGUAGE plpy AS 'return j';
CREATE FUNCTION theirs_back(j jsonb) RETURNS jsonb TRANSFORM FOR TYPE jsonb LANGUAGE plpython3u AS 'return j';
CREATE TABLE document (j jsonb);
INSERT INTO document VALUES ('{"a": [1, 2.50, null, true], "b": {"c": "é"}}'), ('[]'), ('{}'), ('5'), ('"text"'),
    ('null'), ('true'), ('1e3'), ('-0.1'), ('[[1], {"x": []}]');
SELECT j, ours(j), ours(j) = theirs(j) AS same, ours_back(j) = j AND theirs_back(j) = j AS back FROM document;
CREATE FUNCTION made(code text) RETURNS jsonb TRANSFORM FOR TYPE jsonb LANGUAGE plpy AS 'return eval(code)';
SELECT made('{"a": 1, "b": [None, True, 1.5]}'), made('"text"'), made('[]'), made('None');
SELECT made('object()');

-- Without it, it is text.
CREATE FUNCTION plain(j jsonb) RETURNS text LANGUAGE plpy AS 'return repr(j)';
SELECT plain('{"a": 1}'), ours('{"a": 1}'), plain('{"a": 1}');

-- What the function runs has it, too.
CREATE FUNCTION inside() RETURNS text TRANSFORM FOR TYPE jsonb LANGUAGE plpy AS $$
rows = plpy.execute("SELECT '{\"a\": [1]}'::jsonb AS j, plain('[2]') AS p, ours('[3]') AS o")
plan = plpy.prepare("SELECT $1 AS j", ["jsonb"])
return repr((rows[0], plan.execute([{"b": None}])[0]["j"], [r for r in plan.cursor([[1]])]))
$$;
SELECT inside();
CREATE FUNCTION of_array(js jsonb[]) RETURNS jsonb[] TRANSFORM FOR TYPE jsonb LANGUAGE plpy AS $$
plpy.notice(js)
return [{"n": len(js)}, None]
$$;
SELECT of_array(ARRAY['{"a": 1}', NULL]::jsonb[]);

-- Functions change over; with them the transforms that PL/Python has.
CREATE SCHEMA old;
CREATE FUNCTION old.hs(h hstore) RETURNS hstore TRANSFORM FOR TYPE hstore LANGUAGE plpython3u AS $$
h["seen"] = repr(sorted(h.items()))
return h
$$;
CREATE FUNCTION old.lt(l ltree) RETURNS text TRANSFORM FOR TYPE ltree LANGUAGE plpython3u AS 'return repr(l)';
CREATE FUNCTION old.add(a int, b int DEFAULT 5, OUT sum int) LANGUAGE plpython3u STABLE STRICT COST 7 SET work_mem = '1MB'
AS $$
# LANGUAGE plpython3u
return a + b
$$;
CREATE PROCEDURE old.act() LANGUAGE plpython3u AS 'plpy.notice("acts")';
CREATE FUNCTION old.tr() RETURNS trigger LANGUAGE plpython3u AS $$
TD["new"]["n"] += 1
return "MODIFY"
$$;
CREATE FUNCTION old.other() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION old.kept() RETURNS int LANGUAGE plpython3u AS 'return 1';
CREATE TABLE counted (n int CHECK (old.add(n) > 0));
CREATE TRIGGER tr BEFORE INSERT ON counted FOR EACH ROW EXECUTE FUNCTION old.tr();
CREATE ROLE pl_plpy_transforms;
GRANT EXECUTE ON FUNCTION old.add TO pl_plpy_transforms;
COMMENT ON FUNCTION old.add IS 'adds';
CALL adopt_plpython('old', 'k%');
CALL adopt_plpython('old', 'nothing%');
UPDATE pg_proc SET prosrc = 'no python(' WHERE proname = 'kept';
CREATE OR REPLACE FUNCTION old.kept() RETURNS int LANGUAGE plpython3u AS 'return 1';
SET check_function_bodies = off;
CREATE FUNCTION old.broken() RETURNS int LANGUAGE plpython3u AS 'no python(';
RESET check_function_bodies;
CALL adopt_plpython('old');
SELECT proname, lanname FROM pg_proc p JOIN pg_language l ON l.oid = prolang
    WHERE pronamespace = 'old'::regnamespace ORDER BY proname;
SELECT pg_get_functiondef('old.add'::regproc);
SELECT obj_description('old.add'::regproc), has_function_privilege('pl_plpy_transforms', 'old.add(int, int)', 'EXECUTE');
SELECT old.add(1), old.hs('a=>1'), old.lt('a.b');
CALL old.act();
INSERT INTO counted VALUES (1) RETURNING n;
CALL adopt_plpython('nowhere');
DROP OWNED BY pl_plpy_transforms;
DROP ROLE pl_plpy_transforms;
