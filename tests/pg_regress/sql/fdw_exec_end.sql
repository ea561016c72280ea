-- Every way out of a scan closes the generator and calls end_scan, once. What the class tells goes to a
-- journal, since messages that are sent while an error ends a query arrive before or after it.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn
    OPTIONS (wrapper 'plan_probe.Probe', tell 'execute close end', journal 'true');
CREATE FOREIGN TABLE t (id int, grp int, name text) SERVER probe OPTIONS (rows '5');
CREATE FOREIGN TABLE broken (id int) SERVER probe OPTIONS (rows '5', fail_at '3');
CREATE SERVER journal FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Journal');
CREATE FOREIGN TABLE journal (entry text) SERVER journal;
CREATE TABLE l (id int);
INSERT INTO l VALUES (1), (2);
CREATE FUNCTION fail_at(n int, bad int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF n = bad THEN
        RAISE 'failed at %', n;
    END IF;
    RETURN n;
END $$;
-- Runs a statement and survives its error.
CREATE PROCEDURE attempt(statement text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'caught: % (%)', sqlerrm, sqlstate;
END $$;

-- To the end, and by LIMIT.
SELECT id FROM t;
TABLE journal;
SELECT id FROM t LIMIT 1;
TABLE journal;
SELECT EXISTS (SELECT FROM t WHERE id > 1);
TABLE journal;
-- Never begun: neither is called.
SELECT id FROM t LIMIT 0;
SELECT id FROM t WHERE id = NULL::int;
SELECT id FROM t WHERE id = (SELECT NULL::int);
SELECT l.id FROM l LEFT JOIN LATERAL (SELECT t.id FROM t WHERE l.id > 100 OFFSET 0) s ON true;
EXPLAIN (COSTS off) SELECT id FROM t;
TABLE journal;

-- An error in the query, in the class, and in converting a row.
SELECT fail_at(id, 3) FROM t;
TABLE journal;
SELECT 1 / (id - 2) FROM t;
TABLE journal;
SELECT * FROM broken;
TABLE journal;
CREATE FOREIGN TABLE wrong (name int) SERVER probe OPTIONS (rows '5');
SELECT * FROM wrong;
TABLE journal;
-- Two scans of one table: each has its own generator; the last begun ends first.
SELECT a.id, b.id FROM t a JOIN t b ON a.id = b.id + 3 LIMIT 1;
TABLE journal;
SELECT fail_at(a.id, 2) FROM t a JOIN broken b ON b.id = 1;
TABLE journal;
-- Before the first row, while planning, and in the other statement of a function.
SELECT fail_at(1, 1), id FROM t;
SELECT id FROM t WHERE id = 1 / (SELECT 0);
TABLE journal;

-- A rescan closes one generator before the next.
SELECT l.id, (SELECT t.id FROM t WHERE t.id > l.id LIMIT 1) FROM l;
TABLE journal;
SELECT a.id, b.id FROM l a CROSS JOIN LATERAL (SELECT id FROM t WHERE id >= a.id LIMIT 2) b;
TABLE journal;

-- Errors in the clean-up are warnings; in a rescan the query still goes on, so there it is an error.
CREATE FOREIGN TABLE unclean (id int) SERVER probe OPTIONS (rows '3', fails_in 'close');
SELECT id FROM unclean LIMIT 1;
CALL attempt('SELECT fail_at(id, 1) FROM unclean');
SELECT id FROM unclean;
TABLE journal;
SELECT l.id, (SELECT u.id FROM unclean u WHERE u.id >= l.id LIMIT 1) FROM l;
TABLE journal;
CREATE FOREIGN TABLE unclean_end (id int) SERVER probe OPTIONS (rows '2', fails_in 'end');
SELECT id FROM unclean_end;
CALL attempt('SELECT fail_at(id, 1) FROM unclean_end');
BEGIN;
SELECT id FROM unclean_end LIMIT 1;
COMMIT;
TABLE journal;

-- A savepoint ends what began under it and nothing else.
BEGIN;
DECLARE outside CURSOR FOR SELECT id FROM t;
FETCH 1 FROM outside;
SAVEPOINT s;
DECLARE inside CURSOR FOR SELECT id FROM t WHERE id > 0;
FETCH 2 FROM inside;
SELECT fail_at(id, 2) FROM t WHERE id > 1;
ROLLBACK TO s;
TABLE journal;
FETCH 1 FROM outside;
FETCH 1 FROM inside;
ROLLBACK TO s;
-- A released savepoint's cursor belongs to the level above.
SAVEPOINT upper;
SAVEPOINT lower;
DECLARE released CURSOR FOR SELECT id FROM t WHERE id > 2;
FETCH 1 FROM released;
RELEASE lower;
FETCH 1 FROM released;
ROLLBACK TO upper;
TABLE journal;
FETCH 1 FROM outside;
CLOSE outside;
TABLE journal;
COMMIT;

-- The end of a transaction closes what is open.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 1 FROM c;
COMMIT;
TABLE journal;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 1 FROM c;
ROLLBACK;
TABLE journal;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
DECLARE d CURSOR FOR SELECT id FROM t;
FETCH 1 FROM c;
FETCH 2 FROM d;
SELECT 1 / 0;
ROLLBACK;
SELECT * FROM journal ORDER BY entry COLLATE "C";

-- Exception blocks.
DO $$
DECLARE
    r record;
BEGIN
    BEGIN
        PERFORM fail_at(id, 2) FROM t;
    EXCEPTION WHEN raise_exception THEN
        RAISE NOTICE 'caught: %', sqlerrm;
    END;
    FOR r IN SELECT id FROM t LOOP
        BEGIN
            PERFORM fail_at(r.id, 2);
            PERFORM 1 / (r.id - 3);
        EXCEPTION WHEN division_by_zero OR raise_exception THEN
            RAISE NOTICE 'caught at %: %', r.id, sqlerrm;
        END;
        EXIT WHEN r.id = 4;
    END LOOP;
    BEGIN
        FOR r IN SELECT id FROM broken LOOP
            RAISE NOTICE 'row %', r.id;
        END LOOP;
    EXCEPTION WHEN fdw_error THEN
        RAISE NOTICE 'caught: %', sqlerrm;
    END;
    FOR r IN SELECT entry FROM journal LOOP
        RAISE NOTICE '%', r.entry;
    END LOOP;
    FOR r IN SELECT id FROM t LOOP
        RETURN;
    END LOOP;
END $$;
TABLE journal;

-- A cursor of a function that fails: the function's portal goes with it.
CREATE FUNCTION stops() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    c CURSOR FOR SELECT id FROM t;
    n int;
BEGIN
    OPEN c;
    FETCH c INTO n;
    RETURN fail_at(n, 1);
END $$;
CALL attempt('SELECT stops()');
TABLE journal;

-- A portal that an error in one of its rows has ended is closed with it, or at the end.
BEGIN;
DECLARE c CURSOR FOR SELECT fail_at(id, 2) FROM t;
SAVEPOINT s;
FETCH 3 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
ROLLBACK TO s;
CLOSE c;
TABLE journal;
DECLARE c CURSOR FOR SELECT id FROM broken;
FETCH 2 FROM c;
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
TABLE journal;
FETCH 1 FROM c;
ROLLBACK;
TABLE journal;

-- A procedure that commits while a loop reads the table: the server reads the rest first.
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT id FROM t LIMIT 3 LOOP
        RAISE NOTICE 'row %', r.id;
        COMMIT;
    END LOOP;
END $$;
CALL commits();
TABLE journal;

-- The statement after an error is like any other.
SELECT count(*) FROM t a, t b;
TABLE journal;
