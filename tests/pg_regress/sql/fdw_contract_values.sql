-- The Python values of quals, type by type: what repr() shows. The tables are empty, so only the call counts.
SET TimeZone = 'UTC';
CREATE SERVER spy FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'spy.Spy');
CREATE FOREIGN TABLE numbers (i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric(12, 3), m money, o oid)
    SERVER spy;
SELECT i4 FROM numbers WHERE i2 = 7::int2 AND i2 > (-32768)::int2;
SELECT i4 FROM numbers WHERE i4 = 2147483647 AND i4 > -2147483648;
SELECT i4 FROM numbers WHERE i8 = 9223372036854775807 AND i8 > -9223372036854775808;
-- Across the integer types the value keeps its own type.
SELECT i4 FROM numbers WHERE i2 = 7 AND i8 = 7 AND i4 = 7::int8;
SELECT i4 FROM numbers WHERE f4 = 0.5::float4 AND f8 = 0.1 AND f8 > 1e300;
SELECT i4 FROM numbers WHERE f8 < 'infinity' AND f8 > '-infinity' AND f8 <> 'nan';
SELECT i4 FROM numbers WHERE n = 1.50 AND n < 123456789.123 AND n <> 'NaN' AND n > -0.001;
SELECT i4 FROM numbers WHERE n > 10;
SELECT i4 FROM numbers WHERE m = '12' AND m > '-1234.5';
SELECT i4 FROM numbers WHERE o = 4294967295 AND o IN (0, 4294967295);

CREATE FOREIGN TABLE texts (t text, v varchar(8), c char(4), n name, b bytea, k "char") SERVER spy;
SELECT t FROM texts WHERE t = 'it''s "é" €' AND t <> '' AND t > E'line\nbreak\\';
SELECT t FROM texts WHERE v = 'ab' AND c = 'ab' AND n = 'ab' AND k = 'x';
SELECT t FROM texts WHERE b = '\x00ff41' AND b > '';

CREATE FOREIGN TABLE times (d date, t time, tz timetz, ts timestamp, tstz timestamptz, i interval) SERVER spy;
SELECT d FROM times WHERE d = '2024-02-29' AND d > '0001-01-01' AND d < '9999-12-31';
SELECT d FROM times WHERE t = '23:59:59.999999' AND t > '00:00';
SELECT d FROM times WHERE tz = '12:30+02';
SELECT d FROM times WHERE ts = '2024-02-29 12:30:01.000002';
SELECT d FROM times WHERE tstz = '2024-02-29 12:30+02' AND tstz < '2024-07-01 00:00 Europe/Berlin';
SELECT d FROM times WHERE i = '1 day 02:03:04.5';
SELECT d FROM times WHERE ts > '2024-01-01'::date;

CREATE FOREIGN TABLE others (u uuid, j json, jb jsonb, b bool, i inet, x xml, bt bit(4)) SERVER spy;
SELECT u FROM others WHERE u = '00112233-4455-6677-8899-aabbccddeeff';
SELECT u FROM others WHERE jb = '{"b": [1, 2.5, null, true, "é"], "a": {}}';
SELECT u FROM others WHERE jb @> '{"a": 1}' AND jb ? 'a' AND jb ?| ARRAY['a', 'b'];
SELECT u FROM others WHERE b = ANY ('{t,f}');
SELECT u FROM others WHERE bt = B'0101';

-- Lists hold the values that a single comparison would have.
SELECT i4 FROM numbers WHERE i2 = ANY ('{1,2}') OR false;
SELECT i4 FROM numbers WHERE i4 IN (1, NULL, 3);
SELECT i4 FROM numbers WHERE i8 IN (1, 9223372036854775807) AND f8 IN (0.5, 'nan') AND n IN (1.5, NULL);
SELECT t FROM texts WHERE t IN ('a,b', '', 'NULL', NULL, '{}', '"');
SELECT t FROM texts WHERE b IN ('\x00', NULL);
SELECT d FROM times WHERE d IN ('2024-02-29', NULL) AND tstz IN ('2024-02-29 12:00+00');
SELECT u FROM others WHERE u IN ('00112233-4455-6677-8899-aabbccddeeff', NULL);
SELECT u FROM others WHERE jb IN ('{"a": null}', 'null', NULL);
-- ANY looks at all elements of an array of two dimensions.
SELECT i4 FROM numbers WHERE i4 = ANY (ARRAY[[1, 2], [3, NULL]]);
SELECT u FROM others WHERE jb <> ALL (ARRAY['[1, [2]]', '[]']::jsonb[]);
-- The null of JSON is not what IS NULL asks for.
SELECT u FROM others WHERE jb = 'null';
SELECT u FROM others WHERE jb IS NULL;

-- A column that is an array, compared as a whole.
CREATE FOREIGN TABLE arrays (a int[], b text[], v varchar(3)[]) SERVER spy;
SELECT a FROM arrays WHERE a = ARRAY[1, NULL] AND a && '{2}' AND b @> ARRAY['x', 'y'];
SELECT a FROM arrays WHERE v = ARRAY['abc', 'd']::varchar[];
SELECT a FROM arrays WHERE 1 = ANY (a);

-- Domains and enums.
CREATE DOMAIN even AS int CHECK (value % 2 = 0);
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE FOREIGN TABLE made (e even, c colour) SERVER spy;
SELECT e FROM made WHERE e = 4 AND c = 'red' AND c > 'blue' AND c IN ('red', NULL);

-- What a value cannot be in Python is passed as its text.
SELECT d FROM times WHERE d = 'infinity' AND ts = '-infinity' AND d > '0044-03-15 BC';
