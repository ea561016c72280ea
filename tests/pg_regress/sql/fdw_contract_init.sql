-- __init__: its arguments, when it is called, and what comes before what.
CREATE SERVER teller FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Teller', common 'server');
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE DOMAIN short AS varchar(3);
CREATE SCHEMA other;
CREATE TYPE other.pair AS (x int, y int);
-- Names that come in no alphabetical order, and every kind of type name.
CREATE FOREIGN TABLE t (
    zebra int OPTIONS (colour 'striped', "Legs" '4'),
    "Apple Pie" varchar(10),
    mango numeric(8, 3) OPTIONS (empty ''),
    "ünïcode" timestamp(3) with time zone,
    plain numeric,
    list int[],
    enumerated colour,
    domain short,
    composite other.pair,
    fixed char(4),
    bits varbit(9),
    "select" interval day to second(2)
) SERVER teller OPTIONS (common 'table', "Mixed Case" 'It''s "quoted" \ and ünïcode', empty '');
SELECT zebra FROM t;
-- The instance is kept; a second scan finds it.
SELECT zebra FROM t;
-- Another definition makes another instance.
ALTER FOREIGN TABLE t OPTIONS (ADD extra '1', DROP empty);
ALTER FOREIGN TABLE t DROP COLUMN "Apple Pie", DROP COLUMN list, DROP COLUMN composite, DROP COLUMN bits,
    DROP COLUMN "select", DROP COLUMN plain, DROP COLUMN fixed;
SELECT zebra FROM t;
ALTER FOREIGN TABLE t ALTER COLUMN zebra OPTIONS (SET colour 'brown', DROP "Legs");
SELECT zebra FROM t;
ALTER FOREIGN TABLE t ALTER COLUMN zebra TYPE bigint;
SELECT zebra FROM t;
ALTER FOREIGN TABLE t RENAME COLUMN zebra TO horse;
SELECT horse FROM t;
ALTER FOREIGN TABLE t ADD COLUMN fresh text;
SELECT horse FROM t;
ALTER SERVER teller OPTIONS (SET common 'changed');
SELECT horse FROM t;
CREATE USER MAPPING FOR CURRENT_USER SERVER teller OPTIONS (common 'mapping');
SELECT horse FROM t;
ALTER USER MAPPING FOR CURRENT_USER SERVER teller OPTIONS (SET common 'mapped again');
SELECT horse FROM t;
DROP USER MAPPING FOR CURRENT_USER SERVER teller;
SELECT horse FROM t;
-- What is no change of the definition makes no instance.
COMMENT ON FOREIGN TABLE t IS 'a comment';
ALTER FOREIGN TABLE t RENAME TO renamed;
ALTER FOREIGN TABLE renamed RENAME TO t;
ANALYZE pg_class;
SELECT horse FROM t;

-- A table dropped and made again is another table.
DROP FOREIGN TABLE t;
CREATE FOREIGN TABLE t (a int) SERVER teller;
SELECT a FROM t;

-- Old habits: an indexable keys(), the mapping's other methods, columns.values() and str().
CREATE SERVER habits FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Habits');
CREATE FOREIGN TABLE h (b int, a varchar(7), c timestamptz) SERVER habits;
SELECT * FROM h;

-- EXPLAIN makes the instance, and never executes.
CREATE FOREIGN TABLE e (a int) SERVER teller;
EXPLAIN (COSTS OFF) SELECT * FROM e;
EXPLAIN (COSTS OFF) SELECT * FROM e;
SELECT * FROM e;

-- An __init__ that raises leaves no instance behind and the session in order.
CREATE SERVER broken FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.BrokenInit');
CREATE FOREIGN TABLE b (a int) SERVER broken OPTIONS (fault 'first');
SELECT * FROM b;
SELECT * FROM b;
ALTER FOREIGN TABLE b OPTIONS (DROP fault);
SELECT * FROM b;

-- The bundled test wrapper tells its options and types.
CREATE SERVER bundled FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'multicorn.testfdw.TestForeignDataWrapper');
CREATE FOREIGN TABLE testmulticorn (
    test1 character varying OPTIONS (prefix 'a'),
    test2 character varying
) SERVER bundled OPTIONS (option1 'option1');
SELECT * FROM testmulticorn LIMIT 2;
