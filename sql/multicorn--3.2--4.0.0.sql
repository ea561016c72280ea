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

CREATE FUNCTION multicorn_jsonb_from_sql(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'multicorn_jsonb_from_sql';
COMMENT ON FUNCTION multicorn_jsonb_from_sql(internal) IS 'Multicorn: jsonb to Python''s objects';

CREATE FUNCTION multicorn_jsonb_to_sql(internal) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'multicorn_jsonb_to_sql';
COMMENT ON FUNCTION multicorn_jsonb_to_sql(internal) IS 'Multicorn: Python''s objects to jsonb';

CREATE TRANSFORM FOR jsonb LANGUAGE plpy (
    FROM SQL WITH FUNCTION multicorn_jsonb_from_sql(internal),
    TO SQL WITH FUNCTION multicorn_jsonb_to_sql(internal)
);

-- Replaces functions of plpython3u by the same in plpy: owners, rights and whatever depends on them stay.
CREATE PROCEDURE adopt_plpython(schema name, function_pattern text DEFAULT '%')
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    theirs oid := (SELECT oid FROM pg_language WHERE lanname = 'plpython3u');
    ours oid := (SELECT oid FROM pg_language WHERE lanname = 'plpy');
    found record;
    definition text;
    adopted int := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = schema) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_schema_name', MESSAGE = format('schema "%s" does not exist', schema);
    END IF;
    -- What functions ask for by TRANSFORM FOR TYPE is declared for each language.
    FOR found IN
        SELECT format_type(trftype, NULL) AS type, trffromsql::regprocedure AS from_sql,
            trftosql::regprocedure AS to_sql, trffromsql <> 0 AS has_from, trftosql <> 0 AS has_to
        FROM pg_transform t
        WHERE trflang = theirs
            AND NOT EXISTS (SELECT FROM pg_transform o WHERE o.trflang = ours AND o.trftype = t.trftype)
    LOOP
        EXECUTE format('CREATE TRANSFORM FOR %s LANGUAGE plpy (%s)', found.type, concat_ws(', ',
            CASE WHEN found.has_from THEN format('FROM SQL WITH FUNCTION %s', found.from_sql) END,
            CASE WHEN found.has_to THEN format('TO SQL WITH FUNCTION %s', found.to_sql) END));
        RAISE NOTICE 'transform for type % is there for plpy, too', found.type;
    END LOOP;
    FOR found IN
        SELECT p.oid, p.oid::regprocedure AS signature
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = schema AND p.proname LIKE function_pattern AND p.prolang = theirs
            AND NOT EXISTS (
                SELECT FROM pg_depend d
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            )
        ORDER BY p.oid
    LOOP
        definition := pg_get_functiondef(found.oid);
        -- The first such line is not the body's.
        definition := overlay(definition PLACING E'\n LANGUAGE plpy\n'
            FROM position(E'\n LANGUAGE plpython3u\n' IN definition)
            FOR length(E'\n LANGUAGE plpython3u\n'));
        BEGIN
            EXECUTE definition;
            adopted := adopted + 1;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING USING MESSAGE = format('%s stays with PL/Python: %s', found.signature, SQLERRM);
        END;
    END LOOP;
    RAISE NOTICE '% functions are in plpy now', adopted;
END $body$;
COMMENT ON PROCEDURE adopt_plpython(name, text) IS 'Multicorn: replaces functions of plpython3u in a schema by the same in plpy';

