-- Cursors: backwards, held, two at once, over savepoints, after errors, and from functions.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');
CREATE FOREIGN TABLE t (id int, grp int, name text) SERVER probe
    OPTIONS (rows '5', sorts '9', limits 'true');

-- Backwards, by a node that keeps the rows.
BEGIN;
EXPLAIN (COSTS off) DECLARE c SCROLL CURSOR FOR SELECT id, name FROM t;
DECLARE c SCROLL CURSOR FOR SELECT id, name FROM t;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
FETCH LAST FROM c;
FETCH RELATIVE -2 FROM c;
FETCH ABSOLUTE 2 FROM c;
FETCH FIRST FROM c;
FETCH PRIOR FROM c;
MOVE FORWARD ALL FROM c;
FETCH BACKWARD 2 FROM c;
CLOSE c;
-- Not without SCROLL.
DECLARE c NO SCROLL CURSOR FOR SELECT id FROM t;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 2 FROM c;
FETCH PRIOR FROM c;
ROLLBACK;

-- Held: the rows are read at the commit.
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM t WHERE id <> 3;
FETCH 1 FROM held;
COMMIT;
FETCH 1 FROM held;
FETCH ALL FROM held;
CLOSE held;
BEGIN;
DECLARE held SCROLL CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY id DESC LIMIT 3;
COMMIT;
FETCH LAST FROM held;
FETCH PRIOR FROM held;
CLOSE held;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM t;
FETCH 1 FROM held;
ROLLBACK;
FETCH 1 FROM held;

-- Two at once on one table.
BEGIN;
DECLARE up CURSOR FOR SELECT id FROM t ORDER BY id;
DECLARE down CURSOR FOR SELECT id FROM t ORDER BY id DESC;
FETCH 2 FROM up;
FETCH 2 FROM down;
FETCH 1 FROM up;
FETCH 1 FROM down;
CLOSE up;
FETCH 1 FROM down;
COMMIT;

-- A position is not rolled back.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 1 FROM c;
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
RELEASE s;
FETCH 1 FROM c;
COMMIT;

-- An error elsewhere leaves the cursor alone, if a savepoint lies between.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 1 FROM c;
SAVEPOINT s;
SELECT 1 / 0;
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
COMMIT;

-- Parameters keep the value that they had when the cursor was opened.
CREATE FUNCTION reads(wanted int) RETURNS SETOF int LANGUAGE plpgsql AS $$
DECLARE
    c SCROLL CURSOR (least int) FOR SELECT id FROM t WHERE id >= least ORDER BY id;
    found int;
BEGIN
    OPEN c(wanted);
    wanted := 100;
    LOOP
        FETCH c INTO found;
        EXIT WHEN NOT found IS NOT NULL;
        RETURN NEXT found;
    END LOOP;
    MOVE BACKWARD 3 FROM c;
    FETCH c INTO found;
    RAISE NOTICE 'again: %', found;
    CLOSE c;
END $$;
SELECT * FROM reads(4);
-- A cursor that outlives its function.
CREATE FUNCTION opens(c refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$
BEGIN
    OPEN c FOR SELECT id FROM t LIMIT 3;
    RETURN c;
END $$;
BEGIN;
SELECT opens('out');
FETCH 2 FROM out;
COMMIT;

-- Settings and the table's definition while a cursor is open.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 1 FROM c;
SAVEPOINT s;
ALTER FOREIGN TABLE t OPTIONS (SET rows '2');
ROLLBACK TO s;
ALTER SERVER probe OPTIONS (ADD label 'changed: ');
SELECT id FROM t;
FETCH 1 FROM c;
CLOSE c;
ROLLBACK;
SELECT count(*) FROM t;
