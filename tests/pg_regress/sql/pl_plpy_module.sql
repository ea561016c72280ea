-- What functions of LANGUAGE plpy have from the server: the module plpy, and values as PL/Python takes them.
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric, since date, data jsonb);
INSERT INTO item VALUES (1, 'x', 1.50, '2020-01-02', '{"a": 1}'), (2, NULL, NULL, NULL, NULL), (3, 'c', 3, NULL, NULL);

-- Results.
DO LANGUAGE plpy $$
rv = plpy.execute("SELECT * FROM item ORDER BY id")
plpy.notice(str(rv))
plpy.notice(rv.colnames(), rv.coltypes(), rv.coltypmods())
plpy.notice(rv.nrows(), rv.status(), len(rv), rv[0]["name"], rv[-1]["id"], rv[1:2])
rv[0] = {"id": 10}
plpy.notice(rv[0], [row["id"] for row in rv])
rv = plpy.execute("SELECT * FROM item", 1)
plpy.notice(rv.nrows(), len(rv))
rv = plpy.execute("UPDATE item SET name = name")
plpy.notice(rv, rv.nrows(), rv.status(), len(rv))
try:
    rv.colnames()
except plpy.Error as error:
    plpy.notice(repr(error))
plpy.notice(plpy.execute("CREATE TEMP TABLE a (x int); INSERT INTO a VALUES (1); SELECT * FROM a"))
$$;

-- Errors of the server, caught.
DO LANGUAGE plpy $$
try:
    plpy.execute("INSERT INTO item VALUES (1)")
except plpy.spiexceptions.UniqueViolation as error:
    plpy.notice(type(error), error.sqlstate, error, error.spidata[1:], error.constraint_name)
try:
    plpy.execute("SELECT 1/0")
except plpy.SPIError as error:
    plpy.notice(repr(error), error.sqlstate, isinstance(error, plpy.Error), isinstance(error, plpy.spiexceptions.DivisionByZero))
from plpy import spiexceptions
plpy.notice(spiexceptions.NullValueNotAllowed.sqlstate, "NotNullViolation" in dir(spiexceptions))
$$;

-- Prepared statements.
DO LANGUAGE plpy $$
plan = plpy.prepare("SELECT $1 + 1 AS x, $2 AS y", ["int", "pg_catalog.text"])
plpy.notice(plan.execute([41, "hello"]), plpy.execute(plan, (1, None), 1), plan.status())
plpy.notice([row for row in plpy.cursor(plan, [1, "one"])])
for wrong in ([1], "ab", 5, {"a": 1, "b": 2}):
    try:
        plpy.execute(plan, wrong)
    except TypeError as error:
        plpy.notice(error)
for query, types in (("SELECT $1", [1]), ("SELECT $1", ["no_such_type"]), ("SELECT $1", "int"), ("SELEC", [])):
    try:
        plpy.prepare(query, types)
    except (plpy.Error, plpy.SPIError) as error:
        plpy.notice(type(error).__name__, error)
for wrong in (5, None):
    try:
        plpy.execute(wrong)
    except plpy.Error as error:
        plpy.notice(error)
SD["plan"] = plpy.prepare("SELECT * FROM item WHERE id = $1", ["int"])
plpy.notice(SD["plan"].execute([3]))
plpy.execute("ALTER TABLE item ADD extra int DEFAULT 7")
plpy.notice(SD["plan"].execute([3]))
plpy.execute("ALTER TABLE item DROP extra")
$$;

-- Cursors.
DO LANGUAGE plpy $$
cursor = plpy.cursor("SELECT g FROM generate_series(1, 5) g")
plpy.notice(cursor.fetch(2), next(cursor), [row["g"] for row in cursor], cursor.fetch(10).nrows())
cursor.close()
cursor.close()
for use in (lambda: next(cursor), lambda: cursor.fetch(1)):
    try:
        use()
    except ValueError as error:
        plpy.notice(error)
try:
    with plpy.subtransaction():
        cursor = plpy.cursor("SELECT g FROM generate_series(1, 5) g")
        plpy.notice(next(cursor))
        plpy.execute("SELECT no_such_column")
except plpy.SPIError as error:
    plpy.notice(error)
for use in (lambda: next(cursor), lambda: cursor.fetch(1), lambda: cursor.close()):
    try:
        use()
    except ValueError as error:
        plpy.notice(error)
$$;

-- Subtransactions.
DO LANGUAGE plpy $$
with plpy.subtransaction():
    plpy.execute("INSERT INTO item VALUES (4, 'kept')")
try:
    with plpy.subtransaction():
        plpy.execute("INSERT INTO item VALUES (5, 'undone')")
        with plpy.subtransaction():
            plpy.execute("INSERT INTO item VALUES (6, 'undone too')")
        raise ValueError("undo")
except ValueError:
    pass
