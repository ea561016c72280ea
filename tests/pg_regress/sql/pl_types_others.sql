-- uuid, inet, the OID family and transaction numbers in LANGUAGE python.
\set SHOW_CONTEXT never
DO LANGUAGE python $$
import ipaddress, uuid
from Postgres import Type, types
u = types.uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
print(repr(u), u.version, u.hex, int(u) == u.to_python().int, bytes(u)[:2], u == uuid.UUID(str(u)), u == str(u), hash(u) == hash(uuid.UUID(str(u))), types.uuid(uuid.UUID(int=5)), u.urn)
i = types.inet("192.168.1.5/24")
print(repr(i), i.family, i.masklen, i.host, i.netmask, i.hostmask, i.broadcast, i.network, repr(i.to_python()), i + types.int8(1), i + 1, i - 1)
print(repr(types.inet("::1").to_python()), repr(types.cidr("10.0.0.0/8").to_python()), types.inet("10.1.2.3") in types.cidr("10.0.0.0/8"), "11.1.2.3" in types.cidr("10.0.0.0/8"))
print(types.inet(ipaddress.ip_address("10.0.0.1")), types.cidr(ipaddress.ip_network("10.0.0.0/8")), i == "192.168.1.5/24", ~i, i < types.inet("192.168.1.6/24"))
print(types.macaddr("08:00:2b:01:02:03"), types.point("(1,2)"), types.bit("101", mod=(3,)), types.varbit("10") + types.varbit("01"), types.money("12.50") * types.int4(2))
print(types.point("(1,2)") + types.point("(1,1)"), types.tsvector("a b"), types.tsquery("a & !b"))
$$;
DO LANGUAGE python $$
from Postgres import Type, types
c = types.regclass("pg_class")
print(repr(c), int(c), types.oid(c), c == 1259, types.regclass(1259), types.regclass(types.oid(1259)), types.oid(1259) == c, [0] * 2 if int(c) else None)
print(types.regproc("now"), types.regprocedure("now()"), types.regproc(types.regprocedure("now()")), types.regprocedure(types.regproc("now")), int(types.regproc("now")))
print(types.regtype("int"), types.regtype(23), types.regtype(types.oid(25)), Type(types.regtype("text")), types.regoperator("+(int4,int4)"), types.regoper(types.regoperator("+(int4,int4)")) == types.regoperator("+(int4,int4)"), types.oid(types.regoperator("+(int4,int4)")))
print(types.regrole("pg_monitor"), types.regnamespace("pg_catalog"), hash(types.oid(5)) == hash(5), types.oid(4294967295), bool(types.oid(0)), types.oid(5) < 6, int(types.oid("7")))
x = types.xid.current()
print(type(x), x == types.xid.current(), int(x) > 0, types.xid.current_sub() == x, types.xid8.current() == types.xid8.current(), int(types.xid8.current()) >= int(x))
$$;
DO LANGUAGE python 'from Postgres import types; types.regclass("nosuch")';
DO LANGUAGE python 'from Postgres import types; types.uuid("x")';
DO LANGUAGE python 'from Postgres import types; types.inet("1.2.3")';
DO LANGUAGE python 'from Postgres import types; print(types.oid(-1))';
DO LANGUAGE python 'from Postgres import types; types.oid(2**40)';
SELECT txid_current() IS NOT NULL AS given;
CREATE FUNCTION my_xid() RETURNS bool LANGUAGE python AS $$
from Postgres import types
def main():
    return types.xid8.current()== types.xid8.current()
$$;
SELECT my_xid();
