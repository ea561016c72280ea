"""What a query gives is the same in the server's process and in a worker, and so is what is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from wormhole_tenant import Tenant

from conftest import Database

TYPES = """
CREATE TYPE pair AS (a int, b text);
CREATE TYPE noted AS (a jsonb, b json[]);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN names AS text[];
CREATE DOMAIN note AS jsonb;
"""

# What a query gives, and the object that a function gets for it.
VALUES: list[tuple[str, str]] = [
    ("true", "bool True"),
    ("NULL::bool", "NoneType None"),
    ("1::int2", "int 1"),
    ("-1::int4", "int -1"),
    ("9007199254740993::int8", "int 9007199254740993"),
    ("1::oid", "int 1"),
    ("1.5::float4", "float 1.5"),
    ("1::float8", "float 1.0"),
    ("'infinity'::float8", "float inf"),
    ("1.50::numeric", "Decimal Decimal('1.50')"),
    ("'NaN'::numeric", "Decimal Decimal('NaN')"),
    ("'x'::text", "str 'x'"),
    ("'x'::varchar(5)", "str 'x'"),
    ("'x'::char(3)", "str 'x'"),
    ("'x'::name", "str 'x'"),
    ("'x'::\"char\"", "str 'x'"),
    ("'\\x00ff'::bytea", "bytes b'\\x00\\xff'"),
    ("'2020-01-02'::date", "date datetime.date(2020, 1, 2)"),
    ("'-infinity'::date", "str '-infinity'"),
    ("'01:02:03.5'::time", "time datetime.time(1, 2, 3, 500000)"),
    (
        "'01:02:03+02'::timetz",
        "time datetime.time(1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(seconds=7200)))",
    ),
    ("'2020-01-02 03:04'::timestamp", "datetime datetime.datetime(2020, 1, 2, 3, 4)"),
    ("'infinity'::timestamp", "str 'infinity'"),
    ("'0044-03-15 BC'::timestamp", "str '0044-03-15 00:00:00 BC'"),
    (
        "'2020-01-02 03:04+00'::timestamptz",
        "datetime datetime.datetime(2020, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)",
    ),
    ("'1 day 2 hours'::interval", "timedelta datetime.timedelta(days=1, seconds=7200)"),
    ("'-1 day'::interval", "timedelta datetime.timedelta(days=-1)"),
    ("'1 mon'::interval", "str '1 mon'"),
    (
        "'00000000-0000-0000-0000-000000000001'::uuid",
        "UUID UUID('00000000-0000-0000-0000-000000000001')",
    ),
    ('\'{"b": 1, "a": [1.5, null]}\'::json', "dict {'b': 1, 'a': [1.5, None]}"),
    ('\'{"b": 1, "a": [1.5, 1.0]}\'::jsonb', "dict {'a': [1.5, 1.0], 'b': 1}"),
    ("'\"s\"'::jsonb", "str 's'"),
    ("'\"s\"'::json", "str 's'"),
    ("'\"s\"'::note", "str 's'"),
    ("ARRAY['\"s\"'::jsonb]", "list ['s']"),
    ("ROW('\"s\"', ARRAY['\"t\"'::json])::noted", "dict {'a': 's', 'b': ['t']}"),
    ("'null'::json", "NoneType None"),
    ("'10.0.0.1'::inet", "str '10.0.0.1'"),
    ("'10.0.0.1/8'::inet", "str '10.0.0.1/8'"),
    ("'fe80::1/64'::inet", "str 'fe80::1/64'"),
    ("'10.0.0.0/8'::cidr", "str '10.0.0.0/8'"),
    ("'08:00:2b:01:02:03'::macaddr", "str '08:00:2b:01:02:03'"),
    ("'08:00:2b:01:02:03:04:05'::macaddr8", "str '08:00:2b:01:02:03:04:05'"),
    ("'{1,2,NULL}'::int4[]", "list [1, 2, None]"),
    ("'{}'::int4[]", "list []"),
    ("'{{a,b},{c,d}}'::text[]", "list [['a', 'b'], ['c', 'd']]"),
    ("ARRAY['10.0.0.1'::inet]", "list ['10.0.0.1']"),
    ("ARRAY['\\x00'::bytea]", "list [b'\\x00']"),
    ("'1 2'::int2vector", "list [1, 2]"),
    ("'[1,5)'::int4range", "str '[1,5)'"),
    ("'empty'::numrange", "str 'empty'"),
    ("'[2020-01-01,2020-02-01)'::daterange", "str '[2020-01-01,2020-02-01)'"),
    ("ARRAY['[1,2)'::int4range]", "list ['[1,2)']"),
    ("'{[1,2),[5,7)}'::int4multirange", "str '{[1,2),[5,7)}'"),
    ("'(1,x)'::pair", "dict {'a': 1, 'b': 'x'}"),
    ("ARRAY['(1,x)'::pair, '(2,)']", "list [{'a': 1, 'b': 'x'}, {'a': 2, 'b': None}]"),
    ("ROW(1, 'x')", "dict {'f1': 1, 'f2': 'x'}"),
    ("'ok'::mood", "str 'ok'"),
    ("'{sad}'::mood[]", "list ['sad']"),
    ("5::positive", "int 5"),
    ("'{a}'::names", "list ['a']"),
    ("'101'::varbit", "str '101'"),
    ("'pg_class'::regclass", "str 'pg_class'"),
    ("'(1,2)'::point", "str '(1,2)'"),
    ("'a b'::tsvector", "str \"'a' 'b'\""),
    ("'0/1'::pg_lsn", "str '0/1'"),
    ("'(0,1)'::tid", "str '(0,1)'"),
]

SHOW = """
def f(expression):
    value = query_value("SELECT " + expression)
    [row] = cursor("SELECT " + expression + " AS v")
    assert repr(row["v"]) == repr(value) and type(row["v"]) is type(value)
    return type(value).__name__ + " " + repr(value)
"""
# A value of a query, as a parameter of another one.
AGAIN = """
def f(expression, kind):
    value = query_value("SELECT " + expression)
    try:
        return query_value("SELECT $1::" + kind + "::text", value)
    except ServerError as error:
        return error.sqlstate
"""


@pytest.fixture
def both(database: Database, tenant: Tenant) -> Iterator[tuple[Tenant, Tenant]]:
    """Sessions of a role whose functions run in the process, and of one whose functions do not."""
    with database.connect() as admin:
        admin.execute(TYPES)
        yield Tenant(admin), tenant


def test_each_type_gives_the_same(both: tuple[Tenant, Tenant]) -> None:
    near, far = both
    where = "import random\ndef f(): return random._os.getpid()"
    assert near.call(where) == near.connection.info.backend_pid
    assert far.call(where) != far.connection.info.backend_pid
    for expression, shown in VALUES:
        assert (expression, near.call(SHOW, expression), far.call(SHOW, expression)) == (
            expression,
            shown,
            shown,
        )


@pytest.mark.parametrize("kind", ["text", "jsonb", "json"])
def test_and_so_does_what_is_made_of_it(both: tuple[Tenant, Tenant], kind: str) -> None:
    near, far = both
    for expression, _ in VALUES:
        answers = near.call(AGAIN, expression, kind), far.call(AGAIN, expression, kind)
        assert answers[0] == answers[1], (expression, json.dumps(answers))
