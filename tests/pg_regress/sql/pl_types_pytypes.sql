-- @pytypes: arguments in Python's own types.
\set SHOW_CONTEXT never
CREATE TYPE pair AS (a int, b text);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
SET TimeZone TO 'UTC';
CREATE FUNCTION seen(
    a bool, b bytea, c int, d bigint, e float8, f text, g char(3), h numeric, i date, j timestamp, k timestamptz, l interval,
    m uuid, n jsonb, o int[], p pair, q inet, r int4range, s mood, t positive, v point, w int, x int4multirange, y pair[])
RETURNS SETOF text LANGUAGE python AS $$
from Postgres import pytypes
@pytypes
def main(*args, **keywords):
    for value in args:
        yield f"{type(value).__name__}: {value!r}"
$$;
SELECT seen(true, '\x6162', 1, 2, 1.5, 'text', 'ab', 1.50, '2020-01-31', '2020-01-31 12:00', '2020-01-31 12:00+00', '1 day 02:00',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null]}', '{{1,2},{3,NULL}}', (1, 'x'), '10.0.0.1', '[1,5)', 'ok', 7,
    '(1,2)', NULL, '{[1,3)}', ARRAY[(1, 'y')::pair]);
DO LANGUAGE python $$
from Postgres import convert_postgres_objects, iterpytypes, pytypes, types
print(convert_postgres_objects([types.int4(1), types.text("a"), None, "own", types.point("(1,2)")]))
rows = iterpytypes([[types.int4(1), types.numeric("1.5")], (types.date("2020-01-31"), None)])
print(next(rows), list(rows))
print(convert_postgres_objects([types.int4range("empty"), types.int4range((None, 5)), types.int4range((1, 5))]))
r, = convert_postgres_objects([types.numrange((1, 2, "(]"))])
print(r, r.lower, r.bounds, r.isempty, r.lower_inc, r.upper_inc)
@pytypes
def named(a, *, b):
    "Documented."
    return a + b
print(named(types.int4(1), b=types.int4(2)), named.__name__, named.__doc__)
$$;
