-- Who may name which class, and whose rights count: the server's owner's for the class, the table's
-- for its options, the querying role's for the user mapping.
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_rights_owner, regress_rights_reader, regress_rights_nobody;
RESET client_min_messages;
CREATE ROLE regress_rights_owner;
CREATE ROLE regress_rights_reader;
CREATE ROLE regress_rights_nobody;
GRANT USAGE ON FOREIGN DATA WRAPPER multicorn TO regress_rights_owner;
GRANT CREATE ON SCHEMA public TO regress_rights_owner, regress_rights_reader;

-- The settings exist from the library's load on. One that was made up before, by who may not, is dropped then.
SET ROLE regress_rights_owner;
SET multicorn.allowed_wrappers = '*';
RESET ROLE;
LOAD 'multicorn';

-- The default: a superuser may name any class, others none.
SET ROLE regress_rights_owner;
SHOW multicorn.allowed_wrappers;
CREATE SERVER theirs FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'witness.Witness');
CREATE SERVER theirs FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'nowhere.Class');
CREATE SERVER theirs FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'multicorn.csvfdw.CsvFdw');
-- They cannot help themselves.
SET multicorn.allowed_wrappers = '*';
ALTER ROLE regress_rights_owner SET multicorn.allowed_wrappers = '*';
SELECT set_config('multicorn.allowed_wrappers', '*', false);
CREATE FUNCTION widen() RETURNS text LANGUAGE sql SET multicorn.allowed_wrappers = '*' AS 'SELECT current_user::text';
RESET ROLE;

-- Listed classes.
SET multicorn.allowed_wrappers = 'witness.W*, multicorn.csvfdw.*';
SET ROLE regress_rights_owner;
CREATE SERVER theirs FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'witness.Witness');
ALTER SERVER theirs OPTIONS (SET wrapper 'witness.Other');
ALTER SERVER theirs OPTIONS (SET wrapper 'Witness.Witness');
CREATE FOREIGN TABLE theirs (u text, p text) SERVER theirs;
SELECT * FROM theirs;
-- A superuser changes the server of another role: judged by its owner all the same.
RESET ROLE;
ALTER SERVER theirs OPTIONS (SET wrapper 'witness.Other');
CREATE SERVER supers FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'witness.Other');
CREATE FOREIGN TABLE supers (u text, p text) SERVER supers;
SELECT * FROM supers;
-- '*' stands for one character at least, and case matters.
SET multicorn.allowed_wrappers = 'witness.Witness*, witness.other';
SET ROLE regress_rights_owner;
CREATE SERVER more FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'witness.Witness');
CREATE SERVER more FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'witness.Other');
RESET ROLE;
SET multicorn.allowed_wrappers = 'witness.W*, multicorn.csvfdw.*';
-- It is the owner who counts, not who asks.
GRANT SELECT ON supers TO regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT * FROM supers;
RESET ROLE;
-- A new owner, from then on, in running sessions and for cached instances too.
ALTER SERVER supers OWNER TO regress_rights_owner;
SELECT * FROM supers;
ALTER SERVER supers OWNER TO CURRENT_USER;
SELECT * FROM supers;
-- An owner who is no superuser any more.
ALTER ROLE regress_rights_nobody SUPERUSER;
ALTER SERVER supers OWNER TO regress_rights_nobody;
SELECT * FROM supers;
ALTER ROLE regress_rights_nobody NOSUPERUSER;
SELECT * FROM supers;
ALTER SERVER supers OWNER TO CURRENT_USER;
-- The setting changes: at once.
SELECT * FROM theirs;
SET multicorn.allowed_wrappers = 'multicorn.*';
SELECT * FROM theirs;
PREPARE again AS SELECT * FROM theirs;
EXECUTE again;
SET multicorn.allowed_wrappers = 'witness.Witness';
EXECUTE again;
SET multicorn.allowed_wrappers = '';
EXECUTE again;
-- The setting of a function counts while it runs.
CREATE FUNCTION narrow() RETURNS SETOF theirs LANGUAGE plpgsql SET multicorn.allowed_wrappers = '' AS
    'BEGIN RETURN QUERY SELECT * FROM theirs; END';
