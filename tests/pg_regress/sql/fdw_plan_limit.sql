-- LIMIT and OFFSET handed to the class, and every case in which that would lose or repeat rows.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');
CREATE FOREIGN TABLE t (id int, grp int, maybe int, even bool) SERVER probe
    OPTIONS (rows '8', limits 'true', sorts '9', tell 'execute limit close');
CREATE FOREIGN TABLE unsorted (id int, grp int) SERVER probe OPTIONS (rows '8', limits 'true', tell 'execute limit');
CREATE FOREIGN TABLE refuses (id int) SERVER probe OPTIONS (rows '8', tell 'execute limit close');
CREATE FOREIGN TABLE other (id int) SERVER probe OPTIONS (rows '3', limits 'true', tell 'execute', label 'other: ');
CREATE TABLE l (id int PRIMARY KEY);
INSERT INTO l VALUES (1), (2), (3);

-- Pushed: no Limit node.
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t LIMIT 2 OFFSET 1;
SELECT id FROM t LIMIT 2 OFFSET 1;
SELECT id FROM t LIMIT 2;
SELECT id FROM t OFFSET 6;
SELECT id FROM t LIMIT 0;
SELECT id FROM t FETCH FIRST ROW ONLY;
SELECT id + 100 AS more, 'x' AS x FROM t LIMIT 1;
SELECT count(*) FROM (SELECT FROM t LIMIT 3) s;
-- Beyond the end, and beyond four bytes.
SELECT id FROM t OFFSET 100;
SELECT id FROM t LIMIT 5000000000 OFFSET 6;
SELECT id FROM t OFFSET 5000000000;
SELECT id FROM t LIMIT 9223372036854775807 OFFSET 9223372036854775807;
SELECT id FROM t LIMIT 1 + 1 OFFSET length('abc');
-- Nothing to push.
SELECT id FROM other LIMIT NULL;
SELECT id FROM other LIMIT ALL OFFSET 0;
SELECT id FROM t LIMIT -1;
SELECT id FROM t OFFSET -1;

-- The class refuses: the node stays, and closes the generator.
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM refuses LIMIT 2;
SELECT id FROM refuses LIMIT 2;

-- With an order that the class delivers.
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t ORDER BY grp DESC, id LIMIT 3;
SELECT id FROM t ORDER BY grp DESC, id LIMIT 3;
SELECT maybe FROM t ORDER BY maybe NULLS FIRST OFFSET 1 LIMIT 2;
SELECT random() < 2 AS always FROM t ORDER BY id LIMIT 1;
-- With one that it does not.
EXPLAIN (COSTS off) SELECT id FROM unsorted ORDER BY grp LIMIT 2;
SELECT id, grp FROM unsorted ORDER BY grp, id LIMIT 2;
EXPLAIN (COSTS off) SELECT id FROM t ORDER BY id + 1 LIMIT 2;
SELECT id FROM t ORDER BY -id LIMIT 2;
EXPLAIN (COSTS off) SELECT id FROM t ORDER BY random() LIMIT 2;

-- Below a condition it would lose rows, whatever the condition.
SELECT id FROM t WHERE id > 3 LIMIT 2;
SELECT id FROM t WHERE id % 2 = 0 LIMIT 2;
SELECT id FROM t WHERE even LIMIT 2;
SELECT id FROM t WHERE current_user IS NOT NULL LIMIT 2;
SELECT id FROM t WHERE false LIMIT 2;
SELECT id FROM t WHERE (SELECT true) LIMIT 2;
EXPLAIN (COSTS off) SELECT id FROM t WHERE length(current_schema) > 0 LIMIT 2;

