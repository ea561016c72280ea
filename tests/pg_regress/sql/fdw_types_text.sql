-- Text, bytea, uuid, enums, domains, and types that only their own I/O functions know.
CREATE SERVER s FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'values_fdw.Values');
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0) NOT NULL;
CREATE DOMAIN short AS varchar(5) CHECK (VALUE !~ ' ');
CREATE DOMAIN shorter AS short CHECK (VALUE < 'n');
CREATE FOREIGN TABLE v (
    py text, got text, t text, vc varchar(4), c char(4), nm name, by bytea, u uuid, m mood,
    ip inet, net cidr, cash money, bits bit(3)
) SERVER s;
SET lc_monetary = 'C';

SELECT t, vc, c, nm FROM v WHERE py = $$dict(t='naïve ☃ 𝄞', vc='äöüß', c='ab', nm='name')$$;
SELECT t, length(t), vc, octet_length(c) FROM v WHERE py = $$dict(t='', vc='', c='')$$;
-- Blanks beyond the length are dropped, as the standard has it; anything else is an error.
SELECT vc || '|' AS vc, c || '|' AS c FROM v WHERE py = $$dict(vc='abcd   ', c='abcd   ')$$;
SELECT vc FROM v WHERE py = $$dict(vc='abcde')$$;
SELECT vc FROM v WHERE py = $$dict(vc='äöüßx')$$;
SELECT c FROM v WHERE py = $$dict(c='abcde')$$;
-- Other classes: bytes are text in the database's encoding, dates are in ISO form, the rest by str().
SELECT t FROM v WHERE py = $$dict(t='é'.encode())$$;
SELECT t FROM v WHERE py = $$dict(t=bytearray(b'ab'))$$;
SELECT t FROM v WHERE py = $$dict(t=12)$$;
SELECT t FROM v WHERE py = $$dict(t=[1, 'a'])$$;
SELECT t FROM v WHERE py = $$dict(t=datetime(2020, 2, 29, 1, 2, 3))$$;
SELECT t FROM v WHERE py = $$dict(t=date(2020, 2, 29))$$;
SELECT t FROM v WHERE py = $$dict(t=Text('its own characters'))$$;
SELECT vc FROM v WHERE py = $$dict(vc=12345)$$;
-- What text cannot hold.
SELECT t FROM v WHERE py = $$dict(t='a\0b')$$;
SELECT t FROM v WHERE py = $$dict(t=b'a\0b')$$;
SELECT t FROM v WHERE py = $$dict(t='a\udc80b')$$;
SELECT t FROM v WHERE py = $$dict(t=b'\xff')$$;
SELECT t FROM v WHERE py = $$dict(t=Mute())$$;

SELECT by FROM v WHERE py = $$dict(by=b'\x00\x01\xff')$$;
SELECT by FROM v WHERE py = $$dict(by=bytearray(b'abc'))$$;
SELECT by FROM v WHERE py = $$dict(by=memoryview(b'abcdef')[::2])$$;
SELECT by FROM v WHERE py = $$dict(by=array('B', [1, 2]))$$;
SELECT by FROM v WHERE py = $$dict(by='\\x00ff')$$;
SELECT by FROM v WHERE py = $$dict(by='\\x0')$$;
SELECT by FROM v WHERE py = $$dict(by=b'')$$;

SELECT u FROM v WHERE py = $$dict(u=UUID(int=1))$$;
SELECT u FROM v WHERE py = $$dict(u='{A0EEBC99-9C0B4EF8BB6D6BB9BD380A11}')$$;
SELECT u FROM v WHERE py = $$dict(u=5)$$;

SELECT m FROM v WHERE py = $$dict(m='sad')$$;
SELECT m FROM v WHERE py = $$dict(m=Mood.GLAD)$$;
SELECT m FROM v WHERE py = $$dict(m=Mood.sad)$$;
SELECT m FROM v WHERE py = $$dict(m='angry')$$;

SELECT ip, net, cash, bits FROM v WHERE py = $$dict(ip=ip.ip_address('1.2.3.4'), net=ip.ip_network('10.0.0.0/8'), cash=D('12.5'), bits='101')$$;
SELECT ip FROM v WHERE py = $$dict(ip=ip.ip_interface('::1/64'))$$;
SELECT ip FROM v WHERE py = $$dict(ip='1.2.3')$$;
SELECT bits FROM v WHERE py = $$dict(bits='1010')$$;

-- Domains: the base type's conversion, then every constraint, NULL included.
CREATE FOREIGN TABLE d (py text, p positive, s shorter) SERVER s;
SELECT p, s FROM d WHERE py = $$dict(p=5, s='abc')$$;
SELECT p FROM d WHERE py = $$dict(p=-5)$$;
SELECT p FROM d WHERE py = $$dict(p=None)$$;
SELECT p FROM d WHERE py = $$dict()$$;
SELECT s FROM d WHERE py = $$dict(s='a b')$$;
SELECT s FROM d WHERE py = $$dict(s='xyz')$$;
SELECT s FROM d WHERE py = $$dict(s='abcdef')$$;
SELECT s FROM d WHERE py = $$dict(p=-5)$$;

-- To Python.
SELECT got, t, vc, c FROM v WHERE t = 'naïve' AND vc = 'äö' AND c = 'ab';
SELECT got, by, u FROM v WHERE by = '\x0001ff' AND u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
SELECT got, m, ip, bits FROM v WHERE m = 'sad' AND ip = '1.2.3.4/24' AND bits = B'101';
SELECT got, cash FROM v WHERE cash = '12'::money;
SELECT got = 'str ' || quote_literal(repeat('long', 5000)) AS whole FROM v WHERE t = repeat('long', 5000);
