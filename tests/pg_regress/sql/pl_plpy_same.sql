-- The same bodies in PL/Python and in plpy: what each call gives, or the error that it raises, has to agree.
-- regress: needs plpython3u
CREATE EXTENSION plpython3u;
SET client_min_messages = warning;

CREATE FUNCTION outcome(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    state text; message text; detail text; hint text; relation text; reference text;
BEGIN
    EXECUTE command INTO result;
    -- What it wrote is undone.
    RAISE EXCEPTION USING ERRCODE = 'ZZDON', MESSAGE = coalesce(result, '<null>');
EXCEPTION WHEN SQLSTATE 'ZZDON' THEN
    RETURN SQLERRM;
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT, relation = TABLE_NAME, reference = CONSTRAINT_NAME;
    RETURN concat_ws(' | ', state, message, detail, hint, relation, reference);
END $$;

-- Creates the function in both languages and runs the calls, in which $ stands for its name.
CREATE FUNCTION compare(signature text, body text, VARIADIC calls text[])
RETURNS TABLE (call text, same boolean, result text) LANGUAGE plpgsql AS $$
DECLARE
    ours text; theirs text;
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION fn_ours%s LANGUAGE plpy AS %L', signature, body);
    EXECUTE format('CREATE OR REPLACE FUNCTION fn_theirs%s LANGUAGE plpython3u AS %L', signature, body);
    FOREACH call IN ARRAY calls LOOP
        theirs := replace(outcome('SELECT (' || replace(call, '$', 'fn_theirs') || ')::text'), 'fn_theirs', 'f');
        ours := replace(outcome('SELECT (' || replace(call, '$', 'fn_ours') || ')::text'), 'fn_ours', 'f');
        same := ours = theirs;
        result := CASE WHEN same THEN ours ELSE 'plpy: ' || ours || ' PL/Python: ' || theirs END;
        RETURN NEXT;
    END LOOP;
    EXECUTE 'DROP FUNCTION fn_ours; DROP FUNCTION fn_theirs';
END $$;

CREATE TYPE pair AS (x int, y text);
CREATE TYPE nest AS (p pair, a int[], ps pair[]);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN pairs AS pair[] CHECK (array_length(VALUE, 1) < 3);
CREATE TABLE item (id int PRIMARY KEY, name text UNIQUE CHECK (name <> ''), CONSTRAINT few CHECK (id < 100));
INSERT INTO item VALUES (1, 'one'), (2, 'two');

-- What arguments look like.
SELECT * FROM compare('(a bool) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(true::bool)', '$(NULL::bool)');
SELECT * FROM compare('(a int2) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(-5::int2)');
SELECT * FROM compare('(a int4) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(7::int4)');
SELECT * FROM compare('(a int8) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(9223372036854775807::int8)');
SELECT * FROM compare('(a oid) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(4000000000::oid)');
SELECT * FROM compare('(a float4) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(1.1::float4)', '$(''NaN''::float4)');
SELECT * FROM compare('(a float8) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(0.1::float8)', '$(''-Infinity''::float8)');
SELECT * FROM compare('(a numeric) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(1.50::numeric)', '$(1e40::numeric)', '$(''NaN''::numeric)', '$(0.000::numeric)', '$(-0.01::numeric)');
SELECT * FROM compare('(a text) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''é"x''::text)', '$(''''::text)');
SELECT * FROM compare('(a varchar(5)) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''abc''::varchar(5))');
SELECT * FROM compare('(a bpchar) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''ab  ''::char(6)::bpchar)');
SELECT * FROM compare('(a bytea) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''\\x00ff''::bytea)');
SELECT * FROM compare('(a date) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''2020-01-02''::date)');
SELECT * FROM compare('(a timestamptz) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''2020-01-02 03:04:05+00''::timestamptz)');
SELECT * FROM compare('(a interval) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''1 day 2 hours''::interval)');
SELECT * FROM compare('(a time) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''12:34:56.7''::time)');
SELECT * FROM compare('(a uuid) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11''::uuid)');
SELECT * FROM compare('(a json) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''{"a": [1]}''::json)');
SELECT * FROM compare('(a jsonb) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''{"a": [1]}''::jsonb)');
SELECT * FROM compare('(a inet) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''10.0.0.1/8''::inet)');
SELECT * FROM compare('(a point) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''(1,2)''::point)');
SELECT * FROM compare('(a mood) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''ok''::mood)');
SELECT * FROM compare('(a int4range) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''[1,5)''::int4range)');
SELECT * FROM compare('(a int[]) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''{1,NULL,3}''::int[])', '$(''{{1,2},{3,4}}''::int[])', '$(''{}''::int[])', '$(''[0:1]={7,8}''::int[])');
SELECT * FROM compare('(a text[]) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''{a,"b,c",NULL}''::text[])');
SELECT * FROM compare('(a numeric[]) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''{1.0,2}''::numeric[])');
SELECT * FROM compare('(a pair) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(ROW(1,''a'')::pair::pair)', '$(ROW(NULL,NULL)::pair::pair)', '$(NULL::pair::pair)');
SELECT * FROM compare('(a pair[]) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(ARRAY[ROW(1,''a'')::pair,NULL]::pair[])');
SELECT * FROM compare('(a nest) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(ROW(ROW(1,''a''),''{1}'',ARRAY[ROW(2,''b'')::pair])::nest::nest)');
SELECT * FROM compare('(a positive) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(5::positive)');
SELECT * FROM compare('(a positive[]) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''{1,2}''::positive[])');
SELECT * FROM compare('(a name) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''abc''::name)');
SELECT * FROM compare('(a bit(4)) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(B''1010''::bit(4))');
SELECT * FROM compare('(a money) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''12.5''::money)');
SELECT * FROM compare('(a regclass) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''item''::regclass)');
SELECT * FROM compare('(a int2vector) RETURNS text', 'return type(a).__name__ + " " + repr(a)', '$(''1 2''::int2vector)');

-- What results are made of.
SELECT * FROM compare('(code text) RETURNS bool', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''True'')', '$(''0'')', '$(''''''f'''''')', '$(''[]'')', '$(''None'')', '$(''''''x'''''')');
SELECT * FROM compare('(code text) RETURNS int4', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''1'')', '$(''True'')', '$(''''''12'''''')', '$('''''' 12 '''''')', '$(''1.0'')', '$(''2**31'')', '$(''None'')', '$(''''''x'''''')', '$(''Decimal(''''3'''')'')', '$(''Decimal(''''3.5'''')'')');
SELECT * FROM compare('(code text) RETURNS int2', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''40000'')', '$(''5'')');
SELECT * FROM compare('(code text) RETURNS int8', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''2**63'')', '$(''-2**63'')');
SELECT * FROM compare('(code text) RETURNS oid', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''4000000000'')', '$(''-1'')');
SELECT * FROM compare('(code text) RETURNS float4', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''1.1'')', '$(''1'')', '$(''''''1e400'''''')', '$(''1e300'')', '$(''float(''''inf'''')'')', '$(''Decimal(''''1.5'''')'')');
SELECT * FROM compare('(code text) RETURNS float8', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''0.1'')', '$(''1e-320'')', '$(''2**70'')', '$(''''''nan'''''')', '$(''True'')', '$(''10**400'')');
SELECT * FROM compare('(code text) RETURNS numeric', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''Decimal(''''1.50'''')'')', '$(''1.1'')', '$(''10**40'')', '$(''''''x'''''')', '$(''Decimal(''''Infinity'''')'')', '$(''True'')', '$(''1e22'')');
SELECT * FROM compare('(code text) RETURNS text', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''a'''''')', '$(''1'')', '$(''1.5'')', '$(''b''''x'''''')', '$(''[1]'')', '$(''{''''a'''':1}'')', '$(''''''a\0b'''''')', '$('''''''''''')', '$(''object'')');
SELECT * FROM compare('(code text) RETURNS varchar', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''abcdef'''''')');
SELECT * FROM compare('(code text) RETURNS bytea', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''b''''ab'''''')', '$(''bytearray(b''''c'''')'')', '$(''''''str'''''')', '$(''[1,2]'')', '$(''5'')');
SELECT * FROM compare('(code text) RETURNS date', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''2020-01-02'''''')', '$(''datetime.date(2020,1,2)'')', '$(''''''x'''''')');
SELECT * FROM compare('(code text) RETURNS timestamp', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''datetime.datetime(2020,1,2,3,4,5)'')');
SELECT * FROM compare('(code text) RETURNS uuid', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''uuid.UUID(int=5)'')');
SELECT * FROM compare('(code text) RETURNS json', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''{"a":1}'''''')', '$(''{''''a'''':1}'')', '$(''[1]'')', '$(''''''x'''''')');
SELECT * FROM compare('(code text) RETURNS jsonb', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''[1]'''''')', '$(''None'')', '$(''[1]'')');
SELECT * FROM compare('(code text) RETURNS mood', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''ok'''''')', '$(''''''bad'''''')');
SELECT * FROM compare('(code text) RETURNS int4range', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''[1,5)'''''')', '$(''(1,5)'')');
SELECT * FROM compare('(code text) RETURNS int[]', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''[1,2]'')', '$(''(1,2)'')', '$(''[]'')', '$(''[[1,2],[3,4]]'')', '$(''[[1],[2,3]]'')', '$(''[1,[2]]'')', '$(''[None,1]'')', '$(''''''{1,2}'''''')', '$(''''''12'''''')', '$(''range(3)'')', '$(''5'')', '$(''[(1,2)]'')', '$(''[[],[]]'')', '$(''[[[[[[1]]]]]]'')', '$(''[[[[[[[1]]]]]]]'')', '$(''[''''1'''',2]'')');
SELECT * FROM compare('(code text) RETURNS text[]', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''[''''a'''',1,None]'')', '$(''[[''''a''''],[''''b'''']]'')', '$(''''''ab'''''')');
SELECT * FROM compare('(code text) RETURNS pair', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''(1,''''a'''')'')', '$(''[1,''''a'''']'')', '$(''{''''x'''':1,''''y'''':''''b''''}'')', '$(''{''''x'''':1}'')', '$(''{''''x'''':1,''''y'''':None,''''z'''':3}'')', '$(''(1,)'')', '$(''(1,2,3)'')', '$(''''''(1,a)'''''')', '$(''''''x'''''')', '$(''None'')', '$(''5'')', '$(''O(1,2)'')', '$(''O(1)'')');
SELECT * FROM compare('(code text) RETURNS pair[]', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''[(1,''''a''''),(2,''''b'''')]'')', '$(''[{''''x'''':1,''''y'''':2}]'')', '$(''[None]'')', '$(''[[1,''''a'''']]'')', '$(''[''''(1,a)'''']'')', '$(''[O(1,2)]'')');
SELECT * FROM compare('(code text) RETURNS nest', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''((1,''''a''''),[1],[(2,''''b'''')])'')', '$(''{''''p'''':{''''x'''':1,''''y'''':2},''''a'''':[1,2],''''ps'''':[]}'')', '$(''(None,None,None)'')', '$(''(''''(1,a)'''',''''{1}'''',''''{}'''')'')');
SELECT * FROM compare('(code text) RETURNS positive', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''5'')', '$(''-5'')', '$(''''''7'''''')', '$(''None'')');
SELECT * FROM compare('(code text) RETURNS positive[]', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''[1,-1]'')');
SELECT * FROM compare('(code text) RETURNS pairs', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''[(1,''''a'''')]'')', '$(''[(1,''''a''''),(2,''''b''''),(3,''''c'''')]'')');
SELECT * FROM compare('(code text) RETURNS void', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''None'')', '$(''1'')');
SELECT * FROM compare('(code text) RETURNS regclass', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''item'''''')', '$(''''''nope'''''')');
SELECT * FROM compare('(code text) RETURNS xid', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''5'')');
SELECT * FROM compare('(code text) RETURNS char(3)', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''''''a'''''')');
SELECT * FROM compare('(code text) RETURNS numeric(3,1)', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, '$(''1.25'')');

-- Sets.
SELECT * FROM compare('(code text) RETURNS SETOF int', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, 'SELECT string_agg(s::text, '','') FROM $(''[1,2]'') s', 'SELECT string_agg(s::text, '','') FROM $(''(3,)'') s', 'SELECT string_agg(s::text, '','') FROM $(''range(2)'') s', 'SELECT string_agg(s::text, '','') FROM $(''iter([])'') s', 'SELECT string_agg(s::text, '','') FROM $(''None'') s', 'SELECT string_agg(s::text, '','') FROM $(''5'') s', 'SELECT string_agg(s::text, '','') FROM $(''{1:2}'') s', 'SELECT string_agg(s::text, '','') FROM $(''''''ab'''''') s');
SELECT * FROM compare('(code text) RETURNS SETOF pair', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, 'SELECT string_agg(s::text, '','') FROM $(''[(1,''''a''''),{''''x'''':2,''''y'''':''''b''''}]'') s', 'SELECT string_agg(s::text, '','') FROM $(''[None]'') s', 'SELECT string_agg(s::text, '','') FROM $(''[(1,)]'') s', 'SELECT string_agg(s::text, '','') FROM $(''(r for r in [(1,''''x'''')])'') s');
SELECT * FROM compare('(code text) RETURNS SETOF int[]', $b$import datetime, uuid
from decimal import Decimal
class O:
    def __init__(self, x, *y):
        self.x = x
        if y: self.y = y[0]
return eval(code)$b$, 'SELECT string_agg(s::text, '','') FROM $(''[[1,2],[3]]'') s');
SELECT * FROM compare('() RETURNS SETOF int', 'yield 1
yield 1/0', 'SELECT count(*) FROM $()', '(SELECT s FROM $() s LIMIT 1)');
SELECT * FROM compare('(OUT a int, OUT b text) RETURNS record', 'return 1, "x"', '$()');
SELECT * FROM compare('(a int, OUT b int) RETURNS SETOF int', 'return [a, a + 1]', '(SELECT array_agg(s) FROM $(3) s)');
SELECT * FROM compare('(OUT a int, OUT b text) RETURNS SETOF record', 'return [(1, "x"), {"a": 2, "b": None}]', '(SELECT array_agg(s) FROM $() s)');
SELECT * FROM compare('(VARIADIC a int[]) RETURNS text', 'return repr((a, args))', '$(1, 2)');
SELECT * FROM compare('(a int, int, b text DEFAULT ''d'') RETURNS text', 'return repr((a, b, args))', '$(1, 2)', '$(1, 2, NULL)');

-- Statements.
SELECT * FROM compare('(q text) RETURNS text', $b$rv = plpy.execute(q)
return str(rv)$b$, '$(''SELECT 1 AS a, ''''x'''' AS b'')', '$(''SELECT 1 AS a, 2 AS a'')', '$(''SELECT WHERE false'')', '$(''SELECT'')', '$(''UPDATE item SET name = name'')', '$(''INSERT INTO item VALUES (9, ''''nine'''') RETURNING *'')', '$(''DELETE FROM item WHERE id = 9'')', '$(''CREATE TEMP TABLE tt (x int)'')', '$(''DROP TABLE tt'')', '$(''SELECT * FROM nope'')', '$(''SELEC 1'')', '$(''SELECT 1; SELECT 2'')', '$('''')', '$(''EXPLAIN (COSTS OFF) SELECT 1'')', '$(''SHOW search_path'')', '$(''BEGIN'')', '$(''COMMIT'')', '$(''SAVEPOINT s'')', '$(''COPY item TO STDOUT'')', '$(''SELECT 1/0'')', '$(''SELECT * INTO TEMP ti FROM item'')', '$(''VALUES (1),(2)'')', '$(''INSERT INTO item VALUES (1,''''x'''')'')', '$(''INSERT INTO item VALUES (3,'''''''')'')', '$(''INSERT INTO item VALUES (200,''''x'''')'')', '$(''SELECT NULL::int'')', '$(''SELECT ROW(1,''''a'''')::pair AS p, ARRAY[1] AS a, ''''1 day''''::interval AS i'')', '$(''SELECT $1'')', '$(''LISTEN x'')', '$(''SET work_mem = ''''x'''''')', '$(''SELECT row_to_json(item) FROM item'')');
SELECT * FROM compare('(q text) RETURNS text', $b$rv = plpy.execute(q)
return repr((rv.nrows(), rv.status(), len(rv), bool(rv)))$b$, '$(''SELECT * FROM item'')', '$(''SELECT WHERE false'')', '$(''UPDATE item SET id = id'')', '$(''SET search_path = public'')');
SELECT * FROM compare('(q text) RETURNS text', $b$rv = plpy.execute(q)
return repr((rv.colnames(), rv.coltypes(), rv.coltypmods()))$b$, '$(''SELECT id, name, 1.5::numeric(5,2) FROM item'')', '$(''UPDATE item SET id = id'')', '$(''SELECT'')');
SELECT * FROM compare('() RETURNS text', $b$rv = plpy.execute('SELECT id FROM item ORDER BY id')
rv[0]['id'] = 7
rv[1] = 'x'
first = [r for r in rv]
return repr((rv[0], rv[-1], rv[0:1], first, first[0] is rv[0]))$b$, '$()');
SELECT * FROM compare('() RETURNS text', $b$rv = plpy.execute('SELECT g FROM generate_series(1, 9) g')
seen = []
for r in rv:
    if r['g'] % 3 == 0:
        r['g'] = -r['g']
    if r['g'] % 4 == 0:
        seen.append(r)
for r in seen:
    r['g'] *= 10
del rv[8]
return repr(([r['g'] for r in rv], [rv[i] is s for i, s in zip((3, 7), seen)], rv.nrows(), len(rv)))$b$, '$()');
SELECT * FROM compare('() RETURNS text', $b$rv = plpy.execute('SELECT g FROM generate_series(1, 9) g')
out = []
for a in rv:
    for b in rv:
        if a is b:
            b['g'] += 100
            out.append(a['g'])
return repr(out)$b$, '$()');
SELECT * FROM compare('(i text) RETURNS text', $b$rv = plpy.execute('SELECT id FROM item ORDER BY id')
return repr(rv[eval(i)])$b$, '$(''0'')', '$(''5'')', '$(''"a"'')', '$(''None'')', '$(''slice(None)'')');
SELECT * FROM compare('() RETURNS text', $b$plan = plpy.prepare('SELECT $1 AS a, $2 AS b', ['int', 'text'])
return str(plan.execute([1, 'x'])) + str(plpy.execute(plan, [None, None], 5)) + str(plan.status()) + repr([r for r in plan.cursor([3, 'c'])])$b$, '$()');
SELECT * FROM compare('(v text) RETURNS text', $b$plan = plpy.prepare('SELECT $1 AS a', ['int'])
return str(plan.execute(eval(v)))$b$, '$(''[1]'')', '$(''[]'')', '$(''[1, 2]'')', '$(''"1"'')', '$(''5'')', '$(''["x"]'')', '$(''[2**40]'')', '$(''["5"]'')', '$(''(True,)'')', '$(''None'')', '$(''{1: 2}'')');
SELECT * FROM compare('(q text, t text) RETURNS text', $b$plan = plpy.prepare(q, eval(t))
return 'fine'$b$, '$(''SELECT 1'', ''[]'')', '$(''SELECT $1'', ''["int"]'')', '$(''SELECT $1'', ''["nope"]'')', '$(''SELECT $1'', ''[5]'')', '$(''SELECT $1'', ''"int"'')', '$(''SELECT $1'', ''5'')', '$(''SELEC'', ''[]'')', '$('''', ''[]'')', '$(''SELECT $1'', ''["positive"]'')', '$(''SELECT $2'', ''["int"]'')');
SELECT * FROM compare('(c text) RETURNS text', $b$return repr(eval(c))$b$, '$(''plpy.execute(5)'')', '$(''plpy.execute()'')', '$(''plpy.execute(None)'')', '$(''plpy.prepare()'')', '$(''plpy.cursor(5)'')', '$(''plpy.quote_literal(5)'')', '$(''plpy.quote_literal(None)'')', '$(''plpy.quote_nullable(None)'')', '$(''plpy.quote_ident("a b")'')', '$(''plpy.quote_nullable("it''''s")'')', '$(''plpy.execute("SELECT 1", "x")'')', '$(''plpy.nope'')', '$(''plpy.notice(nope=1)'')', '$(''plpy.error()'')', '$(''plpy.error(1, 2)'')', '$(''plpy.error("m", detail="d", hint="h", sqlstate="22012", table_name="t", constraint_name="c")'')', '$(''plpy.error("m", sqlstate="1")'')', '$(''plpy.error("m", message="n")'')', '$(''plpy.error(message="n")'')', '$(''plpy.subtransaction().exit(None, None, None)'')', '$(''sorted(n for n in dir(plpy) if n.islower() and n[0] != "_" and n != "annotations")[:5]'')');

-- Cursors.
SELECT * FROM compare('() RETURNS text', $b$c = plpy.cursor('SELECT g FROM generate_series(1, 5) g')
out = [c.fetch(2).nrows(), next(c), [r['g'] for r in c], len(c.fetch(1))]
c.close()
for f in (lambda: next(c), lambda: c.fetch(1), c.close):
    try: out.append(f())
    except ValueError as e: out.append(str(e))
return repr(out)$b$, '$()');
SELECT * FROM compare('(q text) RETURNS text', $b$return repr([r for r in plpy.cursor(q)])$b$, '$(''SELECT 1 AS a'')', '$(''INSERT INTO item VALUES (50, ''''fifty'''') RETURNING id'')', '$(''UPDATE item SET id = id'')', '$(''CREATE TABLE x ()'')', '$(''SELECT nope'')', '$(''SELECT 1; SELECT 2'')', '$('''')', '$(''SELECT 1/(3-g) AS d FROM generate_series(1, 5) g'')');

-- Subtransactions and caught errors.
SELECT * FROM compare('(q text) RETURNS text', $b$try:
    with plpy.subtransaction():
        plpy.execute("INSERT INTO item VALUES (60, 'sixty')")
        plpy.execute(q)
except plpy.SPIError as e:
    return repr((type(e).__name__, e.sqlstate, str(e), isinstance(e, plpy.Error), plpy.execute('SELECT count(*) AS c FROM item WHERE id = 60')[0]['c']))
return repr(plpy.execute('DELETE FROM item WHERE id = 60').nrows())$b$, '$(''SELECT 1'')', '$(''SELECT 1/0'')', '$(''SELECT nope'')', '$(''INSERT INTO item VALUES (1, ''''x'''')'')', '$(''DO LANGUAGE plpgsql ''''BEGIN RAISE EXCEPTION USING ERRCODE = ''''''''ZZ123'''''''', MESSAGE = ''''''''own''''''''; END'''''')', '$(''RELEASE SAVEPOINT x'')');
SELECT * FROM compare('(q text) RETURNS text', $b$try:
    plpy.execute(q)
except plpy.spiexceptions.UniqueViolation as e:
    return 'unique ' + repr(e.spidata)
except plpy.spiexceptions.CheckViolation as e:
    return 'check ' + repr(e.spidata)
except plpy.SPIError as e:
    return 'other ' + repr(e.spidata)$b$, '$(''INSERT INTO item VALUES (1, ''''x'''')'')', '$(''INSERT INTO item VALUES (500, ''''x'''')'')', '$(''SELECT nope'')', '$(''SELECT 1'')');
SELECT * FROM compare('() RETURNS text', $b$s = plpy.subtransaction()
out = []
for f in (s.exit, lambda: s.exit(None, None, None), lambda: s.enter() is s, s.enter, lambda: s.exit(None, None, None), lambda: s.exit(None, None, None), s.enter):
    try: out.append(f())
    except Exception as e: out.append(type(e).__name__ + ' ' + str(e))
return repr(out)$b$, '$()');
SELECT * FROM compare('(n int) RETURNS text', $b$if n == 0: raise KeyError('k')
if n == 1: raise plpy.SPIError('spi')
if n == 2: raise plpy.spiexceptions.DivisionByZero('mine')
if n == 3: raise plpy.Error('e')
if n == 4: raise Exception
if n == 5: raise ValueError('é', 1)
if n == 6:
    class Own(Exception): pass
    raise Own('own')
if n == 7:
    import decimal
    raise decimal.InvalidOperation('d')
if n == 8:
    try: 1/0
    except ZeroDivisionError as e: raise ValueError('chained') from e
if n == 9: assert False
if n == 10: return undefined_name
if n == 11: return ''.nope
if n == 12: raise StopIteration
if n == 13: raise SystemExit(3)
if n == 14: raise KeyboardInterrupt
if n == 15:
    def f(): return f()
    f()
if n == 16: raise plpy.spiexceptions.NullValueNotAllowed('n')$b$, '$(0)', '$(1)', '$(2)', '$(3)', '$(4)', '$(5)', '$(6)', '$(7)', '$(8)', '$(9)', '$(10)', '$(11)', '$(12)', '$(13)', '$(14)', '$(15)', '$(16)');
SELECT * FROM compare('() RETURNS int', $b$global v
v = 1
SD['a'] = SD.get('a', 0) + 1
GD['same'] = GD.get('same', 0) + 1
return SD['a'] * 10 + v$b$, '$()', '$()');
SELECT * FROM compare('(a int) RETURNS int', $b$a = a + 1
return a$b$, '$(1)');
SELECT * FROM compare('(a int) RETURNS int', $b$global a
a = a + 1
return a$b$, '$(1)');
SELECT * FROM compare('() RETURNS text', $b$return repr((__name__, sorted(k for k in globals() if k in ('plpy', 'SD', 'GD', 'args', 'TD'))))$b$, '$()');
SELECT * FROM compare('() RETURNS int STABLE', $b$plpy.execute('DELETE FROM item')$b$, '$()');
