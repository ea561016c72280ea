-- Strings in LANGUAGE python.
\set SHOW_CONTEXT never
CREATE FUNCTION show(VARIADIC codes text[]) RETURNS SETOF text LANGUAGE python AS $$
import copy, datetime, decimal, ipaddress, math, operator, pickle, uuid
from Postgres import Object, TupleDesc, Type, types

def main(codes):
    for code in map(str, codes):
        yield f"{code} -> {eval(code, globals())!r}"
$$;
SELECT show(
    'types.text("abc") + "def"', '"x" + types.text("abc")', 'types.text("a") + types.varchar("b")',
    'types.bpchar("a ") + types.text("b")', 'types.name("a") + types.text("b")', 'len(types.text("äöü"))',
    'types.text("abcdef")[1:3]', 'types.text("abcdef")[::-2]', 'types.text("äöü")[1]', 'types.text("abc")[-1]',
    'list(types.text("ab"))', '"b" in types.text("abc")', 'types.text("b") in types.text("abc")',
    'types.text("abc").upper()', 'types.text("a,b").split(",")', 'type(types.varchar("abc")[0:1]).typname');
SELECT show(
    'types.text("abc") == "abc"', '"abc" == types.text("abc")', 'types.text("abc") == types.varchar("abc")',
    'types.text("abc") < "abd"', 'types.bpchar("a  ") == "a"', 'types.text("a") == None',
    'hash(types.text("abc")) == hash("abc")', '{types.text("a"): 1}["a"]', 'bool(types.text("")), bool(types.text("x"))',
    'types.varchar("abc", mod=3)', 'types.bpchar("a", mod=(3,))', 'str(types.bpchar("a", mod=(3,)))',
    'types.text(5)', 'types.text(types.int4(5))', 'types.text(b"bytes")', 'types.text(types.date("2020-01-31"))',
    'str(types.text("x"))', 'repr(types.text("it''s"))', 'types.char("a")');
SELECT show('types.varchar("abcd", mod=("3",))');
SELECT show('types.varchar(types.text("abcd"), mod=("3",))');
SELECT show('types.text("a\0b")');
SELECT show('types.text("abc")[7]');
SELECT show('types.text("abc").nosuch');
SELECT show('types.text("a") - "b"');
SELECT show('types.text("a") + 5');
SELECT show('types.text(object())');
CREATE FUNCTION joined(a text, b varchar, c char(4)) RETURNS text LANGUAGE python AS $$
def main(a, b, c):
    return a + b + c + "!"
$$;
SELECT joined('x', 'y', 'z');
