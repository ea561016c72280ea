-- TRUNCATE and ANALYZE.
CREATE SERVER sampled FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE w (id int, grp int) SERVER sampled OPTIONS (wrapper 'sampled.Whole', name 'w');
CREATE FOREIGN TABLE s (id int, grp int, gone text) SERVER sampled OPTIONS (wrapper 'sampled.Sampled', name 's', rows '100000');
ALTER FOREIGN TABLE s DROP COLUMN gone;
CREATE FOREIGN TABLE f (id int, grp int) SERVER sampled OPTIONS (wrapper 'sampled.Fixed');
CREATE FOREIGN TABLE r (id int, grp int) SERVER sampled OPTIONS (wrapper 'sampled.Raises', name 'r');
CREATE FUNCTION plan_rows(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan->0->'Plan'->>'Plan Rows';
END $$;

SELECT relname, reltuples FROM pg_class WHERE relname IN ('w', 's', 'f') ORDER BY 1;
ANALYZE w;
ANALYZE s;
ANALYZE f;
SELECT relname, reltuples, relpages > 0 AS pages FROM pg_class WHERE relname IN ('w', 's', 'f') ORDER BY 1;
SELECT tablename, attname, n_distinct, null_frac FROM pg_stats WHERE tablename IN ('w', 's') ORDER BY 1, 2;
-- A class without a size of its own is planned by it.
SELECT plan_rows('SELECT * FROM w'), plan_rows('SELECT * FROM w WHERE grp = 3'), plan_rows('SELECT * FROM w WHERE id < 100');
SELECT plan_rows('SELECT * FROM s'), plan_rows('SELECT * FROM s WHERE grp = 3');
SELECT plan_rows('SELECT * FROM f');
-- A reservoir of more rows than are wanted is a fair choice.
SET default_statistics_target = 1;
ALTER FOREIGN TABLE w OPTIONS (ADD rows '20000');
ANALYZE w;
SELECT reltuples FROM pg_class WHERE relname = 'w';
SELECT (histogram_bounds::text::int[])[1] < 2500 AS low, (histogram_bounds::text::int[])[2] > 17500 AS high
    FROM pg_stats WHERE tablename = 'w' AND attname = 'id';
RESET default_statistics_target;
-- Only some columns; inheritance and partitions.
ANALYZE w (grp);
CREATE TABLE parent (id int, grp int);
ALTER FOREIGN TABLE w INHERIT parent;
INSERT INTO parent SELECT i, i FROM generate_series(1, 100) i;
-- Without what the class says: from 18 on the server analyzes the children for themselves as well.
SET client_min_messages = warning;
ANALYZE parent;
RESET client_min_messages;
SELECT inherited, attname, n_distinct > 0 OR n_distinct < 0 AS known FROM pg_stats WHERE tablename = 'parent' ORDER BY 1, 2;
-- What is no sample.
ALTER FOREIGN TABLE w OPTIONS (ADD answer '42');
ANALYZE w;
ALTER FOREIGN TABLE w OPTIONS (SET answer '([(1, 1)], "many")');
ANALYZE w;
ALTER FOREIGN TABLE w OPTIONS (SET answer '([(1, 1)], -1)');
ANALYZE w;
ALTER FOREIGN TABLE w OPTIONS (SET answer '([(1, "x")], 1)');
ANALYZE w;
ALTER FOREIGN TABLE w OPTIONS (SET answer '(7, 1)');
ANALYZE w;
ALTER FOREIGN TABLE w OPTIONS (SET answer '([(1, 1)] * 3, 1)');
ANALYZE w;
SELECT reltuples FROM pg_class WHERE relname = 'w';
ALTER FOREIGN TABLE w OPTIONS (SET answer '([(1, 1)], 1e308)');
ANALYZE w;
SELECT reltuples FROM pg_class WHERE relname = 'w';
ALTER FOREIGN TABLE w OPTIONS (SET answer '(None, 5)');
ANALYZE w;
SELECT reltuples FROM pg_class WHERE relname = 'w';
ANALYZE r;
BEGIN;
SAVEPOINT a;
ANALYZE r;
ROLLBACK TO a;
COMMIT;
-- TRUNCATE.
ALTER FOREIGN TABLE w OPTIONS (DROP answer);
ALTER FOREIGN TABLE w NO INHERIT parent;
TRUNCATE w;
SELECT count(*) FROM w;
TRUNCATE w, s RESTART IDENTITY CASCADE;
TRUNCATE f;
\echo :LAST_ERROR_SQLSTATE
-- All or none of them is asked.
TRUNCATE w, f;
TRUNCATE r;
BEGIN;
TRUNCATE w;
ROLLBACK;
-- A partition and an inheritance child.
CREATE TABLE p (id int, grp int) PARTITION BY LIST (grp);
CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0);
CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER sampled OPTIONS (wrapper 'sampled.Whole', name 'p1');
INSERT INTO p VALUES (1, 0);
TRUNCATE p;
SELECT count(*) FROM p0;
-- Rights are the server's.
CREATE ROLE regress_truncate;
SET ROLE regress_truncate;
TRUNCATE w;
RESET ROLE;
DROP ROLE regress_truncate;
