-- The hooks of transactions: each once, in order, after errors too. What the class tells goes to a journal.
CREATE SERVER hooked FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'hooked.Hooked');
CREATE FOREIGN TABLE t (id int, note text) SERVER hooked OPTIONS (name 't');
CREATE FOREIGN TABLE u (id int, note text) SERVER hooked OPTIONS (name 'u');
CREATE SERVER journal FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'hooked.Journal');
CREATE FOREIGN TABLE journal (entry text) SERVER journal;

-- A statement by itself; nothing for what only plans, and nothing for what does not begin.
SELECT * FROM t;
TABLE journal;
INSERT INTO t VALUES (1, 'one') RETURNING *;
TABLE journal;
UPDATE t SET note = 'uno';
TABLE journal;
DELETE FROM t;
TABLE journal;
EXPLAIN (COSTS OFF) SELECT * FROM t;
EXPLAIN (COSTS OFF) INSERT INTO t VALUES (1);
PREPARE p AS SELECT * FROM t;
TABLE journal;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT 1;
SELECT * FROM t;
SELECT * FROM u;
INSERT INTO t VALUES (1);
COMMIT;
TABLE journal;
BEGIN;
INSERT INTO t VALUES (2);
ROLLBACK;
TABLE journal;

-- Savepoints: caught up with at the use, level by level; a level that nobody used is not told of.
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
SELECT count(*) FROM t;
SAVEPOINT c;
RELEASE c;
SAVEPOINT d;
SELECT count(*) FROM t;
RELEASE d;
ROLLBACK TO b;
SELECT count(*) FROM u;
RELEASE a;
SAVEPOINT e;
INSERT INTO t VALUES (3);
ROLLBACK TO e;
ROLLBACK TO e;
COMMIT;
TABLE journal;
BEGIN;
SELECT count(*) FROM t;
SAVEPOINT a;
INSERT INTO t VALUES (4);
SAVEPOINT b;
INSERT INTO t VALUES (5);
COMMIT;
TABLE journal;
BEGIN;
SAVEPOINT a;
INSERT INTO t VALUES (6);
SAVEPOINT b;
INSERT INTO u VALUES (6);
ROLLBACK;
TABLE journal;

-- Errors.
INSERT INTO t VALUES (1 / 0);
TABLE journal;
SELECT 1 / (id - 1) FROM t;
TABLE journal;
BEGIN;
INSERT INTO t VALUES (7);
SAVEPOINT a;
INSERT INTO t VALUES ('x');
INSERT INTO t VALUES (8);
ROLLBACK TO a;
INSERT INTO t VALUES (9);
COMMIT;
TABLE journal;
BEGIN;
INSERT INTO t VALUES (7);
SELECT 1 / 0;
COMMIT;
TABLE journal;

-- Exception blocks are subtransactions.
DO $$
BEGIN
    PERFORM * FROM t;
    BEGIN
        INSERT INTO t VALUES (10);
        PERFORM 1 / 0;
    EXCEPTION WHEN division_by_zero THEN
        RAISE NOTICE 'caught';
    END;
    BEGIN
        INSERT INTO u VALUES (11);
    EXCEPTION WHEN division_by_zero THEN
        RAISE NOTICE 'not caught';
    END;
    BEGIN
        INSERT INTO journal VALUES ('insert t');
        INSERT INTO t VALUES (12);
    EXCEPTION WHEN fdw_error THEN
        RAISE NOTICE 'caught: %', sqlerrm;
    END;
    INSERT INTO journal VALUES ('insert');
END $$;
TABLE journal;

-- A procedure's transactions.
CREATE PROCEDURE two() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t VALUES (13);
    COMMIT;
    INSERT INTO t VALUES (14);
    ROLLBACK;
    PERFORM * FROM t;
END $$;
CALL two();
TABLE journal;

-- Cursors: one that is held is read before the commit.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 1 FROM c;
SAVEPOINT a;
FETCH 1 FROM c;
DECLARE held CURSOR WITH HOLD FOR SELECT count(*) FROM u;
ROLLBACK TO a;
FETCH 1 FROM c;
DECLARE kept CURSOR WITH HOLD FOR SELECT count(*) FROM u;
COMMIT;
TABLE journal;
CLOSE kept;