SET multicorn.allowed_wrappers = 'witness.Witness';
SELECT * FROM narrow();
SELECT * FROM theirs;
-- What is no pattern.
SET multicorn.allowed_wrappers = 'witness.Witness; drop';
EXECUTE again;
SET multicorn.allowed_wrappers = 'witness.Witness';

-- A table's own class: only where the server says so, and judged by the server's owner.
SET ROLE regress_rights_owner;
CREATE SERVER free FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE free (u text, p text) SERVER free OPTIONS (wrapper 'witness.Witness');
SELECT * FROM free;
CREATE FOREIGN TABLE other (u text, p text) SERVER free OPTIONS (wrapper 'witness.Other');
ALTER FOREIGN TABLE free OPTIONS (SET wrapper 'witness.Other');
CREATE FOREIGN TABLE other (u text, p text) SERVER theirs OPTIONS (wrapper 'witness.Other');
CREATE FOREIGN TABLE same (u text, p text) SERVER theirs OPTIONS (wrapper 'witness.Witness');
SELECT * FROM same;
-- In a function too.
DO $$
BEGIN
    EXECUTE 'CREATE FOREIGN TABLE other (u text, p text) SERVER free OPTIONS (wrapper ''witness.Other'')';
    RAISE NOTICE 'created';
    PERFORM * FROM other;
END $$;
IMPORT FOREIGN SCHEMA s FROM SERVER free INTO public OPTIONS (wrapper 'witness.Other');
IMPORT FOREIGN SCHEMA s FROM SERVER theirs INTO public OPTIONS (wrapper 'witness.Other');
IMPORT FOREIGN SCHEMA s FROM SERVER free INTO public OPTIONS (wrapper 'witness.Witness');
SELECT * FROM imported;
ALTER SERVER theirs OPTIONS (SET wrapper '*');
ALTER SERVER theirs OPTIONS (DROP wrapper);
-- Without a class of its own a table of such a server has none.
CREATE FOREIGN TABLE classless (u text) SERVER free;
SELECT * FROM classless;
RESET ROLE;

-- User mappings: the querying role's, else PUBLIC's; a view's owner's below a view.
CREATE USER MAPPING FOR CURRENT_USER SERVER supers OPTIONS (user 'super', password 'super-secret');
CREATE USER MAPPING FOR regress_rights_owner SERVER supers OPTIONS (user 'owner');
CREATE USER MAPPING FOR PUBLIC SERVER supers OPTIONS (user 'everybody');
SELECT * FROM supers;
SET ROLE regress_rights_reader;
SELECT * FROM supers;
RESET ROLE;
CREATE VIEW through AS SELECT * FROM supers;
GRANT SELECT ON through TO regress_rights_reader;
GRANT SELECT ON supers TO regress_rights_owner;
SET ROLE regress_rights_owner;
SELECT * FROM supers;
CREATE VIEW through_owner AS SELECT * FROM supers;
GRANT SELECT ON through_owner TO regress_rights_reader;
CREATE FUNCTION as_owner() RETURNS SETOF supers LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM supers';
CREATE FUNCTION as_owner_plpgsql() RETURNS SETOF supers LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN RETURN QUERY SELECT * FROM supers; END';
CREATE FUNCTION as_caller() RETURNS SETOF supers LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY SELECT * FROM supers; END';
RESET ROLE;
SET ROLE regress_rights_reader;
SELECT * FROM through;
SELECT * FROM through_owner;
SELECT * FROM as_owner();
SELECT * FROM as_owner_plpgsql();
SELECT * FROM as_caller();
-- Both at once, and a prepared statement that changes hands.
SELECT t.u, o.u FROM through AS t, through_owner AS o;
RESET ROLE;
PREPARE mine AS SELECT * FROM supers;
EXECUTE mine; EXECUTE mine; EXECUTE mine; EXECUTE mine; EXECUTE mine; EXECUTE mine; EXECUTE mine;
SET ROLE regress_rights_reader;
EXECUTE mine; EXECUTE mine;
RESET ROLE;
EXECUTE mine;
-- A changed mapping makes a new instance.
ALTER USER MAPPING FOR PUBLIC SERVER supers OPTIONS (SET user 'all');
SET ROLE regress_rights_reader;
SELECT * FROM supers;
RESET ROLE;

