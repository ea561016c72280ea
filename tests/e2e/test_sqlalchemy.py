"""SqlAlchemyFdw against a second PostgreSQL: what is pushed, types, import, cancel, trouble."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from devkit.cluster import Cluster
from psycopg import sql
from running import signal_soon, written_since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devkit.server import Installation

    from conftest import Database

PASSWORD = "o'pen sesame/42"
REMOTE = """
CREATE ROLE keyholder LOGIN PASSWORD {password};
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('bad', 'fine');
CREATE TABLE shop.item (
    id int PRIMARY KEY, name text, price numeric(8, 2), added date, at timestamptz, plain timestamp,
    good bool, size float8, small int2, big int8, tag varchar(10), code char(4), raw bytea,
    doc jsonb, numbers int[], key uuid, span interval, clock time, mood shop.mood
);
INSERT INTO shop.item SELECT n, 'item ' || n, n * 1.25, date '2020-01-01' + n,
    timestamptz '2020-01-01 12:00:00.123456+02' + n * interval '1 hour',
    timestamp '2020-01-01' + n * interval '1 day', n % 3 = 0, n / 8.0, n, n * 10000000000, 't' || n % 5,
    'c' || n % 7, decode(lpad(to_hex(n), 4, '0'), 'hex'), jsonb_build_object('n', n, 'list', ARRAY[n, NULL]),
    ARRAY[n, NULL, -n], md5(n::text)::uuid, n * interval '1 day 1 second',
    time '00:00' + n * interval '1 minute', (ARRAY['fine', 'bad'])[1 + n % 2]::shop.mood
    FROM generate_series(1, 100) AS n;
