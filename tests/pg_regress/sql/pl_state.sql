-- Errors of the database that are swallowed, and functions that may not write.
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);

-- A function that catches an error and returns fails.
CREATE FUNCTION swallows() RETURNS text LANGUAGE python AS $$
def main():
    try:
        sqlexec("INSERT INTO t VALUES (1)")
    except Exception:
        pass
    return "as if nothing had happened"
$$;
SELECT swallows();
-- Every further action on the database is refused.
CREATE FUNCTION goes_on() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    try:
        sqlexec("INSERT INTO t VALUES (1)")
    except Postgres.exceptions.UniqueViolation:
        return sqleval("'more'")
$$;
SELECT goes_on();
CREATE FUNCTION tries_all() RETURNS text LANGUAGE python AS $$
import Postgres
statement = prepare("SELECT id FROM t")
cursor = None
def main():
    lower = proc("lower(text)")
    cursor = statement.rows()
    try:
        sqlexec("INSERT INTO t VALUES (1)")
    except Postgres.exceptions.UniqueViolation:
        pass
    actions = {
        "prepare": lambda: prepare("SELECT 1"),
        "call": statement,
        "first": statement.first,
        "declare": statement.declare,
        "cursor": lambda: next(cursor),
        "columns": lambda: statement.column_names,
        "proc": lambda: lower("A"),
        "sqlexec": lambda: sqlexec("SELECT 1"),
        "xact": lambda: xact().__enter__(),
        "large object": lambda: Postgres.LargeObject.create(),
        "notify": lambda: Postgres.notify("channel"),
    }
    for name, action in actions.items():
        try:
            action()
        except Postgres.exceptions.InFailedSqlTransaction as error:
            Postgres.NOTICE(f"{name}: {error.message}", detail=error.detail)
    raise ValueError("enough")
$$;
SELECT tries_all();
-- An error inside a block is undone with it.
CREATE FUNCTION recovers() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    try:
        with xact():
            sqlexec("INSERT INTO t VALUES (2)")
            sqlexec("INSERT INTO t VALUES (1)")
    except Postgres.exceptions.UniqueViolation as error:
        return f"{error.constraint_name} {prepare('SELECT count(*) FROM t').first()}"
$$;
SELECT recovers();
-- Not if it is swallowed inside.
CREATE FUNCTION swallows_inside() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    try:
        with xact():
            sqlexec("INSERT INTO t VALUES (3)")
            try:
                sqlexec("INSERT INTO t VALUES (1)")
            except Postgres.Exception:
                pass
    except Postgres.Exception as error:
        return f"{error.code} {error.message} {prepare('SELECT count(*) FROM t').first()}"
$$;
SELECT swallows_inside();
-- An error that is replaced by one of Python's has not been swallowed.
CREATE FUNCTION replaces() RETURNS text LANGUAGE python AS $$
def main():
    try:
        sqlexec("INSERT INTO t VALUES (1)")
    except Exception as error:
        raise LookupError("replaced") from None
$$;
SELECT replaces();
-- Errors of operators, input and other functions count as well.
CREATE FUNCTION operator_fails() RETURNS text LANGUAGE python AS $$
def main():
    try:
        sqleval("10::int4") / sqleval("0::int4")
    except Exception as error:
        pass
    return "done"
$$;
SELECT operator_fails();
CREATE FUNCTION input_fails() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    try:
        Postgres.types.int4("no number")
    except Postgres.exceptions.InvalidTextRepresentation as error:
        Postgres.NOTICE(error.message)
    return "done"
$$;
SELECT input_fails();
CREATE FUNCTION own_error() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    try:
        Postgres.ERROR("mine")
    except Postgres.Exception:
        pass
    return "done"
$$;
SELECT own_error();
-- The failed state is that of one call: callers are not disturbed.
CREATE FUNCTION calls_swallower() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    try:
        with xact():
            sqleval("swallows()")
    except Postgres.exceptions.PythonProtocolViolation as error:
        return f"{error.message} {sqleval('1 + 1')}"
$$;
SELECT calls_swallower();
-- A set, a DO block.
CREATE FUNCTION swallows_in_set() RETURNS SETOF int LANGUAGE python AS $$
def main():
    yield 1
    try:
        sqlexec("INSERT INTO t VALUES (1)")
    except Exception:
        pass
    yield 2
$$;
SELECT * FROM swallows_in_set();
SELECT swallows_in_set();
DO LANGUAGE python $$
try:
    sqlexec("INSERT INTO t VALUES (1)")
except Exception:
    pass
$$;
-- The session is as before.
SELECT recovers();

-- STABLE and IMMUTABLE functions cannot write.
CREATE FUNCTION stable_writes() RETURNS int STABLE LANGUAGE python AS $$
def main():
    return prepare("INSERT INTO t VALUES (7)")()
$$;
SELECT stable_writes();
CREATE FUNCTION immutable_writes(how text) RETURNS int IMMUTABLE LANGUAGE python AS $$
import Postgres
def main(how):
    match str(how):
        case "script":
            sqlexec("DELETE FROM t")
        case "cursor":
            next(prepare("DELETE FROM t RETURNING id").rows())
        case "many":
            prepare("INSERT INTO t VALUES ($1)").load_rows([(8,), (9,)])
        case "large object":
            Postgres.LargeObject.create()
$$;
SELECT immutable_writes('script');
SELECT immutable_writes('cursor');
SELECT immutable_writes('many');
SELECT immutable_writes('large object');
-- They read.
CREATE FUNCTION stable_reads() RETURNS bigint STABLE LANGUAGE python AS $$
def main():
    return prepare("SELECT count(*) FROM t").first()
$$;
SELECT stable_reads();
-- A volatile function that it calls may write.
CREATE FUNCTION volatile_writes() RETURNS int LANGUAGE python AS $$
def main():
    return prepare("INSERT INTO t VALUES (7)")()
$$;
CREATE FUNCTION stable_calls() RETURNS int STABLE LANGUAGE python AS $$
def main():
    return sqleval("volatile_writes()")
$$;
SELECT stable_calls();
SELECT * FROM t ORDER BY id;
