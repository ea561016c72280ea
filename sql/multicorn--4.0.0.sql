\echo Use "CREATE EXTENSION multicorn" to load this file. \quit

CREATE FUNCTION multicorn_handler() RETURNS fdw_handler
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'multicorn_handler';
COMMENT ON FUNCTION multicorn_handler() IS 'Multicorn: the callbacks of the foreign data wrapper';

CREATE FUNCTION multicorn_validator(text[], oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'multicorn_validator';
COMMENT ON FUNCTION multicorn_validator(text[], oid) IS 'Multicorn: checks the options of servers, tables, columns and user mappings';

CREATE FOREIGN DATA WRAPPER multicorn
    HANDLER multicorn_handler
    VALIDATOR multicorn_validator;

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
