-- What CREATE EXTENSION makes, and that nothing of it is left behind.
SELECT extversion, extrelocatable FROM pg_extension WHERE extname = 'multicorn';

-- From PostgreSQL 17 on the row types of tables are listed, too.
SELECT pg_describe_object(classid, objid, objsubid) AS object
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND classid <> 'pg_type'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'multicorn')
ORDER BY 1;

-- A wrapper imports code: nobody but a superuser may use it until it is granted.
SELECT fdwname, fdwacl IS NULL AS nobody FROM pg_foreign_data_wrapper WHERE fdwname = 'multicorn';

DROP EXTENSION multicorn;
SELECT count(*) FROM pg_foreign_data_wrapper;
SELECT count(*) FROM pg_proc WHERE proname LIKE 'multicorn%';
CREATE EXTENSION multicorn;
SELECT count(*) FROM pg_foreign_data_wrapper;