INSERT INTO shop.item (id) VALUES (0);
CREATE TABLE shop.sale (id int PRIMARY KEY, item_id int REFERENCES shop.item, n int);
INSERT INTO shop.sale SELECT n, n % 20, n FROM generate_series(1, 200) AS n;
CREATE VIEW shop.cheap AS SELECT id, name, price FROM shop.item WHERE price < 20;
CREATE MATERIALIZED VIEW shop.totals AS SELECT item_id, sum(n) AS total FROM shop.sale GROUP BY item_id;
CREATE VIEW shop.slow AS SELECT id, pg_sleep(60)::text AS waited FROM shop.sale;
GRANT USAGE ON SCHEMA shop TO keyholder;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO keyholder;
"""
COLUMNS = """id int, name text, price numeric(8, 2), added date, at timestamptz, plain timestamp, good bool,
    size float8, small int2, big int8, tag varchar(10), code char(4), raw bytea, doc jsonb, numbers int[],
    key uuid, span interval, clock time, mood text"""
# Each runs here and there, and gives the same. The second tells how it must look there, in part.
QUERIES = [
    ("SELECT id FROM item WHERE id = 7", "WHERE shop.item.id = $1"),
    ("SELECT name FROM item WHERE 7 < id AND id <= 9", None),
    ("SELECT id FROM item WHERE name = 'item 5'", "shop.item.name = $1"),
    ("SELECT id FROM item WHERE name > 'item 5'", None),
    ("SELECT id FROM item WHERE name LIKE 'item 1%'", "LIKE"),
    ("SELECT id FROM item WHERE name ILIKE 'ITEM 1_'", "lower(shop.item.name) LIKE"),
    ("SELECT id FROM item WHERE name NOT LIKE '%1%'", "NOT LIKE"),
    ("SELECT id FROM item WHERE id IN (1, 2, 3, NULL)", "shop.item.id IN ($1"),
    ("SELECT id FROM item WHERE id <> ALL (ARRAY[1, 2])", "NOT IN ($1"),
    ("SELECT id FROM item WHERE name IS NULL", "shop.item.name IS NULL"),
    ("SELECT count(*) FROM item WHERE name IS NOT NULL", "shop.item.name IS NOT NULL"),
    ("SELECT id FROM item WHERE price >= 120.5", "shop.item.price >="),
    ("SELECT id FROM item WHERE added = '2020-01-08'", "shop.item.added ="),
    ("SELECT id FROM item WHERE at > '2020-01-04 12:00+00'", None),
    ("SELECT id FROM item WHERE plain < '2020-01-04'", "shop.item.plain <"),
    ("SELECT count(*) FROM item WHERE good", None),
    ("SELECT count(*) FROM item WHERE NOT good", None),
    ("SELECT count(*) FROM item WHERE good IS NOT TRUE", None),
    ("SELECT id FROM item WHERE size = 0.125", None),
    ("SELECT id FROM item WHERE big = 70000000000", "shop.item.big ="),
    ("SELECT id FROM item WHERE tag = 't3'", None),
    ("SELECT id FROM item WHERE code = 'c3'", None),
    ("SELECT id FROM item WHERE raw = '\\x0007'", None),
    ("SELECT id FROM item WHERE key = md5('7')::uuid", None),
    ("SELECT id FROM item WHERE name = 'a' OR id = 3", None),
    ("SELECT id FROM item WHERE lower(name) = 'item 3'", None),
    ("SELECT id, price FROM item ORDER BY price DESC NULLS LAST, id LIMIT 3", "LIMIT $1"),
    ("SELECT id FROM item ORDER BY id OFFSET 95", "OFFSET $1"),
    ("SELECT id FROM item WHERE id > 10 ORDER BY id DESC LIMIT 2 OFFSET 1", "ORDER BY shop.item.id DESC"),
    ("SELECT name FROM item ORDER BY name LIMIT 2", None),
    ("SELECT sum(price), max(at), min(added) FROM item", None),
    ("SELECT s.id, i.name FROM sale AS s JOIN item AS i ON i.id = s.item_id WHERE s.n > 190", None),
    (
        "SELECT i.id, (SELECT sum(n) FROM sale AS s WHERE s.item_id = i.id) FROM item AS i WHERE i.id < 4",
        None,
    ),
    ("SELECT * FROM item", None),
]


@dataclass(frozen=True)
class Remote:
    """The second PostgreSQL."""

    cluster: Cluster

    def url(self, user: str = "postgres") -> str:
        return f"postgresql://{user}@/postgres?host={self.cluster.socket_directory}&port=5432"

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.cluster.conninfo(), autocommit=True)


@pytest.fixture(scope="module")
def remote(installation: Installation) -> Iterator[Remote]:
    with Cluster(installation=installation, settings={"log_statement": "all"}) as made:
        found = Remote(made)
        with found.connect() as connection:
            connection.execute(sql.SQL(REMOTE).format(password=PASSWORD).as_string())
        # Everybody else is trusted on the socket; this role has to say its password.
        rules = made.data / "pg_hba.conf"
        rules.write_text("local all keyholder scram-sha-256\n" + rules.read_text())
        with found.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield found


@pytest.fixture
def connection(database: Database, remote: Remote) -> Iterator[psycopg.Connection]:
    """The local session with the server `remote` and its tables."""
    with database.connect() as made:
        made.execute(
            sql.SQL(
                "CREATE SERVER remote FOREIGN DATA WRAPPER multicorn"
                " OPTIONS (wrapper 'multicorn.sqlalchemyfdw.SqlAlchemyFdw', db_url {})"
            ).format(remote.url())
        )
        made.execute(
            f"CREATE FOREIGN TABLE item ({COLUMNS}) SERVER remote OPTIONS (tablename 'item', schema 'shop');"
            "CREATE FOREIGN TABLE sale (id int, item_id int, n int) SERVER remote"
            " OPTIONS (tablename 'sale', schema 'shop')"
        )
        yield made


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    found = connection.execute(query).fetchall()
    return found if "ORDER BY" in query else sorted(found, key=repr)


def test_queries_here_give_what_they_give_there(connection: psycopg.Connection, remote: Remote) -> None:
    for query, expected in QUERIES:
        with remote.connect() as there:
            there.execute("SET search_path = shop")
            wanted = rows(there, query)
        size = remote.cluster.log.stat().st_size
        assert rows(connection, query) == wanted, query
        if expected is not None:
            log = written_since(remote.cluster.log, size)
            assert expected in log, f"{query}: {log[-3000:]}"


def test_parameters_and_lookups(connection: psycopg.Connection, remote: Remote) -> None:
    """Seven times, so that the last use a generic plan."""
    connection.execute("PREPARE one (int) AS SELECT name FROM item WHERE id = $1")
    size = remote.cluster.log.stat().st_size
    for n in range(1, 8):
        assert connection.execute(f"EXECUTE one ({n})").fetchall() == [(f"item {n}",)]
    assert written_since(remote.cluster.log, size).count("WHERE shop.item.id = $1") == 7
    assert connection.execute("EXECUTE one (NULL)").fetchall() == []
    connection.execute("CREATE TABLE here AS SELECT n AS item FROM generate_series(1, 3) AS n; ANALYZE here")
    query = "SELECT name FROM here JOIN item ON id = item ORDER BY 1"
    assert connection.execute(query).fetchall() == [("item 1",), ("item 2",), ("item 3",)]


def test_cursors(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute("DECLARE a CURSOR FOR SELECT id FROM item WHERE id > 0 ORDER BY id")
        connection.execute("DECLARE b CURSOR FOR SELECT id FROM item WHERE id > 50 ORDER BY id")
        connection.execute("DECLARE h CURSOR WITH HOLD FOR SELECT id FROM sale ORDER BY id")
        assert connection.execute("FETCH 2 FROM a").fetchall() == [(1,), (2,)]
        assert connection.execute("FETCH 2 FROM b").fetchall() == [(51,), (52,)]
        assert connection.execute("FETCH 1 FROM a").fetchall() == [(3,)]
    assert connection.execute("FETCH 2 FROM h").fetchall() == [(1,), (2,)]


def test_import(connection: psycopg.Connection) -> None:
    connection.execute("CREATE SCHEMA all_; IMPORT FOREIGN SCHEMA shop FROM SERVER remote INTO all_")
    kinds = connection.execute(
        "SELECT relname::text, string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum)"
        " FROM pg_class"
        " JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0"
        " WHERE relnamespace = 'all_'::regnamespace GROUP BY relname ORDER BY relname"
    ).fetchall()
    names = [name for name, _ in kinds]
    assert names == ["cheap", "item", "sale", "slow", "totals"]
    assert dict(kinds)["sale"] == "integer,integer,integer"
    assert dict(kinds)["cheap"] == "integer,text,numeric(8,2)"
    assert dict(kinds)["item"].startswith(
        "integer,text,numeric(8,2),date,timestamp with time zone,timestamp without time zone,boolean,"
        "double precision,smallint,bigint,character varying(10),character(4),bytea,jsonb,integer[],uuid,"
        "interval,time without time zone,"
    )
    assert connection.execute("SELECT count(*) FROM all_.cheap").fetchone() == (15,)
    assert connection.execute("SELECT total FROM all_.totals WHERE item_id = 3").fetchone() == (930,)
    same = "SELECT * FROM all_.item EXCEPT SELECT * FROM public.item"
    assert connection.execute(same.replace("*", "id, name, price, at, doc, numbers, span")).fetchall() == []


def test_import_of_some(connection: psycopg.Connection) -> None:
    listed = "SELECT relname::text FROM pg_class WHERE relnamespace = 'part'::regnamespace ORDER BY 1"
    connection.execute(
        "CREATE SCHEMA part; IMPORT FOREIGN SCHEMA shop LIMIT TO (sale, cheap) FROM SERVER remote INTO part"
    )
    assert connection.execute(listed).fetchall() == [("cheap",), ("sale",)]
    connection.execute(
        "DROP SCHEMA part CASCADE; CREATE SCHEMA part;"
        "IMPORT FOREIGN SCHEMA shop EXCEPT (sale, cheap, slow) FROM SERVER remote INTO part"
    )
    assert connection.execute(listed).fetchall() == [("item",), ("totals",)]


SLOW = """
CREATE FOREIGN TABLE slow (id int, waited text) SERVER remote OPTIONS (tablename 'slow', schema 'shop')
"""


@pytest.mark.parametrize("way", ["timeout", "pg_cancel_backend", "pg_terminate_backend"])
def test_a_wait_for_the_remote_ends(
    database: Database, connection: psycopg.Connection, remote: Remote, way: str
) -> None:
    """Within 100 ms here; the remote statement is not left running. A busy machine has three tries."""
    connection.execute(SLOW)
    query = "SELECT waited FROM slow"
    taken: list[float] = []
    while len(taken) < 3 and min(taken, default=1) >= 0.1:
        with database.connect() as session:
            session.execute("SELECT id FROM item WHERE id = 1")
            if way == "timeout":
                session.execute("SET statement_timeout = 300")
                start = time.monotonic() + 0.3
                with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
                    session.execute(query)
                taken.append(time.monotonic() - start)
                continue
            with signal_soon(database.conninfo, way, session.info.backend_pid, 0.3) as when:
                with pytest.raises(psycopg.Error) as caught:
                    session.execute(query)
                end = time.monotonic()
            assert caught.value.diag.sqlstate in {"57014", "57P01"}
            taken.append(end - when[0])
    assert min(taken) < 0.1, taken
    if way != "pg_terminate_backend":
        assert connection.execute("SELECT count(*) FROM sale").fetchone() == (200,)
    with remote.connect() as there:
        deadline = time.monotonic() + 5
        left = "SELECT FROM pg_stat_activity WHERE query LIKE '%shop.slow%' AND state = 'active'"
        while there.execute(left + " AND pid <> pg_backend_pid()").fetchall():
            assert time.monotonic() < deadline, "the remote statement goes on"


def test_the_remote_goes_away(connection: psycopg.Connection, remote: Remote) -> None:
    assert connection.execute("SELECT count(*) FROM sale").fetchone() == (200,)
    others = "pid <> pg_backend_pid() AND datname = 'postgres'"
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    with remote.connect() as there:
        there.execute(end)
    # Nobody is in the middle of anything: the next statement connects anew.
    assert connection.execute("SELECT count(*) FROM sale").fetchone() == (200,)
    # In the middle of a scan it is an error, and the next statement works.
    connection.execute("ALTER FOREIGN TABLE item OPTIONS (ADD batch_size '10')")
    connection.execute("BEGIN; DECLARE c CURSOR FOR SELECT id FROM item; FETCH 1 FROM c")
    with remote.connect() as there:
        there.execute(end)
    with pytest.raises(psycopg.Error, match=r"terminating connection|server closed"):
        connection.execute("FETCH ALL FROM c")
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM item").fetchone() == (101,)


def test_nobody_listens(connection: psycopg.Connection) -> None:
    connection.execute(
        "ALTER SERVER remote OPTIONS (SET db_url 'postgresql://postgres@/postgres?host=/nowhere')"
    )
    with pytest.raises(psycopg.Error, match="could not connect to postgresql"):
        connection.execute("SELECT * FROM sale")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_wrong_password_is_shown_nowhere(
    database: Database, connection: psycopg.Connection, remote: Remote
) -> None:
    size = database.cluster.log.stat().st_size
    wrong = "wr0ng/pass:w@rd"
    connection.execute("ALTER SERVER remote OPTIONS (SET db_url {})".format(repr(remote.url("keyholder"))))
    connection.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS (password '{wrong}')")
    with pytest.raises(psycopg.Error) as caught:
        connection.execute("SELECT * FROM sale")
    texts = [str(caught.value), str(caught.value.diag.message_detail), str(caught.value.diag.context)]
    assert "password authentication failed" in texts[0]
    connection.execute("SET client_min_messages = debug1")
    with pytest.raises(psycopg.Error):
        connection.execute("EXPLAIN ANALYZE SELECT * FROM sale")
    log = written_since(database.cluster.log, size)
    lines = [line for line in log.splitlines() if "CREATE USER MAPPING" not in line]
    for form in (wrong, "wr0ng%2Fpass%3Aw%40rd", "wr0ng"):
        assert not [text for text in [*texts, *lines] if form in text]
    mapping = sql.SQL("ALTER USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS (SET password {})")
    connection.execute(mapping.format(PASSWORD))
    assert connection.execute("SELECT count(*) FROM sale").fetchone() == (200,)
    plan = connection.execute("EXPLAIN VERBOSE SELECT * FROM sale").fetchall()
    assert "sesame" not in str(plan)


@pytest.fixture
def plain(connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The session as a role that is no superuser, who may read the tables."""
    connection.execute("CREATE ROLE plain; GRANT SELECT ON item, sale TO plain; SET ROLE plain")
    yield connection
    connection.execute("RESET ROLE; DROP OWNED BY plain; DROP ROLE plain")


def test_others_need_a_password_that_is_asked_for(plain: psycopg.Connection, remote: Remote) -> None:
    """Otherwise they would connect as whoever the server's account is there."""

    def failure() -> str:
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
            plain.execute("SELECT count(*) FROM sale")
        return str(caught.value.diag.message_primary)

    assert failure() == "a role that is not a superuser needs a password to connect"
    plain.execute(
        "RESET ROLE; CREATE USER MAPPING FOR plain SERVER remote OPTIONS (password 'unused'); SET ROLE plain"
    )
    assert "does not ask for a password" in failure()
    change = sql.SQL(
        "RESET ROLE; ALTER USER MAPPING FOR plain SERVER remote OPTIONS (SET password {});"
        "ALTER SERVER remote OPTIONS (SET db_url {}); SET ROLE plain"
    )
    plain.execute(change.format(PASSWORD, remote.url("keyholder")))
    assert plain.execute("SELECT count(*) FROM sale").fetchone() == (200,)
