-- Statements: prepare, Statement and all its members, sqleval, sqlexec.
CREATE TABLE item (id int PRIMARY KEY, name varchar(10), price numeric(8,2));
INSERT INTO item VALUES (1, 'one', 1.00), (2, 'two', 2.50), (3, NULL, NULL);

-- The forms of a call.
CREATE FUNCTION forms() RETURNS void LANGUAGE python AS $$
import Postgres
every = prepare("SELECT id, name, price FROM item ORDER BY id")
def main():
    rows = every()
    print(type(rows).__name__, len(rows), rows[0]["name"], rows[0][0], rows[1]["price"], rows[2]["name"])
    print(every.first()["name"])
    print([row["id"] for row in every.rows()], [int(value) for value in every.column()])
    print([len(chunk) for chunk in every.chunks()], [row["name"] for row in every])
    print(prepare("SELECT count(*) FROM item").first(), prepare("SELECT 1 WHERE false").first())
    print(prepare("SELECT id FROM item ORDER BY id")(), prepare("SELECT id, 1 AS n FROM item WHERE id = $1").first(2))
    print(prepare("INSERT INTO item VALUES ($1, $2, $3)")(4, "four", "4.4"), prepare("DELETE FROM item WHERE id > $1").first(3))
    print(prepare("UPDATE item SET name = name RETURNING id")(), prepare("INSERT INTO item (id) VALUES (9) RETURNING id").first())
    print(prepare("DELETE FROM item WHERE id = 9")(), prepare("CREATE TEMP TABLE made (a int)")())
$$;
SELECT forms();

-- Constants are values of the first parameters.
DO LANGUAGE python $$
add = prepare("SELECT $1::int + $2::int * 10", 1)
print(add(2), add.first(3), add.parameters, add.clone()(4))
print(prepare("SELECT $1::text", "x").first(), [int(row[0]) for row in prepare("SELECT generate_series(1, $1::int)", 3)])
$$;
-- Many rows of arguments.
DO LANGUAGE python $$
insert = prepare("INSERT INTO item VALUES ($1, $2)")
print(insert.load_rows((at, f"n{at}") for at in range(10, 13)))
print(insert.load_chunks([[(20, "a"), (21, "b")], [], [(22, None)]]))
print(prepare("SELECT string_agg(id || coalesce(name, '-'), ' ' ORDER BY id) FROM item WHERE id > 9").first())
print(insert.load_rows([]))
$$;
-- What it says of itself.
DO LANGUAGE python $$
import Postgres
def tell(statement):
    print(statement.string)
    print(" ", statement.command, statement.parameters, statement.pg_parameter_types, statement.pg_column_types)
    print(" ", [type.typname for type in statement.parameter_types], statement.column_names,
          statement.column_types and [type.typname for type in statement.column_types])
    print(" ", statement.input.column_names, statement.output and statement.output.column_names)
tell(prepare("SELECT id, name, price * $1 AS more FROM item WHERE name = $2"))
tell(prepare("INSERT INTO item VALUES ($1)"))
tell(prepare("UPDATE item SET name = $1 RETURNING id"))
tell(prepare("VALUES (1, 'a'::text)"))
tell(prepare("CREATE TABLE other (a int)"))
tell(prepare("SELECT"))
print(repr(prepare("SELECT 1")))
$$;

-- NULL and conversions; a wrong value is an error of the database.
DO LANGUAGE python $$
import decimal
print(prepare("SELECT $1::int IS NULL").first(None), prepare("SELECT $1::numeric + 1").first(decimal.Decimal("1.10")))
print(prepare("SELECT $1::int[]").first([1, None, 3]), prepare("SELECT $1::text || '!'").first("é"))
print(prepare("SELECT $1::date + 1").first("2024-02-28"))
$$;
DO LANGUAGE python $$prepare("SELECT $1::int")("no number")$$;
-- What Python cannot make of an argument is an exception of Python's, and has done nothing to the database.
DO LANGUAGE python $$
class Odd:
    def __str__(self):
        raise KeyError("no text")
try:
    prepare("SELECT $1::text").first(Odd())
except KeyError as error:
    print(type(error).__name__, error)
print(sqleval("1 + 1"))
$$;
-- Numbers of arguments.
DO LANGUAGE python $$
for call in (lambda: prepare("SELECT $1::int")(), lambda: prepare("SELECT $1::int")(1, 2),
             lambda: prepare("SELECT 1", 1), lambda: prepare("SELECT $1::int, $2::int", 1).first()):
    try:
        call()
    except TypeError as error:
        print(error)
