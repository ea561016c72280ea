-- Columns, statements and tables of every shape.
CREATE SERVER kept FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'kept.Kept');
-- Generated, identity and default columns, and dropped ones.
CREATE FOREIGN TABLE g (
    dropped text, id int, note text DEFAULT 'by default', twice int GENERATED ALWAYS AS (id * 2) STORED,
    gone int DEFAULT 7, at date DEFAULT '2020-02-02'
) SERVER kept OPTIONS (name 'g', noisy '1');
INSERT INTO g (id) VALUES (1) RETURNING *;
ALTER FOREIGN TABLE g DROP COLUMN dropped, DROP COLUMN gone;
INSERT INTO g VALUES (2, DEFAULT), (3, NULL) RETURNING *, g, tableoid::regclass;
UPDATE g SET id = id + 10 WHERE id > 1 RETURNING *;
DELETE FROM g WHERE id = 1 RETURNING twice, g;
COPY g (id, note) FROM STDIN;
4	copied
\.
SELECT * FROM g ORDER BY id;
ALTER FOREIGN TABLE g ADD COLUMN late int DEFAULT 5;
INSERT INTO g (id) VALUES (5) RETURNING late, twice;
SELECT id, late FROM g ORDER BY id;
-- Without columns there is nothing to name a row by.
CREATE FOREIGN TABLE z () SERVER kept OPTIONS (name 'z');
CREATE FUNCTION zero(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE $1;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlerrm;
END $$;
SELECT zero('INSERT INTO z DEFAULT VALUES');
SELECT zero('DELETE FROM z');

-- Statements that join, read what they write, and return.
CREATE FOREIGN TABLE t (id int, note text) SERVER kept OPTIONS (name 't');
CREATE FOREIGN TABLE s (id int, note text) SERVER kept OPTIONS (name 's', batch '4');
CREATE TABLE l (id int, note text);
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 6) i;
INSERT INTO l VALUES (1, 'l1'), (2, 'l2'), (9, 'l9');
UPDATE t SET note = l.note FROM l WHERE l.id = t.id RETURNING t.*, l.note, t.tableoid::regclass;
DELETE FROM t USING l WHERE l.id = t.id AND l.id = 2 RETURNING t, l.*;
DELETE FROM t USING t other WHERE t.id = other.id + 1 AND other.id = 4 RETURNING t.id, other.id;
UPDATE l SET note = t.note FROM t WHERE l.id = t.id RETURNING l.*;
INSERT INTO t SELECT id + 100, note FROM t RETURNING id;
INSERT INTO s SELECT * FROM t;
INSERT INTO s SELECT id + 1000, note FROM s;
SELECT count(*), sum(id) FROM s;
WITH moved AS (DELETE FROM t WHERE id > 100 RETURNING *), put AS (INSERT INTO l SELECT * FROM moved RETURNING id)
SELECT count(*), min(id) FROM put;
WITH a AS (INSERT INTO t VALUES (50, 'with') RETURNING *), b AS (UPDATE t SET note = 'both' WHERE id = 1 RETURNING *)
SELECT * FROM a UNION ALL SELECT * FROM b;
WITH unread AS (INSERT INTO t VALUES (51)) SELECT 1;
UPDATE t SET note = (SELECT max(note) FROM l) WHERE id IN (SELECT id FROM s) RETURNING id;
UPDATE t SET (id, note) = (SELECT t.id + 200, 'moved') WHERE id = 3 RETURNING *;
SELECT * FROM t ORDER BY id;
UPDATE t SET note = 'x' WHERE false;
DELETE FROM t WHERE id = NULL::int;
PREPARE put(int, text) AS INSERT INTO t VALUES ($1, $2) RETURNING id;
EXECUTE put(61, 'a'); EXECUTE put(62, 'b'); EXECUTE put(63, 'c'); EXECUTE put(64, 'd');
EXECUTE put(65, 'e'); EXECUTE put(66, 'f'); EXECUTE put(67, 'g');
PREPARE cut(int) AS DELETE FROM t WHERE id = $1 RETURNING note;
EXECUTE cut(61); EXECUTE cut(62); EXECUTE cut(63); EXECUTE cut(64);
EXECUTE cut(65); EXECUTE cut(66); EXECUTE cut(67);
SELECT zero('EXPLAIN (ANALYZE, VERBOSE) INSERT INTO t VALUES (70)');
SELECT * FROM t WHERE id = 70;
SELECT zero('EXPLAIN (ANALYZE, VERBOSE) UPDATE t SET note = ''explained'' WHERE id = 70');
SELECT * FROM t WHERE id = 70;
SELECT zero('EXPLAIN (ANALYZE, VERBOSE) DELETE FROM t WHERE id = 70');
SELECT * FROM t WHERE id = 70;

-- Triggers.
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'DELETE' THEN
        RETURN CASE WHEN old.id = 81 THEN NULL ELSE old END;
    END IF;
    IF new.id = 82 THEN RETURN NULL; END IF;
    new.note := coalesce(new.note, 'none') || ' (changed)';
    RETURN new;
END $$;
CREATE FUNCTION statement() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '% % %', tg_when, tg_level, tg_op; RETURN NULL; END$$;
CREATE TRIGGER change BEFORE INSERT OR UPDATE OR DELETE ON s FOR EACH ROW EXECUTE FUNCTION change();
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON s EXECUTE FUNCTION statement();
CREATE TRIGGER after AFTER INSERT OR UPDATE OR DELETE ON s EXECUTE FUNCTION statement();
INSERT INTO s VALUES (81), (82), (83) RETURNING *;
UPDATE s SET note = 'new' WHERE id IN (81, 83) RETURNING *;
DELETE FROM s WHERE id IN (81, 83) RETURNING id;
SELECT * FROM s WHERE id BETWEEN 81 AND 83;
CREATE TRIGGER transition AFTER INSERT ON s REFERENCING NEW TABLE AS n EXECUTE FUNCTION statement();