-- A role as remote functions know it: kept by its number, shown and compared by its name of the moment, so
-- that a renamed role keeps what it has and a new one of an old name gets nothing. A dump holds the name.
CREATE TYPE wormhole_role;
CREATE FUNCTION wormhole_role_in(cstring) RETURNS wormhole_role
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wormhole_role_in';
CREATE FUNCTION wormhole_role_out(wormhole_role) RETURNS cstring
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wormhole_role_out';
CREATE FUNCTION wormhole_role_receive(internal) RETURNS wormhole_role
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wormhole_role_receive';
CREATE FUNCTION wormhole_role_send(wormhole_role) RETURNS bytea
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wormhole_role_send';
CREATE TYPE wormhole_role (
    INPUT = wormhole_role_in,
    OUTPUT = wormhole_role_out,
    RECEIVE = wormhole_role_receive,
    SEND = wormhole_role_send,
    LIKE = oid,
    CATEGORY = 'S'
);
COMMENT ON TYPE wormhole_role IS 'Multicorn: a role by its number, shown by its name; "public" is everybody, "none" nobody';
-- There is no "=" of its own: by this cast any comparison is one of names, also with a name of nobody.
CREATE CAST (wormhole_role AS text) WITH INOUT AS IMPLICIT;
CREATE CAST (wormhole_role AS oid) WITHOUT FUNCTION;
CREATE CAST (oid AS wormhole_role) WITHOUT FUNCTION;
-- Keys, GROUP BY and DISTINCT go by the number.
CREATE FUNCTION wormhole_role_eq(wormhole_role, wormhole_role) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'oideq';
CREATE FUNCTION wormhole_role_lt(wormhole_role, wormhole_role) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'oidlt';
CREATE FUNCTION wormhole_role_le(wormhole_role, wormhole_role) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'oidle';
CREATE FUNCTION wormhole_role_gt(wormhole_role, wormhole_role) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'oidgt';
CREATE FUNCTION wormhole_role_ge(wormhole_role, wormhole_role) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'oidge';
CREATE FUNCTION wormhole_role_cmp(wormhole_role, wormhole_role) RETURNS integer
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'btoidcmp';
CREATE OPERATOR *= (LEFTARG = wormhole_role, RIGHTARG = wormhole_role, FUNCTION = wormhole_role_eq,
    COMMUTATOR = OPERATOR(@extschema@.*=), RESTRICT = eqsel, JOIN = eqjoinsel, MERGES);