-- A password leaves in no message and no plan.
SELECT * FROM supers;
EXPLAIN (VERBOSE, COSTS off) SELECT * FROM supers;
ALTER FOREIGN TABLE supers OPTIONS (complaint 'cannot connect %(user)s with %(password)s');
SELECT * FROM supers;
ALTER FOREIGN TABLE supers OPTIONS (SET complaint 'postgresql://%(user)s:%(password)s@host/ refused, password=%(password)s');
SELECT * FROM supers;

-- Who may not read a table makes no class be imported by naming it, nor an instance be made.
CREATE FOREIGN TABLE hidden (u text, p text) SERVER supers OPTIONS (user 'hidden');
\c -
SET ROLE regress_rights_nobody;
SELECT * FROM hidden;
EXPLAIN SELECT * FROM hidden;
SELECT count(*) FROM supers, hidden WHERE false;
PREPARE p AS SELECT u FROM hidden WHERE p = $1;
EXECUTE p('x');
SELECT u FROM (SELECT u FROM hidden OFFSET 0) AS inner_query;
SELECT * FROM pg_class WHERE relname = 'x' AND EXISTS (SELECT FROM hidden);
SELECT * FROM through;
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM hidden;
-- With the right to one column it goes as far as that.
RESET ROLE;
GRANT SELECT (u) ON hidden TO regress_rights_nobody;
SET ROLE regress_rights_nobody;
SELECT p FROM hidden;
SELECT u FROM hidden;
RESET ROLE;
-- Files of the server: the owners of server and table both need the right, the querying role none.
SET multicorn.allowed_wrappers = 'multicorn.csvfdw.CsvFdw';
SET ROLE regress_rights_owner;
CREATE SERVER files FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'multicorn.csvfdw.CsvFdw');
CREATE FOREIGN TABLE cities (city text, country text, inhabitants text, founded text) SERVER files
    OPTIONS (filename '../files/data/cities.csv', skip_header '1');
GRANT SELECT ON cities TO regress_rights_nobody;
SELECT count(*) FROM cities;
RESET ROLE;
SELECT count(*) FROM cities;
GRANT pg_read_server_files TO regress_rights_owner;
SET ROLE regress_rights_owner;
SELECT count(*) FROM cities;
RESET ROLE;
SET ROLE regress_rights_nobody;
SELECT count(*) FROM cities;
RESET ROLE;
-- A table of another owner on the same server.
GRANT USAGE ON FOREIGN SERVER files TO regress_rights_reader;
SET ROLE regress_rights_reader;
CREATE FOREIGN TABLE passwords (line text) SERVER files OPTIONS (filename '/etc/passwd', delimiter '|');
SELECT count(*) > 0 FROM passwords;
RESET ROLE;
SELECT count(*) > 0 FROM passwords;
ALTER FOREIGN TABLE passwords OWNER TO regress_rights_owner;
SELECT count(*) > 0 FROM passwords;
-- The right is taken away: at once.
REVOKE pg_read_server_files FROM regress_rights_owner;
SELECT count(*) FROM cities;
SET client_min_messages = warning;
DROP SERVER files CASCADE;
DROP SERVER theirs, supers, free CASCADE;
DROP OWNED BY regress_rights_owner, regress_rights_reader, regress_rights_nobody;
DROP ROLE regress_rights_owner, regress_rights_reader, regress_rights_nobody;
