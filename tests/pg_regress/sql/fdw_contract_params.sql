-- Parameters, under custom and generic plans, and expressions that only the running query knows.
CREATE SERVER spy FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'spy.Spy');
CREATE SERVER planner FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'spy.Planner');
CREATE FOREIGN TABLE t (a int, b text) SERVER spy
    OPTIONS (rows '[(1, "one"), (2, "two"), (3, None)]');

-- The sixth and seventh execution may use a generic plan; the wrapper must not see a difference.
PREPARE one(int) AS SELECT * FROM t WHERE a = $1;
EXECUTE one(1);
EXECUTE one(2);
EXECUTE one(3);
EXECUTE one(1);
EXECUTE one(2);
EXECUTE one(3);
EXECUTE one(1);
EXECUTE one(NULL);

SET plan_cache_mode = force_generic_plan;
EXECUTE one(2);
EXECUTE one(NULL);
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE one(2);
PREPARE swapped(int, text) AS SELECT * FROM t WHERE $1 < a AND b LIKE $2 || '%';
EXECUTE swapped(1, 't');
EXECUTE swapped(0, 'on');
PREPARE list(int[], text[]) AS SELECT * FROM t WHERE a = ANY ($1) AND b <> ALL ($2);
EXECUTE list('{1,2,NULL}', '{two}');
EXECUTE list('{1,2}', '{one,NULL}');
EXECUTE list('{}', '{}');
EXECUTE list(NULL, '{one}');
EXECUTE list('{1}', NULL);
PREPARE elements(int, int) AS SELECT * FROM t WHERE a IN ($1, $2, 7);
EXECUTE elements(1, NULL);
PREPARE twice(int) AS SELECT * FROM t WHERE a >= $1 AND a <= $1 + 1 AND a <> $1 * 10;
EXECUTE twice(2);
-- A parameter of another type than the column.
PREPARE other(int8, varchar) AS SELECT * FROM t WHERE a = $1 AND b = $2;
EXECUTE other(2, 'two');
-- No condition on a column: the server's affair.
PREPARE silent(int) AS SELECT * FROM t WHERE a IS NOT DISTINCT FROM $1 OR $1 = 9;
EXECUTE silent(2);
EXECUTE silent(9);
PREPARE gate(bool) AS SELECT * FROM t WHERE a = 1 AND $1;
EXECUTE gate(true);
EXECUTE gate(false);
RESET plan_cache_mode;

-- PL/pgSQL: every variable is a parameter; seven runs.
DO $$
DECLARE found text; wanted int;
BEGIN
    FOR i IN 1..7 LOOP
        wanted := i % 3 + 1;
        SELECT b INTO found FROM t WHERE a = wanted;
        RAISE NOTICE 'a = % gives %', wanted, found;
    END LOOP;
END $$;

-- Stable expressions are evaluated when the scan begins.
CREATE ROLE regress_contract_params;
GRANT USAGE ON SCHEMA public TO regress_contract_params;
CREATE FOREIGN TABLE owned (who text, n name, at timestamptz, d date) SERVER spy
    OPTIONS (rows '[("regress_contract_params", "regress_contract_params", dt.datetime(2000, 1, 1), None)]');
GRANT SELECT ON owned TO regress_contract_params;
SET ROLE regress_contract_params;
SELECT who FROM owned WHERE who = current_user;
SELECT who FROM owned WHERE n = current_user;
SELECT who FROM owned WHERE current_role = who AND n <> current_setting('search_path');
RESET ROLE;
SET multicorn_test.wanted = 'regress_contract_params';
SELECT who FROM owned WHERE who = current_setting('multicorn_test.wanted');
PREPARE setting AS SELECT who FROM owned WHERE who = current_setting('multicorn_test.wanted');
EXECUTE setting;
SET multicorn_test.wanted = 'nobody';
EXECUTE setting;
CREATE FUNCTION fixed_now() RETURNS timestamptz STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN '2024-02-29 00:00+00'; END $$;
SET TimeZone = 'UTC';
SELECT who FROM owned WHERE at < fixed_now() AND at > fixed_now() - interval '100 years';
-- now() is pushed, too; its value does not belong into an expected output.
EXPLAIN (VERBOSE, COSTS OFF) SELECT who FROM owned WHERE at < now() AND d < current_date;

-- Volatile ones are not: each row has its own value.
SELECT who FROM owned WHERE at < clock_timestamp();
CREATE SEQUENCE steps;
SELECT a FROM t WHERE a = nextval('steps');
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM t WHERE a = nextval('steps') AND a > 0;
-- A stable function that itself reads a foreign table, whose class is silent.
CREATE SERVER tutorial FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'tutorial.ConstantForeignDataWrapper');
CREATE FOREIGN TABLE texts (t text) SERVER tutorial;
CREATE FUNCTION least_a() RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT count(*) - 19 FROM texts); END $$;
SELECT a FROM t WHERE a > least_a();

-- Values of other nodes: subqueries, joins, LATERAL.
SELECT a FROM t WHERE a = (SELECT 2);
SELECT a FROM t WHERE a = (SELECT max(x) FROM generate_series(1, 3) x);
CREATE TABLE local (x int);
INSERT INTO local VALUES (1), (3);
ANALYZE local;
SELECT x, (SELECT b FROM t WHERE a = x) FROM local ORDER BY x;
SELECT x, b FROM local, LATERAL (SELECT b FROM t WHERE a = x OFFSET 0) s ORDER BY x;
SELECT x FROM local WHERE EXISTS (SELECT FROM t WHERE a = x + 1 OFFSET 0) ORDER BY x;
EXPLAIN (VERBOSE, COSTS OFF) SELECT x, (SELECT b FROM t WHERE a = x) FROM local;

-- get_rel_size sees the constants, and under a generic plan no parameter.
CREATE FOREIGN TABLE p (a int, b text) SERVER planner OPTIONS (rows '[(1, "one"), (2, "two")]');
PREPARE sized(int) AS SELECT b FROM p WHERE a = $1 AND b = 'two';
EXECUTE sized(2);
SET plan_cache_mode = force_generic_plan;
EXECUTE sized(2);
DEALLOCATE sized;
PREPARE sized(int) AS SELECT b FROM p WHERE a = $1 AND b = 'two';
EXECUTE sized(2);
EXECUTE sized(2);
EXPLAIN (COSTS OFF) EXECUTE sized(2);
EXPLAIN (VERBOSE, COSTS OFF) SELECT x, (SELECT b FROM p WHERE a = x) FROM local;
DROP OWNED BY regress_contract_params;
DROP ROLE regress_contract_params;
