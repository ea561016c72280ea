-- Numbers in LANGUAGE python: the server's operators, and what Python asks of a number.
\set SHOW_CONTEXT never
CREATE FUNCTION show(VARIADIC codes text[]) RETURNS SETOF text LANGUAGE python AS $$
import copy, datetime, decimal, ipaddress, math, operator, pickle, uuid
from Postgres import Object, TupleDesc, Type, types

def main(codes):
    for code in map(str, codes):
        yield f"{code} -> {eval(code, globals())!r}"
$$;
SELECT show(
    'types.int4(5) + 3', '3 - types.int4(5)', 'types.int4(7) / 2', 'types.int4(-7) / 2', 'types.int4(-7) % 2',
    'types.int4(-7) // 2', 'types.int4(7) // -2', 'types.int4(6) // 3', 'types.int4(2) ** 10',
    'types.int4(6) ^ 3', 'types.int4(6) & 3', 'types.int4(6) | 3', '~types.int4(6)', 'types.int4(1) << 4',
    'types.int4(-16) >> 2', '-types.int4(3)', '+types.int4(3)', 'abs(types.int4(-3))');
SELECT show(
    'types.int2(1) + types.int4(1)', 'types.int2(300) * types.int2(100)', 'types.int8(1) + types.int2(1)',
    'types.int4(1) + types.float8(0.5)', 'types.numeric("1.10") + types.int4(1)',
    'types.float4(0.1) + types.float8(0.1)', 'types.numeric("1.5") * "2.25" + 3',
    'types.numeric("7.5") // 2', 'types.numeric("-7.5") // 2', 'types.float8(7.5) // 2',
    'types.numeric(2) ** types.numeric("0.5")', 'types.numeric(decimal.Decimal("1e-20"))');
-- what does not fit is the server's error
SELECT show('types.int4(2147483647) + 1');
SELECT show('types.int2(32767) * types.int2(2)');
SELECT show('types.int8(9223372036854775807) + 1');
SELECT show('-types.int4(-2147483648)');
SELECT show('types.int4(-2147483648) / -1');
SELECT show('types.int4(1) / 0');
SELECT show('types.int4(1) // 0');
SELECT show('types.numeric(1) % 0');
SELECT show('types.float8(1e300) * 1e300');
SELECT show('types.int4(5) + 1.5');
SELECT show('types.int4(3000000000)');
SELECT show('types.int4(5) + "x"');
SELECT show('types.int4(5) @ types.int4(5)');
SELECT show('types.int4(5) << types.text("x")');
SELECT show('types.int4(5) + object()');
SELECT show('pow(types.int4(5), 2, 3)');
-- casts and typmods
SELECT show(
    'types.int8(types.int4(5))', 'types.int4(types.numeric("5.7"))', 'types.numeric(types.float8(0.5))',
    'types.float8("1e10")', 'types.int4("  12 ")', 'types.int4(True)', 'types.bool(types.int4(2))',
    'types.numeric("12.345", mod=("5", "2"))', 'types.numeric("12.345", ("5", "2"))',
    'types.numeric("12.345", mod=(5, 2))', 'types.numeric(decimal.Decimal("12.345"), mod=(5, 2))',
    'types.numeric(types.int4(7), mod=(5, 2))', 'types.numeric("NaN")', 'types.float8("infinity")');
SELECT show('types.numeric("12345.345", mod=("5", "2"))');
SELECT show('types.int4("1", mod=("5",))');
SELECT show('types.numeric("1", mod=("0", "0"))');
SELECT show('types.int4(types.int8(5000000000))');
SELECT show('types.int4("x")');
SELECT show('types.int4(types.point("(1,2)"))');
-- comparisons
SELECT show(
    'types.int4(5) == 5', '5 == types.int4(5)', 'types.int4(5) == types.int8(5)',
    'types.int4(5) == types.numeric("5.0")', 'types.int4(5) != 6', 'types.int4(5) < 6', 'types.int4(5) >= 6',
    'types.int4(5) > 10**30', 'types.int4(5) == 10**30', '-10**30 < types.int4(5)', 'types.float8(0.5) == 0.5',
    'types.numeric("0.5") == decimal.Decimal("0.5")', 'types.numeric("NaN") == types.numeric("NaN")',
    'sorted([types.int4(3), types.int8(1), types.numeric("2.5")])', 'max(types.int4(3), 4)');
SELECT show(
    'types.int4(5) == None', 'types.int4(5) != None', 'types.int4(5) < None', 'None == types.int4(5)',
    'types.int4(None)', 'types.int4(5) + None', 'types.int4(5) == object()');
-- Python's protocols
SELECT show(
    'int(types.int4(5))', 'int(types.numeric("-5.7"))', 'int(types.float8(5.7))', 'int(types.text("12"))',
    'float(types.int4(5))', 'float(types.numeric("1.5"))', 'bool(types.int4(0))', 'bool(types.numeric("0.00"))',
    'bool(types.float8(0.1))', 'bool(types.bool(False))', 'bool(types.text(""))',
    'hash(types.int4(5)) == hash(5)', 'hash(types.numeric("5.0")) == hash(5)',
    'hash(types.float8(5)) == hash(types.int8(5))', '{types.int4(1): "a"}[1]',
    '[10, 20, 30][types.int2(1)]', 'list(range(types.int4(3)))');
SELECT show(
    'f"{types.int4(5):05d}"', 'format(types.numeric("1234.5"), ",.2f")', 'f"{types.float8(0.1):.3e}"',
    'f"{types.int4(5)}"', 'f"{types.text(1):>3}"', 'str(types.float8(1))', 'str(types.numeric("1.50"))',
    'round(types.numeric("2.5"))', 'round(types.numeric("2.567"), 2)', 'round(types.int4(5))',
    'math.floor(types.numeric("-1.5"))', 'math.ceil(types.float8(1.2))', 'math.trunc(types.numeric("-1.5"))',
    'types.int4(5).bit_length()', 'math.sqrt(types.int4(16))', 'sum([types.int4(1), types.int4(2)])');
SELECT show('int(types.numeric("NaN"))');
SELECT show('int(types.text("x"))');
SELECT show('[1][types.numeric("0")]');
SELECT show('copy.copy(types.int4(5))', 'copy.deepcopy([types.int4(5)])');
SELECT show('pickle.dumps(types.int4(5))');
-- results of functions are coerced
CREATE FUNCTION as_int(v text) RETURNS int LANGUAGE python AS $$
from Postgres import types
def main(v):
    return eval(str(v), globals())
$$;
SELECT as_int('types.int8(5)'), as_int('types.numeric("5.4")'), as_int('types.text("7")'), as_int('7.0'), as_int('None');
SELECT as_int('types.int8(5000000000)');
SELECT as_int('"x"');
CREATE FUNCTION arithmetic(a numeric, b numeric, c numeric) RETURNS numeric(20, 6) LANGUAGE python AS $$
def main(a, b, c):
    return a * b + c
$$;
SELECT arithmetic(1.5, 2.25, 0.000001), arithmetic(NULL, 1, 1);
