-- Loading functions ahead, and forgetting what is cached.
CREATE SCHEMA early;
CREATE FUNCTION early.one() RETURNS int LANGUAGE python AS $$
print("one is loaded")
def main(): return 1
$$;
CREATE FUNCTION early.two() RETURNS int LANGUAGE python AS $$
print("two is loaded")
def main(): return 2
$$;
CREATE FUNCTION early.other() RETURNS int LANGUAGE sql AS 'SELECT 3';
CREATE FUNCTION early.trigger() RETURNS trigger LANGUAGE python AS $$
print("a trigger is loaded")
def before_insert(td, new): pass
$$;
CREATE SCHEMA late;
DO LANGUAGE python $$
import Postgres
print(Postgres.preload("early", "late"))
print(Postgres.preload("early"), Postgres.preload())
$$;
-- Not again.
SELECT early.one(), early.two();
DO LANGUAGE python $$
import Postgres
Postgres.preload("no such schema")
$$;
CREATE FUNCTION late.broken() RETURNS int LANGUAGE python AS $$
raise ValueError("while it is loaded")
def main(): return 1
$$;
DO LANGUAGE python $$
import Postgres
Postgres.preload("late")
$$;
-- Forgotten functions are loaded anew.
DO LANGUAGE python $$
import Postgres
print(Postgres.clearcache())
$$;
SELECT early.one(), early.one();
-- The function that runs goes on as it is.
CREATE FUNCTION clears() RETURNS text LANGUAGE python AS $$
import Postgres
state = "kept"
def main():
    Postgres.clearcache()
    return f"{state} {sqleval('early.two()')}"
$$;
SELECT clears();
