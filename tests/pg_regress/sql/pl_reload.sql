-- What a function depends on changes: it is loaded again, at the next call.
CREATE FUNCTION f() RETURNS text LANGUAGE python AS $$
print("loaded")
def main(): return "one"
$$;
SELECT f(), f();
CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE python AS $$
print("loaded again")
def main(): return "two"
$$;
SELECT f(), f();
-- In one transaction, and after its rollback.
BEGIN;
CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE python AS $$
def main(): return "three"
$$;
SELECT f();
ROLLBACK;
SELECT f();
-- Renamed, moved, altered.
ALTER FUNCTION f() RENAME TO g;
CREATE SCHEMA elsewhere;
ALTER FUNCTION g() SET SCHEMA elsewhere;
CREATE OR REPLACE FUNCTION elsewhere.g() RETURNS text LANGUAGE python AS $$
def main(): return __file__
$$;
SELECT elsewhere.g();
ALTER FUNCTION elsewhere.g() SET search_path = elsewhere;
SELECT elsewhere.g();
-- A composite argument gains and loses columns, and changes types.
CREATE TYPE pair AS (a int, b text);
CREATE FUNCTION takes(p pair) RETURNS text LANGUAGE python AS $$
def main(p):
    return f"{list(p.keys())} {[type(v).typname for v in p.values()]}"
$$;
CREATE FUNCTION makes() RETURNS pair LANGUAGE python AS $$
def main():
    return {"a": 1, "b": "two", "c": 3}
$$;
SELECT takes('(1,x)');
SELECT makes();
ALTER TYPE pair ADD ATTRIBUTE c numeric;
SELECT takes('(1,x,2.5)');
SELECT makes();
ALTER TYPE pair DROP ATTRIBUTE a;
SELECT takes('(x,2.5)');
SELECT makes();
ALTER TYPE pair ALTER ATTRIBUTE b TYPE varchar;
SELECT takes('(x,2.5)');
-- A table's row.
CREATE TABLE rows_of (a int);
INSERT INTO rows_of VALUES (1);
CREATE FUNCTION takes_row(r rows_of) RETURNS text LANGUAGE python AS $$
def main(r):
    return ", ".join(f"{k}={v}" for k, v in r.items())
$$;
SELECT takes_row(r) FROM rows_of r;
ALTER TABLE rows_of ADD b text DEFAULT 'new';
SELECT takes_row(r) FROM rows_of r;
ALTER TABLE rows_of RENAME a TO first;
SELECT takes_row(r) FROM rows_of r;
ALTER TABLE rows_of DROP first;
SELECT takes_row(r) FROM rows_of r;
-- An enum and a domain.
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE FUNCTION moods() RETURNS mood LANGUAGE python AS 'def main(): return "fine"';
CREATE FUNCTION smalls() RETURNS small LANGUAGE python AS 'def main(): return 12';
SELECT moods();
ALTER TYPE mood ADD VALUE 'fine' BEFORE 'glad';
SELECT moods();
SELECT smalls();
ALTER DOMAIN small DROP CONSTRAINT small_check;
SELECT smalls();
ALTER DOMAIN small ADD CHECK (VALUE > 100) NOT VALID;
SELECT smalls();
-- Dropped and made anew, another function of the same name.
CREATE FUNCTION again() RETURNS int LANGUAGE python AS 'def main(): return 1';
SELECT again();
DROP FUNCTION again();
SELECT again();
CREATE FUNCTION again() RETURNS text LANGUAGE python AS 'def main(): return "2"';
SELECT again();
-- A function that replaces itself goes on as it is, and one that drops itself.
CREATE FUNCTION replaces_itself() RETURNS text LANGUAGE python AS $$
def main():
    sqlexec("""CREATE OR REPLACE FUNCTION replaces_itself() RETURNS text LANGUAGE python AS 'def main(): return "new"'""")
    return "old"
$$;
SELECT replaces_itself();
SELECT replaces_itself();
CREATE FUNCTION drops_itself() RETURNS SETOF int LANGUAGE python AS $$
def main():
    yield 1
    sqlexec("DROP FUNCTION drops_itself()")
    yield 2
$$;
SELECT * FROM drops_itself();
SELECT * FROM drops_itself();
-- The old module is gone from sys.modules, the new one is there.
DO LANGUAGE python $$
import sys
oid = proc("replaces_itself()").oidstr
sqleval("replaces_itself()")
print(sys.modules[oid].main())
$$;