-- Below what counts, groups, joins or locks rows.
EXPLAIN (COSTS off) SELECT count(*) FROM t LIMIT 1;
SELECT count(*) FROM t LIMIT 1;
SELECT DISTINCT even FROM t ORDER BY 1 LIMIT 1;
SELECT DISTINCT ON (even) even, id FROM t ORDER BY even, id LIMIT 1;
SELECT grp, count(*) FROM t GROUP BY grp ORDER BY grp LIMIT 2;
SELECT id, row_number() OVER (ORDER BY id DESC) FROM t ORDER BY id LIMIT 2;
SELECT max(id) FROM t LIMIT 1;
SELECT t.id FROM t JOIN other USING (id) LIMIT 2;
SELECT t.id FROM t, other LIMIT 2;
SELECT id, generate_series(1, 3) FROM t LIMIT 4;
SELECT id FROM t LIMIT 2 FOR UPDATE;
SELECT id FROM t ORDER BY grp FETCH FIRST 1 ROW WITH TIES;
-- One row, from however many rows.
CREATE FOREIGN TABLE empty (id int) SERVER probe OPTIONS (rows '0', limits 'true', tell 'limit');
SELECT 1 FROM empty HAVING true LIMIT 1;
-- A join that the planner removes leaves a plain scan.
SELECT t.id FROM t LEFT JOIN l ON l.id = t.id LIMIT 2;

-- One query inside another: each limit belongs to its own.
SELECT * FROM (SELECT id FROM t LIMIT 3) s WHERE id > 1;
SELECT * FROM (SELECT id FROM t LIMIT 3) s LIMIT 1;
SELECT * FROM (SELECT id FROM t) s LIMIT 2;
SELECT * FROM (SELECT id FROM t OFFSET 0) s LIMIT 2;
SELECT sum(id) FROM (SELECT id FROM t ORDER BY id DESC LIMIT 2) s;
WITH c AS (SELECT id FROM t LIMIT 2) SELECT a.id, b.id FROM c a, c b ORDER BY 1, 2;
WITH c AS MATERIALIZED (SELECT id FROM t) SELECT id FROM c LIMIT 2;
WITH c AS NOT MATERIALIZED (SELECT id FROM t) SELECT id FROM c LIMIT 2;
(SELECT id FROM t LIMIT 1) UNION ALL (SELECT id FROM other LIMIT 2);
SELECT id FROM t UNION ALL SELECT id FROM other LIMIT 1;
(SELECT id FROM unsorted LIMIT 1) UNION (SELECT id FROM other LIMIT 1) LIMIT 5;
SELECT (SELECT id FROM t LIMIT 1), EXISTS (SELECT FROM t OFFSET 9);
SELECT l.id, s.id FROM l, LATERAL (SELECT t.id FROM t LIMIT l.id) s WHERE l.id < 3;
SELECT id FROM l WHERE id IN (SELECT id FROM t LIMIT 2) ORDER BY 1;
SELECT ARRAY(SELECT id FROM t ORDER BY id DESC LIMIT 2);

-- Written elsewhere.
CREATE TABLE copied (id int);
INSERT INTO copied SELECT id FROM t LIMIT 2;
CREATE TABLE made AS SELECT id FROM t OFFSET 7;
SELECT * FROM copied UNION ALL SELECT * FROM made;
COPY (SELECT id FROM t LIMIT 2) TO STDOUT;

-- A view that hides rows, and one that does not.
CREATE VIEW filtered AS SELECT id FROM t WHERE id <> 1;
CREATE VIEW hides WITH (security_barrier) AS SELECT id FROM t WHERE id <> 2;
CREATE VIEW everything WITH (security_barrier) AS SELECT id FROM t;
SELECT id FROM filtered LIMIT 1;
SELECT id FROM hides LIMIT 2;
SELECT id FROM everything LIMIT 1;

-- Limits that are not constants.
SELECT id FROM t LIMIT (SELECT 2);
PREPARE two(bigint, bigint) AS SELECT id FROM t LIMIT $1 OFFSET $2;
SET plan_cache_mode = force_custom_plan;
EXECUTE two(2, 1);
EXECUTE two(NULL, NULL);
EXECUTE two(1, 5000000000);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS off) EXECUTE two(2, 1);
EXECUTE two(2, 1);
EXECUTE two(NULL, 7);
RESET plan_cache_mode;

-- A cursor reads no further than it is asked to.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t LIMIT 3;
FETCH 2 FROM c;
FETCH 2 FROM c;
CLOSE c;
COMMIT;

-- can_limit() that fails.
CREATE FOREIGN TABLE fails (id int) SERVER probe OPTIONS (fails_in 'limit');
SELECT id FROM fails LIMIT 1;
SELECT id FROM fails WHERE id > 9 LIMIT 1;
