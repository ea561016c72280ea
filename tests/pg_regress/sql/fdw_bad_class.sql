-- Classes that cannot be had: the error says what is missing, where Python looked, and what was meant.
\set VERBOSITY terse
CREATE SERVER none FOREIGN DATA WRAPPER multicorn;
CREATE SERVER none FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '');
CREATE SERVER none FOREIGN DATA WRAPPER multicorn OPTIONS (wraper 'hostile.Hostile');
\set VERBOSITY default
CREATE SERVER none FOREIGN DATA WRAPPER multicorn OPTIONS (wraper 'hostile.Hostile');
CREATE FUNCTION failure(class text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SERVER bad FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper %L)', class);
    CREATE FOREIGN TABLE bad_table (id int) SERVER bad;
    PERFORM FROM bad_table;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    -- The directories are this machine's.
    hint = regexp_replace(hint, '\[.*\]|''[^'']*\.py''', '<...>', 'g');
    RETURN NEXT;
END $$;
\x
SELECT * FROM failure('nowhere.Class');
SELECT * FROM failure('hostil.Hostile');
SELECT * FROM failure('hostile.Hostle');
SELECT * FROM failure('hostile.Nothing');
SELECT * FROM failure('hostile.fail');
SELECT * FROM failure('hostile');
SELECT * FROM failure('.Hostile');
SELECT * FROM failure('hostile.');
SELECT * FROM failure('multicorn.csvfd.CsvFdw');
SELECT * FROM failure('multicorn.csvfdw.CSVFdw');
SELECT * FROM failure('hostile; import os.Hostile');
SELECT * FROM failure('broken_syntax.Class');
SELECT * FROM failure('broken_import.Class');
SELECT * FROM failure('broken_code.Class');
SELECT * FROM failure('broken_exit.Class');
-- A module that failed is tried again, and one that then works works.
SELECT * FROM failure('broken_once.Class');
SELECT * FROM failure('broken_once.Class');
-- Classes that are none of ours.
SELECT * FROM failure('builtins.dict');
SELECT * FROM failure('builtins.int');
SELECT * FROM failure('abc.ABC');
SELECT * FROM failure('odd_classes.NoExecute');
SELECT * FROM failure('odd_classes.NoArguments');
SELECT * FROM failure('odd_classes.StartupCost');
SELECT * FROM failure('odd_classes.NewReturnsText');
SELECT * FROM failure('odd_classes.WrongParameters');
SELECT * FROM failure('odd_classes.Hidden');
SELECT * FROM failure('odd_classes.NotCallable');
\x
-- Options misspelt: of the bundled wrappers, and not of the server's affair where it is the user's own class.
CREATE SERVER files FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'multicorn.csvfdw.CsvFdw');
CREATE FOREIGN TABLE cities (city text) SERVER files OPTIONS (filname 'x');
SELECT * FROM cities;
ALTER FOREIGN TABLE cities OPTIONS (DROP filname, ADD filename '../files/data/cities.csv', colour 'red');
SELECT count(*) FROM cities;
SELECT 'lives on';
