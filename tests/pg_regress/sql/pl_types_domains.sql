-- Domains in LANGUAGE python: over anything, in chains, checked.
\set SHOW_CONTEXT never
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small AS positive NOT NULL CHECK (VALUE < 100);
CREATE DOMAIN word AS varchar(5) CHECK (VALUE ~ '^[a-z]*$');
CREATE DOMAIN pair_of AS int[] CHECK (array_length(VALUE, 1) = 2);
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN ordered AS pair CHECK ((VALUE).a < (VALUE).b);
DO LANGUAGE python $$
from Postgres import Type, types
P, S, W, A, O = (Type(name) for name in ("positive", "small", "word", "pair_of", "ordered"))
print(issubclass(P, types.int4), issubclass(S, P), issubclass(W, types.varchar), S.Base is P, P.Base is types.int4, types.int4.Base)
p = P(5)
print(repr(p), p + 1, type(p + 1).typname, p == 5, S(p), int(p), p.bit_length(), types.int4(p), P(types.int8(7)), P("8"))
w = W("abc")
print(repr(w), w + "d", w[0:2], type(w[0:2]).typname, len(w), w.upper())
a = A([1, 2])
print(repr(a), a[0], a[0:1], a.Element, list(a), a == [1, 2], A.Element)
o = O((1, 2))
print(repr(o), o.a, o["b"], o.replace(0), O.column_names)
print(p + -3, p - 10, -10 + p, p == -1, p > -5, w == "UPPER", w + "UPPER", a == [1, 2, 3])
print(P.check(5), P.check(None), S.check(5), types.int4.check(5))
$$;
DO LANGUAGE python 'from Postgres import Type; Type("positive")(-1)';
DO LANGUAGE python 'from Postgres import Type; Type("positive").check(-1)';
\echo :LAST_ERROR_SQLSTATE
DO LANGUAGE python 'from Postgres import Type; Type("small").check(None)';
\echo :LAST_ERROR_SQLSTATE
DO LANGUAGE python 'from Postgres import Type; Type("small").check(100)';
DO LANGUAGE python 'from Postgres import Type; Type("small").check(-1)';
DO LANGUAGE python 'from Postgres import Type; Type("word")("abcdef")';
DO LANGUAGE python 'from Postgres import Type; Type("word")("ABC")';
DO LANGUAGE python 'from Postgres import Type; Type("pair_of")([1])';
DO LANGUAGE python 'from Postgres import Type; Type("ordered")((2, 1))';
-- a value that a function returns is checked
CREATE FUNCTION give(v int) RETURNS positive LANGUAGE python AS 'def main(v): return v';
SELECT give(5), give(NULL);
SELECT give(-5);
CREATE FUNCTION give_small(v int) RETURNS small LANGUAGE python AS 'def main(v): return v';
SELECT give_small(5);
SELECT give_small(NULL);
SELECT give_small(500);
CREATE FUNCTION same(v positive) RETURNS positive LANGUAGE python AS 'def main(v): return v';
SELECT same(5);
CREATE FUNCTION less(v positive) RETURNS positive LANGUAGE python AS 'def main(v): return v - 10';
SELECT less(15);
SELECT less(5);
CREATE FUNCTION many(n int) RETURNS SETOF positive LANGUAGE python AS 'def main(n): return range(3, int(n), -1)';
SELECT * FROM many(0);
SELECT * FROM many(-1);
CREATE FUNCTION outed(OUT a positive, OUT b word) LANGUAGE python AS 'def main(): return 1, "UPPER"';
SELECT outed();
CREATE FUNCTION rows() RETURNS ordered LANGUAGE python AS 'def main(): return 2, 1';
SELECT rows();
-- a constraint that comes later
SELECT same(50);
ALTER DOMAIN positive ADD CHECK (VALUE < 40) NOT VALID;
SELECT same(50);
