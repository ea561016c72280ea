-- Remote functions called with values of SQL, and with JSON that keeps its order.
CREATE ROLE wormhole_typed_user;
GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_call, wormhole_typed, wormhole_value
    TO wormhole_typed_user;

-- A dict keeps the order of its keys; `state` tells what the call did.
SELECT wormhole_install('pairs', 'def pairs(*a, **k): return {"z": a, "a": k}') AS pairs \gset
SELECT * FROM wormhole_call(:'pairs', '{"a": [2, 1], "k": {"y": 1, "b": 2}}');
SELECT * FROM wormhole_call(:'pairs');
SELECT wormhole_install('each', 'def each(n): yield from ({"z": i, "a": 0} for i in range(n))') AS each \gset
SELECT * FROM wormhole_items(:'each', '{"a": [2]}');
SELECT * FROM wormhole_items('0123');
SELECT * FROM wormhole_call('0123');
SELECT * FROM wormhole_call(NULL);
SELECT * FROM wormhole_call('0123', NULL);
SELECT * FROM wormhole_typed('0123', NULL::int, 1);
SELECT wormhole_value('0123', NULL::int, 1);
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE written (n int, t text);
SELECT wormhole_install('write', 'def write(n: int, t="x"): return execute("INSERT INTO written VALUES ($1, $2)", n, t)') AS write \gset
SELECT * FROM wormhole_typed(:'write', NULL::int, 1);
SELECT * FROM wormhole_call(:'write', '{"a": [2, "y"]}');
SELECT * FROM written;
BEGIN;
SELECT * FROM wormhole_typed(:'write', NULL::int, 3);
ROLLBACK;
SELECT count(*) FROM written;

-- The value is there where it is exactly one of the type, else it is tagged.
SELECT wormhole_install('made', $$
def made(text):
    import datetime, decimal, math, uuid
    return eval_(text)
def eval_(text):
    return VALUES[text]
import datetime
from decimal import Decimal
from uuid import UUID
class Sub(int): pass
VALUES = {"none": None, "one": 1, "true": True, "big": 2**31, "huge": 2**63, "half": 0.5, "nan": float("nan"),
    "zero": -0.0, "float": 0.1, "text": "a", "nul": "\0", "lone": "\ud800", "bytes": b"\0\xff", "dec": Decimal("1.10"),
    "exp": Decimal("1E+2"), "minus": Decimal("-0"), "decnan": Decimal("NaN"), "snan": Decimal("sNaN"),
    "inf": Decimal("-Infinity"), "long": Decimal("1" * 60 + ".5"),
    "uuid": UUID(int=1), "date": datetime.date(1, 1, 1), "stamp": datetime.datetime(2026, 1, 2, 3, 4, 5, 6),
    "fold": datetime.datetime(2026, 1, 2, fold=1),
    "aware": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), "delta": datetime.timedelta(-1, 5, 7),
    "list": [1, 2], "tuple": (1, 2), "dict": {"b": 1, "a": 2}}
$$) AS made \gset
\set check 'SELECT key, (t).* FROM unnest(:keys) key, LATERAL (SELECT wormhole_typed(:''made'', :type, key) AS t OFFSET 0) _'
\set keys '''{none,one,true,big,huge,half}''::text[]'
\set type 'NULL::int'
:check;
\set type 'NULL::int8'
:check;
\set keys '''{none,true,one}''::text[]'
\set type 'NULL::bool'
:check;
\set keys '''{one,half,nan,zero,float}''::text[]'
\set type 'NULL::float8'
:check;
\set type 'NULL::real'
:check;
\set keys '''{text,nul,lone,bytes,one}''::text[]'
\set type 'NULL::text'
:check;
\set type 'NULL::bytea'
:check;
\set keys '''{dec,exp,minus,decnan,snan,inf,long,one,half}''::text[]'
\set type 'NULL::numeric'
:check;
\set keys '''{uuid,text}''::text[]'
\set type 'NULL::uuid'
:check;
\set keys '''{date,stamp,fold,aware,delta}''::text[]'
\set type 'NULL::date'
:check;
\set type 'NULL::timestamp'
:check;
\set type 'NULL::interval'
:check;
CREATE DOMAIN small AS int CHECK (value < 10);
CREATE TYPE pair AS (b int, a int);
\set keys '''{one,list,dict,none}''::text[]'
\set type 'NULL::small'
:check;
\set type 'NULL::int[]'
:check;
\set type 'NULL::pair'
:check;

