CREATE EXTENSION IF NOT EXISTS plpython3u;
CREATE TABLE wormhole_functions (func_id text PRIMARY KEY, func_name text, source text, signature text, origin jsonb, created_by name DEFAULT current_user, created_at timestamptz DEFAULT now(), execution_count bigint DEFAULT 0, last_executed timestamptz);
CREATE TABLE wormhole_allowed_modules (module_name text PRIMARY KEY, allowed boolean, notes text);
CREATE FUNCTION wormhole_install(name text, source text, signature text DEFAULT '', origin jsonb DEFAULT NULL) RETURNS text LANGUAGE plpython3u AS $$
import hashlib, json
id = hashlib.sha256(json.dumps([name, source, signature], separators=(",", ":"), ensure_ascii=True).encode()).hexdigest()
plan = plpy.prepare("INSERT INTO wormhole_functions (func_id, func_name, source, signature, origin) VALUES ($1,$2,$3,$4,$5::jsonb) ON CONFLICT DO NOTHING", ["text"]*5)
plpy.execute(plan, [id, name, source, signature, origin])
return id
$$;
CREATE FUNCTION wormhole_run(id text, arguments text) RETURNS SETOF text LANGUAGE plpython3u AS $$
import sys, json, traceback
if "PATH" not in sys.path: sys.path.insert(0, "PATH")
from wormhole import _codec
from wormhole._api import Api
rows = plpy.execute(plpy.prepare("SELECT func_name, source FROM wormhole_functions WHERE func_id=$1", ["text"]), [id])
if not rows:
    return ['{"unknown": true}']
class Ex:
    def run(self, sql, a):
        types = []
        vals = []
        for v in a:
            types.append({int: "bigint", float: "float8", bool: "bool", list: "int[]"}.get(type(v), "text")); vals.append(v)
        r = plpy.execute(plpy.prepare(sql, types), vals)
        try: cols = r.colnames() or []
        except Exception: cols = []
        return cols, [[row[c] for c in cols] for row in r] if cols else [], r.nrows()
    def stream(self, sql, a, chunk):
        yield self.run(sql, a)[:2]
import types
facade = types.ModuleType("wormhole")
names = Api(lambda: Ex()).names()
vars(facade).update(names)
import builtins
imp = lambda n, *a: facade if n == "wormhole" else __import__(n, *a)
fn = "<w>"
space = dict(names); space["__builtins__"] = {**vars(builtins), "__import__": imp}; space["__name__"] = "w"
source = rows[0]["source"]
try:
    exec(compile(source, fn, "exec", dont_inherit=True), space)
    a, k = _codec.loads_call(arguments)
    value = space[rows[0]["func_name"]](*a, **k)
    wrote = plpy.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS w" if not plpy.execute("SELECT pg_is_in_recovery() AS r")[0]["r"] else "SELECT false AS w")[0]["w"]
    if hasattr(value, "send"):
        return [json.dumps({"r": _codec.encode(v)}) for v in value]
    return [json.dumps({"r": _codec.encode(value), "w": wrote})]
except plpy.SPIError:
    raise
except Exception as e:
    tb = [{"line": f.lineno, "function": f.name, "text": ""} for f in traceback.extract_tb(e.__traceback__) if f.filename == fn]
    d = json.dumps({"class": type(e).__module__ + "." + type(e).__qualname__, "args": [_codec.encode(x) for x in e.args], "sqlstate": None, "traceback": tb})
    plpy.error(f"{type(e).__name__}: {e}", detail=d, sqlstate="WH005")
$$;
CREATE FUNCTION wormhole_execute(id text, args jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql VOLATILE AS $$ SELECT wormhole_run(id, args::text)::jsonb $$;
CREATE FUNCTION wormhole_stream(id text, args jsonb) RETURNS SETOF jsonb LANGUAGE sql VOLATILE AS $$ SELECT wormhole_run(id, args::text)::jsonb $$;
