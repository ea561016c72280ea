-- What the planner asks: get_rel_size, get_path_keys, can_sort, can_limit, explain; and the keywords of
-- execute() that come of it.
CREATE SERVER planner FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'spy.Planner');
CREATE SERVER plain FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'planning.Plain');
CREATE SERVER odd FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'planning.Odd');

SET jit = off;

-- Costs: _startup_cost, and rows times width; 100 million rows of 100 bytes a column unless the class knows.
CREATE FOREIGN TABLE plain (a int, b text) SERVER plain;
EXPLAIN SELECT * FROM plain;
EXPLAIN SELECT a FROM plain;
EXPLAIN SELECT * FROM plain WHERE a = 1;
CREATE FOREIGN TABLE p (a int, b text, c text) SERVER planner OPTIONS (rows '[(1, "x", "y"), (2, "z", None)]');
EXPLAIN SELECT * FROM p;
EXPLAIN SELECT b FROM p WHERE a < 3 AND upper(c) = 'Y';
CREATE SERVER bundled FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'multicorn.testfdw.TestForeignDataWrapper');
CREATE FOREIGN TABLE bundled (test1 text, test2 text) SERVER bundled OPTIONS (canlimit 'true');
SET client_min_messages = warning;
EXPLAIN SELECT * FROM bundled;
RESET client_min_messages;

-- Sizes that a class may not know how to give.
CREATE FOREIGN TABLE o (a int, b text) SERVER odd OPTIONS (size '(5, 8)');
CREATE PROCEDURE odd(size text, keys text DEFAULT '[]', sorts text DEFAULT '[]', lines text DEFAULT '[]', limits text DEFAULT 'False')
LANGUAGE plpgsql AS $$ BEGIN
    DROP FOREIGN TABLE o;
    EXECUTE format('CREATE FOREIGN TABLE o (a int, b text) SERVER odd OPTIONS (size %L, keys %L, sorts %L, lines %L, limits %L)',
        size, keys, sorts, lines, limits);
END $$;
EXPLAIN SELECT * FROM o;
CALL odd('(5.6, 8.4)');
EXPLAIN SELECT * FROM o;
CALL odd('[5, 8]');
EXPLAIN SELECT * FROM o;
CALL odd('(0, 0)');
EXPLAIN SELECT * FROM o;
CALL odd('(-3, -8)');
EXPLAIN SELECT * FROM o;
CALL odd('(True, D("8"))');
EXPLAIN SELECT * FROM o;
CALL odd('None');
EXPLAIN SELECT * FROM o;
CALL odd('7');
EXPLAIN SELECT * FROM o;
CALL odd('(7,)');
EXPLAIN SELECT * FROM o;
CALL odd('("many", 8)');
EXPLAIN SELECT * FROM o;
CALL odd('(float("nan"), 8)');
EXPLAIN SELECT * FROM o;
CALL odd('(10 ** 400, 8)');
EXPLAIN SELECT * FROM o;
CALL odd('1 / 0');
EXPLAIN SELECT * FROM o;

