-- Conditions that the class applies exactly: not checked again, and LIMIT goes below them.
CREATE SERVER exact FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'exact.Exact');
CREATE FOREIGN TABLE t (id int, grp int, name text, maybe int, doc jsonb, tags int[]) SERVER exact
    OPTIONS (exact 'id grp maybe doc tags');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM t WHERE id > 3 AND name <> 'n5';
SELECT id FROM t WHERE id > 3 AND name <> 'n5';
EXPLAIN (COSTS OFF) SELECT id FROM t WHERE id > 3 AND lower(name) = 'n5' AND grp = 2 AND maybe IS NOT NULL;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM t WHERE lower(name) = 'n5' AND id > 3 AND name = 'n5' AND maybe IS NULL;
SELECT id FROM t WHERE id IN (1, 2, 3) AND maybe IS NOT NULL;
-- Nobody checks what was promised.
CREATE FOREIGN TABLE lies (id int, grp int, name text) SERVER exact OPTIONS (exact 'id', lies '1');
SELECT id FROM lies WHERE id < 3;
SELECT id FROM lies WHERE id < 3 AND name <> 'n8';
-- Without can_filter it is checked as ever.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');
CREATE FOREIGN TABLE inexact (id int, grp int) SERVER probe OPTIONS (rows '8', limits 'true', tell 'execute limit');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM inexact WHERE id > 3 LIMIT 2;

-- LIMIT and OFFSET below WHERE.
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM t WHERE id > 3 AND grp = 1 LIMIT 1 OFFSET 1;
SELECT id FROM t WHERE id > 3 AND grp = 1 LIMIT 1 OFFSET 1;
SELECT id FROM t WHERE id > 3 ORDER BY grp, id DESC LIMIT 2;
SELECT id FROM t WHERE id > 3 AND name = 'n5' LIMIT 1;
SELECT id FROM t WHERE id > 3 AND lower(name) = 'n5' LIMIT 1;
SELECT id FROM t WHERE id > 3 ORDER BY name LIMIT 1;
SELECT count(*) FROM (SELECT id FROM t WHERE id > 3 LIMIT 2) s;
SELECT id FROM t WHERE id > 3 LIMIT 9223372036854775807 OFFSET 4;
SELECT id FROM t WHERE id > 3 OFFSET 9223372036854775807;
SELECT id FROM t WHERE id > 3 LIMIT 0;
CREATE FOREIGN TABLE unlimited (id int) SERVER exact OPTIONS (exact 'id', "limit" 'never');
SELECT id FROM unlimited WHERE id > 6 LIMIT 1;
-- An outer join's columns are not the table's.
EXPLAIN (COSTS OFF) SELECT a.id FROM (VALUES (1)) v(id) LEFT JOIN t a ON a.id = v.id WHERE a.maybe IS NULL LIMIT 1;

-- Parameters: seven executions, the last with a generic plan.
PREPARE page(int, bigint, bigint) AS SELECT id FROM t WHERE id > $1 ORDER BY id LIMIT $2 OFFSET $3;
SET client_min_messages = warning;
EXECUTE page(1, 2, 1); EXECUTE page(2, 2, 1); EXECUTE page(3, 2, 1); EXECUTE page(4, 2, 1); EXECUTE page(5, 2, 1);
RESET client_min_messages;
EXECUTE page(3, 2, 1);
EXECUTE page(4, 1, 1);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE page(4, 1, 1);
EXECUTE page(4, 1, 1);
EXECUTE page(4, NULL, 0);
EXECUTE page(NULL, 1, 1);
EXECUTE page(0, 5000000000, 6);
EXECUTE page(4, -1, 1);
\echo :LAST_ERROR_SQLSTATE
EXECUTE page(4, 1, -1);
\echo :LAST_ERROR_SQLSTATE
PREPARE computed(bigint) AS SELECT id FROM t WHERE id > 5 LIMIT $1 + 1;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE computed(1);
EXECUTE computed(1);
RESET plan_cache_mode;
SELECT id FROM t WHERE id > 5 LIMIT (SELECT 2);
SELECT v.n, s.id FROM (VALUES (1), (2)) v(n), LATERAL (SELECT id FROM t WHERE id > 5 LIMIT v.n) s;
-- A class that knows no UNBOUND is not asked about it.
PREPARE old(bigint) AS SELECT id FROM inexact LIMIT $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE old(1);
RESET plan_cache_mode;

-- Values that Python does not see as they are stay with the server: JSON's null, months, where an index begins.
ALTER FOREIGN TABLE t ADD COLUMN iv interval;
ALTER FOREIGN TABLE t OPTIONS (SET exact 'id grp maybe doc tags iv');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM t
    WHERE doc = '{}' AND tags = '{1,2}' AND tags && '{1}' AND iv = '1 month' AND doc <> 'null' AND id > 0;
-- So does what depends on the session's time zone.
CREATE FOREIGN TABLE moments (at timestamptz, day date) SERVER exact OPTIONS (exact 'at day');
EXPLAIN (VERBOSE, COSTS OFF) SELECT at FROM moments
    WHERE at >= '2020-01-01'::date AND at < '2020-01-02 00:00+00' AND day = '2020-01-01 00:00+00'::timestamptz
        AND day <> '2020-01-01 12:00'::timestamp AND at = ANY ('{2020-01-01}'::date[]);

