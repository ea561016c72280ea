-- One instance for each table and role of a session: made when something changed, kept when nothing did,
-- released when it is replaced or its table dropped.
CREATE SERVER told FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'lifetimes.Told');
CREATE FOREIGN TABLE t (number int) SERVER told;
CREATE FOREIGN TABLE other (number int, living int) SERVER told OPTIONS (x 'y');

SELECT number FROM t;
SELECT number FROM t a JOIN t b USING (number) LIMIT 1;
EXPLAIN (COSTS off) SELECT number FROM t;
SELECT number FROM other LIMIT 1;
-- Nothing changed that the class can see.
COMMENT ON FOREIGN TABLE t IS 'a table';
GRANT SELECT ON t TO PUBLIC;
CREATE TABLE unrelated ();
DISCARD ALL;
SELECT number FROM t LIMIT 1;

-- Options of the table, of the server, of a column; the user mapping.
ALTER FOREIGN TABLE t OPTIONS (ADD a '1');
SELECT number FROM t LIMIT 1;
ALTER SERVER told OPTIONS (ADD s '2');
SELECT number FROM t LIMIT 1;
SELECT number FROM other LIMIT 1;
ALTER FOREIGN TABLE t ALTER COLUMN number OPTIONS (ADD c '3');
SELECT number FROM t LIMIT 1;
CREATE USER MAPPING FOR CURRENT_USER SERVER told OPTIONS (m 'mapped once');
SELECT number FROM t LIMIT 1;
ALTER USER MAPPING FOR CURRENT_USER SERVER told OPTIONS (SET m 'mapped twice');
SELECT number FROM t LIMIT 1;
DROP USER MAPPING FOR CURRENT_USER SERVER told;
SELECT number FROM t LIMIT 1;

-- Columns: added, dropped, renamed, another type.
ALTER FOREIGN TABLE t ADD COLUMN living int;
SELECT number, living FROM t LIMIT 1;
ALTER FOREIGN TABLE t RENAME COLUMN living TO lives;
SELECT lives FROM t LIMIT 1;
ALTER FOREIGN TABLE t ALTER COLUMN number TYPE bigint;
SELECT number FROM t LIMIT 1;
ALTER FOREIGN TABLE t DROP COLUMN lives;
SELECT number FROM t LIMIT 1;

-- A column's type changes while the instance is kept: rows are converted anew.
CREATE TYPE kind AS ENUM ('a');
CREATE TYPE pair AS (n int, t text);
CREATE FOREIGN TABLE typed (kind kind, pair pair) SERVER told;
SELECT kind, pair FROM typed LIMIT 1;
ALTER TYPE kind RENAME VALUE 'a' TO 'b';
SELECT kind FROM typed LIMIT 1;
ALTER TYPE kind ADD VALUE 'a';
SELECT kind FROM typed LIMIT 1;
ALTER TYPE kind RENAME TO sort;
SELECT kind FROM typed LIMIT 1;
-- The server lets a composite type grow and shrink although a foreign table uses it.
CREATE FOREIGN TABLE deep (pair pair, pairs pair[]) SERVER told;
SELECT pair, pairs FROM deep LIMIT 1;
ALTER TYPE pair ADD ATTRIBUTE more int;
SELECT pair FROM deep LIMIT 1;
ALTER TYPE pair DROP ATTRIBUTE more;
SELECT pair, pairs FROM deep LIMIT 1;
ALTER TYPE pair RENAME ATTRIBUTE t TO label;
SELECT (pair).label FROM deep LIMIT 1;
-- Also as the type of a value that a column is compared with.
CREATE TYPE other_pair AS (n int, t text);
CREATE FOREIGN TABLE compared (pair pair, number int) SERVER told;
PREPARE compare(other_pair) AS SELECT pair FROM compared WHERE pair *= $1 LIMIT 1;
SET plan_cache_mode = force_generic_plan;
EXECUTE compare('(1,x)');
EXECUTE compare('(2,x)');
ALTER TYPE other_pair ALTER ATTRIBUTE n TYPE text;
EXECUTE compare('(1,x)');
ALTER TYPE other_pair ALTER ATTRIBUTE n TYPE int;
EXECUTE compare('(1,x)');
RESET plan_cache_mode;
DROP FOREIGN TABLE deep, compared;

-- Dropped tables are released, at the next use of any other.
DROP FOREIGN TABLE other;
SELECT number FROM t LIMIT 1;
-- A table dropped in a transaction that is rolled back comes back with a new instance.
BEGIN;
DROP FOREIGN TABLE typed;
SELECT number FROM t LIMIT 1;
ROLLBACK;
SELECT kind FROM typed LIMIT 1;

-- A change while a cursor is open: the scan keeps its instance to the end.
BEGIN;
DECLARE c CURSOR FOR SELECT number FROM t;
FETCH 1 FROM c;
ALTER SERVER told OPTIONS (SET s '6');
SELECT number FROM t LIMIT 1;
FETCH 1 FROM c;
CLOSE c;
COMMIT;
-- A change that is rolled back.
BEGIN;
ALTER SERVER told OPTIONS (SET s '7');
SELECT number FROM t LIMIT 1;
ROLLBACK;
SELECT number FROM t LIMIT 1;
BEGIN;
SAVEPOINT s;
ALTER SERVER told OPTIONS (SET s '8');
ROLLBACK TO s;
SELECT number FROM t LIMIT 1;
COMMIT;

-- An __init__ that fails leaves nothing behind and is tried again.
ALTER FOREIGN TABLE t OPTIONS (ADD fails 'true');
SELECT number FROM t LIMIT 1;
SELECT number FROM t LIMIT 1;
ALTER FOREIGN TABLE t OPTIONS (SET fails 'false');
SELECT number FROM t LIMIT 1;

-- Roles: each has its own mapping, and so its own instance; a view's owner counts for its tables.
CREATE ROLE regress_lifetimes_one;
CREATE ROLE regress_lifetimes_two;
CREATE USER MAPPING FOR regress_lifetimes_one SERVER told OPTIONS (who 'first role');
CREATE USER MAPPING FOR PUBLIC SERVER told OPTIONS (who 'everyone else');
GRANT SELECT ON t TO regress_lifetimes_one, regress_lifetimes_two;
GRANT CREATE ON SCHEMA public TO regress_lifetimes_one;
SET ROLE regress_lifetimes_one;
SELECT number FROM t LIMIT 1;
CREATE VIEW owned AS SELECT number FROM t;
GRANT SELECT ON owned TO regress_lifetimes_two;
SET ROLE regress_lifetimes_two;
SELECT number FROM t LIMIT 1;
SELECT number FROM owned LIMIT 1;
PREPARE p AS SELECT number FROM t LIMIT 1;
EXECUTE p;
SET ROLE regress_lifetimes_one;
EXECUTE p;
RESET ROLE;
SELECT number FROM t LIMIT 1;
SET SESSION AUTHORIZATION regress_lifetimes_one;
SELECT number FROM t LIMIT 1;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION as_one() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT number FROM t LIMIT 1';
ALTER FUNCTION as_one() OWNER TO regress_lifetimes_one;
SELECT as_one();
DROP VIEW owned;
DROP FUNCTION as_one();
DROP USER MAPPING FOR regress_lifetimes_one SERVER told;
DROP OWNED BY regress_lifetimes_one, regress_lifetimes_two;
DROP ROLE regress_lifetimes_one, regress_lifetimes_two;
SELECT number FROM t LIMIT 1;
DROP FOREIGN TABLE t;
SELECT kind FROM typed LIMIT 1;
