-- The module of a function: its names, its loader, the builtins; facts about the session.
CREATE FUNCTION names() RETURNS text LANGUAGE python AS $$
import sys
state = 0
def main():
    global state
    state += 1
    oid = __name__
    spec, loader = __spec__, __loader__
    return "\n".join(str(line) for line in (
        sys.modules[oid].__dict__ is globals(), __file__, __func__.filename, __func__.oidstr == oid, state,
        spec.name == oid, spec.loader is loader, spec.origin,
        loader.get_source(oid).strip().splitlines()[0], type(loader.get_code(oid)).__name__,
        loader.is_package(oid), __package__, main.__module__ == oid))
$$;
SELECT names();
SELECT split_part(names(), E'\n', 5);
CREATE SCHEMA "Odd Schema";
CREATE FUNCTION "Odd Schema"."Odd Name"(a int, b text[]) RETURNS text LANGUAGE python AS $$
def main(a, b):
    return f"{__file__} {__func__.nspname} {__func__.input.column_names}"
$$;
SELECT "Odd Schema"."Odd Name"(1, '{}');
-- The loader answers for its own name only.
DO LANGUAGE python $$
import sys
function = proc("names()")
loader = sys.modules[function.oidstr].__loader__
for ask in (loader.get_source, loader.get_code, loader.is_package):
    try:
        ask("another")
    except ImportError as error:
        print(str(error).replace(function.oidstr, "OID"))
$$;
-- __func__ deleted or forged does no harm.
CREATE FUNCTION forged() RETURNS int LANGUAGE python AS $$
__func__ = None
del __spec__
__name__ = "another"
def main():
    return 1
$$;
SELECT forged(), forged();
-- Builtins.
DO LANGUAGE python $$
import builtins, Postgres
print([name for name in ("prepare", "proc", "sqleval", "sqlexec", "xact", "pytypes") if not hasattr(builtins, name)])
print(prepare is Postgres.prepare, proc is Postgres.proc, sqleval is Postgres.sqleval, sqlexec is Postgres.sqlexec, xact is Postgres.xact)
$$;
-- Statements, functions and messages while the module is loaded.
CREATE FUNCTION loads() RETURNS text LANGUAGE python AS $$
count = prepare("SELECT count(*) FROM pg_class WHERE relname = $1")
lower = proc("lower(text)")
made = sqleval("'made while loading'")
def main():
    return f"{made} {lower('ABC')} {count.first('pg_class')}"
$$;
SELECT loads();
-- An error while it is loaded is raised at each call, until it goes well.
CREATE TABLE switch (is_on boolean);
CREATE FUNCTION sometimes() RETURNS text LANGUAGE python AS $$
if not prepare("SELECT bool_or(is_on) FROM switch").first():
    raise ValueError("not yet")
def main():
    return "now"
$$;
SELECT sometimes();
SELECT sometimes();
INSERT INTO switch VALUES (true);
SELECT sometimes();
-- One that is swallowed.
CREATE FUNCTION swallows_loading() RETURNS text LANGUAGE python AS $$
try:
    sqlexec("SELECT 1 / 0")
except Exception:
    pass
def main():
    return "loaded"
$$;
SELECT swallows_loading();
-- SET clauses hold while the module is loaded and while it runs.
CREATE FUNCTION with_settings() RETURNS text SET search_path = early, public SET work_mem = '123kB' LANGUAGE python AS $$
setting = prepare("SELECT current_setting('search_path') || ' ' || current_setting('work_mem')")
loaded = setting.first()
def main():
    return f"{loaded} | {setting.first()}"
$$;
SELECT with_settings();
SHOW work_mem;
-- Facts about the session.
DO LANGUAGE python $$
import Postgres
print(Postgres.current_database == sqleval("current_database()"), Postgres.encoding, Postgres.version == sqleval("version()"))
major = int(sqleval("current_setting('server_version_num')::int / 10000"))
print(Postgres.version_info[0] == major, len(Postgres.version_info), Postgres.version_info[3] in ("final", "devel", "beta", "rc"))
print(Postgres.client_addr, Postgres.client_port == sqleval("inet_client_port()"), Postgres.backend_start < Postgres.clock_timestamp())
print(Postgres.backend_start is Postgres.backend_start)
print(Postgres.statement_timestamp() == sqleval("statement_timestamp()"), Postgres.transaction_timestamp() == sqleval("now()"))
print(Postgres.current_schemas(), Postgres.current_schemas(True))
print([int(sqleval("$1::text::regnamespace::oid", name)) for name in Postgres.current_schemas(True)] == Postgres.current_schemas_oid(True))
print(Postgres.uid() == int(sqleval("quote_ident(current_user)::regrole::oid")), Postgres.session_uid() == Postgres.uid())
try:
    Postgres.no_such_thing
except AttributeError as error:
    print(error)
print("prepare" in dir(Postgres), "version_info" in dir(Postgres))
$$;
-- Other sessions, sleeping, notifications.
DO LANGUAGE python $$
import Postgres, time
before = time.monotonic()
Postgres.sleep(0.05)
print(0.05 <= time.monotonic() - before < 5, Postgres.cancel_backend(0), Postgres.terminate_backend(0))
$$;
DO LANGUAGE python $$
import Postgres
Postgres.notify("Regress Channel", "a payload")
Postgres.notify("Regress Channel")
print(sqleval("pg_notification_queue_usage() > 0"))
Postgres.notify("x" * 64)
$$;
SET statement_timeout = '200ms';
DO LANGUAGE python $$
import Postgres
Postgres.sleep(60)
$$;
RESET statement_timeout;
