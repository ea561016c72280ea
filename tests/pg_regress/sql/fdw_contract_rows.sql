-- What execute() may return, and what is said about anything else.
SET jit = off;
CREATE SERVER forms FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'rowforms.RowForms');
CREATE FOREIGN TABLE f (a int, b text) SERVER forms OPTIONS (form 'tuple');
CREATE PROCEDURE form(name text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('ALTER FOREIGN TABLE f OPTIONS (SET form %L)', name); END $$;
SELECT * FROM f;
CALL form('list');
SELECT * FROM f;
CALL form('namedtuple');
SELECT * FROM f;
CALL form('sequence');
SELECT * FROM f;
CALL form('range');
SELECT * FROM f;
CALL form('dict');
SELECT * FROM f;
CALL form('ordered');
SELECT * FROM f;
CALL form('chain');
SELECT * FROM f;
CALL form('proxy');
SELECT * FROM f;
CALL form('user');
SELECT * FROM f;
CALL form('mapping');
SELECT * FROM f;
CALL form('record');
SELECT * FROM f;
-- A missing key is NULL, an extra one is ignored.
CALL form('missing');
SELECT * FROM f;
CALL form('extra');
SELECT * FROM f;
CALL form('made_up');
SELECT * FROM f;
-- Kinds of iterables, and kinds of rows mixed in one.
CALL form('generator');
SELECT * FROM f;
SELECT * FROM f LIMIT 1;
SELECT b FROM f;
CALL form('iterator');
SELECT * FROM f;
CALL form('zip');
SELECT * FROM f;
CALL form('set');
SELECT * FROM f;
CALL form('deque');
SELECT * FROM f;
CALL form('items');
SELECT * FROM f;
CALL form('reused');
SELECT * FROM f;
-- No rows.
CALL form('empty');
SELECT * FROM f;
CALL form('none');
SELECT * FROM f;
SELECT count(*) FROM f;

-- Each scan has its end_scan(), also after an error. (Told by a table of its own: a notice that follows an
-- error may overtake it on the way to psql's output.)
CREATE FOREIGN TABLE ends (executed int, ended int) SERVER forms OPTIONS (form 'counts');
SELECT executed > 20 AS executed, executed - ended AS not_ended FROM ends;

-- A row that is None is no end of the scan, but an error.
CALL form('none_row');
SELECT * FROM f;
CALL form('none_row_generated');
SELECT * FROM f;
-- Text and a single mapping are not taken apart.
CALL form('str');
SELECT * FROM f;
CALL form('bytes');
SELECT * FROM f;
CALL form('one_dict');
SELECT * FROM f;
CALL form('one_mapping');
SELECT * FROM f;
CALL form('number');
SELECT * FROM f;
CALL form('object');
SELECT * FROM f;
CALL form('class');
SELECT * FROM f;
CALL form('str_rows');
SELECT * FROM f;
CALL form('bytes_rows');
SELECT * FROM f;
CALL form('number_rows');
SELECT * FROM f;
CALL form('set_rows');
SELECT * FROM f;
CALL form('generator_rows');
SELECT * FROM f;
CALL form('short');
SELECT * FROM f;
SELECT a FROM f;
SELECT count(*) FROM f;
CALL form('long');
SELECT * FROM f;
CALL form('empty_row');
SELECT * FROM f;
CALL form('no_length');
SELECT * FROM f;
CALL form('faulty_mapping');
SELECT * FROM f;
CALL form('failing');
SELECT * FROM f;
SELECT * FROM f LIMIT 1;
CALL form('failing_iterator');
SELECT * FROM f;
SELECT executed > 40 AS executed, executed - ended AS not_ended FROM ends;
-- The table works after all this.
CALL form('tuple');
SELECT * FROM f;

-- Forms of execute() itself.
CREATE SERVER various FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE only_quals (a int, b text) SERVER various OPTIONS (wrapper 'rowforms.OnlyQuals');
SELECT * FROM only_quals WHERE a > 0;
CREATE FOREIGN TABLE any_arguments (a int, b text) SERVER various OPTIONS (wrapper 'rowforms.AnyArguments');
SELECT * FROM any_arguments;
CREATE FOREIGN TABLE duck (a int, b text) SERVER various OPTIONS (wrapper 'rowforms.Duck');
SELECT * FROM duck;
EXPLAIN SELECT a FROM duck;
CREATE FOREIGN TABLE renamed (a int, b text) SERVER various OPTIONS (wrapper 'rowforms.Renamed');
SELECT a FROM renamed WHERE a = 1 ORDER BY b LIMIT 1;
CREATE FOREIGN TABLE no_execute (a int, b text) SERVER various OPTIONS (wrapper 'rowforms.NoExecute');
SELECT * FROM no_execute;
CREATE FOREIGN TABLE static (a int, b text) SERVER various OPTIONS (wrapper 'rowforms.StaticExecute');
SELECT * FROM static;
CREATE FOREIGN TABLE instance (a int, b text) SERVER various OPTIONS (wrapper 'rowforms.InstanceExecute');
SELECT * FROM instance;
-- The bundled test wrapper's forms.
CREATE FOREIGN TABLE bundled (test1 text, test2 text) SERVER various
    OPTIONS (wrapper 'multicorn.testfdw.TestForeignDataWrapper', test_type 'None');
SELECT * FROM bundled;
ALTER FOREIGN TABLE bundled OPTIONS (SET test_type 'iter_none');
SELECT * FROM bundled;
ALTER FOREIGN TABLE bundled OPTIONS (SET test_type 'sequence');
SELECT * FROM bundled LIMIT 2;
ALTER FOREIGN TABLE bundled OPTIONS (ADD test_subtype '1null');
SELECT * FROM bundled LIMIT 2;
