-- What execute() and the other methods return, when it is not what they should: an error that says
-- which method, row and column, and what was expected.
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

-- Not an iterable of rows at all.
CALL behave('execute', '42');
SELECT * FROM bad;
CALL behave('execute', '"ab"');
SELECT * FROM bad;
CALL behave('execute', 'b"ab"');
SELECT * FROM bad;
CALL behave('execute', '{"id": 1, "t": "one"}');
SELECT * FROM bad;
CALL behave('execute', 'BadIterator()');
SELECT * FROM bad;
CALL behave('execute', 'Endless()');
SELECT * FROM bad;
-- None is no rows, and so is nothing.
CALL behave('execute', 'None');
SELECT * FROM bad;
CALL behave('execute', 'iter(())');
SELECT * FROM bad;

-- Rows of the wrong kind.
CALL behave('execute', 'closing([(1, "one"), None, (3, "three")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, "one"), 42])');
SELECT * FROM bad;
CALL behave('execute', 'closing(["ab"])');
SELECT * FROM bad;
CALL behave('execute', 'closing([b"ab"])');
SELECT * FROM bad;
CALL behave('execute', 'closing([{1, 2}])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, "one"), (2,)])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, "one", 1.0)])');
SELECT * FROM bad;
CALL behave('execute', 'closing([[1, "one"], [2]])');
SELECT * FROM bad;
CALL behave('execute', 'closing([()])');
SELECT * FROM bad;
-- Also when no column is looked at.
SELECT count(*) FROM bad;
CALL behave('execute', 'closing([NoLength([1, "one"])])');
SELECT * FROM bad;
CALL behave('execute', 'closing([LyingLength()])');
SELECT * FROM bad;
CALL behave('execute', 'closing([Shrinking("guard", "one")])');
SELECT t, id FROM bad;
SELECT id, t FROM bad;
-- Mappings: a missing key is NULL, an extra one is nothing, whatever its class.
CALL behave('execute', '[{}, {"id": 1, "x": 1}, {"t": "one", 1: 2, None: 3}]');
SELECT * FROM bad;

-- Values that the column does not take: row and column in CONTEXT.
CALL behave('execute', 'closing([(1, "one"), ("two", "two")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, "one"), (object, "two")])');
SELECT t FROM bad;
SELECT left(t, 10) FROM bad WHERE id > 0;
CALL behave('execute', 'closing([(2**31, "big")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(2**70, "big")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1.5, "fraction")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(float("nan"), "nan")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, "nul \0 inside")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, "surrogate \udce4")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, b"\xff\xfe")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, b"nul \0 inside")])');
SELECT * FROM bad;
CALL behave('execute', 'closing([(1, NoText("hidden"))])');
SELECT * FROM bad;
CALL behave('execute', 'closing([{"id": 1, "t": NotText("hidden")}])');
SELECT * FROM bad;
-- An error in a later part of the plan names the plan's place, and the generator is closed as well.
CALL behave('execute', 'closing([(1, "one"), (2, "x")])');
SELECT t::int FROM bad;

-- Other types: numbers and dates out of range.
CREATE FOREIGN TABLE odd (s int2, b int8, f float4, n numeric(4, 1), v varchar(3), d date, ts timestamptz, i interval,
    u uuid, j jsonb, a int[], y bytea, bo bool) SERVER hostile OPTIONS (execute '[]');
