"""Loads of remote functions that must not cost memory: calls in both places, queries, streams, errors."""

from __future__ import annotations

ROLE = "soak_tenant"

SOURCES = {
    "value": "def value(n, text=None): return {'n': n, 'text': [text, (n,)]}",
    "add": "def add(n): return n + 1",
    "ask": "def ask(n):\n    for i in range(n): query('SELECT $1::int AS i, now() AS t', i)",
    "count": "def count(n):\n    for i in range(n): yield i",
    "fail": "def fail(n):\n    if n % 2: raise ValueError('no', n)\n    query('SELECT 1 / 0')",
    "catch": (
        "def catch(n):\n    for i in range(n):\n        try: query('SELECT 1 / 0')\n"
        "        except ServerError: pass"
    ),
}


def install(owner: str) -> str:
    """Installs the functions as one role; their ids are kept by name."""
    calls = ", ".join(
        f"('{owner}_{name}', wormhole_install('{name}', $src${source}$src$))"
        for name, source in SOURCES.items()
    )
    return f"INSERT INTO soak_remote VALUES {calls};"


SET_UP = f"""
DROP ROLE IF EXISTS {ROLE};
CREATE ROLE {ROLE};
GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_call, wormhole_typed, wormhole_value,
    wormhole_stream, wormhole_drop TO {ROLE};
CREATE TABLE soak_remote (name text PRIMARY KEY, id text);
GRANT SELECT, INSERT ON soak_remote TO {ROLE};
{install("server")}
SET ROLE {ROLE};
{install("tenant")}
RESET ROLE;
"""


def as_owner(owner: str, statement: str) -> str:
    """A statement of the functions' owner; `ID:name` in it stands for a function's id."""
    for name in SOURCES:
        statement = statement.replace(
            f"ID:{name}:", f"(SELECT id FROM soak_remote WHERE name = '{owner}_{name}')"
        )
    return statement if owner == "server" else f"SET ROLE {ROLE}; {statement}; RESET ROLE"


HUNDRED = "FROM generate_series(1, 100) i"


def calls(owner: str) -> list[str]:
    """A hundred calls each, of every kind."""
    return [
        as_owner(owner, statement)
        for statement in (
            f"""SELECT count(wormhole_execute(ID:value:, '{{"a": [1, "x"]}}')) {HUNDRED}""",
            f"""SELECT count(wormhole_call(ID:value:, '{{"k": {{"n": 1.5}}}}')) {HUNDRED}""",
            f"SELECT count(wormhole_typed(ID:add:, NULL::int8, i)) {HUNDRED}",
            f"SELECT count(wormhole_typed(ID:value:, NULL::int8, i, 'text')) {HUNDRED}",
            f"SELECT count(wormhole_value(ID:add:, NULL::numeric, i::numeric)) {HUNDRED}",
        )
    ]


def queries(owner: str) -> list[str]:
    """A hundred queries in a call."""
    return [
        as_owner(owner, f"""SELECT wormhole_execute(ID:{name}:, '{{"a": [100]}}')""")
        for name in ("ask", "catch")
    ]


def streams(owner: str) -> list[str]:
    """A hundred values, and a set that nobody reads to its end."""
    return [
        as_owner(owner, """SELECT count(*) FROM (SELECT wormhole_stream(ID:count:, '{"a": [100]}')) s"""),
        as_owner(owner, """SELECT wormhole_stream(ID:count:, '{"a": [100]}') LIMIT 2"""),
    ]


def failures(owner: str) -> list[str]:
    """Calls that fail."""
    return [as_owner(owner, f"SELECT wormhole_value(ID:fail:, NULL::int, {number})") for number in (0, 1)]


def versions(owner: str) -> str:
    """Another function each time, called once and forgotten."""
    source = "def f(n): return n + {i}"
    return as_owner(
        owner,
        f"SELECT wormhole_value(wormhole_install('f', '{source}'), NULL::int, 1); SELECT wormhole_drop('f')",
    )
