-- What a class may offer beside the contract: keys of several columns, only the changed columns, conflicts.
CREATE SERVER keyed FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE k (a int, b text, n int, note text) SERVER keyed OPTIONS (wrapper 'keyed.Keyed', name 'k');
INSERT INTO k VALUES (1, 'x', 10, 'one'), (1, 'y', 20, 'two'), (2, 'x', 30, 'three');
UPDATE k SET n = n + 1 WHERE a = 1 RETURNING *;
UPDATE k SET b = 'z' WHERE b = 'y' RETURNING a, b;
DELETE FROM k WHERE a = 2 RETURNING note;
EXPLAIN (VERBOSE, COSTS OFF) UPDATE k SET n = 0;
EXPLAIN (VERBOSE, COSTS OFF) DELETE FROM k;
PREPARE change(int, text) AS UPDATE k SET n = $1 WHERE b = $2 RETURNING a, b, n;
SET client_min_messages = warning;
EXECUTE change(1, 'x'); EXECUTE change(2, 'x'); EXECUTE change(3, 'x'); EXECUTE change(4, 'x');
EXECUTE change(5, 'x'); EXECUTE change(6, 'x'); EXECUTE change(7, 'x');
RESET client_min_messages;
-- A key of one column is a tuple too, if it is named by rowid_columns.
CREATE FOREIGN TABLE one (a int, note text) SERVER keyed OPTIONS (wrapper 'keyed.Keyed', name 'one', key 'a');
INSERT INTO one VALUES (1, 'x');
UPDATE one SET note = 'y';
DELETE FROM one;
-- Names that are none.
CREATE FOREIGN TABLE bad (a int) SERVER keyed OPTIONS (wrapper 'keyed.Misnamed', name 'bad', names '("a", "b")');
DELETE FROM bad;
ALTER FOREIGN TABLE bad OPTIONS (SET names '"a"');
DELETE FROM bad;
ALTER FOREIGN TABLE bad OPTIONS (SET names '("a", 1)');
DELETE FROM bad;

-- Only changed columns are passed, and no more are fetched than the statement reads.
CREATE FOREIGN TABLE c (a int, b text, n int, note text) SERVER keyed OPTIONS (wrapper 'keyed.Changed', name 'c');
INSERT INTO c VALUES (1, 'x', 10, 'one'), (1, 'y', 20, 'two');
UPDATE c SET n = 5;
UPDATE c SET n = a + 5, note = 'new' WHERE b = 'x';
UPDATE c SET n = n + 1 RETURNING n;
UPDATE c SET n = n + 1 RETURNING *;
UPDATE c SET n = 1 RETURNING note;
UPDATE c SET note = c::text WHERE b = 'y';
UPDATE c SET n = s.v FROM (VALUES (1, 100), (3, 300)) s(a, v) WHERE c.a = s.a RETURNING c.n, s.v;
UPDATE c SET n = other.n + 1 FROM c other WHERE other.b = 'x' AND c.b = 'y';
EXPLAIN (VERBOSE, COSTS OFF) UPDATE c SET n = 5, note = 'x' WHERE b = 'x';
PREPARE part(int) AS UPDATE c SET n = $1 WHERE b = 'x';
EXECUTE part(1); EXECUTE part(2); EXECUTE part(3); EXECUTE part(4); EXECUTE part(5); EXECUTE part(6); EXECUTE part(7);
SELECT * FROM c ORDER BY b;
-- Where somebody looks at the whole row, all of it is fetched; a trigger before it may change any column.
CREATE VIEW checked AS SELECT * FROM c WHERE a > 0 WITH CHECK OPTION;
UPDATE checked SET n = 6 WHERE b = 'x';
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '% -> %', to_json(old), to_json(new); RETURN new; END$$;
CREATE TRIGGER tell AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION tell();
UPDATE c SET n = 7 WHERE b = 'x';
DROP TRIGGER tell ON c;
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN new.note := 'meddled'; RETURN new; END$$;
CREATE TRIGGER meddle BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION meddle();
UPDATE c SET n = 8 WHERE b = 'x';
DROP TRIGGER meddle ON c;
CREATE FOREIGN TABLE g (a int, b text, n int, twice int GENERATED ALWAYS AS (n * 2) STORED) SERVER keyed
    OPTIONS (wrapper 'keyed.Changed', name 'g');
INSERT INTO g VALUES (1, 'x', 10);
UPDATE g SET b = 'y';
UPDATE g SET n = 11 RETURNING twice;
CREATE TABLE parent (a int, b text, n int);
CREATE FOREIGN TABLE child (a int, b text, n int, extra int) INHERITS (parent) SERVER keyed
    OPTIONS (wrapper 'keyed.Changed', name 'child');
INSERT INTO child VALUES (1, 'x', 1, 1);
UPDATE parent SET n = 2;
UPDATE parent SET n = 3 RETURNING tableoid::regclass, *;
SELECT * FROM child;

