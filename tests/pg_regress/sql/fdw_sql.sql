-- multicorn.sql: SQL from inside a wrapper.
CREATE SERVER asking FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'asking.Asking');
CREATE FOREIGN TABLE a (told text) SERVER asking OPTIONS (execute '1');
CREATE TABLE kept (id int PRIMARY KEY, v text CHECK (v <> 'bad'));
-- One expression, run where rows are made.
CREATE PROCEDURE ask(source text, at text DEFAULT 'execute') LANGUAGE plpgsql AS $$
DECLARE option text;
BEGIN
    FOR option IN SELECT split_part(o, '=', 1) FROM pg_foreign_table, unnest(ftoptions) o WHERE ftrelid = 'a'::regclass LOOP
        EXECUTE format('ALTER FOREIGN TABLE a OPTIONS (DROP %I)', option);
    END LOOP;
    EXECUTE format('ALTER FOREIGN TABLE a OPTIONS (ADD %I %L)', at, source);
END $$;

-- Values in both directions.
CALL ask('sql.execute("SELECT 1 AS a, 2.50 AS b, ''t''::text AS c, NULL AS d, ''{1,NULL}''::int[] AS e, ''{\"x\": [1]}''::jsonb AS f")');
SELECT told FROM a LIMIT 1;
CALL ask($$sql.execute("SELECT $1::numeric AS a, $2 + 1 AS b, $3 || 'x' AS c, $4::timestamptz AT TIME ZONE 'UTC' AS d, $5::uuid AS e, $6::int[] AS f, $7::jsonb AS g, $8::text AS h",
    "1.10", 7, "ä", "2020-01-01 00:00:00.123456+00", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", [1, None], {"x": None}, None)$$);
SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SELECT id FROM public.kept").row_count, sql.execute("INSERT INTO public.kept VALUES ($1, $2), (2, NULL)", 1, "one").row_count, sql.execute("INSERT INTO public.kept VALUES (3, ''three'') RETURNING id, v"), sql.execute("UPDATE public.kept SET v = ''x'' WHERE id > 1").row_count');
SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("CREATE TABLE public.made (n int)"), sql.execute("DROP TABLE public.made").row_count');
SELECT told FROM a LIMIT 1;

-- Errors: caught, the transaction goes on, and what failed is undone.
CALL ask('[type(e).__name__ + e.sqlstate + str(e.constraint_name) for q in ("INSERT INTO public.kept VALUES (9, ''bad'')", "SELECT 1 / 0", "SELEC 1", "SELECT * FROM public.none")
    for e in [next((x for x in [exec("try:\n    sql.execute(q)\nexcept sql.ServerError as x:\n    self.kept = x", dict(sql=sql, self=self, q=q)) or self.kept]))]]');
SELECT told FROM a LIMIT 1;
SELECT count(*) FROM kept;
-- Not one statement, not the right parameters, not a statement for here.
CALL ask('sql.execute("SELECT 1; SELECT 2")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SELECT $1::int")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SELECT $1::int", 1, 2)'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SELECT $1 IS NULL", 1)'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SELECT $1::int", "x")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SELECT 1 AS a, 2 AS a")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("COMMIT")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SAVEPOINT a")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("COPY public.kept FROM STDIN")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SET ROLE pg_monitor")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.execute("SET SESSION AUTHORIZATION DEFAULT")'); SELECT told FROM a LIMIT 1;
-- Cursors.
CALL ask('[row["i"] for row in sql.cursor("SELECT i FROM generate_series(1, $1) i", 2500)][-1], [r["i"] for r in sql.cursor("SELECT 5 AS i", batch_size=1)]');
SELECT told FROM a LIMIT 1;
CALL ask('(lambda c: (next(c), c.fetch(2), next(c), c.fetch(9), c.fetch(1), list(c), c.close(), c.close()))(sql.cursor("SELECT i FROM generate_series(1, 6) i", batch_size=2))');
SELECT told FROM a LIMIT 1;
CALL ask('(lambda c: (c.close(), c.fetch(1)))(sql.cursor("SELECT 1 AS a"))'); SELECT told FROM a LIMIT 1;
CALL ask('sql.cursor("INSERT INTO public.kept VALUES (7)")'); SELECT told FROM a LIMIT 1;
CALL ask('sql.cursor("SELECT 1 AS a", batch_size=0)'); SELECT told FROM a LIMIT 1;
CALL ask('list(sql.cursor("SELECT 1 / (3 - i) AS a FROM generate_series(1, 5) i", batch_size=1))'); SELECT told FROM a LIMIT 1;
-- A cursor that outlives its transaction, and one that is left to the server.
CALL ask('setattr(self, "kept", sql.cursor("SELECT i FROM generate_series(1, 3) i", batch_size=1)), next(self.kept)');
ALTER FOREIGN TABLE a OPTIONS (ADD second 'next(self.kept)');
BEGIN; SELECT told FROM a; COMMIT;
ALTER FOREIGN TABLE a OPTIONS (DROP second);
BEGIN; SAVEPOINT s; SELECT told FROM a LIMIT 1; ROLLBACK TO s; COMMIT;
SELECT name, statement FROM pg_cursors;

-- Refused in hooks and clean-ups, allowed everywhere else.
CREATE FOREIGN TABLE h (told text) SERVER asking OPTIONS (
    init 'sql.execute("SELECT 1 AS a")', size 'sql.execute("SELECT 2 AS a")', execute 'sql.execute("SELECT 3 AS a")',
    explain 'sql.execute("SELECT 4 AS a")', insert 'sql.execute("SELECT 5 AS a")',
    "finally" 'sql.execute("SELECT 6")', end_scan 'sql.execute("SELECT 7")', end_modify 'sql.execute("SELECT 8")',
    begin 'sql.execute("SELECT 9")', sub_begin 'sql.execute("SELECT 10")', sub_commit 'sql.execute("SELECT 11")',
    pre_commit 'sql.execute("SELECT 12")', commit 'sql.execute("SELECT 13")',
    sub_rollback 'sql.execute("SELECT 14")', rollback 'sql.execute("SELECT 15")');
EXPLAIN (COSTS OFF) SELECT * FROM h;
SELECT * FROM h LIMIT 1;
BEGIN;
SAVEPOINT a;
INSERT INTO h VALUES ('x');
RELEASE a;
COMMIT;
BEGIN;
SAVEPOINT a;
INSERT INTO h VALUES ('x');
ROLLBACK TO a;
ROLLBACK;

-- Whose rights: the owner's of the table, whoever asks; and nobody gets them by names of his own.
CREATE ROLE regress_sql_owner;
CREATE ROLE regress_sql_user;
GRANT USAGE ON FOREIGN SERVER asking TO regress_sql_owner;
CREATE TABLE secrets (v text);
INSERT INTO secrets VALUES ('of the owner');
CREATE TABLE others (v text);
GRANT SELECT ON secrets TO regress_sql_owner;
CREATE FOREIGN TABLE o (told text) SERVER asking OPTIONS (
    execute '[sql.execute("SELECT current_user::text AS who, session_user = current_user AS same, current_setting(''search_path'') AS path"), sql.execute("SELECT v FROM public.secrets")]',
    second 'sql.execute("SELECT v FROM public.others")');
ALTER FOREIGN TABLE o OWNER TO regress_sql_owner;
GRANT SELECT ON o TO regress_sql_user;
CREATE SCHEMA trap AUTHORIZATION regress_sql_user;
SET ROLE regress_sql_user;
CREATE TABLE trap.pg_user (stolen text);
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'stolen by %', current_user; RETURN NULL; END$$;
SET search_path = trap, pg_catalog, public;
SELECT * FROM public.o;
SELECT current_user, current_setting('search_path');
SELECT * FROM secrets;
RESET search_path;
RESET ROLE;
CREATE VIEW public.v AS SELECT * FROM o;
GRANT SELECT ON v TO regress_sql_user;
CALL ask('sql.execute("SELECT current_user::text AS who"), sql.execute("SELECT told FROM public.o LIMIT 1"), sql.execute("SELECT current_user::text AS who")');
SELECT told FROM a LIMIT 1;
-- In turns with another owner's table, row by row.
CREATE FOREIGN TABLE w1 (told text) SERVER asking OPTIONS (execute 'sql.execute("SELECT current_user::text AS who")', second 'sql.execute("SELECT current_user::text AS who")');
CREATE FOREIGN TABLE w2 (told text) SERVER asking OPTIONS (execute 'sql.execute("SELECT current_user::text AS who")', second 'sql.execute("SELECT current_user::text AS who")');
ALTER FOREIGN TABLE w2 OWNER TO regress_sql_owner;
CREATE ROLE regress_sql_super SUPERUSER;
ALTER FOREIGN TABLE w1 OWNER TO regress_sql_super;
SELECT * FROM w1 UNION ALL SELECT * FROM w2 UNION ALL SELECT * FROM w1;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off;
SELECT w1.told AS one, w2.told AS two FROM w1, w2;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material; RESET enable_memoize;
SET ROLE regress_sql_super;
IMPORT FOREIGN SCHEMA x FROM SERVER asking INTO public;
RESET ROLE;

-- What it writes belongs to the statement: undone with it, and its own table can be read.
CALL ask('sql.execute("INSERT INTO public.kept VALUES (100)")');
BEGIN; SELECT count(*) FROM a; SELECT count(*) FROM kept WHERE id = 100; ROLLBACK;
SELECT count(*) FROM kept WHERE id = 100;
CALL ask('sql.execute("SELECT count(*) AS n FROM public.kept WHERE id < 100")');
SELECT * FROM a LIMIT 1;
ALTER TABLE kept ALTER id TYPE text;
SELECT * FROM a LIMIT 1;
CALL ask('sql.execute("SELECT id FROM public.kept WHERE id = $1", "1")');
SELECT * FROM a LIMIT 1;
ALTER TABLE kept ALTER id TYPE int USING id::int;
SELECT * FROM a LIMIT 1;
CALL ask('sql.execute("INSERT INTO public.kept VALUES (101)")');
BEGIN READ ONLY; SELECT * FROM a LIMIT 1; COMMIT;
DROP OWNED BY regress_sql_owner, regress_sql_user, regress_sql_super CASCADE;
DROP ROLE regress_sql_owner, regress_sql_user, regress_sql_super;