CREATE PROCEDURE value(name text, expression text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER FOREIGN TABLE odd OPTIONS (SET execute %L)', format('[{%L: %s}]', name, expression));
END $$;
CALL value('s', '32768');
SELECT s FROM odd;
CALL value('b', '2**63');
SELECT b FROM odd;
CALL value('f', '1e39');
SELECT f FROM odd;
CALL value('n', '1234.5');
SELECT n FROM odd;
CALL value('n', '"1e999999"');
SELECT n FROM odd;
CALL value('n', '__import__("decimal").Decimal("1e999999999")');
SELECT n FROM odd;
CALL value('n', '10**5000');
SELECT n FROM odd;
CALL value('v', '"abcdef"');
SELECT v FROM odd;
CALL value('d', '"2024-02-30"');
SELECT d FROM odd;
CALL value('d', '"never"');
SELECT d FROM odd;
CALL value('d', '20240101');
SELECT d FROM odd;
CALL value('ts', '"294277-01-01"');
SELECT ts FROM odd;
CALL value('ts', '3.5');
SELECT ts FROM odd;
CALL value('i', '__import__("datetime").timedelta.max');
SELECT i > '1 year' FROM odd;
CALL value('u', '"not a uuid"');
SELECT u FROM odd;
CALL value('j', '{"a": object()}');
SELECT regexp_replace(j::text, '0x[0-9a-f]+', '0x') FROM odd;
CALL value('j', '{"a": float("inf")}');
SELECT j FROM odd;
CALL value('j', '{"a": "nul \0"}');
SELECT j FROM odd;
CALL value('j', '(lambda l: (l.append(l), l)[1])([])');
\set VERBOSITY terse
SELECT j FROM odd;
\set VERBOSITY default
CALL value('a', '[1, "x"]');
SELECT a FROM odd;
CALL value('a', '[[1], [2, 3]]');
SELECT a FROM odd;
CALL value('a', '(lambda l: (l.append(l), l)[1])([])');
SELECT a FROM odd;
CALL value('a', '5');
SELECT a FROM odd;
CALL value('y', '42');
SELECT y FROM odd;
CALL value('bo', '"maybe"');
SELECT bo FROM odd;
CALL value('bo', '[]');
SELECT bo FROM odd;

-- The planner's methods.
CALL behave('execute', '[]', 'get_rel_size', 'None');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_rel_size', '5');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_rel_size', '("many", 10)');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_rel_size', '(1, 2, 3)');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_rel_size', '(float("nan"), 10)');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_rel_size', '(float("inf"), 10)');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_rel_size', '(10**400, 10)');
SELECT * FROM bad;
-- Merely absurd: taken within bounds.
CALL behave('execute', '[]', 'get_rel_size', '(-5, -5)');
EXPLAIN SELECT * FROM bad;
CALL behave('execute', '[]', 'get_rel_size', '(1e300, 1e300)');
SELECT count(*) FROM bad JOIN bad AS b USING (id) JOIN bad AS c USING (id);
CALL behave('execute', '[]', 'get_path_keys', '42');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_path_keys', '[("id", "few")]');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_path_keys', '[(("id",), 1, 2)]');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_path_keys', '["id"]');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_path_keys', '[((1,), 1)]');
SELECT * FROM bad;
CALL behave('execute', '[]', 'get_path_keys', '[(("id",), float("nan"))]');
SELECT * FROM bad;
-- A column that the table lacks, no column, a negative number of rows: no use, no harm.
CALL behave('execute', '[]', 'get_path_keys', '[(("nothing",), 1), ((), 1), (("id", "id"), -1), (["t"], 0)]');
SELECT * FROM bad JOIN bad AS b USING (id, t);
CALL behave('execute', '[]', 'can_sort', '42');
SELECT * FROM bad ORDER BY id;
CALL behave('execute', '[]', 'can_sort', '["id"]');
SELECT * FROM bad ORDER BY id;
CALL behave('execute', '[]', 'can_sort', 'sortkeys + sortkeys');
SELECT * FROM bad ORDER BY id;
-- A key that was not asked for ends the agreement.
CALL behave('execute', '[(2, "b"), (1, "a")]', 'can_sort', '[SortKey("t", 2, False, False, None)]');
SELECT * FROM bad ORDER BY id;
CALL behave('execute', '[(2, "b"), (1, "a")]', 'can_sort', 'None');
SELECT * FROM bad ORDER BY id;
CALL behave('execute', '[(2, "b"), (1, "a")]', 'can_limit', '"yes"');
SELECT * FROM bad LIMIT 1;
CALL behave('execute', '[]', 'can_limit', 'NoLength()');
SELECT * FROM bad LIMIT 1;
CALL behave('execute', '[]', 'explain', '42');
EXPLAIN (COSTS off) SELECT * FROM bad;
CALL behave('execute', '[]', 'explain', '"text"');
EXPLAIN (COSTS off) SELECT * FROM bad;
CALL behave('execute', '[]', 'explain', '[None, 1, "surrogate \udce4", "nul \0 inside", "two\nlines"]');
EXPLAIN (COSTS off) SELECT * FROM bad;
CALL behave('execute', '[]', 'explain', '[NoText()]');
EXPLAIN (COSTS off) SELECT * FROM bad;

-- IMPORT FOREIGN SCHEMA.
IMPORT FOREIGN SCHEMA s FROM SERVER hostile INTO public OPTIONS (import_schema 'fail(ValueError("in import_schema"))');
IMPORT FOREIGN SCHEMA s FROM SERVER hostile INTO public OPTIONS (import_schema '42');
IMPORT FOREIGN SCHEMA s FROM SERVER hostile INTO public OPTIONS (import_schema '[42]');
IMPORT FOREIGN SCHEMA s FROM SERVER hostile INTO public OPTIONS (import_schema '["DROP SCHEMA public"]');
IMPORT FOREIGN SCHEMA s FROM SERVER hostile INTO public
    OPTIONS (import_schema 'type("T", (), {"to_statement": lambda *a: None})(),');
\set VERBOSITY sqlstate
IMPORT FOREIGN SCHEMA s FROM SERVER hostile INTO public
    OPTIONS (import_schema 'type("T", (), {"to_statement": lambda *a: "DROP SCHEMA public"})(),');
\set VERBOSITY default
IMPORT FOREIGN SCHEMA s FROM SERVER hostile INTO public
    OPTIONS (import_schema 'type("T", (), {"to_statement": lambda *a: "CREATE FOREIGN TABLE x\0"})(),');
IMPORT FOREIGN SCHEMA s FROM SERVER hostile INTO public OPTIONS (import_schema 'None');
SELECT * FROM generators;