-- Rows that are gone are not counted, nor returned.
CREATE FOREIGN TABLE f (a int, b text) SERVER keyed OPTIONS (wrapper 'keyed.Forgetful', name 'f');
INSERT INTO f VALUES (1, 'x'), (2, 'y');
WITH gone AS (UPDATE f SET b = 'z' RETURNING *) SELECT count(*) FROM gone;
INSERT INTO f VALUES (1, 'x'), (2, 'y');
WITH gone AS (DELETE FROM f RETURNING *) SELECT count(*) FROM gone;
CREATE FUNCTION counted(statement text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
INSERT INTO f VALUES (1, 'x'), (2, 'y');
SELECT counted($$UPDATE f SET b = 'z'$$), counted($$DELETE FROM f$$);
SELECT counted($$UPDATE k SET n = 1$$), counted($$DELETE FROM k WHERE b = 'x'$$);

-- ON CONFLICT DO NOTHING, where the class knows it.
INSERT INTO k VALUES (1, 'x') ON CONFLICT DO NOTHING;
CREATE FOREIGN TABLE x (a int, b text) SERVER keyed OPTIONS (wrapper 'keyed.Conflicting', name 'x');
INSERT INTO x VALUES (1, 'x'), (2, 'x') ON CONFLICT DO NOTHING;
INSERT INTO x VALUES (2, 'x'), (3, 'x') ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO x VALUES (3, 'x');
INSERT INTO x VALUES (3, 'x') ON CONFLICT (a) DO NOTHING;
INSERT INTO x VALUES (3, 'x') ON CONFLICT (a) DO UPDATE SET b = 'y';
SELECT counted($$INSERT INTO x VALUES (3, 'x'), (4, 'x') ON CONFLICT DO NOTHING$$);
CREATE FOREIGN TABLE xb (a int, b text) SERVER keyed OPTIONS (wrapper 'keyed.ConflictingBatches', name 'xb');
SELECT counted($$INSERT INTO xb SELECT i % 4, 'x' FROM generate_series(1, 7) i ON CONFLICT DO NOTHING$$);
INSERT INTO xb VALUES (0, 'x'), (9, 'x') ON CONFLICT DO NOTHING RETURNING *;
CREATE FOREIGN TABLE xo (a int, b text) SERVER keyed OPTIONS (wrapper 'keyed.OnlyBatches', name 'xo');
SELECT counted($$INSERT INTO xo VALUES (1, 'x'), (2, 'x'), (1, 'x') ON CONFLICT DO NOTHING$$);
INSERT INTO xo VALUES (1, 'x'), (3, 'x') ON CONFLICT DO NOTHING RETURNING *;
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO xo VALUES (1, 'x') ON CONFLICT DO NOTHING;
-- A partition that does not know it is not inserted into silently.
CREATE TABLE p (a int, b text) PARTITION BY LIST (a);
CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER keyed OPTIONS (wrapper 'keyed.Keyed', name 'p1');
CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES IN (2) SERVER keyed OPTIONS (wrapper 'keyed.Conflicting', name 'p2');
INSERT INTO p VALUES (1, 'x') ON CONFLICT DO NOTHING;
INSERT INTO p VALUES (2, 'x'), (2, 'x') ON CONFLICT DO NOTHING RETURNING tableoid::regclass, *;
SELECT count(*) FROM p;

-- Rows that an UPDATE moves into a partition which it has still to read would be changed twice.
CREATE TABLE m (a int, b text) PARTITION BY LIST (a);
CREATE TABLE m0 PARTITION OF m FOR VALUES IN (0);
CREATE FOREIGN TABLE m1 PARTITION OF m FOR VALUES IN (1) SERVER keyed OPTIONS (wrapper 'keyed.Changed', name 'm1', quiet '1');
CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2);
INSERT INTO m VALUES (0, 'zero'), (1, 'one'), (2, 'two');
UPDATE m SET a = 1, b = b || '!';
UPDATE m SET a = 1, b = b || '!' WHERE a > 0 RETURNING tableoid::regclass, *;
UPDATE m SET a = 1, b = b || '!' WHERE a = 0 RETURNING tableoid::regclass, *;
SELECT tableoid::regclass, * FROM m ORDER BY 2, 3;
TRUNCATE m0, m2;
INSERT INTO m VALUES (0, 'null');
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off;
UPDATE m SET a = 1 FROM (VALUES (0), (1)) v(n) WHERE m.a < v.n + 1;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material; RESET enable_memoize;
SELECT tableoid::regclass, * FROM m ORDER BY 2, 3;
-- The constraint of the partition is checked with what was not fetched.
UPDATE m1 SET b = 'in place';
UPDATE m1 SET a = 0;

-- MERGE is not for foreign tables.
MERGE INTO k USING (SELECT 1 AS a) s ON k.a = s.a WHEN MATCHED THEN DELETE;
CREATE TABLE source (a int, b text);
INSERT INTO source VALUES (1, 'merged');
MERGE INTO m USING source s ON m.a = s.a WHEN MATCHED THEN UPDATE SET b = s.b;
MERGE INTO m USING source s ON m.a = s.a WHEN MATCHED THEN DELETE;
MERGE INTO m USING (VALUES (1)) v(a) ON m.a = v.a WHEN MATCHED THEN UPDATE SET b = '' WHEN NOT MATCHED THEN INSERT VALUES (v.a);
\echo :LAST_ERROR_SQLSTATE
MERGE INTO m USING source s ON m.a = s.a + 8 WHEN NOT MATCHED THEN INSERT VALUES (s.a, s.b);
SELECT tableoid::regclass, * FROM m ORDER BY 2, 3;
