-- json and jsonb in LANGUAGE python.
\set SHOW_CONTEXT never
DO LANGUAGE python $$
from Postgres import types
for T in (types.json, types.jsonb):
    j = T('{"a": 1, "b": [true, null, "x"], "c": {"d": 1.5}}')
    print(repr(j), j["a"], j["b"][2], j["c"]["d"], repr(j["b"][1]), len(j), list(j), j.keys(), "a" in j, "z" in j)
    print(j.get("z"), j.get("a"), j.items()[0], j["b"][-1] if T is types.jsonb else None, [str(x) for x in j["b"]], j["b"][0:2], True in j["b"])
    print(j.to_python(), int(j["a"]), float(j["c"]["d"]), bool(T("{}")), bool(j), len(j["b"]), T({"k": [1, None]}), T([1, 2]), len(T('"xyz"')))
    for wrong in (lambda: j["z"], lambda: j["b"][7], lambda: j["a"][0], lambda: len(j["a"]), lambda: j["b"].keys()):
        try:
            wrong()
        except Exception as error:
            print(type(error).__name__, error)
b = types.jsonb('{"a": 1, "b": [1, 2]}')
print(b == {"a": 1, "b": [1, 2]}, b["a"] == 1, b["b"] == [1, 2], b["a"] < 2, b | {"c": 3}, b - types.text("a"), b - "a", hash(b) == hash(types.jsonb(str(b))))
print(types.jsonb(types.json('{"x": 1}')), types.json(types.jsonb('{"x":1}')), types.jsonb("null"), types.jsonb('"s"') == types.jsonb('"s"'))
$$;
DO LANGUAGE python 'from Postgres import types; types.json("{")';
DO LANGUAGE python 'from Postgres import types; types.jsonb(object())';
DO LANGUAGE python 'from Postgres import types; types.json("1") == types.json("1")';
CREATE FUNCTION add_key(j jsonb, k text, v jsonb) RETURNS jsonb LANGUAGE python AS 'def main(j, k, v): return {**j.to_python(), str(k): v.to_python()}';
SELECT add_key('{"a": 1}', 'b', '[1, null]');
CREATE FUNCTION pass(j jsonb) RETURNS jsonb LANGUAGE python AS 'def main(j): return j["a"]';
SELECT pass('{"a": {"b": 1}}');
