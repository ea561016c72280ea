-- Prepared statements, seven times each: custom plans, the switch to the generic one, and invalidation.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');
CREATE FOREIGN TABLE t (id int, grp int, sub int, name text, maybe int) SERVER probe
    OPTIONS (rows '9', size '100000', keys 'id 1; grp sub 2', lookup 'true', tell 'execute size');
CREATE FUNCTION plans(wanted text) RETURNS TABLE (generic bigint, custom bigint) LANGUAGE sql
    AS 'SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = wanted';

-- A lookup by a key: five custom plans, then the generic one, which is planned once.
PREPARE by_id(int) AS SELECT name FROM t WHERE id = $1;
EXECUTE by_id(1);
EXECUTE by_id(2);
EXECUTE by_id(3);
EXECUTE by_id(4);
EXECUTE by_id(5);
EXECUTE by_id(6);
EXECUTE by_id(7);
SELECT * FROM plans('by_id');
EXECUTE by_id(NULL);
EXECUTE by_id(99);

-- A composite key, half of it a constant.
PREPARE by_pair(int) AS SELECT id FROM t WHERE sub = 1 AND grp = $1 ORDER BY id;
ALTER FOREIGN TABLE t OPTIONS (SET tell 'execute');
EXECUTE by_pair(0);
EXECUTE by_pair(1);
EXECUTE by_pair(2);
EXECUTE by_pair(0);
EXECUTE by_pair(1);
EXECUTE by_pair(2);
EXECUTE by_pair(NULL);
SELECT * FROM plans('by_pair');

-- Every kind of place for a parameter, in a generic plan from the start and in custom ones.
PREPARE kinds(int, int[], text, int) AS
SELECT id FROM t WHERE id > $1 AND id = ANY ($2) AND name <> $3 AND $4 + 1 > sub AND (maybe = $1 OR $1 = 1)
ORDER BY id LIMIT $4 + 1;
SET plan_cache_mode = force_generic_plan;
EXECUTE kinds(1, '{2,3,4,5}', 'name 3', 1);
EXECUTE kinds(2, '{2,3,4,5,6,NULL}', 'name 3', 1);
EXECUTE kinds(1, NULL, 'name 3', 1);
EXECUTE kinds(1, '{}', 'name 3', 1);
SET plan_cache_mode = force_custom_plan;
EXECUTE kinds(1, '{2,3,4,5}', 'name 3', 1);
EXECUTE kinds(2, '{2,3,4,5,6,NULL}', 'name 3', 1);
EXECUTE kinds(1, NULL, 'name 3', 1);
EXECUTE kinds(1, '{}', 'name 3', 1);
RESET plan_cache_mode;
SELECT * FROM plans('kinds');

-- Parameters of a join and of a subquery, in the generic plan.
CREATE TABLE l (id int, note text);
INSERT INTO l VALUES (1, 'one'), (2, 'two'), (3, 'three');
ANALYZE l;
SET plan_cache_mode = force_generic_plan;
PREPARE joined(int) AS SELECT l.note, t.name FROM l LEFT JOIN t ON t.id = l.id + $1 ORDER BY l.id;
EXECUTE joined(1);
EXECUTE joined(7);
PREPARE nested(int) AS SELECT note, (SELECT name FROM t WHERE t.id = l.id * $1) FROM l ORDER BY l.id;
EXECUTE nested(2);
EXECUTE nested(3);
RESET plan_cache_mode;

-- What changes a table also changes its plans.
PREPARE everything AS SELECT * FROM t WHERE id = 1;
EXECUTE everything;
ALTER FOREIGN TABLE t OPTIONS (SET rows '0');
EXECUTE everything;
ALTER FOREIGN TABLE t OPTIONS (SET rows '1');
EXECUTE everything;
ALTER FOREIGN TABLE t DROP COLUMN grp;
EXECUTE everything;
PREPARE part AS SELECT id, sub, maybe FROM t WHERE id = 1;
EXECUTE part;
ALTER FOREIGN TABLE t DROP COLUMN name, ADD COLUMN name text;
EXECUTE part;
EXECUTE by_id(1);
PREPARE ordered AS SELECT id FROM t ORDER BY id;
EXPLAIN (COSTS off) EXECUTE ordered;
ALTER SERVER probe OPTIONS (ADD sorts '1');
EXPLAIN (COSTS off) EXECUTE ordered;
EXECUTE ordered;
ALTER SERVER probe OPTIONS (SET sorts '0');
EXPLAIN (COSTS off) EXECUTE ordered;
ALTER FOREIGN TABLE t RENAME COLUMN name TO label;
EXECUTE by_id(1);
DROP FOREIGN TABLE t;
EXECUTE by_id(1);
CREATE FOREIGN TABLE t (id int, name text) SERVER probe OPTIONS (rows '2', label 'new: ');
EXECUTE by_id(1);

-- In functions, whose statements are prepared as well.
CREATE FUNCTION look_up(wanted int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    SELECT name INTO found FROM t WHERE id = wanted;
    RETURN found;
END $$;
SELECT n, look_up(n % 3) FROM generate_series(1, 7) n;
CREATE FUNCTION inlined(wanted int) RETURNS SETOF t STABLE LANGUAGE sql AS 'SELECT * FROM t WHERE id = wanted';
EXPLAIN (COSTS off) SELECT * FROM inlined(2);
SELECT * FROM inlined(2);
SELECT n, i.name FROM generate_series(1, 3) n LEFT JOIN LATERAL inlined(n) i ON true;
