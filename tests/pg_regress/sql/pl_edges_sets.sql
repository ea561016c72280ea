-- Sets at the edges: domains over rows, cursors across savepoints, sets that are not read to their end.
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS pair CHECK ((value).a > 0);
CREATE FUNCTION positives() RETURNS SETOF positive LANGUAGE plpy AS $$
return [(1, 'x'), {'a': 2, 'b': None}, None]
$$;
SELECT * FROM positives();
SELECT positives();
CREATE FUNCTION negative() RETURNS SETOF positive LANGUAGE python AS $$
def main():
    yield (1, 'x')
    yield (-1, 'y')
$$;
SELECT * FROM negative();

-- A set goes on after ROLLBACK TO a savepoint that its cursor is older than.
CREATE FUNCTION counted(n int) RETURNS SETOF int LANGUAGE plpy AS $$
try:
    yield from range(n)
finally:
    plpy.notice('closed')
$$;
BEGIN;
DECLARE c CURSOR FOR SELECT counted(5);
SAVEPOINT s;
FETCH 2 FROM c;
ROLLBACK TO s;
FETCH 2 FROM c;
FETCH ALL FROM c;
COMMIT;
-- It ends with its cursor.
BEGIN;
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT counted(5);
FETCH 2 FROM c;
ROLLBACK TO s;
FETCH 2 FROM c;
ROLLBACK;
BEGIN;
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT counted(5);
FETCH 2 FROM c;
RELEASE s;
FETCH 2 FROM c;
ROLLBACK;
-- It ends with a statement that an EXCEPTION block undoes.
DO $$
DECLARE
    found int;
BEGIN
    BEGIN
        FOR found IN SELECT counted(3) LOOP
            RAISE EXCEPTION 'stop at %', found;
        END LOOP;
    EXCEPTION WHEN raise_exception THEN
        RAISE NOTICE '%', SQLERRM;
    END;
    SELECT sum(x) INTO found FROM (SELECT counted(3) AS x) q;
    RAISE NOTICE 'sum %', found;
END
$$;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT counted(3);
FETCH 1 FROM held;
COMMIT;
FETCH ALL FROM held;
CLOSE held;
SELECT g, x FROM generate_series(1, 2) g, LATERAL (SELECT counted(g + 1) LIMIT 1) q(x);
SELECT (SELECT counted(3) LIMIT 1), (SELECT counted(3) OFFSET 1 LIMIT 1);

-- Two sets of different lengths in one target list.
CREATE FUNCTION two() RETURNS SETOF int LANGUAGE plpy AS 'return [1, 2]';
CREATE FUNCTION three() RETURNS SETOF int LANGUAGE python AS $$
def main():
    yield from [1, 2, 3]
$$;
SELECT g, two(), three() FROM generate_series(1, 2) g;

-- The code of a generator's end is the function's: its error is worded so.
CREATE FUNCTION bad_end() RETURNS SETOF int LANGUAGE python AS $$
def main():
    try:
        yield 1
        yield 2
    finally:
        raise ValueError('at the end')
$$;
SELECT bad_end() LIMIT 1;
BEGIN;
DECLARE c CURSOR FOR SELECT bad_end();
FETCH 1 FROM c;
ROLLBACK;

-- A set that fails with a subtransaction open.
CREATE FUNCTION open_python() RETURNS SETOF int LANGUAGE python AS $$
def main():
    with xact():
        yield 1
        yield 'no number'
$$;
SELECT * FROM open_python();
SELECT open_python();
CREATE FUNCTION open_plpy() RETURNS SETOF int LANGUAGE plpy AS $$
block = plpy.subtransaction()
block.enter()
yield 1
yield 2
$$;
SELECT * FROM open_plpy();

-- A set goes on as it began when its function is replaced or dropped.
CREATE FUNCTION replaced(n int) RETURNS SETOF text LANGUAGE python AS $$
def main(n):
    for i in range(n):
        sqlexec("""
            CREATE OR REPLACE FUNCTION replaced(n int) RETURNS SETOF text LANGUAGE plpy AS 'return ["new"]'
        """)
        yield f"old {i}"
$$;
SELECT replaced(2);
SELECT replaced(2);
CREATE FUNCTION dropped(n int) RETURNS SETOF text LANGUAGE python AS $$
def main(n):
    for i in range(n):
        if i == 1:
            sqlexec("DROP FUNCTION dropped(int)")
        yield f"old {i}"
$$;
SELECT dropped(3);
SELECT dropped(3);

-- A statement's rows are checked by a domain over them, too.
CREATE FUNCTION from_statement() RETURNS SETOF positive LANGUAGE python AS $$
def main():
    return prepare("SELECT 1 - n, 'x' || n FROM generate_series(0, 1) n")
$$;
SELECT * FROM from_statement();
