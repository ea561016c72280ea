-- Foreign tables as children and partitions, and beside parallel scans.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');

-- Inheritance: the columns of a child may lie in another order, and there may be more of them.
-- The shape of a plan; versions of the server write an equality's sides in one order or the other.
CREATE FUNCTION plan(query text, options text = 'COSTS off') RETURNS TABLE (plan text) LANGUAGE plpgsql AS $$
BEGIN
    FOR plan IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
        CONTINUE WHEN plan ~ '^ *(Join )?Filter: .* = ';
        RETURN NEXT;
    END LOOP;
END $$;
CREATE TABLE parent (id int, name text);
INSERT INTO parent VALUES (100, 'local');
CREATE FOREIGN TABLE child () INHERITS (parent) SERVER probe OPTIONS (rows '3', label 'child: ', lookup 'true');
CREATE FOREIGN TABLE other (grp int, name text, dropped int, id int) SERVER probe
    OPTIONS (rows '3', label 'other: ', lookup 'true', sorts '9');
ALTER FOREIGN TABLE other DROP COLUMN dropped;
ALTER FOREIGN TABLE other INHERIT parent;
EXPLAIN (COSTS off, VERBOSE) SELECT * FROM parent WHERE id > 1;
SELECT * FROM parent WHERE id > 1 ORDER BY id, tableoid;
SELECT tableoid::regclass, parent FROM parent WHERE name <> 'local' AND id = 3 ORDER BY 1;
SELECT * FROM ONLY parent;
SELECT count(*), sum(id) FROM parent;
SELECT id FROM parent LIMIT 2;
EXPLAIN (COSTS off) SELECT id FROM parent ORDER BY id;
SELECT id FROM parent ORDER BY id DESC LIMIT 3;
SELECT a.id, b.name FROM parent a JOIN parent b ON a.id = b.id + 98 ORDER BY 1, 2;
SELECT p.id FROM parent p, LATERAL (SELECT q.id FROM parent q WHERE q.id = p.id + 1 LIMIT 1) s ORDER BY 1;
SELECT id FROM parent WHERE id = 1 FOR UPDATE;

-- Partitions, foreign and local, pruned while planning and while running.
CREATE TABLE parts (grp int, id int, name text) PARTITION BY LIST (grp);
CREATE FOREIGN TABLE parts_0 PARTITION OF parts FOR VALUES IN (0) SERVER probe
    OPTIONS (rows '9', label 'parts_0: ', lookup 'true', keys 'id 1', size '10000');
CREATE FOREIGN TABLE parts_1 PARTITION OF parts FOR VALUES IN (1) SERVER probe
    OPTIONS (rows '9', label 'parts_1: ', lookup 'true', keys 'id 1', size '10000');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts VALUES (2, 2, 'local 2'), (2, 5, 'local 5');
-- The class makes every group's rows: the partition's own condition is asked for here.
SELECT grp, id, name FROM parts WHERE grp = 1;
EXPLAIN (COSTS off) SELECT id FROM parts WHERE grp = 2;
EXPLAIN (COSTS off) SELECT id FROM parts WHERE grp IN (0, 2) AND id = 3;
SELECT grp, id FROM parts WHERE grp IN (0, 2) AND id < 4 AND grp = id % 3 ORDER BY 1, 2;
SET plan_cache_mode = force_generic_plan;
PREPARE pruned(int) AS SELECT id, name FROM parts WHERE grp = $1 ORDER BY id;
EXPLAIN (COSTS off) EXECUTE pruned(1);
EXECUTE pruned(1);
EXECUTE pruned(2);
EXECUTE pruned(7);
EXECUTE pruned(NULL);
RESET plan_cache_mode;
-- Pruned anew for each row of the outer side.
CREATE TABLE wanted (grp int, id int);
INSERT INTO wanted VALUES (0, 3), (2, 5), (1, 4), (0, 6), (NULL, 1);
ANALYZE wanted, parts_2;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT w.grp, w.id, p.name FROM wanted w, LATERAL (SELECT name FROM parts p WHERE p.grp = w.grp AND p.id = w.id OFFSET 0) p;
SELECT w.grp, w.id, p.name FROM wanted w LEFT JOIN parts p ON p.grp = w.grp AND p.id = w.id ORDER BY 1, 2;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- Partitionwise joins: each pair of partitions by itself, lookups included.
SET enable_partitionwise_join = on;
SET enable_partitionwise_aggregate = on;
CREATE TABLE twins (grp int, id int) PARTITION BY LIST (grp);
CREATE TABLE twins_0 PARTITION OF twins FOR VALUES IN (0);
CREATE TABLE twins_1 PARTITION OF twins FOR VALUES IN (1);
CREATE TABLE twins_2 PARTITION OF twins FOR VALUES IN (2);
INSERT INTO twins VALUES (0, 3), (1, 4), (1, 7), (2, 5);
ANALYZE twins;
SELECT * FROM plan($$SELECT t.id, p.name FROM twins t JOIN parts p ON p.grp = t.grp AND p.id = t.id$$);
SELECT t.id, p.name FROM twins t JOIN parts p ON p.grp = t.grp AND p.id = t.id ORDER BY 1;
SELECT t.grp, count(p.id) FROM twins t LEFT JOIN parts p ON p.grp = t.grp AND p.id = t.id GROUP BY t.grp ORDER BY 1;
RESET enable_partitionwise_join;
RESET enable_partitionwise_aggregate;

-- Children may be tables of one class: each has its own instance and scan.
SELECT count(*), count(DISTINCT tableoid) FROM parts WHERE id = 2;

-- Parallel plans: the foreign scan stays with the leader.
CREATE TABLE heap AS SELECT n AS id, n % 5 AS grp FROM generate_series(1, 3000) n;
ANALYZE heap;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
SELECT * FROM plan($$SELECT count(*), sum(h.id) FROM heap h JOIN child c ON c.id = h.id$$);
SELECT count(*), sum(h.id) FROM heap h JOIN child c ON c.id = h.id;
SELECT count(*) FROM (SELECT id FROM heap WHERE grp = 1 UNION ALL SELECT id FROM child) s;
SELECT count(*) FROM heap WHERE id IN (SELECT id FROM child);
-- It has another name from 16 on.
SELECT set_config(name, 'on', false) AS parallel FROM pg_settings
WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT count(*) FROM child;
SELECT c.id, h.grp FROM child c LEFT JOIN heap h USING (id) ORDER BY 1;
-- A function that reads the table inside a worker, and says that it may: each worker has its own Python.
CREATE FOREIGN TABLE inside (id int) SERVER probe OPTIONS (rows '4', tell '', lookup 'true');
CREATE FUNCTION up_to(n int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS
    'BEGIN RETURN (SELECT sum(id) FROM inside WHERE id <= n % 5); END';
SET parallel_leader_participation = off;
EXPLAIN (COSTS off) SELECT sum(up_to(id)) FROM heap;
SELECT sum(up_to(id)) FROM heap;
ALTER FOREIGN TABLE inside OPTIONS (ADD fail_at '2');
\set VERBOSITY terse
SELECT sum(up_to(id)) FROM heap;
\set VERBOSITY default
ALTER FOREIGN TABLE inside OPTIONS (DROP fail_at);
SELECT sum(up_to(id)) FROM heap;
RESET ALL;
