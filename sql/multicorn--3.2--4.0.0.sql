\echo Use "ALTER EXTENSION multicorn UPDATE" to load this file. \quit

-- The wrapper keeps its OID, and with it every server, table and user mapping; its functions are renewed.
-- The server warns whenever a wrapper's functions change; here that is what was asked for.
SET LOCAL client_min_messages = error;

CREATE OR REPLACE FUNCTION multicorn_handler() RETURNS fdw_handler
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'multicorn_handler';
COMMENT ON FUNCTION multicorn_handler() IS 'Multicorn: the callbacks of the foreign data wrapper';

DO $upgrade$
DECLARE
    -- Somebody may have made a wrapper of his own from the same functions.
    wrappers name[] := ARRAY(
        SELECT fdwname FROM pg_foreign_data_wrapper
        WHERE fdwvalidator = to_regprocedure('multicorn_validator(text[], oid)')
    );
    wrapper name;
BEGIN
    -- 3.2's validator returned a bool, and a function's result cannot be replaced.
    FOREACH wrapper IN ARRAY wrappers LOOP
        EXECUTE format('ALTER FOREIGN DATA WRAPPER %I NO VALIDATOR', wrapper);
    END LOOP;
    DROP FUNCTION IF EXISTS multicorn_validator(text[], oid);
    CREATE FUNCTION multicorn_validator(text[], oid) RETURNS void
        LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'multicorn_validator';
    FOREACH wrapper IN ARRAY wrappers LOOP
        EXECUTE format('ALTER FOREIGN DATA WRAPPER %I VALIDATOR multicorn_validator', wrapper);
    END LOOP;

    IF NOT EXISTS (SELECT FROM pg_foreign_data_wrapper WHERE fdwname = 'multicorn') THEN
        CREATE FOREIGN DATA WRAPPER multicorn;
    END IF;
    ALTER FOREIGN DATA WRAPPER multicorn HANDLER multicorn_handler VALIDATOR multicorn_validator;

    -- Older scripts left the helper by which they started Python. One of that name that is not the
    -- extension's is not ours to drop.
    IF EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_proc'::regclass AND deptype = 'e' AND refclassid = 'pg_extension'::regclass
            AND objid = to_regprocedure('multicorn_check_plpython3u()')
            AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'multicorn')
    ) THEN
        DROP FUNCTION multicorn_check_plpython3u();
    END IF;
END $upgrade$;

COMMENT ON FUNCTION multicorn_validator(text[], oid) IS 'Multicorn: checks the options of servers, tables, columns and user mappings';

CREATE FUNCTION multicorn_python_call() RETURNS language_handler
    LANGUAGE c AS 'MODULE_PATHNAME', 'multicorn_python_call';
COMMENT ON FUNCTION multicorn_python_call() IS 'Multicorn: calls functions of language python';

CREATE FUNCTION multicorn_python_inline(internal) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'multicorn_python_inline';
COMMENT ON FUNCTION multicorn_python_inline(internal) IS 'Multicorn: runs DO blocks of language python';

CREATE FUNCTION multicorn_python_validator(oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'multicorn_python_validator';
COMMENT ON FUNCTION multicorn_python_validator(oid) IS 'Multicorn: checks functions of language python';

CREATE LANGUAGE python
    HANDLER multicorn_python_call
    INLINE multicorn_python_inline
    VALIDATOR multicorn_python_validator;
COMMENT ON LANGUAGE python IS 'Python with PostgreSQL''s own types, untrusted';

CREATE FUNCTION multicorn_plpy_call() RETURNS language_handler
    LANGUAGE c AS 'MODULE_PATHNAME', 'multicorn_plpy_call';
COMMENT ON FUNCTION multicorn_plpy_call() IS 'Multicorn: calls functions of language plpy';

CREATE FUNCTION multicorn_plpy_inline(internal) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'multicorn_plpy_inline';
COMMENT ON FUNCTION multicorn_plpy_inline(internal) IS 'Multicorn: runs DO blocks of language plpy';

CREATE FUNCTION multicorn_plpy_validator(oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'multicorn_plpy_validator';
COMMENT ON FUNCTION multicorn_plpy_validator(oid) IS 'Multicorn: checks functions of language plpy';

CREATE LANGUAGE plpy
    HANDLER multicorn_plpy_call
    INLINE multicorn_plpy_inline
    VALIDATOR multicorn_plpy_validator;
COMMENT ON LANGUAGE plpy IS 'PL/Python''s dialect, untrusted';
