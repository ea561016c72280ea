-- What a wrapper raises, wherever it raises it, is an error of the statement and of nothing else: the
-- words are the contract's, the session lives on, and the generator is closed.
CREATE SERVER hostile FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'hostile.Hostile');
CREATE FOREIGN TABLE generators (opened int, closed int) SERVER hostile OPTIONS (execute '[(opened, closed)]');
CREATE PROCEDURE behave(method text, expression text, method2 text DEFAULT NULL, expression2 text DEFAULT NULL)
LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    DROP FOREIGN TABLE IF EXISTS bad;
    EXECUTE format('CREATE FOREIGN TABLE bad (id int, t text) SERVER hostile OPTIONS (%I %L)', method, expression);
    IF method2 IS NOT NULL THEN
        EXECUTE format('ALTER FOREIGN TABLE bad OPTIONS (%I %L)', method2, expression2);
    END IF;
END $$;

CREATE FUNCTION fields(query text) RETURNS TABLE (state text, message text, detail text, hint text, table_name text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT, table_name = TABLE_NAME;
    RETURN NEXT;
END $$;

-- In each method.
CALL behave('init', 'fail(ValueError("in __init__"))');
SELECT * FROM bad;
CALL behave('execute', 'fail(ValueError("in execute"))');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, "one")], ValueError("in __next__"))');
SELECT * FROM bad;
SELECT count(*) FROM bad;
CALL behave('execute', '[]', 'get_rel_size', 'fail(ValueError("in get_rel_size"))');
SELECT * FROM bad;
EXPLAIN (COSTS off) SELECT * FROM bad;
CALL behave('execute', '[]', 'get_path_keys', 'fail(ValueError("in get_path_keys"))');
SELECT * FROM bad;
CALL behave('execute', '[]', 'can_sort', 'fail(ValueError("in can_sort"))');
SELECT * FROM bad ORDER BY id;
SELECT * FROM bad;
CALL behave('execute', '[]', 'can_limit', 'fail(ValueError("in can_limit"))');
SELECT * FROM bad LIMIT 1;
SELECT * FROM bad;
CALL behave('execute', '[]', 'explain', 'fail(ValueError("in explain"))');
EXPLAIN SELECT * FROM bad;
SELECT * FROM bad;

-- The error's fields name the table, whichever method it was.
CALL behave('init', 'fail(ValueError("in __init__"))');
SELECT * FROM fields('SELECT * FROM bad');
CALL behave('execute', 'fail(ValueError("in execute"))');
SELECT * FROM fields('SELECT * FROM bad');
CALL behave('execute', 'closing([], ValueError("in __next__"))');
SELECT * FROM fields('SELECT * FROM bad');
CALL behave('execute', '[]', 'can_sort', 'fail(ValueError("in can_sort"))');
SELECT * FROM fields('SELECT * FROM bad ORDER BY id');
CALL behave('execute', '[]', 'can_limit', 'fail(ValueError("in can_limit"))');
SELECT * FROM fields('SELECT * FROM bad LIMIT 1');
CALL behave('execute', '[(1, "x\0")]');
SELECT * FROM fields('SELECT * FROM bad');
-- An error of the server's own keeps its fields.
CALL behave('execute', '[(1, "one")]');
SELECT * FROM fields('SELECT 1 / (id - 1) FROM bad');

-- The rows are there when these raise: a warning.
CALL behave('execute', '[(1, "one")]', 'end_scan', 'fail(ValueError("in end_scan"))');
SELECT * FROM bad;
CALL behave('execute', 'failing_close([(1, "one"), (2, "two")])');
SELECT * FROM bad LIMIT 1;
SELECT * FROM bad;
-- After an error of the query too, beside that error.
CALL behave('execute', 'closing([(1, "one")])', 'end_scan', 'fail(ValueError("in end_scan"))');
SELECT * FROM fields('SELECT 1 / (id - 1) FROM bad');
CALL behave('execute', 'failing_close([(1, "one"), (2, "two")])');
SELECT * FROM fields('SELECT 1 / (id - 1) FROM bad');

-- What it raises.
CALL behave('execute', 'fail(SystemExit(3))');
SELECT * FROM bad;
CALL behave('execute', 'fail(KeyboardInterrupt())');
SELECT * FROM bad;
CALL behave('execute', 'closing([], GeneratorExit("mine"))');
SELECT * FROM bad;
CALL behave('execute', 'fail(StopIteration("from execute"))');
SELECT * FROM bad;
-- A generator must not raise it: Python makes it a RuntimeError.
CALL behave('execute', 'closing([], StopIteration("from a generator"))');
SELECT * FROM bad;
CALL behave('execute', '(recurse() for _ in [1])');
SELECT * FROM bad;
CALL behave('execute', 'fail(MemoryError())');
SELECT * FROM bad;
CALL behave('execute', 'fail(BaseExceptionGroup("several", [ValueError("a"), KeyboardInterrupt()]))');
SELECT * FROM bad;
CALL behave('execute', 'fail(NoText("hidden"))');
SELECT * FROM bad;
CALL behave('execute', 'fail(NotText("hidden"))');
SELECT * FROM bad;
CALL behave('execute', 'fail(Slotted("plain text"))');
SELECT * FROM bad;
CALL behave('execute', 'fail(ValueError("nul \0 and surrogate \udce4 and line\nbreak and ü"))');
SELECT * FROM bad;
CALL behave('execute', 'fail(ValueError(b"bytes", None, 1))');
SELECT * FROM bad;
CALL behave('execute', 'fail(42)');
SELECT * FROM bad;

-- Attributes that the server reads; what is no SQLSTATE of an error is ignored.
CALL behave('execute', 'fail(Forged("taken", sqlstate="23505", hint="Take another.", detail="By Bob."))');
SELECT * FROM bad;
SELECT * FROM fields('SELECT * FROM bad');
CALL behave('execute', 'fail(Forged("fine", sqlstate="00000", hint=42, detail=b"x"))');
SELECT * FROM fields('SELECT * FROM bad');
CALL behave('execute', 'fail(Forged("odd", sqlstate="2350\0", hint="nul \0", detail="surrogate \udce4"))');
SELECT * FROM bad;

-- A subtransaction that fails leaves the transaction usable.
CALL behave('execute', 'closing([(1, "one"), (0, "zero")])');
BEGIN;
SAVEPOINT s;
SELECT 1 / id FROM bad;
ROLLBACK TO s;
SELECT count(*) FROM bad;
COMMIT;
DO $$
BEGIN
    PERFORM 1 / id FROM bad;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'caught: %', SQLERRM;
END $$;
SELECT count(*) FROM bad;
-- A cursor that fails in the middle.
BEGIN;
DECLARE c CURSOR FOR SELECT 1 / id AS quotient FROM bad;
FETCH c;
FETCH c;
ROLLBACK;
SELECT count(*) FROM bad;
SELECT * FROM generators;
