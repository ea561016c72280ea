-- Arrays, composites, ranges and JSON.
CREATE SERVER s FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'values_fdw.Values');
CREATE TYPE pair AS (x int, y varchar(3));
ALTER TYPE pair ADD ATTRIBUTE gone int;
ALTER TYPE pair DROP ATTRIBUTE gone;
CREATE TYPE pairs AS (first pair, rest pair[]);
CREATE DOMAIN few AS int[] CHECK (cardinality(VALUE) < 3);
CREATE FOREIGN TABLE v (
    py text, got text, ints int[], texts text[], names varchar(3)[], dates date[], nums numeric(4, 1)[],
    p pair, pp pairs, ps pair[], f few, r int4range, nr numrange, dr daterange, tr tstzrange, rs int4range[],
    mr int4multirange, j json, jb jsonb, jbs jsonb[]
) SERVER s;
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- Arrays from any iterable; NULL inside; nested lists are dimensions.
SELECT ints, texts FROM v WHERE py = $$dict(ints=[1, None, 3], texts=('a', 'b,"', ''))$$;
SELECT ints, texts FROM v WHERE py = $$dict(ints={7}, texts=(c for c in 'xyz'))$$;
SELECT ints, texts FROM v WHERE py = $$dict(ints=range(3), texts={'k': 1}.keys())$$;
SELECT ints, array_dims(ints) AS dims FROM v WHERE py = $$dict(ints=[[1, 2, 3], [4, 5, None]])$$;
SELECT ints, texts FROM v WHERE py = $$dict(ints=[], texts=[[], []])$$;
SELECT ints FROM v WHERE py = $$dict(ints=array('i', [1, 2]))$$;
SELECT ints FROM v WHERE py = $$dict(ints=Wide([[1, 2], [3, 4]]))$$;
SELECT ints FROM v WHERE py = $$dict(ints='{1,2}')$$;
SELECT dates, nums FROM v WHERE py = $$dict(dates=[date(2020, 1, 1), 'infinity'], nums=[D('1.25'), 2, 1.5])$$;
SELECT cardinality(ints) AS many FROM v WHERE py = $$dict(ints=(i for i in range(100000)))$$;
SELECT ints FROM v WHERE py = $$dict(ints=[[1], [2, 3]])$$;
SELECT ints FROM v WHERE py = $$dict(ints=[[1], 2])$$;
SELECT ints FROM v WHERE py = $$dict(ints=[1, [2]])$$;
SELECT ints FROM v WHERE py = $$dict(ints=[None, [2]])$$;
SELECT ints FROM v WHERE py = $$dict(ints=[[], [2]])$$;
SELECT ints FROM v WHERE py = $$dict(ints=[[[[[[[1]]]]]]])$$;
SELECT ints FROM v WHERE py = $$dict(ints=looped())$$;
SELECT ints FROM v WHERE py = $$dict(ints=[1, 'two'])$$;
SELECT texts FROM v WHERE py = $$dict(texts={'a': 1})$$;
SELECT texts FROM v WHERE py = $$dict(texts=5)$$;
SELECT ints FROM v WHERE py = $$dict(ints=([1][i] for i in (0, 1)))$$;
SELECT names FROM v WHERE py = $$dict(names=['abc', 'abcd'])$$;
SELECT nums FROM v WHERE py = $$dict(nums=[1000])$$;
SELECT texts FROM v WHERE py = $$dict(texts=vandalised())$$;
SELECT f FROM v WHERE py = $$dict(f=[1, 2])$$;
SELECT f FROM v WHERE py = $$dict(f=[1, 2, 3])$$;

-- Composites by position, by key or by attribute.
SELECT p FROM v WHERE py = $$dict(p=(1, 'a'))$$;
SELECT p FROM v WHERE py = $$dict(p=[None, None])$$;
SELECT p FROM v WHERE py = $$dict(p={'y': 'b', 'z': 3})$$;
SELECT p FROM v WHERE py = $$dict(p=Reading(x=4))$$;
SELECT p FROM v WHERE py = $$dict(p=Point(5, 'c'))$$;
SELECT p FROM v WHERE py = $$dict(p=Pair(6, 'd'))$$;
SELECT p FROM v WHERE py = $$dict(p=Row(7, 'e'))$$;
SELECT p FROM v WHERE py = $$dict(p='(8,"f,"')$$;
SELECT p FROM v WHERE py = $$dict(p='(8,"f,")')$$;
SELECT pp FROM v WHERE py = $$dict(pp=((1, 'a'), [(2, 'b'), {'x': 3}, None]))$$;
SELECT ps FROM v WHERE py = $$dict(ps=[(1, 'a'), Point(2, 'b')])$$;
SELECT p FROM v WHERE py = $$dict(p=(1,))$$;
SELECT p FROM v WHERE py = $$dict(p=(1, 'abcd'))$$;
SELECT p FROM v WHERE py = $$dict(p=('one', 'a'))$$;
SELECT p FROM v WHERE py = $$dict(p=(2**40, 'a'))$$;
SELECT p FROM v WHERE py = $$dict(p=5)$$;