one = plpy.subtransaction()
for use in (lambda: one.exit(None, None, None), one.enter, one.enter, lambda: one.exit(None, None, None), one.enter):
    try:
        use()
    except ValueError as error:
        plpy.notice(error)
$$;
SELECT id, name FROM item ORDER BY id;
DO LANGUAGE plpy $$
plpy.subtransaction().enter()
plpy.execute("INSERT INTO item VALUES (7, 'never')")
plpy.subtransaction().enter()
$$;
SELECT count(*) FROM item WHERE id = 7;

-- The end of transactions.
CREATE PROCEDURE halve() LANGUAGE plpy AS $$
cursor = plpy.cursor("SELECT id FROM item ORDER BY id")
for row in cursor:
    plpy.execute("UPDATE item SET name = 'odd' WHERE id = %d" % row["id"])
    if row["id"] % 2:
        plpy.commit()
    else:
        plpy.rollback()
try:
    with plpy.subtransaction():
        plpy.commit()
except plpy.spiexceptions.InvalidTransactionTermination as error:
    plpy.notice(error)
$$;
CALL halve();
SELECT id, name FROM item ORDER BY id;
SELECT count(*) FROM pg_cursors;
BEGIN;
CALL halve();
ROLLBACK;

-- Messages.
DO LANGUAGE plpy $$
plpy.debug("not shown")
plpy.log("in the log")
plpy.info("info")
plpy.notice("several", 1, None)
plpy.notice()
plpy.warning("warning", detail="detail", hint="hint", sqlstate="01P01")
plpy.notice(message="by name", detail=5)
for keywords in ({"message": "x"}, {"no": "x"}, {"sqlstate": "x"}):
    try:
        plpy.notice("text", **keywords)
    except (TypeError, ValueError) as error:
        plpy.info(type(error).__name__, error)
plpy.info(plpy.quote_ident("Ab c"), plpy.quote_ident("ab"), plpy.quote_literal("a'b\\"), plpy.quote_nullable(None))
try:
    plpy.quote_literal(5)
except TypeError as error:
    plpy.info(error)
$$;

-- Errors that nobody catches.
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'from below' USING DETAIL = 'd', HINT = 'h', ERRCODE = 'ZZ001'; END $$;
DO LANGUAGE plpy $$
def call():
    plpy.execute("SELECT fails()")
call()
$$;
DO LANGUAGE plpy $$ plpy.execute("SELECT nothing") $$;
DO LANGUAGE plpy $$ plpy.error("hi", detail="det", hint="hin", sqlstate="23505", table_name="t") $$;
DO LANGUAGE plpy $$ syntax error $$;
DO LANGUAGE plpy $$
import decimal
raise decimal.InvalidOperation("of a module")
$$;
CREATE FUNCTION reads() RETURNS int STABLE LANGUAGE plpy AS $$ plpy.execute("DELETE FROM item") $$;
SELECT reads();

-- Values from Python.
CREATE FUNCTION to_int(code text) RETURNS int LANGUAGE plpy AS $$ return eval(code) $$;
SELECT to_int('"12"'), to_int('12'), to_int('None');
SELECT to_int('True');
SELECT to_int('1.0');
SELECT to_int('2**40');
CREATE FUNCTION to_bytea(code text) RETURNS bytea LANGUAGE plpy AS $$ return eval(code) $$;
SELECT to_bytea('b"abc"'), to_bytea('bytearray(b"x")'), to_bytea('[65, 66]');
SELECT to_bytea('5');
CREATE FUNCTION to_text(code text) RETURNS text LANGUAGE plpy AS $$ return eval(code) $$;
SELECT to_text('b"abc"'), to_text('1.5'), to_text('{"a": 1}'), to_text('None');
CREATE FUNCTION to_numeric(code text) RETURNS numeric LANGUAGE plpy AS $$
from decimal import Decimal
return eval(code)
$$;
SELECT to_numeric('Decimal("1.50")'), to_numeric('1.5'), to_numeric('10**30'), to_numeric('Decimal("NaN")');
SELECT to_numeric('True');
CREATE FUNCTION to_array(code text) RETURNS int[] LANGUAGE plpy AS $$ return eval(code) $$;
SELECT to_array('[[1, 2], [3, 4]]'), to_array('(1, 2)'), to_array('"12"'), to_array('[]'), to_array('range(3)');
SELECT to_array('5');
SELECT to_array('[(1, 2)]');
SELECT to_array('[[1], [2, 3]]');
CREATE TYPE pair AS (x int, y text);
CREATE FUNCTION to_pair(code text) RETURNS pair LANGUAGE plpy AS $$
class Object: pass
full = Object()
full.x, full.y = 1, "y"
half = Object()
half.x = 1
return eval(code)
$$;
SELECT to_pair('(1, "a")'), to_pair('{"x": 1, "y": 2}'), to_pair('full'), to_pair('[1, 2]'), to_pair('"(1,2)"');
SELECT to_pair('(1,)');
SELECT to_pair('{"x": 1}');
SELECT to_pair('half');