-- Keys: a tuple of names, the tutorial's bare name, a list; those of unknown columns are passed over.
CREATE TABLE local (x int, y text);
INSERT INTO local VALUES (1, 'x'), (2, 'z');
ANALYZE local;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
CALL odd('(1000, 100)', '[(("a",), 1)]');
EXPLAIN (COSTS OFF) SELECT * FROM local JOIN o ON a = x;
SELECT * FROM local JOIN o ON a = x;
CALL odd('(1000, 100)', '[("a", 1)]');
EXPLAIN (COSTS OFF) SELECT * FROM local JOIN o ON a = x;
CALL odd('(1000, 100)', '[[["a", "b"], 2]]');
EXPLAIN (COSTS OFF) SELECT * FROM local JOIN o ON a = x;
EXPLAIN (COSTS OFF) SELECT * FROM local JOIN o ON a = x AND b = y;
SELECT * FROM local JOIN o ON a = x AND b = y;
CALL odd('(1000, 100)', '[(("nothing",), 1), (("a", "nothing"), 1), ("b", 1)]');
EXPLAIN (COSTS OFF) SELECT * FROM local JOIN o ON a = x;
EXPLAIN (COSTS OFF) SELECT * FROM local JOIN o ON b = y;
CALL odd('(1000, 100)', '(k for k in [("a", 1)])');
EXPLAIN (COSTS OFF) SELECT * FROM local JOIN o ON a = x;
CALL odd('(1000, 100)', '[("a", 0), ("b", -4)]');
EXPLAIN (COSTS OFF) SELECT * FROM local JOIN o ON a = x;
CALL odd('(1000, 100)', 'None');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[((), 1)]');
SELECT count(*) FROM local JOIN o ON a = x;
-- Malformed ones are errors.
CALL odd('(1000, 100)', '7');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[7]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '["ab"]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[("a",)]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[("a", "b")]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[("a", None)]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[(5, 1)]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[((5,), 1)]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[("a", float("nan"))]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '[("a", 1, 2)]');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '{"a": 1}');
SELECT count(*) FROM o;
CALL odd('(1000, 100)', '1 / 0');
SELECT count(*) FROM o;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;

-- can_sort is asked for plain columns; execute() gets the keyword only when it agreed.
SELECT a FROM p ORDER BY a;
ALTER FOREIGN TABLE p OPTIONS (ADD sorts '1', SET rows '[(1, "x", "y"), (2, "z", None)]');
SELECT a FROM p ORDER BY a;
SELECT a FROM p ORDER BY b DESC NULLS LAST, c COLLATE "C" NULLS FIRST, a;
SELECT a FROM p ORDER BY c COLLATE "C" DESC;
SELECT a FROM p ORDER BY a + 1;
SELECT a FROM p ORDER BY upper(b), a;
SELECT a FROM p ORDER BY a, upper(b);
SELECT a FROM p;
EXPLAIN (COSTS OFF) SELECT a FROM p ORDER BY a, b;
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM p ORDER BY a;
-- An answer that is no prefix counts as far as it is one.
CALL odd('(5, 8)', '[]', 'keys[1:]');
EXPLAIN (COSTS OFF) SELECT * FROM o ORDER BY a, b;
CALL odd('(5, 8)', '[]', 'list(reversed(keys))');
EXPLAIN (COSTS OFF) SELECT * FROM o ORDER BY a, b;
CALL odd('(5, 8)', '[]', 'keys + keys');
EXPLAIN (COSTS OFF) SELECT * FROM o ORDER BY a, b;
CALL odd('(5, 8)', '[]', 'None');
EXPLAIN (COSTS OFF) SELECT * FROM o ORDER BY a, b;
CALL odd('(5, 8)', '[]', 'True');
EXPLAIN (COSTS OFF) SELECT * FROM o ORDER BY a, b;
CALL odd('(5, 8)', '[]', '["a"]');
EXPLAIN (COSTS OFF) SELECT * FROM o ORDER BY a, b;
CALL odd('(5, 8)', '[]', '1 / 0');
EXPLAIN (COSTS OFF) SELECT * FROM o ORDER BY a, b;
-- Without ORDER BY nobody asks.
EXPLAIN (COSTS OFF) SELECT * FROM o;

