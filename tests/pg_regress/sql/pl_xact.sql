-- Subtransactions: xact() and Postgres.Transaction.
CREATE TABLE t (id int PRIMARY KEY);
CREATE FUNCTION tell() RETURNS text LANGUAGE sql AS 'SELECT string_agg(id::text, '','' ORDER BY id) FROM t';

CREATE FUNCTION kept_and_undone() RETURNS text LANGUAGE python AS $$
insert = prepare("INSERT INTO t VALUES ($1)")
def main():
    with xact():
        insert(1)
    try:
        with xact():
            insert(2)
            raise KeyError("undo it")
    except KeyError:
        pass
    with xact():
        insert(3)
        try:
            with xact():
                insert(4)
                with xact():
                    insert(5)
                raise KeyError("undo both")
        except KeyError:
            pass
    return sqleval("tell()")
$$;
SELECT kept_and_undone();

-- Of one use.
DO LANGUAGE python $$
import Postgres
assert xact is Postgres.xact is Postgres.Transaction
block = xact()
with block as entered:
    print(entered is block)
try:
    with block:
        pass
except RuntimeError as error:
    print(error)
try:
    xact().__exit__(None, None, None)
except RuntimeError as error:
    print(error)
$$;
-- Entering it inside itself.
DO LANGUAGE python $$
block = xact()
with block:
    with block:
        pass
$$;
-- Left open.
CREATE FUNCTION leaves_open(count int) RETURNS text LANGUAGE python AS $$
def main(count):
    for at in range(int(count)):
        xact().__enter__()
        prepare("INSERT INTO t VALUES ($1)")(100 + at)
    return "done"
$$;
SELECT leaves_open(2);
SELECT tell();
DO LANGUAGE python 'xact().__enter__()';
-- Left open across a yield.
CREATE FUNCTION leaves_across() RETURNS SETOF int LANGUAGE python AS $$
def main():
    with xact():
        yield 1
    yield 2
$$;
SELECT leaves_across();
-- Left open, and an error besides: the error counts.
CREATE FUNCTION leaves_and_fails() RETURNS text LANGUAGE python AS $$
def main():
    xact().__enter__()
    raise ValueError("the error")
$$;
SELECT leaves_and_fails();
-- Out of order.
CREATE FUNCTION out_of_order() RETURNS text LANGUAGE python AS $$
def main():
    first, second = xact(), xact()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
$$;
SELECT out_of_order();
CREATE FUNCTION out_of_order_caught() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    first, second = xact(), xact()
    first.__enter__()
    second.__enter__()
    try:
        first.__exit__(None, None, None)
    except Postgres.Exception as error:
        Postgres.NOTICE(error.message, detail=error.detail)
    return "done"
$$;
SELECT out_of_order_caught();
-- A block of another call.
CREATE FUNCTION keeps_block() RETURNS text LANGUAGE python AS $$
import builtins
def main():
    builtins.kept = xact()
    builtins.kept.__enter__()
    try:
        sqleval("exits_block()")
    finally:
        builtins.kept.__exit__(None, None, None)
$$;
CREATE FUNCTION exits_block() RETURNS text LANGUAGE python AS $$
import builtins
def main():
    builtins.kept.__exit__(None, None, None)
$$;
SELECT keeps_block();
-- A nested call's broken block does not disturb the caller's.
CREATE FUNCTION outer_block() RETURNS text LANGUAGE python AS $$
import Postgres
def main():
    with xact():
        prepare("INSERT INTO t VALUES (20)")()
        try:
            with xact():
                sqleval("leaves_open(1)")
        except Postgres.exceptions.PythonProtocolViolation as error:
            Postgres.NOTICE(error.message)
        prepare("INSERT INTO t VALUES (21)")()
    return sqleval("tell()")
$$;
SELECT outer_block();
-- Deep nesting.
CREATE FUNCTION deep(depth int) RETURNS text LANGUAGE python AS $$
insert = prepare("INSERT INTO t VALUES ($1)")
def down(depth):
    if depth == 0:
        return
    try:
        with xact():
            insert(1000 + depth)
            down(depth - 1)
            if depth % 2:
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
def main(depth):
    down(int(depth))
    return sqleval("tell()")
$$;
SELECT deep(6);
-- Errors inside by the server; many of them.
CREATE FUNCTION many(n int) RETURNS int LANGUAGE python AS $$
import Postgres
insert = prepare("INSERT INTO t VALUES ($1)")
def main(n):
    caught = 0
    for _ in range(int(n)):
        try:
            with xact():
                insert(1)
        except Postgres.exceptions.UniqueViolation:
            caught += 1
    return caught
$$;
SELECT many(1000);
-- In a set, around each value.
CREATE FUNCTION around_values() RETURNS SETOF int LANGUAGE python AS $$
def main():
    for at in range(3):
        with xact():
            prepare("INSERT INTO t VALUES ($1)")(300 + at)
        yield at
$$;
SELECT * FROM around_values();
SELECT tell();
-- Inside a savepoint of the client's.
BEGIN;
SAVEPOINT one;
SELECT many(2);
ROLLBACK TO one;
SELECT many(1);
COMMIT;
-- It belongs to functions.
SELECT leaves_open(0);
-- Procedures and blocks end transactions, where the server allows it.
CREATE PROCEDURE commits() LANGUAGE python AS $$
import Postgres
insert = prepare("INSERT INTO t VALUES ($1)")
def main():
    for at in range(400, 404):
        insert(at)
        Postgres.commit() if at % 2 else Postgres.rollback()
$$;
CALL commits();
SELECT tell();
DO LANGUAGE python $$
import Postgres
prepare("INSERT INTO t VALUES (410)")()
Postgres.commit()
try:
    prepare("INSERT INTO t VALUES (410)")()
except Postgres.exceptions.UniqueViolation:
    Postgres.rollback()
prepare("INSERT INTO t VALUES (411)")()
$$;
SELECT tell();
DO LANGUAGE python $$
import Postgres
with xact():
    Postgres.commit()
$$;
BEGIN;
CALL commits();
ROLLBACK;
CREATE FUNCTION commits_in_function() RETURNS int LANGUAGE python AS $$
import Postgres
def main():
    Postgres.commit()
$$;
SELECT commits_in_function();
-- Values of before live on.
DO LANGUAGE python $$
import Postgres
kept = sqleval("repeat('long', 100000)")
Postgres.commit()
print(len(str(kept)))
$$;
