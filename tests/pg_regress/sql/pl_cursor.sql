-- Cursors: iterating, scrolling, returning them.
CREATE TABLE number AS SELECT generate_series(1, 10) AS n;

-- Iterators over rows, values, chunks.
DO LANGUAGE python $$
numbers = prepare("SELECT n, n * n AS square FROM number ORDER BY n")
rows = numbers.rows()
print(next(rows)["square"], next(rows)["n"], iter(rows) is rows, [int(row["n"]) for row in rows], list(rows))
print([int(n) for n in numbers.column()])
chunks = numbers.chunks()
chunks.chunksize = 4
print([[int(row["n"]) for row in chunk] for chunk in chunks])
rows = numbers.rows()
rows.chunksize = 3
print([int(row["n"]) for row in rows], rows.chunksize)
try:
    rows.chunksize = 0
except ValueError as error:
    print(error)
print(rows.direction, type(rows.cursor_id).__name__, repr(rows))
$$;
-- Scrolling.
DO LANGUAGE python $$
numbers = prepare("SELECT n FROM number WHERE n <= $1 ORDER BY n")
cursor = numbers.declare(10)
def ns(rows):
    return [int(row["n"]) for row in rows]
print(ns(cursor.read(3)), ns(cursor.read(2)), ns(cursor.read(2, False)), ns(cursor.read(0)))
def sought(*place):
    cursor.seek(*place)
    return cursor
print(ns(sought(0).read(1)), ns(sought(8).read()), ns(cursor.read(3)), ns(sought(99).read(1)))
print(ns(sought(0, 2).read(2, False)), ns(sought(3, 2).read()), ns(sought(99, 2).read(1)))
cursor.seek(5)
print(ns(sought(2, 1).read(1)), ns(sought(-3, 1).read(1)), ns(sought(-99, 1).read(1)))
cursor.seek(0)
cursor.direction = False
print(ns(cursor.read()), cursor.direction)
cursor.seek(0, 2)
print(ns(cursor), ns(cursor.read(2, True)))
cursor.direction = True
print(ns(cursor))
for call in (lambda: cursor.read(-1), lambda: cursor.seek(-1), lambda: cursor.seek(0, 3)):
    try:
        call()
    except ValueError as error:
        print(error)
rows = numbers.rows(10)
def backward():
    rows.direction = False
for call in (lambda: rows.read(), lambda: rows.seek(0), backward):
    try:
        call()
    except TypeError as error:
        print(error)
$$;
-- Metadata, clones, closing.
DO LANGUAGE python $$
cursor = prepare("SELECT n, $1::text AS t FROM number WHERE n < $2 ORDER BY n", "x").rows(4)
print(cursor.string, cursor.command, cursor.parameters, cursor.pg_parameter_types, cursor.column_names, cursor.pg_column_types)
print([t.typname for t in cursor.parameter_types], [t.typname for t in cursor.column_types], cursor.output.column_names, cursor.input.column_names)
next(cursor)
copy = cursor.clone()
print(copy.statement is cursor.statement, copy.cursor_id != cursor.cursor_id, [int(row["n"]) for row in copy])
with cursor as same:
    print(same is cursor)
for call in (lambda: next(cursor), lambda: cursor.cursor_id):
    try:
        call()
    except ValueError as error:
        print(error)
cursor.close()
print(repr(cursor))
$$;
-- SQL knows it by its name.
DO LANGUAGE python $$
cursor = prepare("SELECT n FROM number ORDER BY n").declare()
print(prepare("SELECT count(*) FROM pg_cursors WHERE name = $1").first(cursor.cursor_id))
cursor.close()
print(prepare("SELECT count(*) FROM pg_cursors").first())
$$;
-- An object that is let go closes its portal.
DO LANGUAGE python $$
prepare("SELECT n FROM number").rows()
print(prepare("SELECT count(*) FROM pg_cursors").first())
$$;

-- Cursors die with their subtransaction.
DO LANGUAGE python $$
import Postgres
statement = prepare("SELECT n FROM number ORDER BY n")
outside = statement.declare()
try:
    with xact():
        inside = statement.declare()
        print(inside.read(1)[0][0], outside.read(1)[0][0])
        raise KeyError
except KeyError:
    pass
try:
    with xact():
        inside.read(1)
except Postgres.Exception as error:
    print(error.code, error.message)
