-- A foreign table in every place of a statement where rows are read.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');
CREATE FOREIGN TABLE t (id int, grp int, sub int, name text, maybe int) SERVER probe OPTIONS (rows '8', lookup 'true');
CREATE FOREIGN TABLE quiet (id int, grp int, name text) SERVER probe OPTIONS (rows '8', tell '');
CREATE TABLE l (id int PRIMARY KEY, note text);
INSERT INTO l SELECT n, 'note ' || n FROM generate_series(1, 4) n;

-- Grouping.
SELECT grp, count(*), sum(id), min(name), count(maybe) FROM t GROUP BY grp ORDER BY grp;
SELECT grp, sub, count(*) FROM t GROUP BY ROLLUP (grp, sub) ORDER BY 1, 2;
SELECT grp FROM t GROUP BY grp HAVING count(*) > 2 ORDER BY 1;
SELECT count(*) FILTER (WHERE id > 3), count(DISTINCT grp), string_agg(name, ',' ORDER BY id DESC) FROM t;
SELECT count(*) FROM t WHERE false;
SELECT 1 FROM t HAVING count(*) > 1;
SELECT grouping(grp), count(*) FROM t GROUP BY CUBE (grp) HAVING grouping(grp) = 1;

-- DISTINCT, windows.
SELECT DISTINCT grp, sub FROM t ORDER BY 1, 2;
SELECT id, lag(id) OVER (ORDER BY id), sum(id) OVER (PARTITION BY grp ORDER BY id) FROM t ORDER BY id LIMIT 3;

-- Set operations, CTEs.
SELECT id FROM t WHERE id < 3 UNION SELECT id FROM l WHERE id < 4 ORDER BY 1;
SELECT id FROM t INTERSECT SELECT id FROM l ORDER BY 1;
SELECT id FROM l EXCEPT ALL SELECT id FROM t WHERE id > 2 ORDER BY 1;
WITH c AS (SELECT id, grp FROM t WHERE grp = 1) SELECT a.id, b.id FROM c a JOIN c b ON a.id < b.id ORDER BY 1, 2;
WITH RECURSIVE r (id) AS (SELECT 1 UNION ALL SELECT t.id FROM t JOIN r ON t.id = r.id * 2) SELECT * FROM r;
SELECT * FROM (VALUES (1), (9)) v (id) LEFT JOIN quiet USING (id) ORDER BY id;

-- Whole rows, functions of them, and a row's own table.
SELECT t FROM t WHERE id = 2;
SELECT row_to_json(q) FROM quiet q WHERE id = 2;
SELECT q IS NULL, q.* IS NOT NULL, (q).name, tableoid::regclass FROM quiet q WHERE id = 1;
SELECT count(q), count(DISTINCT q.grp), max(q::text) FROM quiet q;
SELECT q FROM quiet q, l WHERE l.id = q.id AND l.id = 3;
SELECT ctid FROM quiet WHERE id = 1;
SELECT xmin FROM quiet;
-- No columns at all.
CREATE FOREIGN TABLE bare () SERVER probe OPTIONS (rows '2');
SELECT * FROM bare;
SELECT count(*), count(bare) FROM bare;
SELECT FROM t LIMIT 2;

-- Source of a change.
CREATE TABLE target (id int PRIMARY KEY, name text);
INSERT INTO target SELECT id, name FROM t WHERE id <= 3 RETURNING *;
INSERT INTO target SELECT id, 'again' FROM t WHERE id <= 4 ON CONFLICT (id) DO UPDATE SET name = excluded.name || '!';
UPDATE target SET name = upper(t.name) FROM t WHERE t.id = target.id AND t.grp = 1 RETURNING target.*, t.sub;
UPDATE target SET name = (SELECT 'sub ' || t.name FROM t WHERE t.id = target.id) WHERE id = 2;
DELETE FROM target USING t WHERE t.id = target.id AND t.sub = 1 RETURNING target.id, t;
MERGE INTO target USING (SELECT * FROM t WHERE id <= 5) s ON s.id = target.id
    WHEN MATCHED AND s.id = 4 THEN DELETE
    WHEN MATCHED THEN UPDATE SET name = s.name || ' merged'
    WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name);