$$;

-- What cannot be prepared or run.
DO LANGUAGE python $$
import Postgres
for text in ("SELECT 1; SELECT 2", "", "SELEC 1", "SELECT nothing", "SELECT $1", "SELECT $1::int, $1::text"):
    try:
        with xact():
            prepare(text)
    except Postgres.Exception as error:
        print(text, "|", error.code, error.message)
for text in ("COMMIT", "BEGIN", "SAVEPOINT s", "COPY item FROM STDIN", "COPY item TO STDOUT"):
    try:
        with xact():
            prepare(text)()
    except Postgres.Exception as error:
        print(text, "|", error.code, error.message)
    try:
        with xact():
            sqlexec(text)
    except Postgres.Exception as error:
        print(text, "|", error.code, error.message)
$$;
-- sqleval and sqlexec.
DO LANGUAGE python $$
print(sqleval("1 + 1"), sqleval("$1::int + $2::int", 2, 3), sqleval("NULL"), sqleval("(1, 'a')"))
try:
    sqleval("1, 2")
except ValueError as error:
    print(error)
print(sqlexec("CREATE TEMP TABLE script (a int); INSERT INTO script VALUES (1), (2); SELECT * FROM script"))
print(sqleval("(SELECT count(*) FROM script)"))
import Postgres
try:
    with xact():
        sqlexec("INSERT INTO script VALUES (3); SELECT 1 / 0")
except Postgres.Exception as error:
    print(error.message, sqleval("(SELECT count(*) FROM script)"))
$$;

-- Statements at module level live as long as the module, over transactions.
CREATE FUNCTION module_level() RETURNS int LANGUAGE python AS $$
count = prepare("SELECT count(*) FROM item")
def main():
    return count.first()
$$;
SELECT module_level();
DELETE FROM item WHERE id > 9;
SELECT module_level();
-- They follow the tables: new columns, dropped and made anew.
CREATE FUNCTION follows() RETURNS text LANGUAGE python AS $$
every = prepare("SELECT * FROM changing")
def main():
    return f"{every.column_names} {[tuple(map(str, row)) for row in every()]}"
$$;
CREATE TABLE changing AS SELECT 1 AS a;
SELECT follows();
ALTER TABLE changing ADD b text DEFAULT 'b';
SELECT follows();
ALTER TABLE changing DROP a;
SELECT follows();
DROP TABLE changing;
CREATE TABLE changing AS SELECT 'new'::text AS c, 3 AS d;
SELECT follows();
DROP TABLE changing;
SELECT follows();
CREATE TABLE changing AS SELECT 4 AS e;
SELECT follows();
-- They follow types that are dropped and made anew.
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION follows_type(m text) RETURNS text LANGUAGE python AS $$
same = prepare("SELECT $1::mood")
def main(m):
    return f"{same.first(m)} {same.declare(m).read()[0][0]} {int(same.pg_parameter_types[0]) == int(sqleval('%smood%s::regtype::oid' % (chr(39), chr(39))))}"
$$;
SELECT follows_type('glad');
DROP TYPE mood;
CREATE TYPE mood AS ENUM ('calm', 'glad');
SELECT follows_type('calm');
-- Inside one call.
CREATE FUNCTION changes_inside() RETURNS text LANGUAGE python AS $$
def main():
    every = prepare("SELECT * FROM changing")
    before = every.column_names
    sqlexec("ALTER TABLE changing ADD f int DEFAULT 6")
    return f"{before} {every.column_names} {every.first()['f']}"
$$;
SELECT changes_inside();
-- A statement sees what the ones before it did; in a STABLE function only what its query sees.
CREATE FUNCTION sees() RETURNS text LANGUAGE python AS $$
def main():
    count = prepare("SELECT count(*) FROM item")
    before = count.first()
    sqlexec("INSERT INTO item VALUES (50)")
    return f"{before} {count.first()}"
$$;
SELECT sees();
-- Rights are those of whoever calls; SECURITY DEFINER is the owner's.
CREATE ROLE regress_pl_statement;
CREATE FUNCTION reads() RETURNS bigint LANGUAGE python AS 'def main(): return prepare("SELECT count(*) FROM item").first()';
CREATE FUNCTION reads_as_owner() RETURNS bigint SECURITY DEFINER LANGUAGE python AS 'def main(): return prepare("SELECT count(*) FROM item").first()';

SET ROLE regress_pl_statement;
SELECT reads();
SELECT reads_as_owner();
RESET ROLE;
DROP ROLE regress_pl_statement;
