-- What execute() may return, and the forms of a row.
CREATE SERVER s FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'values_fdw.Rows');
CREATE FUNCTION show(written text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    DROP FOREIGN TABLE IF EXISTS t;
    EXECUTE format('CREATE FOREIGN TABLE t (a int, b text) SERVER s OPTIONS (rows %L)', written);
    FOR line IN SELECT t::text FROM t LOOP
        RETURN NEXT line;
    END LOOP;
END $$;
SET client_min_messages = warning;

SELECT show($$[(1, 'one'), [2, 'two'], {'a': 3}, {'b': 'four', 'c': 5}, {}, (None, None)]$$);
SELECT show($$((i, str(i)) for i in range(2))$$);
SELECT show($$[Row(1, 'one'), Reading(b='two'), Pair(3, 'three')]$$);
SELECT show($$[__import__('collections').OrderedDict(a=1), __import__('collections').defaultdict(int)]$$);
SELECT show($$[__import__('types').MappingProxyType({'a': 1})]$$);
SELECT show($$({'a': i} for i in 'x' if False)$$);
SELECT show($$None$$);
SELECT show($$[]$$);
SELECT show($$iter([(1, 'one')])$$);
SELECT show($${(1, 'one')}$$);

SELECT show($$'abc'$$);
SELECT show($$b'abc'$$);
SELECT show($${'a': 1}$$);
SELECT show($$5$$);
SELECT show($$[(1, 'one'), None]$$);
SELECT show($$[(1, 'one'), 'xy']$$);
SELECT show($$[(1, 'one'), b'xy']$$);
SELECT show($$[(1, 'one'), 7]$$);
SELECT show($$[(1, 'one'), {1, 2}]$$);
SELECT show($$[(1, 'one'), (2,)]$$);
SELECT show($$[(1, 'one'), [2, 'two', 3]]$$);
SELECT show($$[(1, 'one'), (2, Mute())]$$);
SELECT show($$counting()$$);

-- A row that loses its items while the first of them is converted.
CREATE FOREIGN TABLE lost (a text, b text, c text) SERVER s OPTIONS (rows $$[vandalised()]$$);
SELECT * FROM lost;

-- Dropped columns are not counted.
CREATE FOREIGN TABLE dropped (a int, gone int, b text) SERVER s OPTIONS (rows $$[(1, 'one'), {'a': 2, 'gone': 3}]$$);
ALTER FOREIGN TABLE dropped DROP COLUMN gone;
SELECT * FROM dropped;
SELECT dropped FROM dropped;
SELECT b FROM dropped;
SELECT count(*) FROM dropped;
-- A table without columns.
CREATE FOREIGN TABLE bare () SERVER s OPTIONS (rows $$[(), {}, []]$$);
SELECT count(*) FROM bare;
-- A column whose name is not ASCII or not lower case.
CREATE FOREIGN TABLE names ("Größe" int, "a b" text) SERVER s OPTIONS (rows $$[{'Größe': 1, 'a b': 'two'}, {'Größe': 'x'}]$$);
SELECT "a b" FROM names;
SELECT * FROM names;
