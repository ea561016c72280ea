-- Postgres.Stateful: a generator for each place that calls the function.
CREATE FUNCTION running_sum(v int) RETURNS bigint LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def main(v):
    total = 0
    while True:
        total += int(v)
        (v,) = yield total
$$;
SELECT i, running_sum(i) FROM generate_series(1, 5) i;
-- Anew for each query.
SELECT i, running_sum(i) FROM generate_series(1, 2) i;
-- Two places have two generators.
SELECT i, running_sum(i), running_sum(i * 10) FROM generate_series(1, 3) i;
-- The end starts it anew.
CREATE FUNCTION three(v int) RETURNS text LANGUAGE python AS $$
from Postgres import Stateful
@Stateful
def main(v):
    for at in range(3):
        (v,) = yield f"{at} {v}"
$$;
SELECT three(i) FROM generate_series(1, 7) i;
-- Without a value, and with an error halfway.
CREATE FUNCTION empty(v int) RETURNS text LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def main(v):
    return
    yield
$$;
SELECT empty(1);
CREATE FUNCTION fails_third(v int) RETURNS text LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def main(v):
    yield "first"
    yield "second"
    raise ValueError("no third")
$$;
SELECT fails_third(i) FROM generate_series(1, 3) i;
-- In a set-returning function each yield is a set.
CREATE FUNCTION sets(v int) RETURNS SETOF int LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def main(v):
    seen = []
    while True:
        seen.append(int(v))
        (v,) = yield list(seen)
$$;
SELECT i, sets(i) FROM generate_series(1, 3) i;
-- In triggers: a statement has one.
CREATE TABLE numbered (name text, n int);
CREATE FUNCTION number() RETURNS trigger LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def before_insert(td, new):
    n = 0
    while True:
        n += 1
        td, new = yield new.replace(n=n)
$$;
CREATE TRIGGER number BEFORE INSERT ON numbered FOR EACH ROW EXECUTE FUNCTION number();
INSERT INTO numbered SELECT 'row ' || i FROM generate_series(1, 3) i;
INSERT INTO numbered VALUES ('another statement');
SELECT * FROM numbered;
-- What is refused.
DO LANGUAGE python $$
import Postgres
for bad in (lambda v: v, len, 3):
    try:
        Postgres.Stateful(bad)
    except TypeError as error:
        print(error)
$$;
CREATE FUNCTION nested(v int) RETURNS int LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def inner(v):
    yield 1
@Postgres.Stateful
def main(v):
    yield inner(v)
$$;
SELECT nested(1);
-- Two of one function side by side are not nested.
CREATE FUNCTION side_by_side(v int) RETURNS text LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def up(v):
    n = 0
    while True:
        n += 1
        yield n
@Postgres.Stateful
def down(v):
    n = 0
    while True:
        n -= 1
        yield n
def main(v):
    return f"{up(v)} {down(v)}"
$$;
SELECT side_by_side(i) FROM generate_series(1, 3) i;
-- A function that calls itself through SQL has another place.
CREATE FUNCTION through_sql(v int) RETURNS bigint LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def main(v):
    while True:
        (v,) = yield 1 if v <= 0 else v + sqleval("through_sql($1)", v - 1)
$$;
SELECT through_sql(3);
-- While something else changes in the catalogue it goes on.
CREATE FUNCTION makes_tables(v int) RETURNS bigint LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def main(v):
    total = 0
    while True:
        total += int(v)
        sqlexec(f"CREATE TYPE made_{v} AS (a int)")
        (v,) = yield total
$$;
SELECT makes_tables(i) FROM generate_series(1, 4) i;
-- Generators that were not read to their end are closed.
CREATE FUNCTION closes(v int) RETURNS int LANGUAGE python AS $$
import Postgres
@Postgres.Stateful
def main(v):
    while True:
        (v,) = yield v
$$;
SELECT closes(i) FROM generate_series(1, 2) i LIMIT 1;
