-- Virtual generated columns, from PostgreSQL 18 on: the server computes them where they are read, and no
-- class hears of them.
SELECT current_setting('server_version_num')::int < 180000 AS without \gset
\if :without
\quit
\endif
CREATE SERVER keyed FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE k (a int, twice int GENERATED ALWAYS AS (n * 2) VIRTUAL, b text, n int)
    SERVER keyed OPTIONS (wrapper 'keyed.Keyed', name 'k');
INSERT INTO k VALUES (1, DEFAULT, 'x', 10), (2, DEFAULT, 'y', 20) RETURNING *, k;
UPDATE k SET n = n + 1 WHERE twice = 20 RETURNING old.twice, new.twice, old.b, new;
UPDATE k SET n = n + 1;
DELETE FROM k WHERE a = 2 RETURNING *, old, new;
COPY k (a, b, n) FROM STDIN;
3	z	30
\.
SELECT * FROM k ORDER BY twice DESC;
SELECT k FROM k WHERE twice > 50;
UPDATE k SET twice = 1;
UPDATE k SET n = 1 RETURNING old.xmin;
EXPLAIN (VERBOSE, COSTS OFF) SELECT twice FROM k WHERE twice = 2;
-- Only changed columns; rows that are sequences; batches; changes without rows.
CREATE FOREIGN TABLE c (a int, b text, n int, twice int GENERATED ALWAYS AS (n * 2))
    SERVER keyed OPTIONS (wrapper 'keyed.Changed', name 'c');
INSERT INTO c VALUES (1, 'x', 10);
UPDATE c SET b = 'y' RETURNING twice;
CREATE FOREIGN TABLE s (id int, half int GENERATED ALWAYS AS (id / 2), note text)
    SERVER keyed OPTIONS (wrapper 'kept.Kept', name 's', batch '2', noisy '1');
INSERT INTO s SELECT i FROM generate_series(1, 3) i;
SELECT * FROM s ORDER BY id;
CREATE SERVER sampled FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'sampled.Whole');
CREATE FOREIGN TABLE w (id int, v int GENERATED ALWAYS AS (id + 1), grp int) SERVER sampled OPTIONS (name 'w');
SELECT * FROM w WHERE id < 3;
ANALYZE w;
SELECT attname FROM pg_stats WHERE tablename = 'w' ORDER BY 1;
CREATE SERVER wholesale FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'wholesale.Wholesale');
CREATE FOREIGN TABLE d (id int, v int GENERATED ALWAYS AS (n + 1), n int) SERVER wholesale OPTIONS (name 'd');
INSERT INTO d (id, n) VALUES (1, 10);
UPDATE d SET n = 4 WHERE id = 1;
DELETE FROM d WHERE v = 5 RETURNING *;
-- A table that has nothing else.
CREATE FOREIGN TABLE bare (v int GENERATED ALWAYS AS (1)) SERVER keyed OPTIONS (wrapper 'kept.Bare', name 'bare', noisy '1');
INSERT INTO bare DEFAULT VALUES RETURNING *;
SELECT * FROM bare;
