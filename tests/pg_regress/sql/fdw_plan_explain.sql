-- EXPLAIN in all its forms. It never runs the class's execute().
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');
CREATE FOREIGN TABLE t (id int, grp int, name varchar(20), even bool, "odd ""name" text COLLATE "C", oid_like oid)
    SERVER probe OPTIONS (rows '4', sorts '9', limits 'true', tell 'execute explain');
-- Of a width that is the same by the class's word and by the types: versions differ in whose they print.
CREATE FOREIGN TABLE silent (id bigint, grp bigint) SERVER probe OPTIONS (rows '4', sorts '1');
CREATE TABLE l (id int, note text);
-- EXPLAIN without what versions of the server write differently.
CREATE FUNCTION shown(query text) RETURNS TABLE (plan text) LANGUAGE plpgsql AS $$
BEGIN
    FOR plan IN EXECUTE 'EXPLAIN ' || query LOOP
        plan := regexp_replace(plan, 'rows=(\d+)\.00', 'rows=\1', 'g');
        plan := regexp_replace(plan, 'InitPlan (\d+) \(returns \$\d+\)', 'InitPlan \1');
        plan := regexp_replace(plan, '\(InitPlan 1\)\.col1', '$0', 'g');
        plan := regexp_replace(plan, '\n *("Disabled": false,|Disabled: false|<Disabled>false</Disabled>)', '', 'g');
        RETURN NEXT;
    END LOOP;
END $$;

-- Plain text shows only what the class says.
EXPLAIN SELECT * FROM silent;
EXPLAIN SELECT id FROM silent WHERE id > 2 AND id % 2 = 0 ORDER BY grp;
EXPLAIN (COSTS off) SELECT id FROM t WHERE grp = 1 ORDER BY id;
EXPLAIN (COSTS off) SELECT id FROM t ORDER BY id DESC LIMIT 3 OFFSET 1;
EXPLAIN (COSTS off) SELECT count(*) FROM t;

-- VERBOSE shows what was pushed, what was not and why.
EXPLAIN (COSTS off, VERBOSE) SELECT name FROM t
WHERE id >= 1 AND 5 > grp AND grp <> ALL (ARRAY[7, 8]) AND name LIKE 'n%' AND name IS NOT NULL AND even
  AND "odd ""name" = ANY ('{a,b}') AND id < length(current_schema) + 100;
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t
WHERE (id = 1 OR grp = 2) AND id % 2 = 0 AND id = grp AND grp < random() * 100 AND tableoid <> 0 AND t IS NOT NULL
  AND oid_like::int < 5 AND "odd ""name" < 'x' COLLATE "POSIX" AND lower(name) = 'x' AND id IS DISTINCT FROM 4
  AND CASE WHEN id = 1 THEN true END AND NOT (grp BETWEEN 3 AND 4);
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t WHERE NOT even AND even IS NOT TRUE AND (grp > 1) IS NOT UNKNOWN;
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t
WHERE grp = 1 ORDER BY "odd ""name" DESC, name COLLATE "C" NULLS FIRST, even;
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t ORDER BY id LIMIT 3000000000 OFFSET 1;
EXPLAIN (COSTS off, VERBOSE) SELECT t.id, l.note FROM l JOIN t USING (id) WHERE t.grp = 1;
SELECT * FROM shown($$(COSTS off, VERBOSE) SELECT id FROM t WHERE id = (SELECT max(id) FROM l)$$);
EXPLAIN (COSTS off, VERBOSE) SELECT FROM t;
EXPLAIN (COSTS off, VERBOSE) SELECT t FROM t;

