-- Booleans, integers, floats and numeric, from Python and to Python.
CREATE SERVER s FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'values_fdw.Values');
CREATE FOREIGN TABLE v (
    py text, got text, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n52 numeric(5, 2), o oid
) SERVER s;

SELECT b, i2, i4, i8, f4, f8, n, n52 FROM v WHERE py = $$dict(b=True, i2=-32768, i4=2147483647, i8=-2**63, f4=0.5, f8=1e-300, n=D('1.10'), n52=D('1.1'))$$;
SELECT b, i2, i4, i8, f4, f8, n, n52 FROM v WHERE py = $$dict(b='off', i2=True, i4=5.0, i8=D('7.00'), f4=1, f8=2**70, n=10**25, n52=999.994)$$;
SELECT b, i2, i4, i8, f4, f8, n, n52 FROM v WHERE py = $$dict(b=0, i2='-5', i4=' 12 ', i8=b'99', f4='1.5', f8=D('0.1'), n='1e3', n52='12.345')$$;
SELECT * FROM v WHERE py = $$dict()$$;
SELECT * FROM v WHERE py = $$dict(b=None, i2=None, f8=None, n=None)$$;

-- What is not a finite number.
SELECT f4, f8, n FROM v WHERE py = $$dict(f4=float('nan'), f8=float('inf'), n=D('-Infinity'))$$;
SELECT f4, f8, n FROM v WHERE py = $$dict(f4='-Infinity', f8=D('NaN'), n=float('nan'))$$;
SELECT n FROM v WHERE py = $$dict(n=D('sNaN'))$$;

-- Every digit of a numeric.
SELECT n FROM v WHERE py = $$dict(n=D('123456789012345678901234567890.123456789012345678901234567890'))$$;
SELECT n FROM v WHERE py = $$dict(n=D('0E-20'))$$;
SELECT n FROM v WHERE py = $$dict(n=D('-1.5E+10'))$$;
SELECT n FROM v WHERE py = $$dict(n=D('1E-130'))$$;
SELECT n FROM v WHERE py = $$dict(n=D('10000'))$$;
SELECT n FROM v WHERE py = $$dict(n=D('9999.0001'))$$;
SELECT n FROM v WHERE py = $$dict(n=-2**63)$$;
SELECT n = 10::numeric ^ 5000 AS same FROM v WHERE py = $$dict(n=10**5000)$$;
SELECT n = -(10::numeric ^ 200 + 1) AS same FROM v WHERE py = $$dict(n=D('-1' + '0'*199 + '1'))$$;
SELECT n FROM v WHERE py = $$dict(n=0.1)$$;

-- Values that do not fit are errors that name the value, the column and the row.
SELECT i2 FROM v WHERE py = $$dict(i2=32768)$$;
SELECT i4 FROM v WHERE py = $$dict(i4=-2**31 - 1)$$;
SELECT i8 FROM v WHERE py = $$dict(i8=2**63)$$;
SELECT i8 FROM v WHERE py = $$dict(i8=2.0**63)$$;
SELECT i4 FROM v WHERE py = $$dict(i4=1.5)$$;
SELECT i4 FROM v WHERE py = $$dict(i4=D('2.5'))$$;
SELECT i4 FROM v WHERE py = $$dict(i4=float('inf'))$$;
SELECT i4 FROM v WHERE py = $$dict(i4=D('NaN'))$$;
SELECT i4 FROM v WHERE py = $$dict(i4=D('1E+999999999'))$$;
SELECT i4 FROM v WHERE py = $$dict(i4='twelve')$$;
SELECT i4 FROM v WHERE py = $$dict(i4=[1])$$;
SELECT i4 FROM v WHERE py = $$dict(i4=Mute())$$;
SELECT f4 FROM v WHERE py = $$dict(f4=1e39)$$;
SELECT f4 FROM v WHERE py = $$dict(f4=1e-60)$$;
SELECT f8 FROM v WHERE py = $$dict(f8=10**400)$$;
SELECT f8 FROM v WHERE py = $$dict(f8=D('1E+400'))$$;
SELECT f8 FROM v WHERE py = $$dict(f8=D('1E-400'))$$;
SELECT f8 FROM v WHERE py = $$dict(f8='one')$$;
SELECT n52 FROM v WHERE py = $$dict(n52=1000)$$;
SELECT n52 FROM v WHERE py = $$dict(n52=D('Infinity'))$$;
SELECT n FROM v WHERE py = $$dict(n='1,5')$$;
SELECT n FROM v WHERE py = $$dict(n=10**140000)$$;
SELECT n FROM v WHERE py = $$dict(n=D('1E+999999999'))$$;
SELECT n FROM v WHERE py = $$dict(n=D('1E-999999999'))$$;
SELECT b FROM v WHERE py = $$dict(b=2)$$;
SELECT b FROM v WHERE py = $$dict(b='maybe')$$;
\set VERBOSITY sqlstate
SELECT i2 FROM v WHERE py = $$dict(i2=32768)$$;
SELECT i4 FROM v WHERE py = $$dict(i4=1.5)$$;
\set VERBOSITY default

-- A column that the query does not need is not looked at.
SELECT i2 FROM v WHERE py = $$dict(i2=1, i4='twelve', f8=Mute())$$;

-- To Python.
SELECT got, i2, i4, i8 FROM v WHERE i2 = 5::int2 AND i4 = -6 AND i8 = 9223372036854775807;
SELECT got, f4, f8 FROM v WHERE f4 = 0.5::float4 AND f8 = 0.1::float8;
SELECT got, f8 FROM v WHERE f8 = 'Infinity'::float8;
SELECT got, n FROM v WHERE n = 123456789012345678901234567890.10;
SELECT got, n FROM v WHERE n = 'NaN'::numeric;
SELECT got FROM v WHERE i4 IS NULL;
SELECT got, i4 FROM v WHERE i4 = ANY ('{1,2,NULL}');
