-- Handler, validator, and the options of wrapper, server, table, column and user mapping.
-- The wrapper is the server's choice.
CREATE SERVER none FOREIGN DATA WRAPPER multicorn;
CREATE SERVER none FOREIGN DATA WRAPPER multicorn OPTIONS (a '1', b '2');
CREATE SERVER none FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '');
CREATE SERVER none FOREIGN DATA WRAPPER multicorn OPTIONS (wraper 'contract.Options');
CREATE SERVER one FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Options', a 'server', b 'server');
ALTER SERVER one OPTIONS (DROP wrapper);
ALTER SERVER one OPTIONS (SET wrapper '');
ALTER SERVER one OPTIONS (ADD wrapper 'contract.Other');
-- A class is looked for when it is used, not before.
CREATE SERVER missing FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Optoins');

-- On the table it is an error, unless it repeats the server's class.
CREATE FOREIGN TABLE bad (name text) SERVER one OPTIONS (wrapper 'contract.Other');
CREATE FOREIGN TABLE same (name text, value text) SERVER one OPTIONS (wrapper 'contract.Options', a 'table');
SELECT * FROM same;
ALTER FOREIGN TABLE same OPTIONS (SET wrapper 'contract.Other');
ALTER FOREIGN TABLE same OPTIONS (DROP wrapper);
ALTER FOREIGN TABLE same OPTIONS (ADD wrapper 'contract.Other');
ALTER FOREIGN TABLE same OPTIONS (ADD wrapper 'contract.Options');
SELECT * FROM same;
ALTER SERVER one OPTIONS (SET wrapper 'contract.Other');
SELECT * FROM same;
ALTER SERVER one OPTIONS (SET wrapper 'contract.Options');
SELECT * FROM same;
-- The same inside of a DO block, a function, and a statement's own statements.
DO $$ BEGIN CREATE FOREIGN TABLE bad (name text) SERVER one OPTIONS (wrapper 'contract.Other'); END $$;
DO $$ BEGIN EXECUTE 'CREATE FOREIGN TABLE bad (name text) SERVER one OPTIONS (wrapper ''contract.Other'')'; END $$;
DO $$ BEGIN CREATE FOREIGN TABLE done (name text) SERVER one OPTIONS (wrapper 'contract.Options'); END $$;
DO $$ BEGIN ALTER FOREIGN TABLE done OPTIONS (SET wrapper 'contract.Other'); END $$;
CREATE FUNCTION make(class text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE made (name text, value text) SERVER one OPTIONS (wrapper %L)', class);
EXCEPTION WHEN fdw_invalid_option_name THEN
    RAISE NOTICE 'caught: %', SQLERRM;
END $$;
SELECT make('contract.Other');
SELECT make('contract.Options');
SELECT * FROM made;
SELECT relname FROM pg_class WHERE relkind = 'f' ORDER BY relname;

-- A server with '*' leaves the choice to its tables.
CREATE SERVER free FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*', a 'server');
CREATE FOREIGN TABLE chosen (name text, value text) SERVER free OPTIONS (wrapper 'contract.Options', a 'table');
SELECT * FROM chosen;
DO $$ BEGIN
    CREATE FOREIGN TABLE chosen_in_do (name text, value text) SERVER free OPTIONS (wrapper 'contract.Other');
END $$;
SELECT * FROM chosen_in_do;
ALTER FOREIGN TABLE chosen OPTIONS (SET wrapper 'contract.Other');
SELECT * FROM chosen;
CREATE FOREIGN TABLE unchosen (name text) SERVER free;
SELECT * FROM unchosen;
CREATE FOREIGN TABLE star (name text) SERVER free OPTIONS (wrapper '*');
IMPORT FOREIGN SCHEMA nothing FROM SERVER free INTO public;
IMPORT FOREIGN SCHEMA imported FROM SERVER free INTO public OPTIONS (wrapper 'contract.Options');
SELECT * FROM imported;
SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = 'imported'::regclass;
IMPORT FOREIGN SCHEMA refused FROM SERVER one INTO public OPTIONS (wrapper 'contract.Other');
IMPORT FOREIGN SCHEMA repeated FROM SERVER one INTO public OPTIONS (wrapper 'contract.Options');
SELECT * FROM repeated;
-- A server that no longer leaves the choice.
ALTER SERVER free OPTIONS (SET wrapper 'contract.Options');
SELECT * FROM chosen;
SELECT * FROM imported;
SELECT * FROM unchosen;

-- Nowhere else.
CREATE FOREIGN TABLE bad (name text OPTIONS (wrapper 'contract.Other')) SERVER one;
CREATE USER MAPPING FOR CURRENT_USER SERVER one OPTIONS (wrapper 'contract.Other');
ALTER FOREIGN DATA WRAPPER multicorn OPTIONS (ADD wrapper 'contract.Other');

-- Which value wins: table, then server, then user mapping, the later one.
CREATE ROLE regress_options_a;
CREATE ROLE regress_options_b;
GRANT ALL ON SCHEMA public TO regress_options_a, regress_options_b;
ALTER SERVER one OPTIONS (DROP b, ADD "User" 'server', ADD c 'server');
CREATE FOREIGN TABLE t (name text, value text) SERVER one
    OPTIONS (a 'table', c 'table', d 'table', "username" 'table');
GRANT SELECT ON t TO regress_options_a, regress_options_b;
SELECT * FROM t;
CREATE USER MAPPING FOR PUBLIC SERVER one OPTIONS (c 'mapping of public', d 'mapping of public');
CREATE USER MAPPING FOR regress_options_a SERVER one OPTIONS (c 'mapping of a', username 'alice');
-- PUBLIC's for those without one; not merged with it for those who have one.
SELECT * FROM t;
SET ROLE regress_options_a;
SELECT * FROM t;
SET ROLE regress_options_b;
SELECT * FROM t;
RESET ROLE;
-- Under a view it is the view's owner who counts, with his mapping.
SET ROLE regress_options_a;
CREATE VIEW of_a AS SELECT * FROM t;
GRANT SELECT ON of_a TO regress_options_b;
SET ROLE regress_options_b;
SELECT * FROM of_a WHERE name IN ('c', 'd');
SELECT v.value AS through_view, t.value AS direct FROM of_a v JOIN t USING (name) WHERE name = 'c';
PREPARE through AS SELECT value FROM of_a WHERE name = 'c';
EXECUTE through;
RESET ROLE;
EXECUTE through;
SET ROLE regress_options_a;
EXECUTE through;
RESET ROLE;
SET ROLE regress_options_a;
CREATE VIEW of_invoker WITH (security_invoker) AS SELECT * FROM t;
GRANT SELECT ON of_invoker TO regress_options_b;
SET ROLE regress_options_b;
SELECT value FROM of_invoker WHERE name = 'c';
RESET ROLE;
-- As the function's owner inside of SECURITY DEFINER.
CREATE FUNCTION as_owner() RETURNS SETOF text SECURITY DEFINER LANGUAGE sql AS $$ SELECT value FROM t WHERE name = 'c' $$;
ALTER FUNCTION as_owner() OWNER TO regress_options_a;
SET ROLE regress_options_b;
SELECT as_owner();
RESET ROLE;
-- A mapping made, changed and dropped is seen at once.
CREATE USER MAPPING FOR regress_options_b SERVER one OPTIONS (c 'mapping of b');
SET ROLE regress_options_b;
SELECT value FROM t WHERE name = 'c';
RESET ROLE;
ALTER USER MAPPING FOR regress_options_b SERVER one OPTIONS (SET c 'changed');
SET ROLE regress_options_b;
SELECT value FROM t WHERE name = 'c';
RESET ROLE;
DROP USER MAPPING FOR regress_options_b SERVER one;
DROP USER MAPPING FOR PUBLIC SERVER one;
SET ROLE regress_options_b;
SELECT * FROM t;
RESET ROLE;

-- What is a password by its name is in no message, whatever the class does with it.
CREATE SERVER talker FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Teller');
CREATE USER MAPPING FOR CURRENT_USER SERVER talker
    OPTIONS (username 'alice', tenant 'test', password 'sesame open', api_key 'k1', "Client_Secret" 'hush hush');
CREATE FOREIGN TABLE talked (a text) SERVER talker;
SELECT * FROM talked WHERE a = 'test';
DROP USER MAPPING FOR CURRENT_USER SERVER talker;

-- Who may do what.
SET ROLE regress_options_b;
CREATE SERVER mine FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Options');
CREATE FOREIGN TABLE mine (name text) SERVER one;
RESET ROLE;
GRANT USAGE ON FOREIGN DATA WRAPPER multicorn TO regress_options_b;
GRANT USAGE ON FOREIGN SERVER one TO regress_options_b;
SET ROLE regress_options_b;
CREATE SERVER mine FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Options');
-- The server's owner is a superuser: who may use the server may use its class.
CREATE FOREIGN TABLE mine (name text, value text) SERVER one;
SELECT name FROM mine;
RESET ROLE;

-- The functions by hand.
SELECT multicorn_handler();
SELECT multicorn_validator('{wrapper=contract.Options}', 'pg_foreign_server'::regclass);
SELECT multicorn_validator('{}', 'pg_foreign_server'::regclass);
SELECT multicorn_validator('{}', 'pg_foreign_table'::regclass);
SELECT multicorn_validator('{a=1}', 'pg_user_mapping'::regclass);
SELECT multicorn_validator('{wrapper=x.Y}', 'pg_attribute'::regclass);
SELECT multicorn_validator(NULL, 'pg_foreign_server'::regclass);
SELECT multicorn_validator('{novalue}', 'pg_foreign_server'::regclass);
SELECT multicorn_validator('{}', 0);

DROP OWNED BY regress_options_a, regress_options_b;
DROP USER MAPPING IF EXISTS FOR regress_options_a SERVER one;
DROP ROLE regress_options_a, regress_options_b;