-- As a column would take it, or not at all.
SELECT wormhole_value(:'made', NULL::int, 'one') AS i, wormhole_value(:'made', NULL::numeric, 'one') AS n,
    wormhole_value(:'made', NULL::text, 'date') AS t, wormhole_value(:'made', NULL::int[], 'tuple') AS a,
    wormhole_value(:'made', NULL::pair, 'dict') AS p, wormhole_value(:'made', NULL::jsonb, 'dict') AS j,
    wormhole_value(:'made', NULL::int, 'none') IS NULL AS none, wormhole_value(:'made', NULL::small, 'one') AS s;
SELECT (wormhole_value(:'made', NULL::pair, 'dict')).*;
SELECT wormhole_value(:'made', NULL::int, 'huge');
SELECT wormhole_value(:'made', NULL::int, 'half');
SELECT wormhole_value(wormhole_install('ten', 'def ten(): return 10'), NULL::small);
\echo :LAST_ERROR_SQLSTATE

-- Arguments are what a query in the function would give.
SELECT wormhole_install('kinds', 'def kinds(*a): return " ".join(f"{type(x).__name__}:{x}" for x in a)') AS kinds \gset
SET timezone = 'UTC';
SELECT wormhole_value(:'kinds', NULL::text);
SELECT wormhole_value(:'kinds', NULL::text, 1, 2::int8, 'x', NULL, 'y'::text, 1.50, 0.5::float8, true, '\x00'::bytea);
SELECT wormhole_value(:'kinds', NULL::text, date '2026-01-02', timestamp '2026-01-02 03:04:05', interval '1 day 2 s',
    uuid '12345678-1234-5678-1234-567812345678', json '{"a": 1}', jsonb '[1]', inet '10.0.0.1');
SELECT wormhole_value(:'kinds', NULL::text, ARRAY[1, NULL], 7::small, ROW(1, 2)::pair, ROW(1, 'x'), ARRAY[ROW(1, 2)::pair]);
SELECT wormhole_value(:'kinds', NULL::text, VARIADIC ARRAY[1, 2, NULL]);
SELECT wormhole_value(:'kinds', NULL::text, VARIADIC ARRAY[]::int[]), wormhole_value(:'kinds', NULL::text, VARIADIC NULL::int[]);
SELECT wormhole_value(:'kinds', NULL::text, NULL::int, i, w) FROM generate_series(1, 2) i, written w ORDER BY 1;
SELECT wormhole_value(:'kinds', NULL, 1);
SELECT wormhole_value(:'kinds', NULL::anyelement, 1);

-- Generators and coroutines are run to their end.
SELECT wormhole_install('gen', 'def gen(n): yield from range(n)') AS gen \gset
SELECT wormhole_value(:'gen', NULL::int[], 3), (wormhole_typed(:'gen', NULL::int, 3)).tagged;
SELECT wormhole_install('co', 'async def co(n): return n + 1') AS co \gset
SELECT wormhole_value(:'co', NULL::int, 3), (wormhole_typed(:'co', NULL::int, 3)).value;
SELECT wormhole_install('badgen', E'def badgen():\n    yield 1\n    raise KeyError(2)') AS badgen \gset
SELECT wormhole_value(:'badgen', NULL::int[]);
SELECT wormhole_typed(:'badgen', NULL::int);

-- Errors.
SELECT wormhole_install('bad', E'def inner(x):\n    raise KeyError(x)\n\ndef bad(x):\n    inner(x)\n') AS bad \gset
SELECT wormhole_typed(:'bad', NULL::int, 'k');
\echo :LAST_ERROR_SQLSTATE
SELECT wormhole_value(:'bad', NULL::int);
SELECT wormhole_call(:'bad', '{"a": ["k"]}');
SELECT wormhole_typed(wormhole_install('odd', 'def odd(): return object()'), NULL::int);
SELECT wormhole_value(wormhole_install('div', 'def div(): query("SELECT 1 / 0")'), NULL::int);
\echo :LAST_ERROR_SQLSTATE