-- Rows that somebody drives: a join clause can be exact too.
CREATE SERVER keyed FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'exact.Accepting');
CREATE FOREIGN TABLE a (id int, grp int, name text) SERVER keyed OPTIONS (exact 'id grp');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM a WHERE grp = 1 ORDER BY id DESC, name LIMIT 1;
SELECT id FROM a WHERE grp = 1 ORDER BY id DESC, grp LIMIT 1;
SELECT id FROM a WHERE name = 'n3' LIMIT 1;
SELECT id FROM a WHERE id > 2 ORDER BY grp, id;

-- What is changed meanwhile by somebody else is checked again; here nobody does.
BEGIN;
SELECT id FROM t WHERE id = 3 FOR UPDATE;
COMMIT;

-- Answers that are none.
CREATE FOREIGN TABLE odd (id int, grp int) SERVER exact OPTIONS (exact 'id', answer '42');
SELECT id FROM odd WHERE id = 1;
ALTER FOREIGN TABLE odd OPTIONS (SET answer '["x"]');
SELECT id FROM odd WHERE id = 1;
ALTER FOREIGN TABLE odd OPTIONS (SET answer 'None');
SELECT id FROM odd WHERE id = 1;
ALTER FOREIGN TABLE odd OPTIONS (SET answer '1 / 0');
SELECT id FROM odd WHERE id = 1;
-- Twice the same, and an equal copy.
ALTER FOREIGN TABLE odd OPTIONS (SET answer '[quals[0], quals[0], type(quals[0])("id", "=", 1)]');
EXPLAIN (COSTS OFF) SELECT id FROM odd WHERE id = 1 AND grp = 1;
CREATE SERVER unfit FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'exact.Unfit');
CREATE FOREIGN TABLE unfit (id int) SERVER unfit;
SELECT id FROM unfit WHERE id = 1;
-- A promise that is withdrawn.
CREATE FOREIGN TABLE w (id int, grp int) SERVER keyed OPTIONS (exact 'id', withdraws 'quals');
SELECT id FROM w WHERE id > 1 LIMIT 1;
ALTER FOREIGN TABLE w OPTIONS (SET withdraws 'limit');
SELECT id FROM w WHERE id > 1 LIMIT 1;
ALTER FOREIGN TABLE w OPTIONS (SET withdraws 'sortkeys');
SELECT id FROM w WHERE id > 1 ORDER BY id LIMIT 1;
-- The list of conditions is the class's to change.
CREATE FOREIGN TABLE changes (id int, grp int) SERVER exact OPTIONS (exact 'grp', answer '[quals.pop(0)] and quals');
SELECT id, grp FROM changes WHERE id > 5 AND grp = 1;
ALTER FOREIGN TABLE changes OPTIONS (SET answer 'quals.reverse() or [q for q in quals if q.field_name == "grp"]');
SELECT id, grp FROM changes WHERE id > 5 AND grp = 1;
ALTER FOREIGN TABLE changes OPTIONS (SET answer 'quals.append(type(quals[0])("grp", "=", 2)) or quals');
SELECT id, grp FROM changes WHERE id > 5 AND grp = 1;

-- A promise is that of the object that was asked: another role's, and that of another user mapping, is asked anew.
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_exact;
CREATE ROLE regress_exact;
CREATE FOREIGN TABLE mapped (id int, grp int) SERVER exact;
GRANT SELECT ON mapped TO regress_exact;
CREATE USER MAPPING FOR CURRENT_USER SERVER exact OPTIONS (exact 'id');
SET plan_cache_mode = force_generic_plan;
PREPARE mapped AS SELECT id FROM mapped WHERE id > 6;
EXECUTE mapped;
SET ROLE regress_exact;
EXECUTE mapped;
RESET ROLE;
EXECUTE mapped;
ALTER USER MAPPING FOR CURRENT_USER SERVER exact OPTIONS (DROP exact);
EXECUTE mapped;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE mapped;
-- A view's owner is the one who asks, whoever looks at it: the plan stays.
CREATE USER MAPPING FOR regress_exact SERVER exact OPTIONS (exact 'id');
CREATE VIEW view_of_mapped AS SELECT * FROM mapped;
GRANT SELECT ON view_of_mapped TO regress_exact;
PREPARE viewed AS SELECT id FROM view_of_mapped WHERE id > 6;
EXECUTE viewed;
SET ROLE regress_exact;
EXECUTE viewed;
SELECT generic_plans FROM pg_prepared_statements WHERE name = 'viewed';
RESET ROLE;
DROP OWNED BY regress_exact;
DROP ROLE regress_exact;

-- What changes while a query is planned: nothing locks a server.
CREATE SERVER raced FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'wholesale.Wholesale', name 'raced');
CREATE FOREIGN TABLE raced (id int, note text) SERVER raced OPTIONS (meanwhile 'ALTER SERVER raced OPTIONS (SET name ''other'')');
INSERT INTO raced VALUES (1, 'a'), (2, 'b');
SELECT * FROM raced WHERE id = 1;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM raced WHERE id = 1;
UPDATE raced SET note = 'x' WHERE id = 1;
EXPLAIN (COSTS OFF) UPDATE raced SET note = 'x' WHERE id = 1;
