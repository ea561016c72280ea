-- Remote functions: installing, calling, values, errors. Superusers' run in process, others' in a worker.
CREATE ROLE wormhole_functions_user;
GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_stream, wormhole_query
    TO wormhole_functions_user;

-- An id is a hash of name, source and signature; the same content again gives it again.
SELECT wormhole_install('f', 'def f(a, b=2): return a + b', '(a: int, b: int = 2)') AS id \gset
SELECT :'id' AS id;
SELECT wormhole_install('f', 'def f(a, b=2): return a + b', '(a: int, b: int = 2)') = :'id' AS again;
SELECT wormhole_install('f', 'def f(a, b=2): return a + b') = :'id' AS other_signature;
SELECT func_name, version, trusted, hash = encode(sha256(source::bytea), 'hex') AS hashed
FROM wormhole_functions ORDER BY version;
SELECT wormhole_execute(:'id', '{"a": [1], "k": {"b": 5}}');
SELECT wormhole_execute(:'id', '{"a": [1]}');
-- An id that is not known is an answer.
SELECT wormhole_execute('0123');
SELECT wormhole_execute(NULL) IS NULL AS strict;

-- The same functions in both tiers.
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric(8, 2), added timestamptz);
INSERT INTO item VALUES (1, 'nut', 0.10, '2026-01-02 03:04:05.678901+00'), (2, 'bolt', 12.50, NULL);
GRANT SELECT, INSERT ON item TO wormhole_functions_user;
CREATE TABLE source (name text, source text);
INSERT INTO source VALUES
    ('rows', 'def rows(): return query("SELECT * FROM item ORDER BY id")'),
    ('placeholders', $$
def placeholders():
    return [query_value("SELECT $2::text || $1 || $2", "a", "b"),
            query_value("SELECT %s::int + %s", 1, 2),
            query_value("SELECT '%s $1' || '%%' || $x$ $1 $x$ /* $1 */ -- %s"),
            query("SELECT 1 AS n, 2 AS n, 3 AS n_2"),
            query_single("SELECT 1 WHERE false"), query_value("SELECT 1 WHERE false"),
            execute("SELECT * FROM item"), query("SET LOCAL work_mem = '5MB'")]
$$),
    ('types', $$
def types():
    row = query_single(r"SELECT 1::int2 a, 2.5::float8 b, 1.10::numeric c, 'x'::text d, '\x0001'::bytea e, "
                       "true f, NULL::int g, '2026-01-01'::date h, '1 day 2 seconds'::interval i, "
                       "'{1,2}'::int[] j, '[{}, 1]'::jsonb k, 'NaN'::float8 l, '10:11'::time m, "
                       "'10.0.0.1'::inet n, '[1,5)'::int4range o, item AS p FROM item WHERE id = 1")
    return {name: [type(value).__name__, value] for name, value in row.items()}
$$),
    ('chunks', $$
def chunks():
    with cursor("SELECT * FROM generate_series(1, $1) AS n", 7, chunk=3) as rows:
        first = rows.fetchone()
        return [first, rows.fetchmany(2), [row["n"] for row in rows]]
$$),
    ('caught', $$
def caught():
    try:
        query("INSERT INTO item VALUES (1, 'again')")
    except Exception as error:
        return [error.sqlstate, error.constraint_name, query_value("SELECT count(*) FROM item")]
$$),
    ('writes', 'def writes(): return execute("INSERT INTO item VALUES (3, $1), (4, $1)", "pin")'),
    ('async_one', 'async def async_one(): return await two() + 1' || E'\n' || 'async def two(): return 2'),
    ('lists', 'def lists(): yield from range(3)');
GRANT SELECT ON source TO wormhole_functions_user;
\pset format unaligned
CREATE FUNCTION try_all() RETURNS TABLE (name text, result jsonb) LANGUAGE sql AS $$
    SELECT name, wormhole_execute(wormhole_install(name, source)) FROM source
$$;
BEGIN;
SELECT * FROM try_all();
ROLLBACK;
SET ROLE wormhole_functions_user;
BEGIN;
SELECT * FROM try_all();
ROLLBACK;
RESET ROLE;
\pset format aligned

-- Exceptions: class and text, and what a client needs in DETAIL.
SELECT wormhole_install('bad', E'def inner(x):\n    raise KeyError(x)\n\ndef bad(x):\n    inner(x)\n') AS bad \gset
SELECT wormhole_execute(:'bad', '{"a": ["k"]}');
\echo :LAST_ERROR_SQLSTATE
SET ROLE wormhole_functions_user;
SELECT wormhole_install('bad', E'def inner(x):\n    raise KeyError(x)\n\ndef bad(x):\n    inner(x)\n') = :'bad' AS same;
SELECT wormhole_execute(:'bad', '{"a": ["k"]}');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
-- The server's errors stay what they are.
SELECT wormhole_install('div', 'def div(): query("SELECT 1 / 0")') AS div \gset
SELECT wormhole_execute(:'div');
\echo :LAST_ERROR_SQLSTATE
SET ROLE wormhole_functions_user;
SELECT wormhole_execute(wormhole_install('div', 'def div(): query("SELECT 1 / 0")'));
\echo :LAST_ERROR_SQLSTATE
-- What cannot be sent back is refused by its place.
SELECT wormhole_execute(wormhole_install('odd', 'def odd(): return {"a": [1, object()]}'));
SELECT wormhole_execute(wormhole_install('args', 'def args(a): pass'), '{"a": [1, 2]}');
SELECT wormhole_execute(wormhole_install('args', 'def args(a): pass'), '{"a": [{"$": "nonsense", "v": 1}]}');
RESET ROLE;

-- Sources that are refused, alike in both tiers.
SELECT wormhole_install('os', E'def os():\n    import os');
SELECT wormhole_install('e', 'def e(): return eval("1")');
SELECT wormhole_install('g', 'def f(): pass');
SELECT wormhole_install('f', 'def f(:');
SELECT wormhole_install('', 'def f(): pass');
SELECT wormhole_install('f', NULL);
SET ROLE wormhole_functions_user;
SELECT wormhole_install('os', E'def os():\n    import os');
SELECT wormhole_install('e', 'def e(): return eval("1")');
SELECT wormhole_install('g', 'def f(): pass');
SELECT wormhole_install('f', 'def f(:');
RESET ROLE;

-- Streams.
SELECT wormhole_install('count', E'def count(n):\n    for i in range(n):\n        yield {"i": i}') AS count \gset
SELECT * FROM wormhole_stream(:'count', '{"a": [3]}');
SELECT wormhole_stream(:'count', '{"a": [1000000]}') LIMIT 2;
SELECT wormhole_stream('0123');
SET ROLE wormhole_functions_user;
SELECT wormhole_install('count', E'def count(n):\n    for i in range(n):\n        yield {"i": i}') = :'count' AS same;
SELECT * FROM wormhole_stream(:'count', '{"a": [3]}');
SELECT wormhole_stream(:'count', '{"a": [1000000]}') LIMIT 2;
SELECT * FROM wormhole_stream(wormhole_install('n', 'def n(): return 1'));
SELECT wormhole_stream(wormhole_install('late', E'def late():\n    yield 1\n    raise ValueError("late")'));
RESET ROLE;

-- Statements as remote functions run them.
SELECT * FROM wormhole_query('SELECT id, name AS n, price AS n FROM item WHERE id = $1', '[1]');
SELECT * FROM wormhole_query('UPDATE item SET name = $1', '["x"]');
SELECT * FROM wormhole_query('SELECT 1; SELECT 2');

DROP OWNED BY wormhole_functions_user;
DROP ROLE wormhole_functions_user;