print(outside.read(1)[0][0])
with xact():
    kept = statement.declare()
print(kept.read(1)[0][0])
$$;
-- And with their transaction.
CREATE FUNCTION keeps() RETURNS int LANGUAGE python AS $$
cursor = None
def main():
    global cursor
    if cursor is None:
        cursor = prepare("SELECT n FROM number").rows()
    return next(cursor)[0]
$$;
BEGIN;
SELECT keeps(), keeps();
SELECT keeps();
COMMIT;
SELECT keeps();
-- While a table is changed below it, the cursor goes on as it was.
DO LANGUAGE python $$
cursor = prepare("SELECT n FROM number ORDER BY n").rows()
cursor.chunksize = 2
first = next(cursor)[0]
sqlexec("DELETE FROM number WHERE n = 3")
print(first, [int(row[0]) for row in cursor])
$$;
INSERT INTO number VALUES (3);

-- Returned from a set-returning function.
CREATE FUNCTION statement_as_set() RETURNS SETOF int LANGUAGE python AS $$
def main():
    return prepare("SELECT n FROM number ORDER BY n LIMIT 3")
$$;
SELECT * FROM statement_as_set();
SELECT statement_as_set();
CREATE FUNCTION cursor_as_set(kind text, skip int) RETURNS TABLE (n int, square int) LANGUAGE python AS $$
def main(kind, skip):
    statement = prepare("SELECT n, n * n FROM number ORDER BY n")
    cursor = getattr(statement, str(kind))()
    if str(kind) == "chunks":
        cursor.chunksize = 3
    for _ in range(int(skip)):
        next(cursor)
    return cursor
$$;
SELECT * FROM cursor_as_set('rows', 0);
SELECT * FROM cursor_as_set('rows', 7);
SELECT * FROM cursor_as_set('rows', 10);
SELECT * FROM cursor_as_set('chunks', 3);
SELECT * FROM cursor_as_set('declare', 8);
SELECT cursor_as_set('rows', 8);
SELECT * FROM cursor_as_set('rows', 0) LIMIT 2;
CREATE FUNCTION backward_as_set() RETURNS SETOF int LANGUAGE python AS $$
def main():
    cursor = prepare("SELECT n FROM number ORDER BY n").declare()
    cursor.seek(4)
    cursor.direction = False
    return cursor
$$;
SELECT * FROM backward_as_set();
CREATE FUNCTION column_as_set() RETURNS SETOF text LANGUAGE python AS $$
def main():
    return prepare("SELECT n FROM number ORDER BY n LIMIT 2").column()
$$;
SELECT * FROM column_as_set();
-- Types are converted, and wrong numbers of columns are errors.
CREATE FUNCTION converted_set() RETURNS TABLE (a bigint, b text) LANGUAGE python AS $$
def main():
    return prepare("SELECT n, n::numeric FROM number ORDER BY 1 LIMIT 2")
$$;
SELECT * FROM converted_set();
CREATE FUNCTION wrong_set() RETURNS TABLE (a int, b int) LANGUAGE python AS $$
def main():
    return prepare("SELECT 1, 2, 3")
$$;
SELECT * FROM wrong_set();
CREATE FUNCTION needs_arguments() RETURNS SETOF int LANGUAGE python AS $$
def main():
    return prepare("SELECT $1::int")
$$;
SELECT * FROM needs_arguments();
CREATE FUNCTION fails_halfway() RETURNS SETOF int LANGUAGE python AS $$
def main():
    return prepare("SELECT 1 / (3 - n) FROM number ORDER BY n")
$$;
SELECT * FROM fails_halfway();
-- A record without a definition gets one in the query.
CREATE FUNCTION record_set() RETURNS SETOF record LANGUAGE python AS $$
def main():
    return prepare("SELECT n, 'x'::text FROM number ORDER BY n LIMIT 2")
$$;
SELECT * FROM record_set() AS r(a int, b text);
-- Returned as a refcursor.
CREATE FUNCTION as_refcursor() RETURNS refcursor LANGUAGE python AS $$
def main():
    return prepare("SELECT n FROM number ORDER BY n").declare()
$$;
BEGIN;
SELECT as_refcursor() AS name \gset
FETCH 2 FROM :"name";
FETCH 1 FROM :"name";
CLOSE :"name";
COMMIT;
