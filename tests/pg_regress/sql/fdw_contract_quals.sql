-- Which conditions reach execute(), and in which form. The wrapper filters nothing: the result shows that
-- the server checks every condition again.
CREATE SERVER spy FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'spy.Spy');
CREATE FOREIGN TABLE t (a int, b text, c varchar(5), f bool) SERVER spy
    OPTIONS (rows '[(1, "one", "I", True), (2, "two", "II", False), (3, None, None, None), (None, "x", "y", None)]');

-- Operators, and swapped ones.
SELECT * FROM t WHERE a = 1;
SELECT * FROM t WHERE a <> 1 AND a < 3;
SELECT * FROM t WHERE a >= 2 AND a <= 3 AND a > 0;
SELECT * FROM t WHERE 2 = a;
SELECT * FROM t WHERE 2 < a;
SELECT * FROM t WHERE 2 >= a AND a != 1;
-- Expressions of constants are folded; an operator that has no commutator stays with the server.
SELECT * FROM t WHERE a = 1 + 1;
SELECT * FROM t WHERE b = 'o' || 'ne';
SELECT * FROM t WHERE 'twofold' ^@ b;
SELECT * FROM t WHERE b ^@ 'tw';

-- Patterns.
SELECT * FROM t WHERE b LIKE '%w%';
SELECT * FROM t WHERE b NOT LIKE '%w%';
SELECT * FROM t WHERE b ILIKE 'TW%';
SELECT * FROM t WHERE b NOT ILIKE 'TW%' AND b ~ 'n';
SELECT * FROM t WHERE b ~* 'N' AND b !~ 'z' AND b !~* 'Z';
SELECT * FROM t WHERE b SIMILAR TO 't%';

-- A varchar is compared as text.
SELECT * FROM t WHERE c = 'II';
SELECT * FROM t WHERE c LIKE 'I%';
SELECT * FROM t WHERE c = ANY ('{I,II}');
SELECT * FROM t WHERE 'II' = c;

-- Lists.
SELECT * FROM t WHERE a IN (1, 3);
SELECT * FROM t WHERE a = ANY (ARRAY[2, 3]);
SELECT * FROM t WHERE a NOT IN (1, 3);
SELECT * FROM t WHERE a > ALL (ARRAY[1, 2]);
SELECT * FROM t WHERE a < ANY (ARRAY[1, 2]);
SELECT * FROM t WHERE b IN ('one', 'two');
SELECT * FROM t WHERE b LIKE ANY (ARRAY['o%', 'x%']);
SELECT * FROM t WHERE b NOT ILIKE ALL (ARRAY['O%', 'X%']);
SELECT * FROM t WHERE a IN (1, NULL);
SELECT * FROM t WHERE a NOT IN (1, NULL);
SELECT * FROM t WHERE b = ANY (ARRAY['one', NULL, 'x']);
SELECT * FROM t WHERE a = ANY (ARRAY[]::int[]);
SELECT * FROM t WHERE a > ALL (ARRAY[]::int[]);
SELECT * FROM t WHERE a IN (2);

-- NULL.
SELECT * FROM t WHERE a IS NULL;
SELECT * FROM t WHERE a IS NOT NULL AND b IS NULL;
SELECT * FROM t WHERE a = NULL;
SELECT * FROM t WHERE a = ANY (NULL::int[]);

-- Booleans.
SELECT a, f FROM t WHERE f;
SELECT a, f FROM t WHERE NOT f;
SELECT a, f FROM t WHERE f = true;
SELECT a, f FROM t WHERE f = false;
SELECT a, f FROM t WHERE f <> false;
SELECT a, f FROM t WHERE f IS TRUE;
SELECT a, f FROM t WHERE f IS NOT TRUE;
SELECT a, f FROM t WHERE f IS FALSE;
SELECT a, f FROM t WHERE f IS NOT FALSE;
SELECT a, f FROM t WHERE f IS UNKNOWN;
SELECT a, f FROM t WHERE f IS NOT UNKNOWN;
SELECT a, f FROM t WHERE f IS NULL;

-- What is not `column operator value` is silent and correct.
SELECT * FROM t WHERE a = 1 OR b = 'two';
SELECT * FROM t WHERE a = 1 OR a = 2;
SELECT * FROM t WHERE NOT (a = 1 AND b = 'one');
SELECT * FROM t WHERE CASE WHEN f THEN a = 1 ELSE a = 3 END;
SELECT * FROM t WHERE a IS DISTINCT FROM 1;
SELECT * FROM t WHERE a IS NOT DISTINCT FROM 1;
SELECT * FROM t WHERE b IS NOT DISTINCT FROM NULL;
SELECT * FROM t WHERE upper(b) = 'TWO';
SELECT * FROM t WHERE a + 1 = 3;
SELECT * FROM t WHERE a::text = b OR a::text = '2';
SELECT * FROM t WHERE b = c OR a = length(b) - 2;
SELECT * FROM t WHERE a < length(b) AND b <> c;
SELECT * FROM t WHERE coalesce(a, 9) = 9;
SELECT * FROM t WHERE nullif(a, 1) = 2;
SELECT * FROM t WHERE (a, b) = (1, 'one');
SELECT * FROM t WHERE (a, b) > (1, 'one');
SELECT * FROM t WHERE (a, b) IN ((1, 'one'), (2, 'zwei'));
SELECT * FROM t WHERE ROW(a, b) IS NOT NULL AND NOT ROW(a, b) IS NULL;
SELECT * FROM t WHERE 1 = ANY (ARRAY[a, 5]);
SELECT * FROM t WHERE a = (ARRAY[2, 3])[1];
SELECT * FROM t WHERE false;
SELECT * FROM t WHERE a = 1 AND NULL;
SELECT * FROM t WHERE b COLLATE "C" = 'one';
SELECT * FROM t WHERE b < 'tx' COLLATE "C";
SELECT * FROM t WHERE greatest(a, 2) = 2 AND least(a, 2) IS NOT NULL;
-- A column that is taken for another type means something else, unless it is a varchar taken for text.
CREATE FOREIGN TABLE relabelled (i int, c cidr, r regclass, v varchar(4), d oid) SERVER spy
    OPTIONS (rows '[(-1, "10.0.0.0/8", "pg_class", "ab ", 1)]');
SELECT i FROM relabelled WHERE i::oid > 5;
SELECT c FROM relabelled WHERE c = '10.0.0.0/8'::inet;
SELECT r FROM relabelled WHERE r = 'pg_class'::regclass;
SELECT v FROM relabelled WHERE v = 'ab'::char(4);
SELECT v FROM relabelled WHERE v::text = 'ab ';
SELECT d FROM relabelled WHERE d = 1 AND d::regclass::text <> 'x';
SELECT a FROM t GROUP BY a HAVING a > 1 ORDER BY a;
