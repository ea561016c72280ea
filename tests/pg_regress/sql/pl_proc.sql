-- Functions and procedures of the database called from Python: proc and Postgres.Function.
CREATE FUNCTION add(a int, b int DEFAULT 10) RETURNS int LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION two(a int, OUT x int, OUT y text) LANGUAGE sql AS 'SELECT a, ''t'' || a';
CREATE FUNCTION series(n int) RETURNS SETOF int LANGUAGE sql AS 'SELECT generate_series(1, n)';
CREATE FUNCTION tabled(n int) RETURNS TABLE (i int, s text) LANGUAGE sql AS 'SELECT i, ''s'' || i FROM generate_series(1, n) i';
CREATE FUNCTION same(v anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT v';
CREATE FUNCTION firsts(v anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT v[1]';
CREATE FUNCTION sum_of(VARIADIC v int[]) RETURNS bigint LANGUAGE sql AS 'SELECT sum(i) FROM unnest(v) i';
CREATE FUNCTION nothing(a int) RETURNS void LANGUAGE sql AS 'SELECT';
CREATE FUNCTION is_null(a int) RETURNS boolean LANGUAGE sql AS 'SELECT a IS NULL';
CREATE FUNCTION "Odd Name"("Odd Argument" int) RETURNS int LANGUAGE sql AS 'SELECT $1';

DO LANGUAGE python $$
import Postgres
add = proc("add(int, int)")
print(add(1, 2), add(1), add(a=3, b=4), add(5, b=6), add(b=1, a=2), type(add) is Postgres.Function)
two = proc("two(int)")(7)
print(two["x"], two["y"], two[1])
print([int(i) for i in proc("series(int)")(3)], [(int(row["i"]), str(row["s"])) for row in proc("tabled(int)")(2)])
print(next(proc("series(int)")(1000000)))
same = proc("same(anyelement)")
print(same(1) + 1, same("text"), same(1.5), same(True), same([1, 2]), same(Postgres.types.numeric("1.20")))
print(type(same(1)).typname, type(same("t")).typname, type(same(2**40)).typname, type(same(2**70)).typname, type(same(b"b")).typname)
print(proc("firsts(anyarray)")([5, 6]), proc("firsts(anyarray)")(["a", None]))
print(proc("sum_of(int[])")(1, 2, 3), proc("sum_of(int[])")(4))
print(proc("nothing(int)")(1), proc("is_null(int)")(None), proc("lower(text)")("ABC"))
print(proc('"Odd Name"(int)')(3), proc('public."Odd Name"(int)')(**{"Odd Argument": 4}))
print(proc("pg_catalog.int4pl(int4, int4)")(1, 2), proc("now()")() == Postgres.transaction_timestamp())
$$;
-- What it says of itself.
DO LANGUAGE python $$
import Postgres
f = proc("two(int)")
print(f.oid == int(f.oidstr), f.nspname, f.name, f.filename, f.language, f.source, f.namespace == int(sqleval("'public'::regnamespace::oid")))
print(f.input.column_names, f.output.column_names, proc("add(int, int)").output.typname, proc("add(int, int)").input.column_names)
print(f == proc("two(integer)"), hash(f) == hash(proc("two(int)")), Postgres.Function(f.oid) == f, repr(f) == f"<Postgres.Function {f.oid}>")
$$;
-- Procedures.
CREATE TABLE done (what text);
CREATE PROCEDURE does(what text) LANGUAGE sql AS 'INSERT INTO done VALUES (what)';
CREATE PROCEDURE gives(a int, OUT b int, INOUT c int) LANGUAGE plpgsql AS 'BEGIN b := a * 2; c := c + 1; END';
CREATE PROCEDURE python_does(what text) LANGUAGE python AS $$
insert = prepare("INSERT INTO done VALUES ($1)")
def main(what):
    insert(what)
$$;
DO LANGUAGE python $$
print(proc("does(text)")("called"), proc("python_does(text)")("called too"))
row = proc("gives(int, int)")(4, 9)
print(row["b"], row["c"])
row = proc("gives(int, int)")(a=5, c=1)
print(row["b"], row["c"])
$$;
SELECT * FROM done;
-- Errors.
DO LANGUAGE python $$proc("no_such(int)")$$;
DO LANGUAGE python $$proc("not a signature")$$;
DO LANGUAGE python $$
import Postgres
Postgres.Function(1)()
$$;
DO LANGUAGE python $$
for call in (lambda: proc("lower(text)")("a", "b"), lambda: proc("series(int)")()):
    try:
        with xact():
            call()
    except Exception as error:
        print(type(error).__name__, error)
$$;
DO LANGUAGE python $$proc("add(int, int)")(1, nosuch=2)$$;
DO LANGUAGE python $$proc("int4div(int, int)")(1, 0)$$;
-- A function that was replaced, altered, dropped.
CREATE FUNCTION changing() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION calls_changing() RETURNS text LANGUAGE python AS $$
changing = proc("changing()")
def main():
    return str(changing())
$$;
SELECT calls_changing();
CREATE OR REPLACE FUNCTION changing() RETURNS int LANGUAGE sql AS 'SELECT 2';
SELECT calls_changing();
ALTER FUNCTION changing() RENAME TO changed;
SELECT calls_changing();
DROP FUNCTION changed();
\set VERBOSITY sqlstate
SELECT calls_changing();
\set VERBOSITY default
-- Rights are checked.
CREATE ROLE regress_pl_proc;
CREATE FUNCTION secret() RETURNS int LANGUAGE sql AS 'SELECT 42';
REVOKE EXECUTE ON FUNCTION secret() FROM PUBLIC;
CREATE FUNCTION calls_secret() RETURNS int LANGUAGE python AS 'def main(): return proc("secret()")()';
SELECT calls_secret();
SET ROLE regress_pl_proc;
SELECT calls_secret();
RESET ROLE;
DROP ROLE regress_pl_proc;
-- Recursion through it.
CREATE FUNCTION factorial_of(n int) RETURNS numeric LANGUAGE python AS $$
def main(n):
    return 1 if n <= 1 else proc("factorial_of(int)")(n - 1) * n
$$;
SELECT factorial_of(20);
