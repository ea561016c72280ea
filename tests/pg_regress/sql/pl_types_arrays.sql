-- Arrays in LANGUAGE python.
\set SHOW_CONTEXT never
CREATE FUNCTION show(VARIADIC codes text[]) RETURNS SETOF text LANGUAGE python AS $$
import copy, datetime, decimal, ipaddress, math, operator, pickle, uuid
from Postgres import Object, TupleDesc, Type, types

def main(codes):
    for code in map(str, codes):
        yield f"{code} -> {eval(code, globals())!r}"
$$;
SELECT show(
    'types._int4([1, 2, 3])', 'types._int4([[1, 2], [3, 4]])', 'types._int4("{1,NULL,3}")', 'types._int4([])',
    'types._int4([1, None])', 'types._int4(range(3))', 'types._int4(x * x for x in range(4))',
    'types._int4((1, 2))', 'types._int4({1})', 'types._int4(__import__("array").array("i", [1, 2]))',
    'types._int4(memoryview(__import__("array").array("i", [1, 2])))', 'types._text(["a", "b c", None, ""])',
    'types._int4([types.int4(1), types.int8(2), "3"])', 'types.int4.Array([1])', 'types._point(["(1,2)"])');
SELECT show('types._int4([[1, 2], [3]])');
SELECT show('types._int4([[1], 2])');
SELECT show('types._int4([(1, 2)])');
SELECT show('types._int4(["x"])');
SELECT show('types._int4(5)');
SELECT show('types._int4({"a": 1})');
SELECT show(
    'types._int4.from_elements([1, 2, 3])', 'types._int4.from_elements(range(6), dimensions=(2, 3))',
    'types._int4.from_elements([1, 2, 3], lowerbounds=(-1,))',
    'types._int4.from_elements([1, 2, 3, 4], dimensions=[2, 2], lowerbounds=[0, 5])',
    'types._text.from_elements(["a", None])', 'types._int4.from_elements([])');
SELECT show('types._int4.from_elements([1, 2, 3], dimensions=(2, 2))');
SELECT show('types._int4.from_elements([1, 2], lowerbounds=(1, 1))');
SELECT show('types._int4.from_elements(["x"])');
DO LANGUAGE python $$
from Postgres import types
a = types._int4("[-1:0][5:7]={{1,2,3},{4,NULL,6}}")
print(a.dimensions, a.lowerbounds, a.ndim, a.nelements, a.has_null, a.Element)
print(a.elements(), len(a), a[0], a[-1], a[1][2], a[1][1])
print(a.get_element((0, 0)), a.get_element((1, 2)), a.get_element((1, 1)), a.get_element((-1, -1)))
print(a.sql_get_element((-1, 5)), a.sql_get_element((0, 7)), a.sql_get_element((1, 1)), a.sql_get_element((1,)))
print(a[0:1], a[1:], a[5:], list(a), a.to_list())
b = types._int4("{1,2,3,4}")
print(b[0], b[-1], b[1:3], b[:], b[2:1], list(b), b == [1, 2, 3, 4], b == [1, 2], [1, 2, 3, 4] == b, b != [1], b < [2])
print(3 in b, 9 in b, None in b, None in a, bool(b), bool(types._int4("{}")), hash(b) == hash(types._int4([1, 2, 3, 4])))
e = types._int4("{}")
print(len(e), e.dimensions, e.ndim, e.nelements, list(e), e[:], e.has_null, e.sql_get_element((1,)))
for wrong in (lambda: b[4], lambda: b[-5], lambda: b[::2], lambda: b["x"], lambda: e[0], lambda: a.get_element((0,)),
              lambda: a.get_element((2, 0)), lambda: e.get_element((0,)), lambda: b.get_element((0, 0))):
    try:
        wrong()
    except Exception as error:
        print(type(error).__name__, error)
print(types._text(["a", "b"]) == ["a", "b"], types._text(["a"])[0] + "x", types._numeric(["1.5"])[0] * 2)
$$;
CREATE FUNCTION doubled(a int[]) RETURNS int[] LANGUAGE python AS $$
def main(a):
    return [None if x is None else x * 2 for x in a]
$$;
SELECT doubled('{1,NULL,3}'), doubled('{}');
CREATE FUNCTION swapped(a int[]) RETURNS int[] LANGUAGE python AS 'def main(a): return a[::1] if len(a) < 2 else [a[-1], *a[1:-1], a[0]]';
SELECT swapped('{1,2,3}'), swapped('[5:6]={1,2}'), swapped('{7}');
CREATE FUNCTION transposed(a int[]) RETURNS int[] LANGUAGE python AS 'def main(a): return [list(row) for row in zip(*a)]';
SELECT transposed('{{1,2},{3,4},{5,6}}');
CREATE FUNCTION nested(n int) RETURNS text[] LANGUAGE python AS 'def main(n): return [[str(i * 10 + j) for j in range(2)] for i in range(n)]';
SELECT nested(2), nested(0);
CREATE FUNCTION summed(VARIADIC numbers numeric[]) RETURNS numeric LANGUAGE python AS 'def main(numbers): return sum(numbers)';
SELECT summed(1.5, 2.5, 3);
