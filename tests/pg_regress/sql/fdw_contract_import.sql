-- IMPORT FOREIGN SCHEMA.
CREATE SERVER importer FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'importing.Importer', host 'server');
CREATE SCHEMA "Local Schema";
IMPORT FOREIGN SCHEMA "Remote ""One" FROM SERVER importer INTO "Local Schema" OPTIONS (extra 'given', "Mixed" 'x');
SELECT ftrelid::regclass AS table, ftoptions FROM pg_foreign_table ORDER BY ftrelid::regclass::text COLLATE "C";
SELECT attrelid::regclass AS table, attname, format_type(atttypid, atttypmod) AS type, attfdwoptions
FROM pg_attribute WHERE attrelid IN (SELECT ftrelid FROM pg_foreign_table) AND attnum > 0
ORDER BY attrelid::regclass::text COLLATE "C", attnum;
SELECT * FROM "Local Schema"."Odd ""Name""";
-- The server filters as well, whatever the class does with the lists.
CREATE SCHEMA limited;
IMPORT FOREIGN SCHEMA remote LIMIT TO (plain, missing) FROM SERVER importer INTO limited;
CREATE SCHEMA excepted;
IMPORT FOREIGN SCHEMA remote EXCEPT (plain, "Odd ""Name""") FROM SERVER importer INTO excepted;
SELECT ftrelid::regclass AS table FROM pg_foreign_table
WHERE ftrelid::regclass::text ~ '^(limited|excepted)' ORDER BY 1;
-- Options of the user mapping reach it; those of the statement stay apart.
CREATE USER MAPPING FOR PUBLIC SERVER importer OPTIONS ("user" 'public', host 'mapping');
CREATE SCHEMA mapped;
IMPORT FOREIGN SCHEMA remote LIMIT TO (plain) FROM SERVER importer INTO mapped OPTIONS (host 'statement');
-- What exists already is an error, and nothing of the rest stays.
IMPORT FOREIGN SCHEMA remote FROM SERVER importer INTO limited;
SELECT ftrelid::regclass AS table FROM pg_foreign_table WHERE ftrelid::regclass::text ~ '^limited' ORDER BY 1;
-- A subclass words its own statement; generators; forms of the first documentation.
CREATE SERVER subclassed FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'importing.Subclassed');
IMPORT FOREIGN SCHEMA "Sub" FROM SERVER subclassed INTO mapped;
IMPORT FOREIGN SCHEMA "Sub" FROM SERVER subclassed INTO mapped;
SELECT * FROM mapped."Sub";
CREATE SERVER "Odd Server" FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'importing.Generator');
IMPORT FOREIGN SCHEMA x FROM SERVER "Odd Server" INTO mapped;
SELECT * FROM mapped.generated_1;
CREATE SERVER old FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'importing.Old');
IMPORT FOREIGN SCHEMA x FROM SERVER old INTO mapped;
SELECT * FROM mapped.old;
-- A table may be read in the transaction that imports it, and is gone with it.
BEGIN;
CREATE SCHEMA passing;
IMPORT FOREIGN SCHEMA x FROM SERVER "Odd Server" INTO passing;
SELECT * FROM passing.generated_0;
ROLLBACK;
-- Failures.
CREATE SERVER failing FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'importing.Failing');
IMPORT FOREIGN SCHEMA x FROM SERVER failing INTO mapped;
CREATE SERVER no_import FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Teller');
IMPORT FOREIGN SCHEMA x FROM SERVER no_import INTO mapped;
CREATE SERVER method FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'importing.InstanceMethod');
IMPORT FOREIGN SCHEMA x FROM SERVER method INTO mapped;
CREATE SERVER answers FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'importing.Answers');
IMPORT FOREIGN SCHEMA "[]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "()" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "None" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "7" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "'text'" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[7]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[None]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[S(None)]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[S(7)]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[S('nonsense')]" FROM SERVER answers INTO mapped;
-- The server's own check; its message ends in a number that differs between versions.
DO $$ BEGIN
    IMPORT FOREIGN SCHEMA "[S('DROP SCHEMA limited')]" FROM SERVER answers INTO mapped;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+$', 'N');
END $$;
IMPORT FOREIGN SCHEMA "[S('')]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[T('t', columns=[C('a', type_name='nothing')])]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[T('t', columns=[C('a', type_name=None)])]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[T('t', columns=[C('a', type_name='text')] * 2)]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[T('nul' + chr(0))]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[S('x' + chr(0))]" FROM SERVER answers INTO mapped;
IMPORT FOREIGN SCHEMA "[S(chr(0xD800))]" FROM SERVER answers INTO mapped;
-- The bundled test wrapper.
CREATE SERVER bundled FOREIGN DATA WRAPPER multicorn
    OPTIONS (wrapper 'multicorn.testfdw.TestForeignDataWrapper', option1 'server');
CREATE SCHEMA bundled;
IMPORT FOREIGN SCHEMA import_source LIMIT TO (imported_table_1, imported_table_3) FROM SERVER bundled INTO bundled
    OPTIONS (nb_col '2');
SELECT * FROM bundled.imported_table_3 LIMIT 1;
SELECT ftrelid::regclass AS table FROM pg_foreign_table WHERE ftrelid::regclass::text ~ '^bundled' ORDER BY 1;
