-- What CREATE FUNCTION says of a body.
-- It must compile; it is not executed.
CREATE FUNCTION broken() RETURNS int LANGUAGE python AS $$
def main(:
    pass
$$;
CREATE FUNCTION raises() RETURNS int LANGUAGE python AS $$
raise ValueError("not at CREATE FUNCTION")
def main():
    return 1
$$;
-- Unless nobody wants it checked.
SET check_function_bodies = off;
CREATE FUNCTION broken() RETURNS int LANGUAGE python AS $$
def main(:
    pass
$$;
CREATE FUNCTION unchecked() RETURNS int LANGUAGE python AS 'x = 1';
RESET check_function_bodies;
SELECT broken();
-- A body without an entry that fits is a warning.
CREATE FUNCTION nothing() RETURNS int LANGUAGE python AS 'x = 1';
CREATE FUNCTION few(a int, b int) RETURNS int LANGUAGE python AS 'def main(a): return a';
CREATE FUNCTION many(a int) RETURNS int LANGUAGE python AS 'def main(a, b): return a';
CREATE FUNCTION named(a int) RETURNS int LANGUAGE python AS 'def main(a, *, b): return a';
CREATE FUNCTION decorated(a int) RETURNS int LANGUAGE python AS $$
@pytypes
def main():
    return 1
$$;
CREATE FUNCTION no_event() RETURNS trigger LANGUAGE python AS 'def main(td): pass';
CREATE FUNCTION wrong_event() RETURNS trigger LANGUAGE python AS 'def before_inserting(td, new): pass';
CREATE FUNCTION no_command() RETURNS event_trigger LANGUAGE python AS 'def before_insert(td, new): pass';
-- These fit.
CREATE FUNCTION fits(a int, b int DEFAULT 1) RETURNS int LANGUAGE python AS 'def main(a, b, c=None): return a';
CREATE FUNCTION stars(a int, b int) RETURNS int LANGUAGE python AS 'def main(*arguments): return 1';
CREATE FUNCTION outs(a int, OUT b int, OUT c int) LANGUAGE python AS 'def main(a): return a, a';
CREATE FUNCTION any_number(a int, VARIADIC b int[]) RETURNS int LANGUAGE python AS 'def main(a, b): return a';
CREATE FUNCTION assigned() RETURNS int LANGUAGE python AS 'main = lambda: 1';
CREATE FUNCTION imported(a float8) RETURNS float8 LANGUAGE python AS 'from math import sqrt as main';
CREATE FUNCTION callable_class(a int) RETURNS int LANGUAGE python AS $$
class main:
    def __new__(cls, a):
        return a
$$;
CREATE FUNCTION conditional() RETURNS int LANGUAGE python AS $$
import sys
if sys.version_info > (3,):
    def main():
        return 1
$$;
CREATE FUNCTION dynamic() RETURNS int LANGUAGE python AS $$
globals()["main"] = lambda: 1
$$;
CREATE FUNCTION starred() RETURNS int LANGUAGE python AS 'from string import *';
CREATE FUNCTION wrapped(a int) RETURNS int LANGUAGE python AS $$
import functools
@functools.partial(lambda f, a: a, None)
def main():
    pass
$$;
CREATE FUNCTION event() RETURNS trigger LANGUAGE python AS 'def instead_of_delete(td, old): pass';
CREATE FUNCTION command() RETURNS event_trigger LANGUAGE python AS 'def on_sql_drop(td): pass';
CREATE PROCEDURE procedure(a int) LANGUAGE python AS 'def main(a): pass';
-- Blanks before the first word do no harm.
DO LANGUAGE python $$ print("one line") $$;
CREATE FUNCTION one_line() RETURNS int LANGUAGE python AS $$ main = lambda: 1 $$;
SELECT one_line();
-- Only superusers make such functions.
CREATE ROLE regress_pl_validate;
GRANT CREATE ON SCHEMA public TO regress_pl_validate;
SET ROLE regress_pl_validate;
CREATE FUNCTION mine() RETURNS int LANGUAGE python AS 'def main(): return 1';
DO LANGUAGE python 'pass';
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM regress_pl_validate;
DROP ROLE regress_pl_validate;
