-- The bundled test wrapper: notices, plans and costs as suites that other people keep have recorded them.
SET jit = off;
CREATE SERVER bundled FOREIGN DATA WRAPPER multicorn
    OPTIONS (wrapper 'multicorn.testfdw.TestForeignDataWrapper');
CREATE USER MAPPING FOR CURRENT_USER SERVER bundled OPTIONS (usermapping 'test');
CREATE FOREIGN TABLE few (test1 character varying, test2 character varying) SERVER bundled OPTIONS (option1 'x');
-- Few rows: both sides of a join are read whole.
EXPLAIN SELECT * FROM few;
EXPLAIN SELECT * FROM few a JOIN few b ON a.test1 = b.test1;
EXPLAIN SELECT * FROM few a LEFT JOIN few b ON a.test1 = b.test1;
-- Many rows and a key: one look-up for each row of the other side.
CREATE FOREIGN TABLE many (test1 character varying, test2 character varying) SERVER bundled
    OPTIONS (test_type 'planner', noisy_explain 'true');
EXPLAIN SELECT * FROM many;
EXPLAIN SELECT * FROM many a JOIN many b ON a.test1 = b.test1;
EXPLAIN SELECT * FROM many a LEFT JOIN many b ON a.test1 = b.test1;
EXPLAIN SELECT * FROM many a LEFT JOIN many b ON upper(a.test1) = b.test1;

-- Quals as their text.
SELECT * FROM few WHERE test1 ILIKE '%10';
SELECT * FROM few WHERE 'grou' > test1;
SELECT * FROM few WHERE test1 < ANY (ARRAY['grou', 'MACHIN']);
SELECT * FROM few WHERE test1 LIKE 'test';
SELECT test1, (SELECT max(test2) FROM few b WHERE b.test1 = a.test1) FROM few a WHERE test1 IN ('test1 1 0', 'test1 3 1');
ALTER FOREIGN TABLE few OPTIONS (ADD test_type 'int'), ALTER test1 TYPE integer;
SELECT * FROM few WHERE test1 = 0;
ALTER FOREIGN TABLE few OPTIONS (SET test_type 'bytes'), ALTER test1 TYPE bytea, ALTER test2 TYPE bytea;
SELECT encode(test1, 'escape') FROM few WHERE test2 = 'test2 1 19'::bytea;
ALTER FOREIGN TABLE few OPTIONS (SET test_type 'None'), ALTER test1 TYPE bool, ADD test3 money;
SELECT * FROM few WHERE test3 = 12::money;
SELECT * FROM few WHERE test1;
SELECT * FROM few WHERE NOT test1;
SELECT * FROM few WHERE test1 IS TRUE;
SELECT * FROM few WHERE test1 IS FALSE;
SELECT * FROM few WHERE test1 IS NOT TRUE;
SELECT * FROM few WHERE test1 IS UNKNOWN;
SELECT * FROM few WHERE test1 IS NOT UNKNOWN;

-- Sort, limit and offset, alone and together. Without costs where versions count a sort's differently.
CREATE FOREIGN TABLE both_ (test1 date, test2 timestamp) SERVER bundled
    OPTIONS (test_type 'date', canlimit 'true', cansort 'true');
CREATE FOREIGN TABLE no_limit (test1 date, test2 timestamp) SERVER bundled
    OPTIONS (test_type 'date', canlimit 'false', cansort 'true');
CREATE FOREIGN TABLE no_sort (test1 date, test2 timestamp) SERVER bundled
    OPTIONS (test_type 'date', canlimit 'true', cansort 'false');
EXPLAIN SELECT * FROM no_limit LIMIT 1 OFFSET 1;
SELECT * FROM no_limit LIMIT 1 OFFSET 1;
EXPLAIN SELECT * FROM both_ LIMIT 1 OFFSET 1;
SELECT * FROM both_ LIMIT 1 OFFSET 1;
EXPLAIN (COSTS OFF) SELECT * FROM no_limit ORDER BY test1 LIMIT 1 OFFSET 1;
SELECT * FROM no_limit ORDER BY test1 LIMIT 1 OFFSET 1;
EXPLAIN SELECT * FROM both_ ORDER BY test1 LIMIT 1 OFFSET 1;
SELECT * FROM both_ ORDER BY test1 LIMIT 1 OFFSET 1;
EXPLAIN (COSTS OFF) SELECT * FROM no_sort ORDER BY test1 LIMIT 1 OFFSET 1;
SELECT * FROM no_sort ORDER BY test1 LIMIT 1 OFFSET 1;
EXPLAIN SELECT * FROM both_ ORDER BY test1, test2 LIMIT 1 OFFSET 1;
SELECT * FROM both_ ORDER BY test1, test2 LIMIT 1 OFFSET 1;
EXPLAIN SELECT * FROM both_ WHERE test1 = '2011-02-03' LIMIT 1;
SELECT * FROM both_ WHERE test1 = '2011-02-03' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT max(test1) FROM both_ GROUP BY test1 LIMIT 1 OFFSET 1;
SELECT max(test1) FROM both_ GROUP BY test1 LIMIT 1 OFFSET 1;
SELECT max(test1) OVER (ORDER BY test1) FROM both_ LIMIT 1 OFFSET 1;
EXPLAIN SELECT * FROM both_ a JOIN both_ b USING (test1) LIMIT 1 OFFSET 1;
