-- log_to_postgres: levels, hint, detail; errors of Python; the order of notices.
CREATE SERVER speaker FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE s (said text) SERVER speaker OPTIONS (wrapper 'speaking.Speaker');
CREATE PROCEDURE speak(options text, class text DEFAULT 'Speaker') LANGUAGE plpgsql AS $$ BEGIN
    DROP FOREIGN TABLE s;
    EXECUTE format('CREATE FOREIGN TABLE s (said text) SERVER speaker OPTIONS (wrapper %L %s)', 'speaking.' || class, options);
END $$;
-- Without a level it is INFO, which is a NOTICE.
SELECT * FROM s;
CALL speak($$, level 'debug'$$);
SELECT * FROM s;
SET client_min_messages = debug1;
SELECT * FROM s;
RESET client_min_messages;
CALL speak($$, level 'info', hint 'a hint'$$);
SELECT * FROM s;
CALL speak($$, level 'warning', detail 'a detail'$$);
SELECT * FROM s;
SET client_min_messages = error;
SELECT * FROM s;
RESET client_min_messages;
CALL speak($$, level 'warning', detail 'a detail', hint 'a hint'$$);
SELECT * FROM s;
-- ERROR raises in Python first, so that the finally runs; then it ends the statement.
CALL speak($$, level 'error'$$);
SELECT * FROM s;
CALL speak($$, level 'error', detail 'a detail', hint 'a hint'$$);
SELECT * FROM s;
DO $$ BEGIN PERFORM * FROM s; EXCEPTION WHEN fdw_error THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $$;
CALL speak($$, level 'error'$$, 'Catcher');
SELECT * FROM s;
CALL speak($$, level 'critical'$$, 'Catcher');
SELECT * FROM s;
CALL speak($$, level 'error', hint 'a hint'$$, 'Wrapped');
SELECT * FROM s;
BEGIN;
SAVEPOINT a;
SELECT * FROM s;
ROLLBACK TO a;
SELECT 'goes on' AS transaction;
COMMIT;

-- What the message may be.
CALL speak($$, message 'object'$$);
SELECT * FROM s;
CALL speak($$, message 'number'$$);
SELECT * FROM s;
CALL speak($$, message 'percent', hint '100 %s', detail '%d'$$);
SELECT * FROM s;
CALL speak($$, message 'nul'$$);
SELECT * FROM s;
CALL speak($$, message 'lines'$$);
SELECT * FROM s;
CALL speak($$, message 'wide'$$);
SELECT * FROM s;
CALL speak($$, message 'empty'$$);
SELECT * FROM s;
CALL speak($$, message 'exception'$$);
SELECT * FROM s;
CALL speak($$, message 'percent', level 'error', hint '100 %s', detail '%d'$$);
SELECT * FROM s;

CALL speak('', 'Positions');
SELECT * FROM s;
CALL speak('', 'Loggers');
SELECT * FROM s;

-- Exceptions: class, and str() in the DETAIL.
CREATE FOREIGN TABLE r (a int) SERVER speaker OPTIONS (wrapper 'raising.Raiser', what 'ValueError("the text")');
CREATE PROCEDURE raising(what text, place text DEFAULT 'execute') LANGUAGE plpgsql AS $$ BEGIN
    DROP FOREIGN TABLE r;
    EXECUTE format('CREATE FOREIGN TABLE r (a int) SERVER speaker OPTIONS (wrapper %L, what %L, place %L)',
        'raising.Raiser', what, place);
END $$;
SELECT * FROM r;
CALL raising('ValueError()');
SELECT * FROM r;
CALL raising('KeyError("key")');
SELECT * FROM r;
CALL raising('OSError(2, "No such file or directory", "/nowhere")');
SELECT * FROM r;
CALL raising('OwnError("one", "two")');
SELECT * FROM r;
CALL raising('BadTextError()');
SELECT * FROM r;
CALL raising('ExceptionGroup("group", [ValueError("one"), KeyError("two")])');
SELECT * FROM r;
CALL raising('StopIteration("odd")');
SELECT * FROM r;
CALL raising('GeneratorExit()');
SELECT * FROM r;
CALL raising('SystemExit(3)');
SELECT * FROM r;
CALL raising('KeyboardInterrupt()');
SELECT * FROM r;
CALL raising('WithFieldsError("a message")');
SELECT * FROM r;
CALL raising('ValueError("nul \0 inside")');
SELECT * FROM r;
CALL raising('UnicodeError("\ud800")');
SELECT * FROM r;
-- In every method that is called.
CALL raising('ValueError("init")', 'init');
SELECT * FROM r;
CALL raising('ValueError("size")', 'get_rel_size');
SELECT * FROM r;
CALL raising('ValueError("keys")', 'get_path_keys');
SELECT * FROM r;
CALL raising('ValueError("sort")', 'can_sort');
SELECT * FROM r ORDER BY a;
CALL raising('ValueError("limit")', 'can_limit');
SELECT * FROM r LIMIT 1;
CALL raising('ValueError("explain")', 'explain');
EXPLAIN SELECT * FROM r;
CALL raising('ValueError("rows")', 'rows');
SELECT * FROM r;
CALL raising('ValueError("close")', 'close');
SELECT * FROM r LIMIT 1;
CALL raising('ValueError("end")', 'end_scan');
SELECT * FROM r;
-- A class that cannot be had.
CREATE FOREIGN TABLE lost (a int) SERVER speaker OPTIONS (wrapper 'speaking');
SELECT * FROM lost;
ALTER FOREIGN TABLE lost OPTIONS (SET wrapper 'speaking.MESSAGES');
-- The hint names directories.
DO $$
DECLARE told text;
BEGIN
    PERFORM * FROM lost;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
    RAISE NOTICE '%: %', SQLERRM, told;
    GET STACKED DIAGNOSTICS told = PG_EXCEPTION_HINT;
    RAISE NOTICE 'names sys.path: %, the classes: %', told LIKE '%sys.path%', told LIKE '%Loggers, %Speaker%';
END $$;
ALTER FOREIGN TABLE lost OPTIONS (SET wrapper 'speaking.Text');
SELECT * FROM lost;
ALTER FOREIGN TABLE lost OPTIONS (SET wrapper 'raising_at_import.Anything');
SELECT * FROM lost;
SELECT * FROM lost;

-- __init__ before execute, both before the rows' own; rows are fetched in between.
CREATE FOREIGN TABLE ordered (a int) SERVER speaker OPTIONS (wrapper 'raising.Ordered');
DO $$
DECLARE row record;
BEGIN
    FOR row IN SELECT a FROM ordered LOOP
        RAISE NOTICE 'row %', row.a;
    END LOOP;
END $$;
SELECT a FROM ordered LIMIT 1;
