-- Errors of the database as Python sees them, and Python's exceptions as the client sees them.
-- The SQLSTATE of each error is shown below it.
\set SHOW_CONTEXT always
CREATE TABLE account (id int PRIMARY KEY, owner text NOT NULL, balance int CONSTRAINT solvent CHECK (balance >= 0));
INSERT INTO account VALUES (1, 'ann', 10);

-- The attributes of an error.
CREATE FUNCTION attributes() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    try:
        with xact():
            sqlexec("INSERT INTO account VALUES (2, 'bob', -5)")
    except Postgres.Exception as error:
        return "\n".join(str(line) for line in (
            type(error).__name__, error.code, error.errno == Postgres.make_sqlstate("23514"),
            error.message, error.severity, sorted(error.details), error.detail,
            error.schema_name, error.table_name, error.column_name, error.constraint_name,
            error.datatype_name, error.pg_errordata.elevel, error.pg_errordata.function,
            isinstance(error, Postgres.exceptions.IntegrityConstraintViolation),
            isinstance(error, Exception), str(error)))
$$;
SELECT attributes();

-- Every name of pg_errordata.
CREATE FUNCTION errordata() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    try:
        with xact():
            prepare("SELECT nothing FROM account")
    except Postgres.exceptions.UndefinedColumn as error:
        data = error.pg_errordata
        return "\n".join(f"{name}: {getattr(data, name)!r}" for name in (
            "message", "detail", "hint", "context", "code", "sqlerrcode", "severity", "elevel",
            "function", "cursorpos", "internal_position", "internal_query", "saved_errno", "schema_name",
            "table_name", "column_name", "datatype_name", "constraint_name")) + (
            f"\n{data.filename.endswith('.c')} {data.line > 0} {data.domain.startswith('postgres')}")
$$;
SELECT errordata();

-- One class per SQLSTATE, with the class of its class above it, known to the server or not.
DO LANGUAGE python $$
import Postgres
E = Postgres.exceptions
print(E.DivisionByZero.__mro__[1].__name__, E.DivisionByZero.sqlstate, E.DivisionByZero.__doc__)
print(E.for_sqlstate("23505") is E.UniqueViolation, E.for_sqlstate("XY123").__name__)
print(E.for_sqlstate("XY123") is E.for_sqlstate("XY123"), issubclass(E.UniqueViolation, Postgres.Exception))
print(E.PythonException.sqlstate, E.PythonProtocolViolation.sqlstate, E.ProhibitedSqlStatementAttempted38003.sqlstate)
for bad in ("123", "abcde", "2350!"):
    try:
        E.for_sqlstate(bad)
    except ValueError as error:
        print(error)
try:
    E.NoSuchThing
except AttributeError as error:
    print(error)
$$;

-- An exception of Python's: PY001, with the traceback in CONTEXT.
CREATE FUNCTION fails(depth int) RETURNS int LANGUAGE python AS $$
def inner(depth):
    if depth:
        return inner(depth - 1)
    raise ValueError("no depth is left")

def main(depth):
    return inner(int(depth))
$$;
SELECT fails(1);
\echo :LAST_ERROR_SQLSTATE
-- A chain of two.
CREATE FUNCTION chained() RETURNS int LANGUAGE python AS $$
def main():
    try:
        {}["key"]
    except KeyError as error:
        raise RuntimeError("the table is empty") from error
$$;
SELECT chained();
\echo :LAST_ERROR_SQLSTATE

-- SystemExit and KeyboardInterrupt are errors, and end nothing.
CREATE FUNCTION ends(what text) RETURNS int LANGUAGE python AS $$
import sys
def main(what):
    if str(what) == "exit":
        sys.exit(3)
    raise KeyboardInterrupt
$$;
SELECT ends('exit');
\echo :LAST_ERROR_SQLSTATE
SELECT ends('interrupt');
\echo :LAST_ERROR_SQLSTATE
-- An exception that names its SQLSTATE.
CREATE FUNCTION named() RETURNS int LANGUAGE python AS $$
import Postgres
class Refused(Exception):
    sqlstate = "22012"
    detail = "the detail"
    hint = "the hint"
def main():
    raise Refused("so it is")
$$;
SELECT named();
\echo :LAST_ERROR_SQLSTATE

-- An error of the database goes through as it is, with the function added to its CONTEXT.
CREATE FUNCTION through() RETURNS int LANGUAGE python AS $$
def main():
    return sqleval("1 / 0")
$$;
SELECT through();
\echo :LAST_ERROR_SQLSTATE
-- Also when it is raised again.
CREATE FUNCTION again() RETURNS int LANGUAGE python AS $$
import Postgres
def main():
    try:
        sqleval("1 / 0")
    except Postgres.Exception:
        raise
$$;
SELECT again();
\echo :LAST_ERROR_SQLSTATE

-- Python's exceptions pass through the server and come back as themselves.
CREATE FUNCTION raises() RETURNS int LANGUAGE python AS $$
class Odd(Exception):
    pass
def main():
    raise Odd("one", 2)
$$;
CREATE FUNCTION calls() RETURNS text LANGUAGE python AS $$
def main():
    try:
        with xact():
            sqleval("raises()")
    except Exception as error:
        return f"{type(error).__name__} {error.args} {type(error).__module__.isdigit()}"
$$;
SELECT calls();
CREATE FUNCTION in_between() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN raises();
END $$;
CREATE FUNCTION calls_in_between() RETURNS text LANGUAGE python AS $$
def main():
    try:
        with xact():
            sqleval("in_between()")
    except Exception as error:
        return f"{type(error).__name__} {error.args}"
$$;
SELECT calls_in_between();
-- To the client it is PY001 whatever lay between.
CREATE FUNCTION lets_through() RETURNS int LANGUAGE python AS $$
def main():
    return sqleval("in_between()")
$$;
SELECT lets_through();
\echo :LAST_ERROR_SQLSTATE
-- And to PL/pgSQL.
DO $$
BEGIN
    PERFORM raises();
EXCEPTION WHEN SQLSTATE 'PY001' THEN
    RAISE NOTICE 'caught % %', SQLSTATE, SQLERRM;
END $$;
-- An exception of the database's that a function makes itself.
CREATE FUNCTION makes_error() RETURNS int LANGUAGE python AS $$
import Postgres
def main():
    raise Postgres.exceptions.NoDataFound("nothing to be found")
$$;
SELECT makes_error();
\echo :LAST_ERROR_SQLSTATE
-- What the language itself says is PY000.
SET client_min_messages = error;
CREATE FUNCTION no_main() RETURNS int LANGUAGE python AS 'x = 1';
RESET client_min_messages;
SELECT no_main();
\echo :LAST_ERROR_SQLSTATE
