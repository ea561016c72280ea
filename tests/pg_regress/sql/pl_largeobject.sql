-- Large objects as files.
CREATE TABLE kept (what text, oid oid);
DO LANGUAGE python $$
import io, Postgres
with Postgres.LargeObject.create() as lo:
    oid = lo.oid
    print(isinstance(lo, io.IOBase), lo.readable(), lo.writable(), lo.seekable(), lo.mode, lo.closed)
    print(lo.write(b"first line\nsecond line\n\nlast"), lo.tell(), lo.seek(0), lo.read(5), lo.tell(), lo.read())
    print(lo.read(3), lo.seek(-4, 2), lo.read(), lo.seek(6), lo.seek(5, 1), lo.readline())
    lo.seek(0)
    print(lo.readlines(), lo.readline(), lo.seek(0), lo.readline(4), lo.readline(100), list(lo))
    lo.seek(6)
    print(lo.write(bytearray(b"LINE")), lo.seek(0), lo.readline())
    print(lo.truncate(10), lo.seek(0), lo.read(), lo.seek(4), lo.truncate(), lo.seek(0), lo.read())
    buffer = bytearray(3)
    lo.seek(0)
    print(lo.readinto(buffer), bytes(buffer))
    print(repr(lo) == f"<Postgres.LargeObject {oid} rw>")
print(lo.closed, repr(lo) == f"<Postgres.LargeObject {oid} closed>")
for call in (lo.read, lo.tell, lambda: lo.write(b"x")):
    try:
        call()
    except ValueError as error:
        print(error)
prepare("INSERT INTO kept VALUES ('created', $1)")(oid)
$$;
-- Modes.
CREATE FUNCTION modes(lo oid) RETURNS text LANGUAGE python AS $$
import io, Postgres
def main(lo):
    told = []
    with Postgres.LargeObject(lo) as file:
        told.append(file.read())
        try:
            file.write(b"x")
        except io.UnsupportedOperation as error:
            told.append(str(error))
    with Postgres.LargeObject(lo, "w") as file:
        told.append(file.write(b"W"))
        try:
            file.read(1)
        except io.UnsupportedOperation as error:
            told.append(str(error))
    with Postgres.LargeObject(lo, "ab") as file:
        told.append(file.tell())
        told.append(file.write(b"more"))
    with Postgres.LargeObject(lo, "rb") as file:
        told.append(file.read())
        told.append(io.BufferedReader(Postgres.LargeObject(lo)).read(3))
        told.append(io.TextIOWrapper(io.BufferedReader(Postgres.LargeObject(lo)), "ascii").read())
    try:
        Postgres.LargeObject(lo, "x")
    except ValueError as error:
        told.append(str(error))
    return "\n".join(map(str, told))
$$;
SELECT modes(oid) FROM kept;
-- Larger than a page, larger than a gulp.
DO LANGUAGE python $$
import Postgres
with Postgres.LargeObject.create() as lo:
    data = bytes(range(256)) * 9000
    print(lo.write(data), lo.seek(0), lo.read() == data, lo.seek(2_000_000_000), lo.write(b"far"), lo.tell())
    lo.unlink()
    print(lo.closed)
    print(prepare("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = $1").first(lo.oid))
with Postgres.LargeObject.tmp() as lo:
    lo.write(b"for a while")
    print(prepare("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = $1").first(lo.oid))
print(prepare("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = $1").first(lo.oid))
with Postgres.LargeObject.create(4242) as lo:
    print(lo.oid)
    lo.unlink()
$$;
-- Errors are the server's.
DO LANGUAGE python $$
import Postgres
Postgres.LargeObject(1)
$$;
DO LANGUAGE python $$
import Postgres
lo = Postgres.LargeObject.create(4243)
Postgres.LargeObject.create(4243)
$$;
-- Undone with the subtransaction; one that it closed is not closed again.
DO LANGUAGE python $$
import Postgres
outside = Postgres.LargeObject.create()
try:
    with xact():
        inside = Postgres.LargeObject(outside.oid, "w")
        inside.write(b"undone")
        raise KeyError
except KeyError:
    pass
inside.close()
print(outside.read())
outside.unlink()
$$;
-- Rights.
CREATE ROLE regress_pl_largeobject;
CREATE FUNCTION reads(lo oid) RETURNS bytea LANGUAGE python AS $$
import Postgres
def main(lo):
    return Postgres.LargeObject(lo).read()
$$;
SELECT reads(oid) FROM kept \gset
SELECT :'reads';
SELECT oid AS kept FROM kept \gset
SET ROLE regress_pl_largeobject;
\set VERBOSITY sqlstate
SELECT reads(:kept);
\set VERBOSITY default
RESET ROLE;
DROP ROLE regress_pl_largeobject;
SELECT lo_unlink(oid) FROM kept;