CREATE OPERATOR *< (LEFTARG = wormhole_role, RIGHTARG = wormhole_role, FUNCTION = wormhole_role_lt,
    COMMUTATOR = OPERATOR(@extschema@.*>), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR *<= (LEFTARG = wormhole_role, RIGHTARG = wormhole_role, FUNCTION = wormhole_role_le,
    COMMUTATOR = OPERATOR(@extschema@.*>=), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR *> (LEFTARG = wormhole_role, RIGHTARG = wormhole_role, FUNCTION = wormhole_role_gt,
    COMMUTATOR = OPERATOR(@extschema@.*<), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR *>= (LEFTARG = wormhole_role, RIGHTARG = wormhole_role, FUNCTION = wormhole_role_ge,
    COMMUTATOR = OPERATOR(@extschema@.*<=), RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR CLASS wormhole_role_ops DEFAULT FOR TYPE wormhole_role USING btree AS
    OPERATOR 1 *<, OPERATOR 2 *<=, OPERATOR 3 *=, OPERATOR 4 *>=, OPERATOR 5 *>,
    FUNCTION 1 wormhole_role_cmp(wormhole_role, wormhole_role);

-- Wormhole: functions that clients send. The tables belong to the extension; nobody else may write them, and
-- the C functions do so as its owner.
CREATE TABLE wormhole_functions (
    func_id text NOT NULL,
    func_name text NOT NULL,
    created_by wormhole_role NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    execution_count bigint NOT NULL DEFAULT 0,
    last_executed timestamptz,
    source text NOT NULL,
    hash text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    signature text NOT NULL DEFAULT '',
    created_by_session name NOT NULL,
    total_time double precision NOT NULL DEFAULT 0,
    last_error text,
    origin jsonb,
    trusted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (func_id, created_by)
);
COMMENT ON TABLE wormhole_functions IS 'Multicorn: remote functions; a role sees its own';
COMMENT ON COLUMN wormhole_functions.created_by_session IS 'the session''s user when it was installed';
COMMENT ON COLUMN wormhole_functions.total_time IS 'milliseconds in all calls';
COMMENT ON COLUMN wormhole_functions.trusted IS 'installed when current, session and outer user were superusers: runs in process';
ALTER TABLE wormhole_functions ENABLE ROW LEVEL SECURITY;
CREATE POLICY wormhole_own ON wormhole_functions FOR SELECT
    USING (created_by::oid = quote_ident(current_user)::regrole::oid);
GRANT SELECT ON wormhole_functions TO PUBLIC;

CREATE TABLE wormhole_approvals (
    func_id text PRIMARY KEY,
    approved_by name NOT NULL,
    approved_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE wormhole_approvals IS 'Multicorn: remote functions that run in process, whoever has installed them';

CREATE TABLE wormhole_grants (
    func_id text NOT NULL,
    created_by wormhole_role NOT NULL,
    grantee wormhole_role NOT NULL,
    granted_by name NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (func_id, created_by, grantee)
);
COMMENT ON TABLE wormhole_grants IS 'Multicorn: who else may call a remote function';
ALTER TABLE wormhole_grants ENABLE ROW LEVEL SECURITY;
CREATE POLICY wormhole_own ON wormhole_grants FOR SELECT
    USING (created_by::oid = quote_ident(current_user)::regrole::oid);
GRANT SELECT ON wormhole_grants TO PUBLIC;

CREATE VIEW wormhole_granted WITH (security_barrier) AS
    SELECT f.func_id, f.func_name, f.created_by, f.created_at, f.version, f.signature, g.grantee
    FROM wormhole_functions f JOIN wormhole_grants g
        ON g.func_id = f.func_id AND g.created_by::oid = f.created_by::oid
    WHERE EXISTS (SELECT FROM pg_roles r WHERE r.oid = f.created_by::oid)
        AND (g.grantee::oid = 0 OR pg_has_role(g.grantee::oid, 'USAGE'));
COMMENT ON VIEW wormhole_granted IS 'Multicorn: remote functions of others that one may call';
GRANT SELECT ON wormhole_granted TO PUBLIC;

CREATE TABLE wormhole_allowed_modules (
    module_name text PRIMARY KEY,
    allowed boolean NOT NULL DEFAULT true,
    notes text
);
COMMENT ON TABLE wormhole_allowed_modules IS 'Multicorn: modules that remote functions may import';
GRANT SELECT ON wormhole_allowed_modules TO PUBLIC;

CREATE TABLE wormhole_installs (
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    action text NOT NULL,
    func_id text NOT NULL,
    func_name text,
    created_by name,
    role name NOT NULL,
    session_role name NOT NULL,
    detail text,
    role_oid oid NOT NULL,
    session_role_oid oid NOT NULL
);
COMMENT ON TABLE wormhole_installs IS 'Multicorn: who has installed, dropped, granted and approved remote functions, by the names of that time';

INSERT INTO wormhole_allowed_modules (module_name, allowed, notes) VALUES
    ('abc', true, 'abstract classes'),
    ('base64', true, 'binary data as text'),
    ('bisect', true, 'sorted lists'),
    ('calendar', true, 'calendars'),
    ('collections', true, 'containers'),
    ('contextlib', true, 'context managers'),
    ('copy', true, 'copies of objects'),
    ('dataclasses', true, 'data classes'),
    ('datetime', true, 'dates and times'),
    ('decimal', true, 'exact numbers'),
    ('enum', true, 'enumerations'),
    ('fractions', true, 'rational numbers'),
    ('functools', true, 'functions of functions'),
    ('hashlib', true, 'hashes'),
    ('heapq', true, 'heaps'),
    ('itertools', true, 'iterators'),
    ('json', true, 'JSON'),
    ('math', true, 'mathematics'),
    ('numbers', true, 'kinds of numbers'),
    ('operator', true, 'operators as functions'),
    ('random', true, 'random numbers'),
    ('re', true, 'regular expressions'),
    ('statistics', true, 'statistics'),
    ('string', true, 'texts'),
    ('textwrap', true, 'paragraphs'),
    ('time', true, 'clocks'),
    ('typing', true, 'type hints'),
    ('unicodedata', true, 'characters'),
    ('uuid', true, 'UUIDs'),
    ('zoneinfo', true, 'time zones'),
    ('builtins', false, 'all of Python'),
    ('ctypes', false, 'memory'),
    ('ftplib', false, 'the network'),
    ('http', false, 'the network'),
    ('importlib', false, 'other modules'),
    ('marshal', false, 'code'),
    ('multiprocessing', false, 'processes'),
    ('os', false, 'files and processes'),
    ('pickle', false, 'code'),
    ('requests', false, 'the network'),
    ('socket', false, 'the network'),
    ('subprocess', false, 'processes'),
    ('sys', false, 'the interpreter'),
    ('threading', false, 'threads'),
    ('urllib', false, 'the network');

-- An INSERT of a module that has its row already changes that row: the defaults are in nobody's way, nor in
-- that of a dump that is restored. The schema may be renamed.
CREATE FUNCTION wormhole_upsert_module() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    known integer;
BEGIN
    EXECUTE format('UPDATE %I.%I SET allowed = $1, notes = coalesce($2, notes) WHERE module_name = $3',
        TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW.allowed, NEW.notes, NEW.module_name;
    GET DIAGNOSTICS known = ROW_COUNT;
    IF known > 0 THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER wormhole_upsert BEFORE INSERT ON wormhole_allowed_modules
    FOR EACH ROW EXECUTE FUNCTION wormhole_upsert_module();

-- A dump may name roles that are not there when it is restored: what was theirs is left out.
CREATE FUNCTION wormhole_leave_out() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RETURN NULL;
END $body$;
CREATE TRIGGER wormhole_leave_out BEFORE INSERT ON wormhole_functions
    FOR EACH ROW WHEN (NEW.created_by::oid = 4294967295) EXECUTE FUNCTION wormhole_leave_out();
CREATE TRIGGER wormhole_leave_out BEFORE INSERT ON wormhole_grants
    FOR EACH ROW WHEN (4294967295 IN (NEW.created_by::oid, NEW.grantee::oid))
    EXECUTE FUNCTION wormhole_leave_out();

-- What is granted goes with the function, also where it is deleted by hand. No foreign key: TRUNCATE shall work.
CREATE FUNCTION wormhole_forget_grants() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    EXECUTE format('DELETE FROM %1$I.wormhole_grants g WHERE NOT EXISTS (
        SELECT FROM %1$I.wormhole_functions f
        WHERE f.func_id = g.func_id AND f.created_by::oid = g.created_by::oid)',
        TG_TABLE_SCHEMA);
    RETURN NULL;
END $body$;
CREATE TRIGGER wormhole_forget AFTER DELETE OR TRUNCATE ON wormhole_functions
    FOR EACH STATEMENT EXECUTE FUNCTION wormhole_forget_grants();

-- Sessions keep what they have read until one of these is changed. By hand that is for superusers, whatever has
-- been granted: rights on all tables of a schema are given lightly, and these tables say what runs in process.
CREATE FUNCTION wormhole_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'wormhole_changed';
CREATE TRIGGER wormhole_changed
    AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF func_id, func_name, created_by, source, signature, trusted
    ON wormhole_functions FOR EACH STATEMENT EXECUTE FUNCTION wormhole_changed();
CREATE TRIGGER wormhole_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON wormhole_approvals
    FOR EACH STATEMENT EXECUTE FUNCTION wormhole_changed();
CREATE TRIGGER wormhole_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON wormhole_grants
    FOR EACH STATEMENT EXECUTE FUNCTION wormhole_changed();
CREATE TRIGGER wormhole_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON wormhole_allowed_modules
    FOR EACH STATEMENT EXECUTE FUNCTION wormhole_changed();
CREATE TRIGGER wormhole_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON wormhole_installs
    FOR EACH STATEMENT EXECUTE FUNCTION wormhole_changed();

SELECT pg_extension_config_dump('wormhole_functions', '');
SELECT pg_extension_config_dump('wormhole_approvals', '');
SELECT pg_extension_config_dump('wormhole_grants', '');
SELECT pg_extension_config_dump('wormhole_allowed_modules', '');
SELECT pg_extension_config_dump('wormhole_installs', '');

-- The planner asks it first: an error there can show how the right is given.
CREATE FUNCTION wormhole_support(internal) RETURNS internal
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'wormhole_support';

CREATE FUNCTION wormhole_install(name text, source text, signature text DEFAULT '', origin jsonb DEFAULT NULL)
    RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_install';
COMMENT ON FUNCTION wormhole_install(text, text, text, jsonb) IS 'Multicorn: keeps a remote function, and returns its id';

CREATE FUNCTION wormhole_execute(id text, args jsonb DEFAULT '{}') RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_execute';
COMMENT ON FUNCTION wormhole_execute(text, jsonb) IS 'Multicorn: calls a remote function';

CREATE FUNCTION wormhole_call(id text, args json DEFAULT '{}', OUT value json, OUT state text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_call';
COMMENT ON FUNCTION wormhole_call(text, json) IS 'Multicorn: calls a remote function, and tells whether it wrote';

-- The default of the arguments, of a type without values, stands for none at all.
CREATE FUNCTION wormhole_typed(
        id text, expected anyelement, VARIADIC args "any" DEFAULT NULL::void,
        OUT value anyelement, OUT tagged json, OUT state text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_typed';
COMMENT ON FUNCTION wormhole_typed(text, anyelement, "any") IS 'Multicorn: calls a remote function whose result is exactly of the expected type, or else tagged';

CREATE FUNCTION wormhole_value(id text, expected anyelement, VARIADIC args "any" DEFAULT NULL::void)
    RETURNS anyelement LANGUAGE c VOLATILE PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_value';
COMMENT ON FUNCTION wormhole_value(text, anyelement, "any") IS 'Multicorn: calls a remote function and converts its result to the expected type';

CREATE FUNCTION wormhole_stream(id text, args jsonb DEFAULT '{}') RETURNS SETOF jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_stream';
COMMENT ON FUNCTION wormhole_stream(text, jsonb) IS 'Multicorn: calls a remote function and returns what it yields';

CREATE FUNCTION wormhole_items(id text, args json DEFAULT '{}') RETURNS SETOF json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_items';
COMMENT ON FUNCTION wormhole_items(text, json) IS 'Multicorn: the same in JSON that keeps the order of a dict''s keys';

CREATE FUNCTION wormhole_query(sql text, args jsonb DEFAULT '[]') RETURNS SETOF jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_query';
COMMENT ON FUNCTION wormhole_query(text, jsonb) IS 'Multicorn: runs a statement as remote functions do';

CREATE FUNCTION wormhole_drop(id_or_name text) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_drop';
COMMENT ON FUNCTION wormhole_drop(text) IS 'Multicorn: forgets remote functions, and returns how many';

CREATE FUNCTION wormhole_grant(id text, role text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_grant';
COMMENT ON FUNCTION wormhole_grant(text, text) IS 'Multicorn: lets another role call a remote function, or all by the name "public"';

CREATE FUNCTION wormhole_revoke(id text, role text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_revoke';
COMMENT ON FUNCTION wormhole_revoke(text, text) IS 'Multicorn: takes back what wormhole_grant has given';

CREATE FUNCTION wormhole_approve(id text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SUPPORT wormhole_support
    AS 'MODULE_PATHNAME', 'wormhole_approve';
COMMENT ON FUNCTION wormhole_approve(text) IS 'Multicorn: lets a remote function run in the server''s own process; for superusers';

REVOKE EXECUTE ON FUNCTION
    wormhole_install(text, text, text, jsonb),
    wormhole_execute(text, jsonb),
    wormhole_call(text, json),
    wormhole_typed(text, anyelement, "any"),
    wormhole_value(text, anyelement, "any"),
    wormhole_stream(text, jsonb),
    wormhole_items(text, json),
    wormhole_query(text, jsonb),
    wormhole_drop(text),
    wormhole_grant(text, text),
    wormhole_revoke(text, text),
    wormhole_approve(text)
    FROM PUBLIC;