-- can_limit: only without conditions, and with the order that the class delivers.
SELECT a FROM p LIMIT 1;
ALTER FOREIGN TABLE p OPTIONS (ADD limits 'yes', SET sorts '9');
SELECT a FROM p LIMIT 1;
SELECT a FROM p LIMIT 1 OFFSET 1;
SELECT a FROM p OFFSET 1;
SELECT a FROM p LIMIT ALL;
SELECT a FROM p LIMIT NULL OFFSET NULL;
SELECT a FROM p LIMIT 0;
SELECT a FROM p ORDER BY a, b LIMIT 1;
SELECT a FROM p ORDER BY a + 0 LIMIT 1;
SELECT a FROM p WHERE a > 1 LIMIT 1;
SELECT count(*) FROM p LIMIT 1;
SELECT DISTINCT a FROM p LIMIT 1;
SELECT a FROM p ORDER BY a FETCH FIRST 1 ROW WITH TIES;
SELECT x.a FROM p x, p y LIMIT 1;
SELECT a FROM p UNION ALL SELECT a FROM p LIMIT 1;
SELECT row_number() OVER () FROM p LIMIT 1;
SELECT generate_series(1, a) FROM p LIMIT 1;
SELECT a FROM p LIMIT -1;
SELECT a FROM p LIMIT 1 + 1;
SELECT a FROM p LIMIT (SELECT 1);
-- Beyond 32 bits.
SELECT a FROM p LIMIT 4294967297 OFFSET 0;
SELECT a FROM p LIMIT 9223372036854775807 OFFSET 8589934592;
-- Parameters: known in a custom plan, left to the server in a generic one.
PREPARE limited(int8, int8) AS SELECT a FROM p LIMIT $1 OFFSET $2;
EXECUTE limited(1, 0);
SET plan_cache_mode = force_generic_plan;
EXECUTE limited(1, 0);
RESET plan_cache_mode;
CALL odd('(5, 8)', limits => '1 / 0');
SELECT a FROM o LIMIT 1;
CALL odd('(5, 8)', limits => 'None');
SELECT a FROM o LIMIT 1;
EXPLAIN (COSTS OFF) SELECT a FROM p ORDER BY a LIMIT 2 OFFSET 1;
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM p ORDER BY a DESC LIMIT 2 OFFSET 1;

-- explain(): its lines; what is no line.
CALL odd('(5, 8)', '[]', '[]', '["one", "two", ""]');
EXPLAIN (COSTS OFF) SELECT * FROM o;
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM o WHERE a = 1 AND upper(b) = 'X';
CALL odd('(5, 8)', '[]', '[]', '("generated %s" % n for n in (1, 2))');
EXPLAIN (COSTS OFF) SELECT * FROM o;
CREATE FUNCTION structured(query text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' -> 'Multicorn';
END $$;
SELECT structured('SELECT a FROM o');
SELECT structured('SELECT a FROM p WHERE a = 1');
CALL odd('(5, 8)', '[]', '[]', 'None');
EXPLAIN (COSTS OFF) SELECT * FROM o;
CALL odd('(5, 8)', '[]', '[]', '[1, None]');
EXPLAIN (COSTS OFF) SELECT * FROM o;
CALL odd('(5, 8)', '[]', '[]', '"one string"');
EXPLAIN (COSTS OFF) SELECT * FROM o;
CALL odd('(5, 8)', '[]', '[]', '7');
EXPLAIN (COSTS OFF) SELECT * FROM o;
CALL odd('(5, 8)', '[]', '[]', '1 / 0');
EXPLAIN (COSTS OFF) SELECT * FROM o;
SELECT * FROM o;
-- Older classes have fewer keywords, or fewer arguments.
CREATE SERVER older FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'planning.Older');
CREATE FOREIGN TABLE older (a int, b text) SERVER older;
EXPLAIN SELECT a FROM older WHERE a = 1 ORDER BY a;
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM older WHERE a = 1 ORDER BY b LIMIT 1;
SELECT * FROM older ORDER BY b LIMIT 1;
-- Naming a row id is for writing, and no harm in reading.
CREATE SERVER rowid FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE rowid_attribute (a int, b text) SERVER rowid OPTIONS (wrapper 'planning.RowIdAttribute');
CREATE FOREIGN TABLE rowid_property (a int, b text) SERVER rowid OPTIONS (wrapper 'planning.RowIdProperty');
CREATE FOREIGN TABLE rowid_broken (a int, b text) SERVER rowid OPTIONS (wrapper 'planning.RowIdBroken');
SELECT b FROM rowid_attribute;
SELECT b FROM rowid_property;
SELECT b FROM rowid_broken;
