-- Ranges and multiranges in LANGUAGE python.
\set SHOW_CONTEXT never
DO LANGUAGE python $$
from Postgres import types
R = types.int4range
r = R((1, 10))
print(repr(r), r.lower, r.upper, r.lower_inc, r.upper_inc, r.lower_inf, r.upper_inf, r.isempty, bool(r))
print(R((1, 10, "[]")), R((None, 5)), R((5, None, "(")) if False else R((5, None)), R("empty"), R("[3,4]"), bool(R("empty")))
print(5 in r, 10 in r, types.int4(9) in r, R((2, 3)) in r, R((2, 30)) in r, None in r)
print(r + R((10, 20)), r * R((5, 50)), r - R((5, 50)), r == R((1, 10)), r < R((2, 3)), r << R((20, 30)), r == (1, 10))
print(R("empty").lower, R((None, 5)).lower, R((None, None)), hash(r) == hash(R("[1,10)")))
D = types.daterange
d = D(("2020-01-01", "2020-02-01"))
print(d, d.upper - d.lower, types.date("2020-01-15") in d, "2021-01-01" in d, types.numrange(("1.5", types.int4(3))))
M = types.int4multirange
m = M([(1, 3), (5, 7)])
print(repr(m), len(m), list(m), m[1], m[-1].lower, m.lower, m.upper, 2 in m, 4 in m, R((5, 6)) in m, bool(M([])), m.isempty)
print(m + M("{[3,5)}"), m * M("{[2,6)}"), m[0:1], M([R((1, 2)), R((2, 3))]), m == M("{[1,3),[5,7)}"))
$$;
DO LANGUAGE python 'from Postgres import types; types.int4range((5, 1))';
DO LANGUAGE python 'from Postgres import types; types.int4range((1, 2, "<>"))';
DO LANGUAGE python 'from Postgres import types; "x" in types.int4range((1, 2))';
DO LANGUAGE python 'from Postgres import types; types.int4range((1, 2)) + types.int4range((5, 6))';
CREATE FUNCTION widened(r int4range, by int) RETURNS int4range LANGUAGE python AS $$
def main(r, by):
    return r.lower - by, r.upper + by
$$;
SELECT widened('[3,5)', 2);
CREATE FUNCTION parts(m int4multirange) RETURNS SETOF int4range LANGUAGE python AS 'def main(m): return m';
SELECT * FROM parts('{[1,2),[5,9)}');
CREATE TYPE textrange AS RANGE (subtype = text);
CREATE FUNCTION textual() RETURNS textrange LANGUAGE python AS 'def main(): return ("a", "c")';
SELECT textual();
