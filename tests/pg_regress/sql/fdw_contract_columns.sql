-- Needed columns; whole rows, system columns; tables whose columns change, and tables without any.
CREATE SERVER spy FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'spy.Spy');
CREATE FOREIGN TABLE t (a int, b text, c int, d text) SERVER spy
    OPTIONS (rows '[(2, "y", 20, None), (1, "x", 10, "d"), (3, None, 30, "z")]');
-- The needed columns are those of the target, the conditions, the order, the joins.
SELECT a FROM t;
SELECT b, a FROM t WHERE c > 10;
SELECT count(*) FROM t;
SELECT 1 FROM t;
SELECT count(d) FROM t;
SELECT upper(b) FROM t ORDER BY c;
SELECT max(a) FROM t GROUP BY b HAVING max(c) > 10 ORDER BY 1;
SELECT a, row_number() OVER (ORDER BY c DESC) FROM t ORDER BY a;
SELECT x.a, y.b FROM t x JOIN t y ON x.a = y.c / 10 WHERE x.d IS NOT NULL ORDER BY 1;
SELECT DISTINCT length(d) FROM t ORDER BY 1;
SELECT EXISTS (SELECT FROM t WHERE b = 'x');
SELECT (SELECT d FROM t WHERE a = 1);
SELECT a FROM (SELECT * FROM t OFFSET 0) s WHERE b = 'x';
WITH m AS MATERIALIZED (SELECT a, b FROM t) SELECT a FROM m ORDER BY a;

-- The set is a set, and its own: a class may empty it.
CREATE SERVER greedy FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Greedy');
CREATE FOREIGN TABLE g (a int, b text) SERVER greedy;
SELECT * FROM g WHERE a > 0;
SELECT * FROM g WHERE a > 0;

-- Whole rows, from sequences.
SELECT t FROM t ORDER BY a;
SELECT t.*, t FROM t ORDER BY a;
SELECT t FROM t ORDER BY t;
SELECT DISTINCT t FROM t ORDER BY t;
SELECT t FROM t ORDER BY t DESC LIMIT 1;
SELECT count(t), count(DISTINCT t) FROM t;
SELECT array_agg(t ORDER BY t) FROM t;
SELECT to_jsonb(t) FROM t ORDER BY a;
SELECT (t).b FROM t ORDER BY 1;
SELECT t IS NULL, t IS NOT NULL FROM t ORDER BY a;
SELECT a FROM t WHERE t IS NOT NULL ORDER BY a;
SELECT a FROM t WHERE t = ROW(1, 'x', 10, 'd')::t;
SELECT a FROM t WHERE t > (SELECT t FROM t WHERE a = 1) ORDER BY a;
SELECT x FROM t x JOIN t y ON x = y ORDER BY x;
SELECT t, count(*) FROM t GROUP BY t ORDER BY t;
SELECT t FROM t UNION SELECT t FROM t ORDER BY 1;
SELECT lag(t) OVER (ORDER BY t) FROM t;
CREATE FUNCTION describe(t) RETURNS text LANGUAGE sql AS $$ SELECT $1.a || '/' || coalesce($1.b, '-') $$;
SELECT t.describe FROM t ORDER BY 1;
-- And from mappings.
CREATE FOREIGN TABLE m (a int, b text, c int) SERVER spy
    OPTIONS (rows '[dict(b="y", a=2), dict(c=10, a=1, b="x", extra="?"), dict()]');
SELECT m FROM m;
SELECT m FROM m ORDER BY m;
SELECT DISTINCT m FROM m ORDER BY m DESC;
SELECT to_jsonb(m) FROM m;
SELECT m IS NULL FROM m;
SELECT x FROM m x JOIN m y USING (a) ORDER BY x;
SELECT count(*) FROM (SELECT DISTINCT m FROM m) s;

-- System columns: tableoid is known; what a foreign row does not have is an error.
SELECT tableoid::regclass, a FROM t ORDER BY a;
SELECT tableoid::regclass, count(*) FROM t GROUP BY 1;
SELECT a FROM t WHERE tableoid = 't'::regclass ORDER BY a;
SELECT a FROM t WHERE tableoid = 'm'::regclass;
SELECT x.tableoid = y.tableoid FROM t x, m y LIMIT 1;
SELECT ctid FROM t;
SELECT xmin, a FROM t;
SELECT cmin FROM t ORDER BY a;
SELECT xmax, t FROM t;
SELECT cmax, tableoid FROM t;
SELECT a FROM t WHERE ctid = '(0,1)';
SELECT max(ctid) FROM t;
SELECT x.a FROM t x JOIN t y ON x.ctid = y.ctid;

