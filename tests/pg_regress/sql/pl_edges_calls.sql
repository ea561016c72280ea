-- Calls at the edges: odd parameters, results that do not fit, values that outlive an error, subtransactions
-- ended where they must not be.
CREATE FUNCTION any_number(VARIADIC "any") RETURNS int LANGUAGE plpy AS 'return len(args)';
CREATE FUNCTION any_number(VARIADIC "any") RETURNS int LANGUAGE python AS $$
def main(*values): return len(values)
$$;
CREATE FUNCTION any_one("any") RETURNS text LANGUAGE plpy AS 'return repr(args)';
SELECT any_one(1), any_one('x'::text);
-- Names that Python has not: such parameters are in args.
CREATE FUNCTION odd_names("class" int, "two words" int, "x=1" int, ok int) RETURNS text LANGUAGE plpy AS $$
return f"{args} {ok}"
$$;
SELECT odd_names(1, 2, 3, 4), odd_names("class" => 5, "two words" => 6, "x=1" => 7, ok => 8);

-- Procedures.
CREATE PROCEDURE nothing(OUT a int, INOUT b text) LANGUAGE plpy AS 'return None';
CALL nothing(NULL, 'x');
CREATE PROCEDURE one_column(OUT a int) LANGUAGE python AS $$
def main(): return 5
$$;
CALL one_column(NULL);
CREATE TYPE odd_row AS (a int, b text);
CREATE FUNCTION generated() RETURNS odd_row LANGUAGE python AS $$
def main():
    return (x for x in (1, 'x'))
$$;
SELECT generated();

-- A value from a table that is kept by a function that fails.
CREATE TABLE wide (x text);
ALTER TABLE wide ALTER COLUMN x SET STORAGE EXTERNAL;
INSERT INTO wide VALUES (repeat('abc', 10000));
CREATE FUNCTION keep(x text) RETURNS int LANGUAGE python AS $$
kept = []
def main(x):
    kept.append(x)
    raise ValueError('kept')
$$;
CREATE FUNCTION innocent() RETURNS int LANGUAGE python AS $$
def main(): return 1
$$;
SELECT keep(x) FROM wide;
TRUNCATE wide;
SELECT innocent();
-- One whose subtransaction goes on after an inner one was undone is fetched.
INSERT INTO wide VALUES (repeat('abc', 20000));
CREATE FUNCTION keep2(x text) RETURNS int LANGUAGE python AS $$
import Postgres
kept = []
def main(x):
    if x is None:
        return sum(len(value) for value in kept)
    kept.append(x)
    try:
        with xact():
            sqlexec('SELECT 1/0')
    except Postgres.Exception:
        pass
    return len(kept)
$$;
SELECT keep2(x) FROM wide;
TRUNCATE wide;
SELECT keep2(NULL), innocent();

-- Subtransactions that somebody else ends, or that end inside of a statement's own.
CREATE FUNCTION ends_it() RETURNS text LANGUAGE plpy AS $$
try:
    GD['block'].exit(None, None, None)
except ValueError as error:
    return str(error)
$$;
CREATE FUNCTION has_it() RETURNS text LANGUAGE plpy AS $$
with plpy.subtransaction() as GD['block']:
    return plpy.execute("SELECT ends_it() AS x")[0]["x"]
$$;
SELECT has_it();
CREATE FUNCTION ends_inside() RETURNS text LANGUAGE plpy AS $$
class Odd:
    def __str__(self):
        block.exit(None, None, None)
        return '1'
plan = plpy.prepare('SELECT $1 AS x', ['text'])
block = plpy.subtransaction()
with block:
    return plpy.execute(plan, [Odd()])[0]['x']
$$;
SELECT ends_inside();
CREATE FUNCTION begins_inside() RETURNS text LANGUAGE plpy AS $$
class Odd:
    def __str__(self):
        plpy.subtransaction().enter()
        plpy.execute("SELECT 1")
        return '1'
plan = plpy.prepare('SELECT $1 AS x', ['text'])
x = plpy.execute(plan, [Odd()])[0]['x']
return x + plpy.execute("SELECT 2 AS x")[0]["x"].__str__()
$$;
SELECT begins_inside();
CREATE FUNCTION ends_inside_python() RETURNS text LANGUAGE python AS $$
class Odd:
    def __str__(self):
        block.__exit__(None, None, None)
        return '1'
plan = prepare('SELECT $1::text')
block = xact()
def main():
    with block:
        return plan.first(Odd())
$$;
SELECT ends_inside_python();
SELECT innocent();

-- An exception that is its own cause.
CREATE FUNCTION circle() RETURNS int LANGUAGE python AS $$
def main():
    one, two = ValueError('one'), ValueError('two')
    one.__cause__, two.__cause__ = two, one
    raise one
$$;
SELECT circle();

-- A module that fails to load is loaded again by the next call.
CREATE TABLE ready (is_ready bool);
CREATE FUNCTION loads() RETURNS int LANGUAGE python AS $$
if not sqleval("EXISTS (SELECT FROM ready)"):
    raise ValueError("not yet")
def main(): return 7
$$;
SELECT loads();
INSERT INTO ready VALUES (true);
SELECT loads();
-- A body that was rolled back is not the one that runs.
CREATE FUNCTION version() RETURNS int LANGUAGE python AS 'def main(): return 1';
SELECT public.version();
BEGIN;
CREATE OR REPLACE FUNCTION version() RETURNS int LANGUAGE python AS 'def main(): return 2';
SELECT public.version();
ROLLBACK;
SELECT public.version();

-- An exception comes back as itself through others' functions, unless those have made another error of it.
CREATE FUNCTION raises() RETURNS int LANGUAGE python AS $$
def main(): raise KeyError('inner')
$$;
CREATE FUNCTION passes() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN raises();
EXCEPTION WHEN OTHERS THEN
    RAISE;
END
$$;
CREATE FUNCTION wraps() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN raises();
EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION 'wrapped: %', SQLERRM USING ERRCODE = SQLSTATE;
END
$$;
CREATE FUNCTION catches(call text) RETURNS text LANGUAGE python AS $$
import Postgres
def main(call):
    try:
        with xact():
            return sqleval(str(call))
    except Postgres.Exception as error:
        return f"{error.code} {error.message}"
    except Exception as error:
        return repr(error)
$$;
SELECT catches('passes()'), catches('wraps()');
-- No function waits for one that is raised while a result is converted.
CREATE FUNCTION refuses(value int) RETURNS bool LANGUAGE python AS $$
def main(value):
    if value < 0:
        raise ValueError('negative')
    return True
$$;
CREATE DOMAIN not_negative AS int CHECK (refuses(VALUE));
CREATE FUNCTION gives(value int) RETURNS not_negative LANGUAGE python AS $$
def main(value): return value
$$;
SELECT gives(1);
DO $$
BEGIN
    PERFORM gives(-1);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE '% %', SQLSTATE, SQLERRM;
END
$$;
