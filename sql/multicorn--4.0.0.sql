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