-- Views and rules.
CREATE VIEW v AS SELECT id, note FROM t WHERE id < 200;
INSERT INTO v VALUES (90, 'by view') RETURNING *;
UPDATE v SET note = 'by view again' WHERE id = 90 RETURNING *;
DELETE FROM v WHERE id = 90 RETURNING *;
CREATE RULE instead AS ON DELETE TO v DO INSTEAD UPDATE t SET note = 'deleted' WHERE id = old.id;
DELETE FROM v WHERE id = 50;
SELECT * FROM t WHERE id = 50;

-- Rows that move between partitions.
CREATE TABLE p (id int, note text) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10) SERVER kept OPTIONS (name 'p1', noisy '1');
CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) SERVER kept OPTIONS (name 'p2', noisy '1');
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30);
INSERT INTO p VALUES (1, 'a'), (21, 'c');
UPDATE p SET id = 2 WHERE id = 21 RETURNING tableoid::regclass, *;
ALTER FOREIGN TABLE p1 OPTIONS (DROP noisy);
-- The server moves no row out of a foreign partition; there it would be lost to queries.
UPDATE p SET id = id + 20 WHERE id = 1;
UPDATE p SET id = 12 WHERE id = 2;
UPDATE p1 SET id = 13 WHERE id = 2;
UPDATE p SET id = 5 WHERE id = 2;
COPY p FROM STDIN;
3	x
not a number	y
\.
COPY p FROM STDIN;
4	x
40	y
\.
UPDATE p SET note = note || '!' RETURNING tableoid::regclass, *;
SELECT tableoid::regclass, * FROM p ORDER BY id;

-- A view's owner is who writes.
CREATE ROLE regress_writes_owner;
CREATE ROLE regress_writes_user;
CREATE USER MAPPING FOR regress_writes_owner SERVER kept OPTIONS (noisy 'as the owner');
GRANT USAGE ON FOREIGN SERVER kept TO regress_writes_owner;
CREATE FOREIGN TABLE m (id int, note text) SERVER kept OPTIONS (name 'm');
GRANT ALL ON m TO regress_writes_owner;
CREATE VIEW vm AS SELECT * FROM m;
ALTER VIEW vm OWNER TO regress_writes_owner;
GRANT ALL ON vm TO regress_writes_user;
SET ROLE regress_writes_user;
INSERT INTO m VALUES (1);
INSERT INTO vm VALUES (1);
UPDATE vm SET note = 'x';
DELETE FROM vm;
RESET ROLE;
INSERT INTO m VALUES (2);
DROP VIEW vm;
DROP FOREIGN TABLE m;
DROP USER MAPPING FOR regress_writes_owner SERVER kept;
DROP OWNED BY regress_writes_owner, regress_writes_user;
DROP ROLE regress_writes_owner, regress_writes_user;

-- Values that have to come back as they were.
CREATE FOREIGN TABLE d (
    id int, n numeric, f float8, at timestamptz, d date, j jsonb, i interval, a int[], b bytea
) SERVER kept OPTIONS (name 'd');
CREATE TABLE given (LIKE d);
INSERT INTO given VALUES
    (1, 12345678901234567890.123456789012345678901234567890, 1e308, 'infinity', 'infinity', '{"a": null}', '2 d 3 s', '{1, null}', '\x00ff'),
    (2, 'NaN', '-infinity', '-infinity', '-infinity', '[]', '-1 d', '{{1, 2}, {3, 4}}', ''),
    (3, 1.10, '-0', '2020-01-01 00:00:00.123456+00', '9999-12-31', '3', '0', '{}', NULL),
    (4, 0.000, 'NaN', NULL, '0001-01-01', 'true', NULL, NULL, NULL),
    (5, -1e40, 0.1, NULL, NULL, '{"n": 1.5, "s": "\u00e9"}', '1 mon 2 d -3 s', NULL, NULL),
    (6, NULL, NULL, NULL, NULL, '[0.12345678901234567890123, 1e400, -123456789012345678901234567890, 0.1]', NULL, NULL, NULL),
    (7, NULL, NULL, '4713-11-24 00:00:00+00 BC', '4713-11-24 BC', '"5"', '-1 y', NULL, NULL),
    (8, NULL, NULL, '294276-12-31 23:59:59.999999+00', '5874897-12-31', '"text"', '-178000000 y', NULL, NULL);
INSERT INTO d SELECT * FROM given;
SELECT g.id, g, k FROM given g LEFT JOIN d k ON g.id = k.id WHERE g::text IS DISTINCT FROM k::text;
UPDATE d SET id = id;
SELECT g.id, g, k FROM given g LEFT JOIN d k ON g.id = k.id WHERE g::text IS DISTINCT FROM k::text;
-- The null of JSON is not that of SQL, and has no value in Python.
INSERT INTO d (id, j) VALUES (16, 'null');
UPDATE d SET j = 'null' WHERE id = 5;
INSERT INTO d (id, j) VALUES (16, NULL);
INSERT INTO d (id, d) VALUES (17, '0044-03-15 BC') RETURNING d;
INSERT INTO d (id, at) VALUES (18, '20000-01-01') RETURNING at;
SELECT id, j, j IS NULL AS missing, d, at FROM d WHERE id > 15;