-- A new definition in the transaction: the old object hears of the end too.
BEGIN;
INSERT INTO t VALUES (15);
ALTER FOREIGN TABLE t OPTIONS (SET name 'v');
INSERT INTO t VALUES (16);
COMMIT;
TABLE journal;
ALTER FOREIGN TABLE t OPTIONS (SET name 't');
BEGIN;
INSERT INTO u VALUES (17);
DROP FOREIGN TABLE u;
ROLLBACK;
BEGIN;
CREATE FOREIGN TABLE w (id int) SERVER hooked OPTIONS (name 'w');
INSERT INTO w VALUES (18);
DROP FOREIGN TABLE w;
COMMIT;
TABLE journal;

-- Hooks that raise: before the commit it aborts,
INSERT INTO journal VALUES ('begin t');
INSERT INTO t VALUES (20);
TABLE journal;
INSERT INTO journal VALUES ('begin'), ('pre_commit t');
INSERT INTO t VALUES (20);
BEGIN;
INSERT INTO u VALUES (20);
INSERT INTO t VALUES (20);
COMMIT;
TABLE journal;
INSERT INTO journal VALUES ('pre_commit'), ('sub_begin t');
BEGIN;
SAVEPOINT a;
INSERT INTO t VALUES (20);
ROLLBACK TO a;
SELECT count(*) > 0 FROM u;
COMMIT;
TABLE journal;
INSERT INTO journal VALUES ('sub_begin'), ('sub_commit t');
BEGIN;
SAVEPOINT a;
INSERT INTO t VALUES (20);
RELEASE a;
ROLLBACK TO a;
COMMIT;
TABLE journal;
-- the release that fails takes the level above with it,
BEGIN;
SAVEPOINT a;
INSERT INTO u VALUES (21);
INSERT INTO t VALUES (21);
RELEASE a;
ROLLBACK TO a;
SELECT count(*) > 0 FROM u;
COMMIT;
TABLE journal;
-- as far as there is a savepoint.
BEGIN;
SAVEPOINT above;
INSERT INTO u VALUES (22);
SAVEPOINT a;
INSERT INTO u VALUES (22);
INSERT INTO t VALUES (22);
RELEASE a;
ROLLBACK TO above;
COMMIT;
TABLE journal;
-- A block that goes on though one class has released already what is undone: nothing can be committed.
DO $$
BEGIN
    BEGIN
        INSERT INTO u VALUES (23);
        INSERT INTO t VALUES (23);
    EXCEPTION WHEN fdw_error THEN
        RAISE NOTICE 'caught: %', sqlerrm;
    END;
END $$;
TABLE journal;

-- After the commit, and in a rollback, it is a warning and everything else goes on.
INSERT INTO journal VALUES ('sub_commit'), ('commit t'), ('rollback t'), ('sub_rollback t');
BEGIN;
INSERT INTO t VALUES (24);
INSERT INTO u VALUES (24);
COMMIT;
TABLE journal;
BEGIN;
INSERT INTO t VALUES (24);
INSERT INTO u VALUES (24);
ROLLBACK;
TABLE journal;
BEGIN;
SAVEPOINT a;
INSERT INTO t VALUES (24);
INSERT INTO u VALUES (24);
ROLLBACK TO a;
ROLLBACK TO a;
SELECT count(*) > 0 FROM t;
COMMIT;
TABLE journal;
INSERT INTO journal VALUES ('commit'), ('rollback'), ('sub_rollback');

-- end_modify may have been about to write: its error fails the statement, and after an error it warns.
INSERT INTO journal VALUES ('end_modify t');
INSERT INTO t VALUES (25);
TABLE journal;
COPY t FROM STDIN;
26	x
\.
TABLE journal;
DO $$
BEGIN
    INSERT INTO t SELECT 27 / (1 - i) FROM generate_series(0, 1) i;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'caught: %', sqlerrm;
END $$;
TABLE journal;
INSERT INTO journal VALUES ('end_modify');

-- A prepared transaction could not be followed.
BEGIN;
SELECT count(*) > 0 FROM u;
INSERT INTO t VALUES (29);
PREPARE TRANSACTION 'x';
TABLE journal;
BEGIN;
PREPARE TRANSACTION 'empty';
ROLLBACK PREPARED 'empty';
-- The session is like any other.
SELECT count(*) > 0 FROM t;
TABLE journal;