SELECT * FROM target ORDER BY id;
MERGE INTO target USING t ON t.id = target.id WHEN MATCHED THEN UPDATE SET name = t.name WHEN NOT MATCHED THEN DO NOTHING;
WITH moved AS (DELETE FROM target WHERE id IN (SELECT id FROM t WHERE sub = 0) RETURNING id)
SELECT t.name FROM moved JOIN t USING (id) ORDER BY 1;
SELECT * INTO made FROM t WHERE id > 6;
SELECT * FROM made ORDER BY id;
CREATE MATERIALIZED VIEW kept AS SELECT grp, count(*) FROM t GROUP BY grp;
REFRESH MATERIALIZED VIEW kept;
SELECT * FROM kept ORDER BY grp;
COPY (SELECT id, name FROM t WHERE id < 3) TO STDOUT;

-- Row locks: on the local table, on both, on the foreign one.
SELECT l.note, t.name FROM l JOIN t USING (id) WHERE t.grp = 1 ORDER BY l.id FOR UPDATE OF l;
SELECT l.note, q.name FROM l LEFT JOIN quiet q ON q.id = l.id AND q.grp = 0 ORDER BY l.id FOR UPDATE OF l;
SELECT l.id, q.id FROM l JOIN quiet q USING (id) ORDER BY 1 FOR SHARE;
SELECT id FROM t WHERE id < 3 FOR UPDATE;
SELECT id FROM quiet WHERE id = 1 FOR KEY SHARE SKIP LOCKED;

-- Functions: called for each row, reading the same table inside, inlined, returning sets.
CREATE FUNCTION siblings(which int) RETURNS bigint LANGUAGE plpgsql AS
    'BEGIN RETURN (SELECT count(*) FROM t WHERE grp = which); END';
SELECT id, siblings(grp) FROM t WHERE id < 4;
CREATE FUNCTION of_group(which int) RETURNS SETOF t LANGUAGE sql STABLE AS 'SELECT * FROM t WHERE grp = which';
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM of_group(1) WHERE id > 2;
SELECT l.id, g.id FROM l, of_group(l.id) g WHERE l.id < 3 ORDER BY 1, 2;
CREATE FUNCTION names() RETURNS TABLE (n text) LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY SELECT name FROM t WHERE id < 3; END';
SELECT * FROM names();
CREATE FUNCTION is_grp(t, int) RETURNS bool LANGUAGE sql AS 'SELECT $1.grp = $2';
SELECT id FROM t WHERE is_grp(t, 2);

-- Views; a barrier keeps foreign conditions above its own.
CREATE VIEW ones AS SELECT id, name FROM t WHERE grp = 1;
CREATE VIEW safe_ones WITH (security_barrier) AS SELECT id, name FROM t WHERE grp = 1;
CREATE FUNCTION leaks(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS
    'BEGIN RAISE NOTICE ''leaked %'', $1; RETURN true; END';
SELECT * FROM ones WHERE id > 2;
SELECT * FROM safe_ones WHERE id > 2 AND leaks(name);
EXPLAIN (COSTS off, VERBOSE) SELECT * FROM safe_ones WHERE id > 2 AND leaks(name);

-- Row-level security on the local side of a join.
ALTER TABLE l ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON l USING (id % 2 = 0);
CREATE ROLE regress_plan_reader;
GRANT SELECT ON l, t, quiet TO regress_plan_reader;
SET ROLE regress_plan_reader;
SELECT l.id, t.name FROM l JOIN t USING (id) ORDER BY 1;
SELECT id FROM quiet WHERE EXISTS (SELECT FROM l WHERE l.id = quiet.id) ORDER BY 1;
RESET ROLE;
DROP OWNED BY regress_plan_reader;
DROP ROLE regress_plan_reader;

-- What the server does not do with foreign tables.
SELECT id FROM t TABLESAMPLE SYSTEM (50);
