"""Loads of functions that must not cost memory: calls, triggers, statements, errors, replacements."""

from __future__ import annotations

LANGUAGES = ("plpy", "python")

# The same work in each language; a call of `many_…` does a hundred of what is counted.
BODIES: dict[str, dict[str, str]] = {
    "value": {
        "plpy": "return [n, t, repr(a), {'x': n}]",
        "python": "def main(n, t, a):\n    return [str(n), str(t), a[0]]",
    },
    "prepared": {
        "plpy": "if 'plan' not in SD:\n"
        "    SD['plan'] = plpy.prepare('SELECT $1 AS i, $2 AS t', ['int', 'text'])\n"
        "for i in range(100):\n    [row for row in SD['plan'].execute([i, 'text'])]\n"
        "    next(SD['plan'].cursor([i, 'text']))",
        "python": "plan = prepare('SELECT $1::int AS i, $2::text AS t')\n"
        "def main():\n    for i in range(100):\n        plan.first(i, 'text')\n"
        "        list(plan.rows(i, 'text'))",
    },
    "text": {
        "plpy": "for i in range(100):\n    plpy.execute('SELECT %d AS i, now() AS t' % (i % 7))",
        "python": "def main():\n    for i in range(100):\n"
        "        prepare('SELECT %d AS i' % (i % 7)).first()",
    },
    "caught": {
        "plpy": "for i in range(100):\n    try:\n        with plpy.subtransaction():\n"
        "            plpy.execute('SELECT 1 / 0')\n    except plpy.SPIError:\n        pass",
        "python": "def main():\n    for i in range(100):\n        try:\n            with xact():\n"
        "                sqleval('1 / 0')\n        except Exception:\n            pass",
    },
}
SIGNATURES = {"value": "(n int, t text, a int[]) RETURNS text[]"}


def create(language: str, name: str) -> str:
    """The function of a load."""
    signature = SIGNATURES.get(name, "() RETURNS void")
    return (
        f"CREATE FUNCTION soak_{name}_{language}{signature} LANGUAGE {language}"
        f" AS $fn$\n{BODIES[name][language]}\n$fn$;"
    )


def triggers(language: str) -> str:
    """A table whose trigger changes each row."""
    body = {
        "plpy": "TD['new']['t'] = 'changed'\nreturn 'MODIFY'",
        "python": "def before_update(td, old, new):\n    return new.replace(t='changed')",
    }[language]
    return f"""
CREATE TABLE soak_fired_{language} AS SELECT i, 'x' AS t FROM generate_series(1, 100) i;
CREATE FUNCTION soak_fire_{language}() RETURNS trigger LANGUAGE {language} AS $fn$\n{body}\n$fn$;
CREATE TRIGGER fire BEFORE UPDATE ON soak_fired_{language}
    FOR EACH ROW EXECUTE FUNCTION soak_fire_{language}();
"""


SET_UP = "".join(
    [create(language, name) for language in LANGUAGES for name in BODIES]
    + [triggers(language) for language in LANGUAGES]
)


def calls(language: str) -> str:
    """A hundred calls."""
    return f"SELECT count(soak_value_{language}(i, 'text', ARRAY[i, NULL])) FROM generate_series(1, 100) i"


def fires(language: str) -> str:
    """A hundred firings, undone, so that the table does not grow."""
    return f"BEGIN; UPDATE soak_fired_{language} SET i = i + 1; ROLLBACK"


def replacement(language: str) -> str:
    """Another body each time, and a call of it."""
    body = "return {i}" if language == "plpy" else "def main():\n    return {i}"
    return (
        f"CREATE OR REPLACE FUNCTION soak_new_{language}() RETURNS int LANGUAGE {language}"
        f" AS $fn$\n{body}\n$fn$; SELECT soak_new_{language}()"
    )
