-- hstore in LANGUAGE python.
-- regress: needs hstore
\set SHOW_CONTEXT never
CREATE EXTENSION hstore;
DO LANGUAGE python $$
from Postgres import Type
H = Type("hstore")
h = H({"a": "1", "b": None})
print(repr(h), h["a"], h["b"], len(h), sorted(h), "a" in h, "z" in h, h.get("z", "no"), h.to_python(), h.items(), bool(H("")), h | {"c": "3"}, h == H('b=>NULL, a=>1'))
try:
    h["z"]
except KeyError as error:
    print("KeyError", error)
$$;
CREATE FUNCTION stored(h hstore) RETURNS hstore LANGUAGE python AS 'def main(h): return {k: None if v is None else v + "!" for k, v in h.items()}';
SELECT stored('a=>1, b=>NULL');
CREATE FUNCTION seen(h hstore) RETURNS text LANGUAGE python AS $$
from Postgres import pytypes
@pytypes
def main(h):
    return f"{type(h).__name__}: {h!r}"
$$;
SELECT seen('a=>1, b=>NULL');
