-- bytea in LANGUAGE python: bytes of the server.
\set SHOW_CONTEXT never
CREATE FUNCTION show(VARIADIC codes text[]) RETURNS SETOF text LANGUAGE python AS $$
import copy, datetime, decimal, ipaddress, math, operator, pickle, uuid
from Postgres import Object, TupleDesc, Type, types

def main(codes):
    for code in map(str, codes):
        yield f"{code} -> {eval(code, globals())!r}"
$$;
SELECT show(
    'types.bytea(b"abc") + b"def"', 'b"x" + types.bytea(b"abc")', 'types.bytea(bytearray(b"ab")) + types.bytea(b"c")',
    'types.bytea(memoryview(b"abc"))', 'types.bytea("\\x6162")', 'len(types.bytea(b"abc"))',
    'types.bytea(b"abc")[0]', 'types.bytea(b"abc")[1:]', 'types.bytea(b"abc")[-1]', 'list(types.bytea(b"ab"))',
    'bytes(types.bytea(b"abc"))', 'bytearray(types.bytea(b"abc"))', 'memoryview(types.bytea(b"abc"))[1]',
    'memoryview(types.bytea(b"abc")).readonly', 'b"b" in types.bytea(b"abc")', '98 in types.bytea(b"abc")',
    'types.bytea(b"abc").hex()', 'types.bytea(b"abc").decode()', 'types.bytea(b"abc") == b"abc"',
    'b"abc" == types.bytea(b"abc")', 'types.bytea(b"abc") < b"abd"', 'hash(types.bytea(b"abc")) == hash(b"abc")',
    'bool(types.bytea(b""))', 'b"".join([types.bytea(b"a"), b"b"])', 'int.from_bytes(types.bytea(b"\x01\x00"), "big")');
SELECT show('types.bytea(b"abc")[5]');
SELECT show('types.bytea("\\xzz")');
SELECT show('memoryview(types.text("abc"))');
DO LANGUAGE python $$
from Postgres import NOTICE, Type, types

class Mine(types.bytea):
    pass

mine = Mine(b"abc")
NOTICE(f"{len(mine)} {memoryview(mine)[1]} {bytes(mine)} {b'x'.join([b'1', mine])} {mine + b'd'}")
$$;
CREATE DOMAIN three AS bytea CHECK (octet_length(VALUE) = 3);
DO LANGUAGE python $$
from Postgres import NOTICE, Type
three = Type("three")(b"abc")
NOTICE(f"{len(three)} {memoryview(three)[1]} {bytes(three)} {three + b'd'} {three[1:]}")
$$;
