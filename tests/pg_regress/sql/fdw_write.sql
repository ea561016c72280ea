-- INSERT, UPDATE, DELETE and COPY call the class; RETURNING shows what it stored.
CREATE SERVER kept FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'kept.Kept');
CREATE FOREIGN TABLE t (id int, v numeric, note text, at timestamp) SERVER kept OPTIONS (name 't', noisy '1');
INSERT INTO t VALUES (1, 1.10, NULL, '2020-01-01 00:00:00.123456'), (2, 2, 'two', NULL) RETURNING *, v + 1;
INSERT INTO t SELECT i, i FROM generate_series(3, 5) i;
UPDATE t SET v = v * 2, id = id + 10 WHERE id > 3 RETURNING *;
DELETE FROM t WHERE id = 2 RETURNING id, note, v * 2;
SELECT * FROM t ORDER BY id;
PREPARE change(int, numeric) AS UPDATE t SET v = $2 WHERE id = $1 RETURNING id, v;
EXECUTE change(1, 1); EXECUTE change(1, 2); EXECUTE change(1, 3); EXECUTE change(1, 4);
EXECUTE change(1, 5); EXECUTE change(1, 6); EXECUTE change(3, 7);
EXPLAIN (VERBOSE, COSTS OFF) UPDATE t SET v = 1 WHERE id = 1;
EXPLAIN (COSTS OFF) INSERT INTO t VALUES (1);

-- Batches, and where each row has to be looked at.
CREATE FOREIGN TABLE b (id int, note text) SERVER kept OPTIONS (name 'b', noisy '1', batch '2');
INSERT INTO b SELECT i FROM generate_series(1, 3) i;
INSERT INTO b SELECT i FROM generate_series(4, 6) i RETURNING id, note;
SELECT count(*) FROM b;
CREATE FOREIGN TABLE most (id int, note text) SERVER kept OPTIONS (name 'most', noisy '1', batch '9223372036854775807');
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO most SELECT i FROM generate_series(1, 3) i;
INSERT INTO most SELECT i FROM generate_series(1, 3) i;
CREATE VIEW small AS SELECT * FROM b WHERE id < 100 WITH CHECK OPTION;
-- What is told while an error ends the statement may reach the client before or after it.
DO $$ BEGIN INSERT INTO small VALUES (200, 'no');
EXCEPTION WHEN with_check_option_violation THEN RAISE NOTICE '%', sqlerrm; END $$;
INSERT INTO small VALUES (20, 'yes');
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '% % -> %', tg_op, to_json(old), to_json(new); RETURN NULL; END$$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON b FOR EACH ROW EXECUTE FUNCTION tell();
INSERT INTO b VALUES (30), (31);
UPDATE b SET note = 'changed' WHERE id = 30;
DELETE FROM b WHERE id = 31;

-- Partitions: routed rows, and an UPDATE that moves one in from a local partition.
CREATE TABLE p (id int, note text) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10) SERVER kept OPTIONS (name 'p1');
CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) SERVER kept OPTIONS (name 'p2', batch '10');
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30);
INSERT INTO p VALUES (1, 'a'), (11, 'b'), (21, 'c') RETURNING tableoid::regclass, *;
UPDATE p SET id = id - 9 WHERE id = 21;
COPY p FROM STDIN;
2	x
13	y
22	z
\.
SELECT tableoid::regclass, * FROM p ORDER BY id;
DELETE FROM p WHERE id IN (2, 11, 22) RETURNING tableoid::regclass, id, note;

-- Inheritance: foreign children of a local parent, with other columns of their own.
CREATE TABLE parent (id int, note text);
CREATE FOREIGN TABLE child (id int, note text, extra int) INHERITS (parent) SERVER kept OPTIONS (name 'child');
INSERT INTO child VALUES (1, 'one', 10), (2, 'two', 20);
INSERT INTO parent VALUES (3, 'three');
UPDATE parent SET note = note || '!' RETURNING tableoid::regclass, *;
DELETE FROM parent WHERE id <> 2 RETURNING tableoid::regclass, *;
SELECT * FROM child;

-- A class that is given old rows.
CREATE SERVER old_rows FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'kept.OldRows');
CREATE FOREIGN TABLE o (id int, note text) SERVER old_rows OPTIONS (name 'o', noisy '1');
INSERT INTO o VALUES (1, 'one');
UPDATE o SET id = 2;
DELETE FROM o;

-- Refusals.
CREATE SERVER miscounts FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'kept.Miscounts');
CREATE FOREIGN TABLE m (id int, note text) SERVER miscounts OPTIONS (name 'm', batch '5');
INSERT INTO m VALUES (1), (2);
CREATE SERVER unnamed FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'kept.Unnamed');
CREATE FOREIGN TABLE u (id int, note text) SERVER unnamed OPTIONS (name 'u');
UPDATE u SET note = '';
INSERT INTO b VALUES (1) ON CONFLICT DO NOTHING;
CREATE SERVER state FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'multicorn.statefdw.StateFdw');
CREATE FOREIGN TABLE r (name text) SERVER state;
INSERT INTO r VALUES ('x');
UPDATE r SET name = 'x';
DELETE FROM r;
SELECT table_name, is_insertable_into FROM information_schema.tables WHERE table_name IN ('t', 'r') ORDER BY 1;
