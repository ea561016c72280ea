-- Writes that go wrong: each is an error that says so, and end_modify is called once all the same.
CREATE SERVER wrongly FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'wrongly.Wrongly');
CREATE FOREIGN TABLE t (id int, note varchar(5), how text) SERVER wrongly OPTIONS (name 'w');
CREATE FOREIGN TABLE b (id int, note varchar(5), how text) SERVER wrongly OPTIONS (name 'b', batch '3');
-- What is told while an error ends the statement may reach the client before or after it.
CREATE PROCEDURE attempt(statement text) LANGUAGE plpgsql AS $$
DECLARE
    told text;
    value text;
BEGIN
    EXECUTE statement INTO value;
    RAISE NOTICE 'no error: %', value;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
    RAISE NOTICE 'caught: % (%) %', sqlerrm, sqlstate, told;
END $$;
-- In the middle of the rows.
CALL attempt($$INSERT INTO t VALUES (1, 'a', ''), (2, 'b', 'raise'), (3, 'c', '') RETURNING id$$);
CALL attempt($$INSERT INTO t VALUES (1, 'a', ''), (2, 'b', 'exit'), (3, 'c', '') RETURNING id$$);
CALL attempt($$INSERT INTO b SELECT i, 'a', CASE i WHEN 5 THEN 'raise' END FROM generate_series(1, 6) i$$);
CALL attempt($$INSERT INTO b VALUES (1, 'a', 'not a list'), (2, 'b', '')$$);
CALL attempt($$UPDATE t SET how = 'raise' WHERE id = 1 RETURNING id$$);
-- The server's own errors between the rows.
CALL attempt($$INSERT INTO t SELECT 6 / (2 - i) FROM generate_series(0, 3) i$$);
CALL attempt($$UPDATE t SET id = 1 / (id - 3) RETURNING id$$);
CALL attempt($$INSERT INTO t VALUES (7, 'too long for it')$$);
-- What is returned and read.
DO $$
DECLARE
    how text;
BEGIN
    FOREACH how IN ARRAY '{text, number, short, long, too long, too big, other type, unknown, "null", list,
                           generator, itself}'::text[] LOOP
        RAISE NOTICE '-- %', how;
        CALL attempt(format('INSERT INTO t VALUES (8, %L, %L) RETURNING t', 'h', how));
        CALL attempt(format('INSERT INTO b VALUES (8, %L, %L) RETURNING b', 'h', how));
        EXECUTE format('INSERT INTO t VALUES (1, %L, %L)', 'h', how);
        CALL attempt('UPDATE t SET note = note || ''i'' WHERE id = 1 RETURNING t');
        CALL attempt('DELETE FROM t WHERE id = 1 RETURNING t');
    END LOOP;
END $$;
-- What is returned and read by nobody.
INSERT INTO t VALUES (1, 'h', 'too long');
INSERT INTO b VALUES (1, 'h', 'text');
-- Not NULL and CHECK are the remote side's to keep; the server checks neither on foreign tables.
CREATE FOREIGN TABLE c (id int NOT NULL, note text, how text, CHECK (id > 0)) SERVER wrongly OPTIONS (name 'c');
CALL attempt($$INSERT INTO c VALUES (NULL) RETURNING id$$);
CALL attempt($$INSERT INTO c VALUES (-1) RETURNING id$$);
CALL attempt($$INSERT INTO c VALUES (1) RETURNING id$$);
CALL attempt($$UPDATE c SET id = -1 RETURNING id$$);
-- A timeout, a savepoint, and the rows after it.
SET statement_timeout = '200ms';
DO $$ BEGIN INSERT INTO t VALUES (9, 'i', 'sleep');
EXCEPTION WHEN query_canceled THEN RAISE NOTICE 'caught: %', sqlerrm; END $$;
RESET statement_timeout;
BEGIN;
INSERT INTO t VALUES (10, 'j');
SAVEPOINT a;
SET LOCAL client_min_messages = error;
INSERT INTO t VALUES (11, 'k', 'raise');
ROLLBACK TO a;
INSERT INTO t VALUES (12, 'l') RETURNING id;
COMMIT;
SELECT * FROM t ORDER BY id;
SELECT * FROM b ORDER BY id;
-- Not supported, by the server or by us.
TRUNCATE t;
INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING;
INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET note = '';
MERGE INTO t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE;
CREATE UNIQUE INDEX ON t (id);
UPDATE t SET note = '' WHERE CURRENT OF c;
