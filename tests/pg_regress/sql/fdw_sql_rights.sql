-- multicorn.sql: with whose rights, where classes are called in the middle of one another.
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_sqlr_owner, regress_sqlr_user, regress_sqlr_super;
RESET client_min_messages;
CREATE ROLE regress_sqlr_owner;
CREATE ROLE regress_sqlr_user;
CREATE ROLE regress_sqlr_super SUPERUSER;
CREATE SERVER asking FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FUNCTION who() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN current_user; END';
CREATE FOREIGN TABLE ours (told text) SERVER asking
    OPTIONS (wrapper 'asking.Asking', execute 'sql.execute("SELECT current_user::text AS who")');
ALTER FOREIGN TABLE ours OWNER TO regress_sqlr_super;
GRANT SELECT ON ours TO regress_sqlr_owner;

-- A domain's check that asks another table between two columns of a row, also if that fails.
CREATE FUNCTION asks(n int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM told FROM ours;
    RETURN true;
END $$;
CREATE DOMAIN asked AS int CHECK (asks(value));
CREATE FOREIGN TABLE theirs (n asked, told text) SERVER asking
    OPTIONS (wrapper 'asking.Lazy', execute 'sql.execute("SELECT current_user::text AS who")');
ALTER FOREIGN TABLE theirs OWNER TO regress_sqlr_owner;
SELECT * FROM theirs;
CREATE OR REPLACE FUNCTION asks(n int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 / (n - least(length(told), 1)) FROM ours;
    RETURN true;
EXCEPTION WHEN division_by_zero THEN
    RETURN true;
END $$;
SELECT * FROM theirs;

-- A module that is imported for nobody's table, after somebody's was used.
CREATE FOREIGN TABLE early (told text) SERVER asking OPTIONS (wrapper 'asking_early.Early');
SELECT * FROM ours LIMIT 1;
SET ROLE regress_sqlr_user;
SELECT pg_relation_is_updatable('early'::regclass, false);
RESET ROLE;

-- A statement that one owner may run is not run for another as it was prepared.
CREATE SCHEMA closed;
CREATE TABLE closed.t (v text);
GRANT SELECT ON closed.t TO regress_sqlr_owner;
CREATE FOREIGN TABLE allowed (told text) SERVER asking OPTIONS (wrapper 'asking.Asking', execute 'sql.execute("SELECT v FROM closed.t")');
CREATE FOREIGN TABLE refused (told text) SERVER asking OPTIONS (wrapper 'asking.Asking', execute 'sql.execute("SELECT v FROM closed.t")');
ALTER FOREIGN TABLE refused OWNER TO regress_sqlr_owner;
SELECT allowed.told, refused.told FROM allowed, refused LIMIT 1;

-- A cursor keeps the rights that it was opened with, whoever has got hold of it.
CREATE FOREIGN TABLE opens (told text) SERVER asking OPTIONS (wrapper 'asking.Asking',
    execute 'setattr(type(self), "shared", sql.cursor("SELECT public.who() AS who FROM generate_series(1, 4)", batch_size=1))',
    second 'next(self.shared)');
ALTER FOREIGN TABLE opens OWNER TO regress_sqlr_owner;
CREATE FOREIGN TABLE fetches (told text) SERVER asking OPTIONS (wrapper 'asking.Asking',
    execute 'next(self.shared), sql.execute("SELECT public.who() AS who")');
BEGIN;
SELECT count(*) FROM opens;
SELECT told FROM fetches LIMIT 1;
COMMIT;

-- Nobody else can find it: FETCH asks for no right.
CREATE TABLE kept (id int);
INSERT INTO kept SELECT generate_series(1, 3);
CREATE FOREIGN TABLE reads (told text) SERVER asking OPTIONS (wrapper 'asking.Asking',
    execute 'setattr(self, "kept", sql.cursor("SELECT id FROM public.kept", batch_size=1)), next(self.kept)',
    second 'next(self.kept)');
GRANT SELECT ON reads TO regress_sqlr_user;
SET ROLE regress_sqlr_user;
BEGIN;
DECLARE c CURSOR FOR SELECT told IS NOT NULL AS told FROM reads;
FETCH c;
SELECT name FROM pg_cursors;
DO $$
DECLARE
    c refcursor;
    stolen record;
BEGIN
    FOR n IN 1..50 LOOP
        BEGIN
            c := format('<unnamed portal %s>', n);
            FETCH c INTO stolen;
            RAISE WARNING 'stolen: %', stolen;
        EXCEPTION WHEN invalid_cursor_name THEN NULL;
        END;
    END LOOP;
END $$;
FETCH c;
COMMIT;
RESET ROLE;

-- What plans a write runs nothing for a role that may not write.
CREATE FOREIGN TABLE inserted (told text) SERVER asking OPTIONS (wrapper 'asking.Writing', init '"made"');
CREATE FOREIGN TABLE updated (told text) SERVER asking OPTIONS (wrapper 'asking.Writing', init '"made"');
CREATE FOREIGN TABLE deleted (told text) SERVER asking OPTIONS (wrapper 'asking.Writing', init '"made"');
GRANT SELECT ON updated, deleted TO regress_sqlr_user;
GRANT pg_read_server_files TO regress_sqlr_user;
SET ROLE regress_sqlr_user;
INSERT INTO inserted VALUES ('x');
EXPLAIN INSERT INTO inserted VALUES ('x');
UPDATE updated SET told = 'x';
DELETE FROM deleted;
TRUNCATE inserted;
COPY inserted FROM '/dev/null';
RESET ROLE;
DROP OWNED BY regress_sqlr_owner, regress_sqlr_user, regress_sqlr_super CASCADE;
DROP ROLE regress_sqlr_owner, regress_sqlr_user, regress_sqlr_super;
