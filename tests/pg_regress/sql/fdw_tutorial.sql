-- The tutorial, statement by statement.
CREATE SERVER multicorn_srv FOREIGN DATA WRAPPER multicorn
    OPTIONS (wrapper 'tutorial.ConstantForeignDataWrapper');
CREATE FOREIGN TABLE constanttable (
    test character varying,
    test2 character varying
) SERVER multicorn_srv;

SELECT * FROM constanttable;
SELECT * FROM constanttable WHERE test = 'test 2' AND test2 LIKE '%2%';
SELECT test2 FROM constanttable LIMIT 1;
SELECT count(*) FROM constanttable a JOIN constanttable b USING (test);

-- The server that lets each table name its own class, as the tutorial does.
CREATE SERVER any_srv FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE own (
    test character varying
) SERVER any_srv OPTIONS (wrapper 'tutorial.ConstantForeignDataWrapper');
SELECT * FROM own ORDER BY test DESC LIMIT 2;