-- Ranges: tuples, objects with the attributes of a driver's class, text.
SELECT r, nr FROM v WHERE py = $$dict(r=(1, 5), nr=(D('1.5'), 2.5, '[]'))$$;
SELECT r, dr FROM v WHERE py = $$dict(r=(None, 5), dr=(date(2020, 1, 1), None, '()'))$$;
SELECT r, nr FROM v WHERE py = $$dict(r=range_of(1, 5, lower_inc=False, upper_inc=True), nr=range_of(1, 2, bounds='()'))$$;
SELECT r, nr FROM v WHERE py = $$dict(r=range_of(None, None, isempty=True), nr='empty')$$;
SELECT tr FROM v WHERE py = $$dict(tr=(datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)))$$;
SELECT rs, mr FROM v WHERE py = $$dict(rs=[(1, 2), (3, 4)], mr=[(5, 7), (1, 3), '[2,4)'])$$;
SELECT r FROM v WHERE py = $$dict(r=(5, 1))$$;
SELECT r FROM v WHERE py = $$dict(r=(1, 5, '<>'))$$;
SELECT r FROM v WHERE py = $$dict(r=(1, 'x'))$$;
SELECT r FROM v WHERE py = $$dict(r=5)$$;
SELECT mr FROM v WHERE py = $$dict(mr=[None])$$;

-- JSON: a str is JSON text; anything else is the value that it is.
SELECT j, jb FROM v WHERE py = $$dict(j='{"a" : 1}', jb='{"a" : 1, "a" : 2}')$$;
SELECT j, jb FROM v WHERE py = $$dict(j={'b': [1, 2.5, True, None], 'a': {}}, jb={'b': [1, 2.5, True, None], 'a': {}})$$;
SELECT j, jb FROM v WHERE py = $$dict(j=['é"\\\n\x01', '', ()], jb=['é"\\\n\x01', '', ()])$$;
SELECT j, jb FROM v WHERE py = $$dict(j={1: 10**30, None: D('1.10'), True: 1e22}, jb={1: 10**30, None: D('1.10'), True: 1e22})$$;
SELECT j, jb FROM v WHERE py = $$dict(j=[date(2020, 1, 1), datetime(2020, 1, 1, 2, tzinfo=UTC), UUID(int=1), Mood.sad], jb=[date(2020, 1, 1), time(1), UUID(int=1), Mood.GLAD])$$;
SELECT j, jb FROM v WHERE py = $$dict(j=[{1}, Reading(a=1), Wide([1])], jb=[{1}, Reading(a=1), (i for i in (1, 2))])$$;
SELECT j, jb FROM v WHERE py = $$dict(j=5, jb=5)$$;
SELECT j, jb FROM v WHERE py = $$dict(j=True, jb=D('1.50'))$$;
SELECT jbs FROM v WHERE py = $$dict(jbs=[[1, [2]], {'a': 1}, '"text"', None])$$;
SELECT jb FROM v WHERE py = $$dict(jb='{bad')$$;
SELECT j FROM v WHERE py = $$dict(j=[float('nan')])$$;
SELECT jb FROM v WHERE py = $$dict(jb={'a': D('Infinity')})$$;
SELECT jb FROM v WHERE py = $$dict(jb=['a\0'])$$;
SELECT jb FROM v WHERE py = $$dict(jb={(1, 2): 3})$$;
SELECT j FROM v WHERE py = $$dict(j=[Mute])$$;
SELECT j FROM v WHERE py = $$dict(j=Mute())$$;
-- Nesting ends where the server's stack does.
\set VERBOSITY terse
SELECT jb FROM v WHERE py = $$dict(jb=looped())$$;
SELECT j FROM v WHERE py = $$dict(j=looped())$$;
\set VERBOSITY default

-- To Python.
SELECT got, ints, texts FROM v WHERE ints = '{1,NULL,3}' AND texts = '{{a,b},{c,d}}';
SELECT got, dates FROM v WHERE dates = '{2020-01-01,infinity}';
SELECT got, p FROM v WHERE p = (1, 'a')::pair;
SELECT got, pp FROM v WHERE pp = ((1, 'a')::pair, ARRAY[(2, 'b')::pair])::pairs;
SELECT got, r, nr FROM v WHERE r = '[1,5)' AND nr = 'empty';
SELECT got, jb FROM v WHERE jb = '{"b": [1, 2.5, true, null], "a": {}}';
SELECT got, jbs FROM v WHERE jbs = ARRAY['[1]', '{"a": 1}']::jsonb[];
