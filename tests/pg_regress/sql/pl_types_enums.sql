-- Enums in LANGUAGE python.
\set SHOW_CONTEXT never
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
DO LANGUAGE python $$
from Postgres import Type
M = Type("mood")
sad, ok, happy = (M(label) for label in ("sad", "ok", "happy"))
print(repr(ok), str(ok), sad < ok < happy, happy > sad, ok == "ok", "ok" == ok, ok == happy, ok != "sad", ok < "happy")
print(sorted([happy, sad, ok]), max([ok, happy, sad]), M.labels(), {ok: 1}["ok"], hash(ok) == hash("ok"))
import enum
class E(enum.Enum):
    ok = 1
    A = "happy"
print(M(E.ok), M(E.A), M.Array(["sad", ok]))
$$;
DO LANGUAGE python 'from Postgres import Type; Type("mood")("angry")';
DO LANGUAGE python 'from Postgres import Type; Type("mood")("ok") == "angry"';
CREATE FUNCTION better(m mood) RETURNS mood LANGUAGE python AS $$
from Postgres import Type
def main(m):
    labels = type(m).labels()
    return labels[min(labels.index(m) + 1, len(labels) - 1)]
$$;
SELECT better('sad'), better('happy');
ALTER TYPE mood ADD VALUE 'glad' AFTER 'ok';
SELECT better('ok');
