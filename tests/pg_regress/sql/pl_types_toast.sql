-- Values pass through LANGUAGE python as they are: toasted ones are not fetched.
\set SHOW_CONTEXT never
CREATE TABLE big (id int, t text, a int[]);
ALTER TABLE big ALTER t SET STORAGE EXTERNAL;
ALTER TABLE big ALTER a SET STORAGE EXTERNAL;
INSERT INTO big SELECT 1, repeat('x', 100000), array_agg(n) FROM generate_series(1, 20000) n;
CREATE FUNCTION pass(t text) RETURNS text LANGUAGE python AS 'def main(t): return t';
CREATE FUNCTION pass_array(t int[]) RETURNS int[] LANGUAGE python AS 'def main(t): return t';
CREATE FUNCTION first_of(t int[]) RETURNS int LANGUAGE python AS 'def main(t): return t[0] + t[-1]';
-- the same pointer to the same stored value
SELECT pg_column_size(pass(t)) = pg_column_size(t) AS same_size, pass(t) = t AS equal, length(pass(t)) FROM big;
SELECT pg_column_size(pass_array(a)) = pg_column_size(a) AS same_size, pass_array(a) = a AS equal, first_of(a) FROM big;
-- pg_column_compression and friends see the stored form too
CREATE TABLE squeezed (t text COMPRESSION pglz);
ALTER TABLE squeezed ALTER t SET STORAGE MAIN;
INSERT INTO squeezed VALUES (repeat('ab', 10000));
SELECT pg_column_compression(pass(t)) = 'pglz' AS compressed, length(pass(t)) FROM squeezed;
-- what a module keeps is fetched before its table changes
CREATE FUNCTION keep(t text, a int[]) RETURNS void LANGUAGE python AS $$
import sys
def main(t, a):
    sys.kept = (t, a)
$$;
CREATE FUNCTION kept() RETURNS text LANGUAGE python AS $$
import sys
def main():
    t, a = sys.kept
    return f"{len(t)} {t[:3]} {len(a)} {a[19999]}"
$$;
SELECT keep(t, a) FROM big;
SELECT kept();
DROP TABLE big;
VACUUM;
SELECT kept();
-- a block keeps as well
CREATE TABLE shortly (t text);
ALTER TABLE shortly ALTER t SET STORAGE EXTERNAL;
INSERT INTO shortly SELECT repeat('z', 30000);
DO LANGUAGE python $$
import sys
sys.kept = (prepare("SELECT t FROM shortly").first(), [1] * 20000)
$$;
DROP TABLE shortly;
CREATE OR REPLACE FUNCTION kept() RETURNS text LANGUAGE python AS $$
import sys
def main():
    return f"{len(sys.kept[0])} {sys.kept[0][:3]}"
$$;
SELECT kept();
-- between the rows of a set too
CREATE TABLE other (t text);
ALTER TABLE other ALTER t SET STORAGE EXTERNAL;
INSERT INTO other SELECT repeat('y', 50000);
CREATE FUNCTION held(t text) RETURNS SETOF int LANGUAGE python AS $$
def main(t):
    for n in range(3):
        yield n
    yield len(t)
$$;
SELECT held(t) FROM other;
SELECT held(repeat('z', 100000));