-- The structured formats are complete.
SELECT * FROM shown($$(COSTS off, FORMAT json) SELECT id FROM t WHERE id > 1 AND id % 2 = 0 ORDER BY grp$$);
SELECT * FROM shown($$(COSTS off, FORMAT yaml) SELECT id FROM t WHERE id > 1 AND id % 2 = 0 ORDER BY grp$$);
SELECT * FROM shown($$(COSTS off, FORMAT xml) SELECT id FROM t ORDER BY grp LIMIT 2 OFFSET 1$$);
SELECT * FROM shown($$(COSTS off, FORMAT json) SELECT id FROM silent$$);

-- Read back as JSON, with every key once in its object.
CREATE FUNCTION plan_of(query text, options text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT json, %s) %s', options, query) INTO plan;
    RETURN plan->0->'Plan';
END $$;
SELECT key, count(*) FROM json_each(plan_of('SELECT id FROM t', 'VERBOSE')) GROUP BY key HAVING count(*) > 1;

SELECT substring(local FROM '\([a-z ]+\)$') AS why
FROM json_array_elements_text(plan_of('SELECT id FROM t WHERE id NOT IN (SELECT id FROM l)', 'VERBOSE')->'Local Quals') local;

-- ANALYZE runs it once, and counts.
SELECT * FROM shown($$(ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM t WHERE id > 1 AND id % 2 = 0$$);
SELECT * FROM shown($$(ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM t WHERE id = NULL::int$$);
SELECT * FROM shown($$(ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off)
SELECT a.id FROM generate_series(1, 3) g, LATERAL (SELECT id FROM silent WHERE id <= g OFFSET 0) a$$);
SELECT * FROM shown($$(ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM silent LIMIT 2$$);
SELECT * FROM shown($$(ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM silent WHERE (SELECT false)$$);
SELECT plan->>'Wrapper' AS wrapper, plan->>'Rows from Python' AS rows, plan->>'Batches' AS batches,
    (plan->>'Time in Python')::float >= 0 AS has_time
FROM plan_of('SELECT id FROM silent', 'ANALYZE') plan;

-- Prepared statements: a parameter's value in a custom plan, `?` where none is known.
PREPARE by_id(int) AS SELECT name FROM t WHERE id = $1;
EXPLAIN (COSTS off, VERBOSE) EXECUTE by_id(2);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS off, VERBOSE) EXECUTE by_id(2);
SELECT * FROM shown($$(COSTS off, ANALYZE, TIMING off, SUMMARY off, BUFFERS off) EXECUTE by_id(2)$$);
RESET plan_cache_mode;
DEALLOCATE by_id;

-- What explain() may return.
CREATE SERVER explains FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Explains');
CREATE FOREIGN TABLE e (id int) SERVER explains OPTIONS (returns 'none');
EXPLAIN (COSTS off) SELECT * FROM e;
ALTER FOREIGN TABLE e OPTIONS (SET returns 'empty');
EXPLAIN (COSTS off) SELECT * FROM e;
SELECT * FROM shown($$(COSTS off, FORMAT json) SELECT * FROM e$$);
ALTER FOREIGN TABLE e OPTIONS (SET returns 'generator');
EXPLAIN (COSTS off) SELECT * FROM e;
ALTER FOREIGN TABLE e OPTIONS (SET returns 'lines');
EXPLAIN (COSTS off) SELECT * FROM e;
SELECT * FROM shown($$(COSTS off, FORMAT json) SELECT * FROM e$$);
SELECT * FROM shown($$(COSTS off, FORMAT xml) SELECT * FROM e$$);
ALTER FOREIGN TABLE e OPTIONS (SET returns 'numbers');
EXPLAIN (COSTS off) SELECT * FROM e;
ALTER FOREIGN TABLE e OPTIONS (SET returns 'str');
EXPLAIN (COSTS off) SELECT * FROM e;
ALTER FOREIGN TABLE e OPTIONS (SET returns 'bytes');
EXPLAIN (COSTS off) SELECT * FROM e;
ALTER FOREIGN TABLE e OPTIONS (SET returns 'number');
EXPLAIN (COSTS off) SELECT * FROM e;
-- It is asked only by EXPLAIN.
SELECT * FROM e;