-- Columns that come and go.
ALTER FOREIGN TABLE t DROP COLUMN b;
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET rows '[(2, 20, None), (1, 10, "d")]');
SELECT * FROM t ORDER BY a;
SELECT t FROM t ORDER BY t;
SELECT d FROM t WHERE c = 10;
ALTER FOREIGN TABLE t ADD COLUMN e int DEFAULT 5, ADD COLUMN b date;
SELECT a, e FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET rows '[(2, 20, None, 7, "2024-02-29"), dict(b="2024-03-01", c=10, a=1)]');
SELECT * FROM t ORDER BY a;
SELECT t FROM t ORDER BY t;
SELECT b, e FROM t WHERE b > '2024-02-29';
ALTER FOREIGN TABLE t DROP COLUMN a, DROP COLUMN c, DROP COLUMN d, DROP COLUMN e;
ALTER FOREIGN TABLE t OPTIONS (SET rows '[("2024-02-29",), {"b": None}, {}]');
SELECT * FROM t;
SELECT t, count(*) FROM t GROUP BY t ORDER BY t;
-- A prepared statement follows.
PREPARE follows AS SELECT * FROM m WHERE a = 1;
EXECUTE follows;
ALTER FOREIGN TABLE m ALTER COLUMN c TYPE text, DROP COLUMN b;
EXECUTE follows;
PREPARE inner_columns AS SELECT c FROM m WHERE a = 1;
EXECUTE inner_columns;
ALTER FOREIGN TABLE m ALTER COLUMN c TYPE numeric(5, 2);
EXECUTE inner_columns;

-- A table without columns has rows all the same.
CREATE FOREIGN TABLE z () SERVER spy OPTIONS (rows '[(), [], {}, dict(a=1)]');
SELECT count(*) FROM z;
SELECT * FROM z;
SELECT z FROM z;
SELECT DISTINCT z FROM z;
SELECT FROM z x, z y LIMIT 1;
SELECT tableoid::regclass FROM z LIMIT 1;
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM z;
ALTER FOREIGN TABLE t DROP COLUMN b;
ALTER FOREIGN TABLE t OPTIONS (SET rows '[(), {}]');
SELECT count(*) FROM t;
SELECT t FROM t;

-- A generated column is the class's to deliver when it is read.
CREATE FOREIGN TABLE gen (a int, twice int GENERATED ALWAYS AS (a * 2) STORED, n int NOT NULL DEFAULT 4) SERVER spy
    OPTIONS (rows '[(1, 2, 3), dict(a=5, n=6)]');
SELECT * FROM gen;
SELECT gen FROM gen;

-- Inheritance and partitions name the table that a row comes from.
CREATE TABLE parent (a int, b text);
INSERT INTO parent VALUES (0, 'local');
CREATE FOREIGN TABLE child (extra int, b text, a int) INHERITS (parent) SERVER spy
    OPTIONS (rows '[dict(a=1, b="remote", extra=9)]');
SELECT tableoid::regclass, * FROM parent ORDER BY a;
SELECT parent FROM parent ORDER BY a;
SELECT ctid FROM parent;
SELECT a FROM parent ORDER BY a FOR UPDATE;
SELECT a FROM child FOR UPDATE;
-- Statements that change other tables mark the rows that they read, a parent's by ctid.
CREATE TABLE changed (a int, b text);
INSERT INTO changed VALUES (0, 'old'), (1, 'old');
UPDATE changed SET b = parent.b FROM parent WHERE parent.a = changed.a RETURNING changed.*, parent;
MERGE INTO changed c USING parent p ON c.a = p.a + 1 WHEN NOT MATCHED THEN INSERT VALUES (p.a + 1, p.b);
DELETE FROM changed USING parent WHERE parent.a = changed.a;
SELECT * FROM changed;
SELECT b FROM parent WHERE a = 1;
CREATE TABLE parts (k int, v text) PARTITION BY LIST (k);
CREATE TABLE parts_local PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts VALUES (1, 'local');
CREATE FOREIGN TABLE parts_remote PARTITION OF parts FOR VALUES IN (2) SERVER spy OPTIONS (rows '[(2, "remote")]');
SELECT tableoid::regclass, * FROM parts ORDER BY k;
SELECT v FROM parts WHERE k = 2;
SELECT v FROM parts WHERE k = 1;
SELECT parts FROM parts WHERE v = 'remote';
