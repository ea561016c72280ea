-- UPDATE and DELETE of all matching rows by one call of the class.
CREATE SERVER wholesale FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'wholesale.Wholesale');
CREATE FOREIGN TABLE t (id int, grp int, note text, n numeric(10,2) DEFAULT 7, at timestamptz, doc jsonb) SERVER wholesale
    OPTIONS (name 't', tells_end '1');
INSERT INTO t (id, grp) SELECT i, i % 3 FROM generate_series(1, 9) i;
CREATE FUNCTION counted(statement text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
-- Whether it is done directly.
CREATE FUNCTION direct(statement text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    line text;
    found bool = false;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
        found = found OR line ~ '-> *Foreign (Update|Delete)';
    END LOOP;
    RETURN found;
END $$;
CREATE FUNCTION explained_rows(statement text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || statement INTO plan;
    RETURN (plan->0->'Plan'->'Plans'->0->>'Actual Rows')::numeric;
END $$;

EXPLAIN (COSTS OFF) UPDATE t SET note = 'x' WHERE grp = 1;
EXPLAIN (VERBOSE, COSTS OFF) UPDATE t SET note = upper('x'), n = 1 + 0.005, grp = DEFAULT WHERE grp = 1 AND id > 2;
EXPLAIN (VERBOSE, COSTS OFF) DELETE FROM t WHERE grp = 1;
EXPLAIN (VERBOSE, COSTS OFF) DELETE FROM t;
UPDATE t SET note = upper('x'), n = 1 + 0.005, at = '2020-01-01 00:00:00.123456+00', doc = '{"a": 1}' WHERE grp = 1;
SELECT counted($$UPDATE t SET n = DEFAULT WHERE id < 4$$), counted($$DELETE FROM t WHERE id = 9$$), counted($$DELETE FROM t WHERE id = 99$$);
SELECT id, grp, note, n, at, doc FROM t ORDER BY id;
UPDATE t SET note = NULL, at = NULL, doc = NULL;
-- The rows of a WITH query are not those of the statement.
SELECT counted($$WITH gone AS (DELETE FROM t WHERE id = 8) UPDATE t SET n = 2 WHERE grp = 0$$);
SELECT explained_rows('DELETE FROM t WHERE id = 7');
ALTER FOREIGN TABLE t OPTIONS (DROP tells_end);
-- Parameters, seven times; NULL matches nothing and asks nobody.
PREPARE change(numeric, int) AS UPDATE t SET n = $1, at = to_timestamp(0) + interval '1 hour' * $2 WHERE id = $2;
EXECUTE change(1, 1); EXECUTE change(2, 1); EXECUTE change(3, 1); EXECUTE change(4, 1); EXECUTE change(5, 1);
EXECUTE change(6, 1); EXECUTE change(7, 2);
EXECUTE change(8, NULL);
PREPARE divide(int, int) AS UPDATE t SET grp = 6 / $1 WHERE id = $2;
SET plan_cache_mode = force_generic_plan;
EXECUTE divide(0, NULL);
EXECUTE divide(0, 1);
RESET plan_cache_mode;
SELECT id, n, at - to_timestamp(0) AS at FROM t WHERE id < 3 ORDER BY id;
UPDATE t SET n = (SELECT 5) WHERE id = (SELECT 1);
-- A value that fits no column, or has none in Python, and the null of JSON.
UPDATE t SET n = 1e10 WHERE id = 1;
UPDATE t SET doc = 'null' WHERE id = 1;
UPDATE t SET n = $$NaN$$ WHERE id = 1;

-- Row by row where the value depends on the row, is volatile, a subquery's, or some condition stays.
UPDATE t SET n = n + 1 WHERE id = 1;
SELECT direct($$UPDATE t SET note = random()::text WHERE id = 1$$);
SELECT direct($$UPDATE t SET (note, n) = (SELECT 'x', 1 FROM generate_series(t.id, t.id)) WHERE id = 1$$);
SELECT direct($$UPDATE t SET note = (SELECT max(relname) FROM pg_class c WHERE c.oid::int = t.id) WHERE id = 1$$);
SELECT direct($$DELETE FROM t WHERE note = 'x'$$);
SELECT direct($$DELETE FROM t WHERE id % 2 = 0$$);
SELECT direct($$DELETE FROM t WHERE id = 1 RETURNING id$$);
SELECT direct($$DELETE FROM t USING (VALUES (1)) v(m) WHERE id = m + random()::int$$);
CREATE VIEW checked AS SELECT * FROM t WHERE id < 100 WITH CHECK OPTION;
SELECT direct($$UPDATE checked SET n = 1 WHERE id = 1$$);
SELECT direct($$DELETE FROM checked WHERE id = 1$$);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN coalesce(new, old); END$$;
CREATE TRIGGER after AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT direct($$DELETE FROM t WHERE id = 1$$);
SELECT direct($$UPDATE t SET n = 1 WHERE id = 1$$);
DROP TRIGGER after ON t;
CREATE FOREIGN TABLE g (id int, n int, twice int GENERATED ALWAYS AS (n * 2) STORED) SERVER wholesale OPTIONS (name 'g');
SELECT direct($$UPDATE g SET n = 1$$);
CREATE SERVER half FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'wholesale.Half');
CREATE FOREIGN TABLE h (id int, n int) SERVER half OPTIONS (name 'h');
SELECT direct($$UPDATE h SET n = 1$$);
SELECT direct($$DELETE FROM h$$);
SELECT direct($$DELETE FROM t WHERE false$$);
SELECT direct($$DELETE FROM t WHERE current_user = 'nobody'$$);

-- Partitions: directly, unless a row might have to move.
CREATE TABLE p (id int, grp int, n int) PARTITION BY LIST (grp);
CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER wholesale OPTIONS (name 'p1');
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
INSERT INTO p VALUES (1, 1, 10), (2, 2, 20);
SELECT direct($$UPDATE p SET n = 1$$);
UPDATE p SET n = 1;
SELECT direct($$UPDATE p SET grp = 1$$);
SELECT direct($$UPDATE p1 SET n = 1$$);
UPDATE p1 SET grp = 2;
SELECT counted($$DELETE FROM p WHERE id > 0$$);
-- Rows that a trigger lets move into a partition that is changed directly.
INSERT INTO p VALUES (1, 1, 10), (2, 2, 20);
CREATE FUNCTION mover() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN new.grp := 1; RETURN new; END$$;
CREATE TRIGGER mover BEFORE UPDATE ON p2 FOR EACH ROW EXECUTE FUNCTION mover();
UPDATE p SET n = 3;
DROP TRIGGER mover ON p2;
SELECT tableoid::regclass, * FROM p ORDER BY id;
CREATE TABLE parent (id int, grp int);
CREATE FOREIGN TABLE child (grp int, id int, more text) SERVER wholesale OPTIONS (name 'child');
ALTER FOREIGN TABLE child INHERIT parent;
INSERT INTO child VALUES (1, 1, 'x');
INSERT INTO parent VALUES (1, 1);
SELECT direct($$UPDATE parent SET grp = 5 WHERE id = 1$$);
UPDATE parent SET grp = 5 WHERE id = 1;
SELECT * FROM child;

-- Counts that are none, errors, and the transaction afterwards.
ALTER FOREIGN TABLE t OPTIONS (ADD answer 'None');
DELETE FROM t WHERE id = 100;
ALTER FOREIGN TABLE t OPTIONS (SET answer '-1');
DELETE FROM t WHERE id = 100;
ALTER FOREIGN TABLE t OPTIONS (SET answer 'True');
UPDATE t SET n = 1 WHERE id = 100;
ALTER FOREIGN TABLE t OPTIONS (SET answer '2 ** 40');
SELECT counted('DELETE FROM t WHERE id = 100');
DO $$
DECLARE told text;
BEGIN
    ALTER FOREIGN TABLE t OPTIONS (SET answer '1 / 0');
    SET LOCAL client_min_messages = warning;
    DELETE FROM t WHERE id = 100;
EXCEPTION WHEN fdw_error THEN
    GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
    RAISE WARNING '% (%)', sqlerrm, told;
END $$;
-- A view's owner is who changes; a role without the right changes nothing.
CREATE ROLE regress_direct;
SET ROLE regress_direct;
DELETE FROM t WHERE id = 1;
RESET ROLE;
DROP ROLE regress_direct;
