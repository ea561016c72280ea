-- Triggers at the edges: what a function may do to what it was given, and to its table.
CREATE TABLE t (a int, b text);
CREATE FUNCTION greedy() RETURNS trigger LANGUAGE plpy AS $$
TD["args"].append("more")
plpy.notice(TD["args"])
$$;
CREATE TRIGGER greedy BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION greedy('one');
INSERT INTO t VALUES (1), (2);
DROP TRIGGER greedy ON t;

-- The conversion of a value changes the row that is being converted.
CREATE FUNCTION changing() RETURNS trigger LANGUAGE plpy AS $$
class Odd(int):
    def __str__(self):
        TD["new"].clear()
        TD["new"].update({str(i): 1 for i in range(100)})
        return "5"
TD["new"]["b"] = Odd(4)
return "MODIFY"
$$;
CREATE TRIGGER changing BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION changing();
INSERT INTO t VALUES (3) RETURNING *;
DROP TRIGGER changing ON t;

-- Columns that were added with a default, dropped, renamed.
ALTER TABLE t ADD COLUMN c int DEFAULT 5;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE python AS $$
import Postgres
def before_update(td, old, new):
    Postgres.NOTICE(f"{dict(old)} {str(new)}")
    return str(new)
$$;
CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpy AS $$
plpy.notice(f"{TD['old']} {TD['new']}")
$$;
CREATE TRIGGER one BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER two BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION mark();
UPDATE t SET b = 'x' WHERE a = 1;
ALTER TABLE t DROP COLUMN a;
ALTER TABLE t RENAME COLUMN b TO bb;
UPDATE t SET bb = 'y' WHERE bb = 'x' RETURNING *;
CREATE OR REPLACE FUNCTION tell() RETURNS trigger LANGUAGE python AS $$
def before_update(td, old, new):
    return 5
$$;
UPDATE t SET bb = 'z' WHERE bb = 'y';

-- The table is altered by its own trigger.
CREATE TABLE s (a int);
CREATE FUNCTION altering() RETURNS trigger LANGUAGE plpy AS 'plpy.execute("ALTER TABLE s ADD COLUMN b int")';
CREATE TRIGGER altering BEFORE INSERT ON s FOR EACH ROW EXECUTE FUNCTION altering();
INSERT INTO s VALUES (1);
CREATE OR REPLACE FUNCTION altering() RETURNS trigger LANGUAGE python AS $$
def before_insert(td, new):
    sqlexec("ALTER TABLE s RENAME COLUMN a TO aa")
    return "(5)"
$$;
INSERT INTO s VALUES (1);
CREATE OR REPLACE FUNCTION altering() RETURNS trigger LANGUAGE plpy AS $$
plpy.execute("DROP TRIGGER altering ON s")
TD["new"]["aa"] = 6
return "MODIFY"
$$;
INSERT INTO s VALUES (1);
SELECT * FROM s;

-- The transition tables are those of the function that the trigger calls, and of no module that it loads.
CREATE FUNCTION looks() RETURNS int LANGUAGE python AS $$
import Postgres
try:
    with xact():
        seen = sqleval("(SELECT count(*) FROM fresh)")
except Postgres.Exception as error:
    seen = error.message
Postgres.NOTICE(str(seen))
def main(): return 1
$$;
CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpy AS $$
plpy.notice(plpy.execute("SELECT count(*), looks() FROM fresh")[0])
$$;
CREATE TRIGGER counts AFTER INSERT ON s REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION counts();
INSERT INTO s VALUES (7), (8);

-- Recursion without end.
CREATE TABLE r (a int);
CREATE FUNCTION down() RETURNS trigger LANGUAGE plpy AS $$
try:
    plpy.execute(f"INSERT INTO r VALUES ({TD['new']['a'] - 1})")
except plpy.SPIError as error:
    if error.sqlstate == '54001' and TD['new']['a'] == 0:
        plpy.notice("stopped")
    raise
$$;
CREATE TRIGGER down BEFORE INSERT ON r FOR EACH ROW EXECUTE FUNCTION down();
\set VERBOSITY sqlstate
INSERT INTO r VALUES (0);
\set VERBOSITY default
SELECT count(*) FROM r;
