-- Functions of both languages: arguments, results, sets, records, procedures, errors.
CREATE FUNCTION add_plpy(a int, b int) RETURNS int LANGUAGE plpy AS 'return a + b';
SELECT add_plpy(1, 2), add_plpy(NULL, 2) IS NULL AS null_raises;
CREATE OR REPLACE FUNCTION add_plpy(a int, b int) RETURNS int LANGUAGE plpy STRICT AS 'return a + b';
SELECT add_plpy(1, 2), add_plpy(NULL, 2);
CREATE FUNCTION add_python(a int, b int) RETURNS int LANGUAGE python AS $$
def main(a, b):
    return a + b
$$;
SELECT add_python(1, 2);

-- arguments without names, and those that are declared global
CREATE FUNCTION unnamed(int, text) RETURNS text LANGUAGE plpy AS 'return f"{args[0]} {args[1]}"';
SELECT unnamed(1, 'x');
CREATE FUNCTION declared(t text) RETURNS text LANGUAGE plpy AS $$
global t
t = t.strip()
return t + str(args)
$$;
SELECT declared('  a '), declared('b');
CREATE FUNCTION down(n int) RETURNS text LANGUAGE plpy AS $$
global n
n = n
return str(n)
$$;
SELECT down(n) FROM generate_series(1, 3) n;

-- line numbers and names in tracebacks
CREATE FUNCTION fails(n int) RETURNS int LANGUAGE plpy AS $$
def inner():
    return 1 / n
return inner()
$$;
SELECT fails(0);
CREATE FUNCTION fails_python(n int) RETURNS int LANGUAGE python AS $$
def main(n):
    return 1 / (n - n)
$$;
SELECT fails_python(0);
CREATE FUNCTION not_python() RETURNS int LANGUAGE plpy AS $$
x = 1
return (
$$;
CREATE FUNCTION no_main() RETURNS int LANGUAGE python AS 'x = 1';
SELECT no_main();

-- sets
CREATE FUNCTION numbers(n int) RETURNS SETOF int LANGUAGE plpy AS $$
for i in range(n):
    yield i
$$;
SELECT * FROM numbers(3);
SELECT numbers(3);
SELECT numbers(1000000000) LIMIT 2;
CREATE FUNCTION listed() RETURNS SETOF text LANGUAGE plpy AS 'return ["a", None, "c"]';
SELECT * FROM listed();
CREATE FUNCTION closing() RETURNS SETOF int LANGUAGE python AS $$
def main():
    try:
        for i in range(10):
            yield i
    finally:
        print("closed")
$$;
SELECT closing() LIMIT 2;
CREATE FUNCTION half_way() RETURNS SETOF int LANGUAGE python AS $$
def main():
    yield 1
    raise ValueError("half-way")
$$;
SELECT * FROM half_way();
SELECT half_way();
CREATE FUNCTION no_set() RETURNS SETOF int LANGUAGE plpy AS 'return 1';
SELECT * FROM no_set();

-- rows
CREATE TYPE pair AS (a int, b text);
CREATE FUNCTION pairs() RETURNS SETOF pair LANGUAGE plpy AS $$
yield (1, "x")
yield {"a": 2, "b": "y"}
yield None
yield "(3,z)"
$$;
SELECT * FROM pairs();
CREATE FUNCTION one_pair() RETURNS pair LANGUAGE plpy AS 'return [1, "x"]';
SELECT one_pair(), (one_pair()).b;
CREATE FUNCTION outs(a int, OUT b int, OUT c text) LANGUAGE plpy AS 'return a + 1, "c"';
SELECT outs(1), (outs(1)).c;
CREATE FUNCTION single_out(INOUT a int) LANGUAGE plpy AS 'return a + 1';
SELECT single_out(1);
CREATE FUNCTION tabled(n int) RETURNS TABLE (i int, sq int) LANGUAGE python AS $$
def main(n):
    return [(i, i * i) for i in range(int(n))]
$$;
SELECT * FROM tabled(3);
CREATE FUNCTION recorded() RETURNS record LANGUAGE plpy AS 'return (1, "x")';
SELECT * FROM recorded() AS r(a int, b text);
SELECT recorded();
CREATE FUNCTION records() RETURNS SETOF record LANGUAGE plpy AS 'return [(1, "x"), (2, "y")]';
SELECT * FROM records() AS r(a int, b text);
SELECT * FROM records() AS r(a int);
CREATE FUNCTION row_in(p pair) RETURNS text LANGUAGE plpy AS 'return p["b"]';
SELECT row_in(ROW(1, 'x')), row_in(NULL) IS NULL AS fails;

-- void, procedures, blocks
CREATE FUNCTION nothing() RETURNS void LANGUAGE plpy AS 'pass';
SELECT nothing() IS NULL AS is_null;
CREATE FUNCTION something() RETURNS void LANGUAGE plpy AS 'return 1';
SELECT something();
CREATE PROCEDURE proceed(INOUT a int, OUT b text) LANGUAGE plpy AS 'return a + 1, "b"';
CALL proceed(1, NULL);
CREATE PROCEDURE silent() LANGUAGE python AS $$
def main():
    print("here")
$$;
CALL silent();
DO LANGUAGE plpy 'print("plpy")';
DO LANGUAGE python 'print("python")';
DO LANGUAGE python $$
x = 1
raise KeyError("block")
$$;

-- SD lives with the function, GD with the session
CREATE FUNCTION counted() RETURNS int LANGUAGE plpy AS $$
SD["n"] = SD.get("n", 0) + 1
GD["n"] = GD.get("n", 0) + 1
return SD["n"] * 100 + GD["n"]
$$;
SELECT counted(), counted();
CREATE FUNCTION counted_too() RETURNS int LANGUAGE plpy AS 'return GD["n"]';
SELECT counted_too();

-- replaced and dropped
CREATE FUNCTION changing() RETURNS int LANGUAGE python AS 'main = lambda: 1';
SELECT changing();
CREATE OR REPLACE FUNCTION changing() RETURNS int LANGUAGE python AS 'main = lambda: 2';
SELECT changing();

-- polymorphic
CREATE FUNCTION same(a anyelement) RETURNS anyelement LANGUAGE plpy AS 'return a';
SELECT same(1), same('x'::text), same(ARRAY[1, 2]);
CREATE FUNCTION pseudo(a cstring) RETURNS int LANGUAGE plpy AS 'return 1';
CREATE FUNCTION pseudo() RETURNS internal LANGUAGE plpy AS 'return 1';

-- only a superuser creates functions
CREATE ROLE pl_functions_user;
SET ROLE pl_functions_user;
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE plpy AS 'return 1';
RESET ROLE;
DROP ROLE pl_functions_user;
