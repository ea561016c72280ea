-- Rows in LANGUAGE python: composite types, tables and anonymous records.
\set SHOW_CONTEXT never
CREATE TYPE person AS (id int, name text, born date);
CREATE TABLE city (a int, gone int, name varchar(8), keys int[]);
ALTER TABLE city DROP COLUMN gone;
CREATE FUNCTION look(p person) RETURNS SETOF text LANGUAGE python AS $$
def main(p):
    yield f"{p!r} {p}"
    yield f"{p[0]!r} {p[-1]!r} {p['name']!r} {p[1:]!r} {p[::-2]!r}"
    yield f"{p.id!r} {p.name!r} {p.born.year!r} {len(p)} {list(p)!r}"
    yield f"{p.keys()} {p.values()} {p.items()}"
    yield f"{p.column_names} {p.column_types} {p.pg_column_types} {p.descriptor}"
    yield f"{p._asdict()} {dict(p)}"
    yield f"{'name' in p} {'nosuch' in p} {p.get('id')} {p.get('nosuch', 'none')} {p.id in p}"
    a, b, c = p
    yield f"{a} {b} {c}"
    yield f"{p == p.replace()} {p == (1, 'ada', '1815-12-10')} {p < p.replace(2)} {hash(p) == hash(p.replace())}"
    for wrong in (lambda: p["nosuch"], lambda: p[3], lambda: p[-4], lambda: p.nosuch, lambda: p[1.5],
                  lambda: p.replace(nosuch=1), lambda: p.replace(1, 2, 3, 4)):
        try:
            wrong()
        except Exception as error:
            yield f"{type(error).__name__} {error}"
$$;
SELECT look((1, 'ada', '1815-12-10'));
SELECT look((NULL, NULL, NULL)) LIMIT 2;
DO LANGUAGE python $$
from Postgres import Type, TupleDesc
P = Type("person")
print(P, P.typname, P.nspname, P.column_names, P.column_types, P.pg_column_types)
print(P((1, "a", "2000-01-01")), P([1, None, None]), P({"name": "b"}), P('(3,c,)'), P({"id": 4, "other": 1}))
from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
Named = namedtuple("Named", "id name born")
@dataclass
class Data:
    name: str
    id: int
    born: object = None
print(P(Named(1, "n", None)), P(Data("d", 2)), P(P((1, "a", None))))
p = P((1, "a", "2000-01-01"))
print(p.replace(2), p.replace(None, "z"), p.replace(name="y", born=None), p.replace(5, born="1999-09-09"))
print(p.transform(lambda id: id + 1), p.transform(None, str.upper if False else (lambda n: n + "!")), p.transform(born=lambda d: d + 1), p.transform(lambda id: None))
C = Type("city")
print(C.column_names, C.descriptor.column_count, len(C.descriptor), C is Type.from_relation_id(Type("regclass")("city")))
d = C.descriptor
print(d[0]["attname"], d[1]["attisdropped"], d[2].attname, d[2].atttypid == Type("varchar").oid, [str(r["attnum"]) for r in d])
c = C((1, "abc", [1, 2]))
print(c, c.keys(), c.name, c[2], c["keys"], c.replace(name="x"))
print(isinstance(d, TupleDesc), P.descriptor.column_types[2], Type("int4").descriptor, Type("int4").column_names)
$$;
DO LANGUAGE python $$
from Postgres import Type
Type("person")((1, 2))
$$;
DO LANGUAGE python $$
from Postgres import Type
Type("city")((1, "much too long", None))
$$;
DO LANGUAGE python $$
from Postgres import Type
Type.from_relation_id(1)
$$;
-- results
CREATE FUNCTION made(how text) RETURNS person LANGUAGE python AS $$
from Postgres import Type
from dataclasses import dataclass
from typing import NamedTuple
import datetime
@dataclass
class Data:
    id: int
    name: str
    born: datetime.date
class Named(NamedTuple):
    id: int
    name: str
    born: object = None
def main(how):
    return {
        "tuple": (1, "tuple", None), "dict": {"id": 2, "name": "dict"}, "data": Data(3, "data", datetime.date(2000, 1, 1)),
        "named": Named(4, "named"), "record": Type("person")((5, "record", None)), "text": "(6,text,)", "none": None,
    }[str(how)]
$$;
SELECT made('tuple'), made('dict'), made('data'), made('named'), made('record'), made('text'), made('none');
SELECT * FROM made('data');
CREATE FUNCTION outs(p person, OUT a int, OUT b text) LANGUAGE python AS 'def main(p): return {"b": p.name + "!", "a": p.id}';
SELECT * FROM outs((1, 'x', NULL));
CREATE FUNCTION anonymous(r record) RETURNS SETOF text LANGUAGE python AS $$
def main(r):
    yield f"{r!r} {r.keys()} {r[1]!r} {r[r.keys()[0]]!r} {getattr(r, r.keys()[1])!r} {len(r)} {r.column_types} {r.descriptor}"
    yield f"{r.replace(7)} {r.transform(None, lambda t: t + '!')} {r._asdict()}"
$$;
SELECT anonymous(ROW(1, 'x'::text));
SELECT anonymous(p) FROM (SELECT 1 AS a, 'y'::text AS b) p;
CREATE FUNCTION same_row(c city) RETURNS city LANGUAGE python AS 'def main(c): return c.replace(a=c.a + 1)';
INSERT INTO city VALUES (1, 'rome', '{1,2}'), (2, NULL, NULL);
SELECT same_row(city) FROM city;
ALTER TABLE city ADD COLUMN added int DEFAULT 7;
SELECT same_row(city) FROM city;
ALTER TABLE city DROP COLUMN keys;
SELECT (same_row(city)).* FROM city;
CREATE FUNCTION all_persons() RETURNS SETOF person LANGUAGE python AS $$
from Postgres import Type
def main():
    P = Type("person")
    yield P((1, "a", None))
    yield (2, "b", None)
    yield {"name": "c"}
    yield None
$$;
SELECT * FROM all_persons();