-- In PL/pgSQL, with the function changing from row to row, and nested.
SELECT wormhole_install('add', 'def add(a, b): return a + b') AS add \gset
CREATE FUNCTION total(id text, upto int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE found int := 0;
BEGIN
    FOR n IN 1..upto LOOP
        found := wormhole_value(id, found, found, n);
    END LOOP;
    RETURN found;
END $$;
SELECT total(:'add', 100);
SELECT id, wormhole_value(id, NULL::text, n) FROM (VALUES (:'kinds', 1), (:'made', 2), (:'kinds', 3)) AS v(id, n)
    WHERE id = :'kinds' AND n < 4;
SELECT wormhole_install('fact', $$
def fact(n, me):
    return 1 if n < 2 else n * query_value("SELECT wormhole_value($1::text, NULL::numeric, $2::int, $1::text)", me, n - 1)
$$) AS fact \gset
SELECT wormhole_value(:'fact', NULL::numeric, 20, :'fact');

-- A cached plan: the function, its approval, the list of modules and types change meanwhile.
PREPARE again(int) AS SELECT wormhole_value(:'add', NULL::numeric, $1, 1);
EXECUTE again(1);
SELECT wormhole_drop(:'add');
EXECUTE again(2);
BEGIN;
SELECT wormhole_install('add', 'def add(a, b): return a + b') = :'add' AS same;
EXECUTE again(3);
ROLLBACK;
EXECUTE again(3);
SELECT wormhole_install('add', 'def add(a, b): return a + b') = :'add' AS same;
SELECT wormhole_install('mod', E'import string\ndef mod(*a): return string.digits') AS mod \gset
PREPARE imported AS SELECT wormhole_value(:'mod', NULL::text, ROW(1, 2)::pair);
EXECUTE imported;
UPDATE wormhole_allowed_modules SET allowed = false WHERE module_name = 'string';
EXECUTE imported;
UPDATE wormhole_allowed_modules SET allowed = true WHERE module_name = 'string';
EXECUTE imported;
PREPARE typed AS SELECT wormhole_value(:'kinds', NULL::text, p) FROM (SELECT ROW(1, 2)::pair AS p) _;
EXECUTE typed;
ALTER TYPE pair ADD ATTRIBUTE c text;
ALTER TYPE pair RENAME ATTRIBUTE a TO z;
SELECT wormhole_value(:'kinds', NULL::text, p) FROM (SELECT ROW(1, 2, 'x')::pair AS p) _;

-- The same, confined.
SET ROLE wormhole_typed_user;
EXECUTE again(4);
SELECT wormhole_install('pairs', 'def pairs(*a, **k): return {"z": a, "a": k}') = :'pairs' AS same;
SELECT * FROM wormhole_call(:'pairs', '{"a": [2, 1], "k": {"y": 1, "b": 2}}');
SELECT wormhole_install('echo', 'def echo(x): return x') AS echo \gset
SELECT * FROM wormhole_typed(:'echo', NULL::int, 5);
SELECT * FROM wormhole_typed(:'echo', NULL::int, 5::int8 << 40);
SELECT * FROM wormhole_typed(:'echo', NULL::float8, '-0'::float8);
SELECT * FROM wormhole_typed(:'echo', NULL::numeric, 1.10);
SELECT * FROM wormhole_typed(:'echo', NULL::interval, interval '-1 day 3 s');
SELECT * FROM wormhole_typed(:'echo', NULL::text, NULL::text);
SELECT * FROM wormhole_typed(:'echo', NULL::int, ARRAY[1, 2]);
SELECT wormhole_value(:'echo', NULL::int[], ARRAY[1, 2]), wormhole_value(:'echo', NULL::text, inet '10.0.0.1'),
    wormhole_value(:'echo', NULL::date, date '2026-01-02');
SELECT wormhole_install('r', 'def r(): return range(10**12)') AS r \gset
SELECT wormhole_value(:'r', NULL::int[]);
SELECT * FROM wormhole_typed(:'r', NULL::int[]);
SELECT wormhole_typed(wormhole_install('bad', E'def inner(x):\n    raise KeyError(x)\n\ndef bad(x):\n    inner(x)\n'), NULL::int, 'k');
SELECT wormhole_value(:'echo', NULL::int);
SELECT wormhole_value(:'echo', NULL::int, 'x');
RESET ROLE;
SELECT wormhole_value(:'echo', NULL::int, 1);

-- Whoever lacks the right is told the statement that gives it.
REVOKE EXECUTE ON FUNCTION wormhole_typed, wormhole_value, wormhole_call FROM wormhole_typed_user;
SET ROLE wormhole_typed_user;
SELECT wormhole_value('x', 1);
SELECT wormhole_typed('x', 1);
SELECT wormhole_call('x');
RESET ROLE;
DROP OWNED BY wormhole_typed_user;
DROP ROLE wormhole_typed_user;
