-- Postgres.types and Postgres.Type.
\set SHOW_CONTEXT never
DO LANGUAGE python $$
from Postgres import Object, Type, types
T = types.int4
print(T, T is types.int4, T is Type("int4"), T is Type("integer"), T is Type(23), T is Type(types.oid(23)), T is Type(types.regtype("int4")), T is Type(T), T is Type(types.text("int4")) if False else "")
print(T.oid, T.oidstr, T.typname, T.nspname, T.typnamespace, T.Array, T.Array.Element is T, T.Base, T.Element, T.descriptor)
print(T.typinput, T.typoutput, T.typsend, T.typreceive, T.typmodin, types.numeric.typmodin, types.numeric.typmodout)
print(types.regproc(T.typinput), isinstance(T, Type), issubclass(T, Object), isinstance(T(1), Object), isinstance(T(1), T))
print(T.__name__, T.__module__, T.__doc__, hasattr(types, "nosuch"), repr(types))
class Mine(T):
    def double(self):
        return self * 2
m = Mine(5)
m.note = "kept"
print(m, m.double(), m.note, type(m).__name__, m + 1, m == 5, m.oid if hasattr(m, "oid") else "no oid")
print(Type("numeric(5,2)"), Type("pg_catalog.int4"), Type("int4[]"), Type('"char"'), Type("timestamp with time zone"))
for wrong in (lambda: types.nosuch, lambda: Object(5), lambda: T(), lambda: T(1, 2, 3), lambda: T(1, nosuch=2), lambda: T(len), lambda: T(int)):
    try:
        wrong()
    except Exception as error:
        print(type(error).__name__, error)
$$;
DO LANGUAGE python $$
import Postgres
import Postgres.types
from Postgres.types import int4, text as string
print(int4 is Postgres.types.int4, string("a"), Postgres.types is __import__("sys").modules["Postgres.types"])
$$;
DO LANGUAGE python $$
from Postgres import NOTICE, types
from Postgres.values import Array, Hstore, Integer, Interval, Jsonb, Moment, Record, Value
NOTICE(f"{isinstance(types._int4([1]), Array)} {isinstance(types.int2(1), Integer)} {issubclass(types.interval, Moment)}")
NOTICE(f"{issubclass(types.jsonb, Jsonb)} {issubclass(types.pg_class, Record)} {issubclass(types.point, Value)}")
$$;
DO LANGUAGE python 'from Postgres.types import nosuch';
DO LANGUAGE python 'from Postgres import Type; Type("nosuch")';
DO LANGUAGE python 'from Postgres import Type; Type(1)';
DO LANGUAGE python 'from Postgres import types; types.int4("x")';
-- the same until the type changes
CREATE TYPE changing AS (a int);
CREATE FUNCTION columns(again bool) RETURNS text LANGUAGE python AS $$
from Postgres import Type
seen = []
def main(again):
    T = Type("changing")
    same = bool(seen) and seen[-1] is T
    seen.append(T)
    return f"{T.column_names} {same}"
$$;
SELECT columns(true), columns(true);
CREATE TABLE unrelated (a int);
SELECT columns(true);
ALTER TYPE changing ADD ATTRIBUTE b text;
SELECT columns(true), columns(true);
ALTER TYPE changing RENAME ATTRIBUTE a TO z;
SELECT columns(true);
ALTER TYPE changing RENAME TO changed;
SELECT columns(true);
ALTER TYPE changed RENAME TO changing;
DROP TYPE changing;
CREATE TYPE changing AS (c int);
SELECT columns(true);
-- operators of the user's, of the search path
CREATE FUNCTION joined(int, text) RETURNS text LANGUAGE sql AS 'SELECT $1 || $2';
CREATE FUNCTION at(a int, b text) RETURNS text LANGUAGE python AS 'def main(a, b): return a @ b';
SELECT at(1, 'x');
CREATE OPERATOR @ (FUNCTION = joined, LEFTARG = int, RIGHTARG = text);
SELECT at(1, 'x');
CREATE OR REPLACE FUNCTION joined(int, text) RETURNS text LANGUAGE sql AS 'SELECT $2 || $1';
SELECT at(1, 'x');
DROP OPERATOR @ (int, text);
SELECT at(1, 'x');
CREATE SCHEMA elsewhere;
CREATE OPERATOR elsewhere.@ (FUNCTION = joined, LEFTARG = int, RIGHTARG = text);
SELECT at(1, 'x');
SET search_path TO public, elsewhere;
SELECT at(1, 'x');
