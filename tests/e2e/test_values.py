"""Values of LANGUAGE python: other encodings, other threads, and what they keep of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devkit.cluster import Cluster

    from conftest import Database

RESIDENT = """
CREATE FUNCTION resident() RETURNS bigint LANGUAGE python AS $$
import gc
def main():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * 4096
$$
"""
NOISE = 1024 * 1024


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def encoded(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Database]:
    from conftest import Database

    name = f"values_{str(request.param).lower()}"
    cluster.sql(
        f"CREATE DATABASE {name} ENCODING '{request.param}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    yield Database(cluster, name)
    cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_text_in_another_encoding(encoded: Database) -> None:
    with encoded.connect(client_encoding="utf8") as connection:
        connection.execute("CREATE EXTENSION multicorn")
        connection.execute('CREATE TYPE "größe" AS ("länge" text); CREATE TYPE gruß AS ENUM (\'schön\')')
        connection.execute(
            """CREATE FUNCTION joined(a text) RETURNS SETOF text LANGUAGE python AS $$
from Postgres import Type, types
def main(a):
    yield a + "ß" + types.text("é")
    yield str(len(a))
    yield a[0]
    yield str(a == "äö")
    size = Type('"größe"')
    yield str(size.column_names)
    yield size((a,)).länge
    yield Type('"gruß"')("schön")
$$"""
        )
        rows = [row[0] for row in connection.execute("SELECT joined('äö')")]
    assert rows == ["äößé", "2", "ä", "True", "('länge',)", "äö", "schön"]


def test_what_the_encoding_lacks(encoded: Database) -> None:
    with encoded.connect(client_encoding="utf8") as connection:
        connection.execute("CREATE EXTENSION multicorn")
        connection.execute(
            "CREATE FUNCTION euro() RETURNS text LANGUAGE python AS $$\n"
            "from Postgres import types\n"
            "def main(): return types.text('\\u20ac') + ''\n$$"
        )
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            assert connection.execute("SELECT octet_length(euro())").fetchone() == (3,)
        else:
            with pytest.raises(psycopg.errors.UntranslatableCharacter):
                connection.execute("SELECT euro()")


def test_values_on_another_thread(connection: psycopg.Connection) -> None:
    connection.execute(
        """CREATE FUNCTION elsewhere() RETURNS SETOF text LANGUAGE python AS $$
import threading
from Postgres import Type, types
def main():
    number, text, kept = types.numeric("1.5"), types.text("a"), [types.text("x" * 1000)]
    said = []
    def work():
        for what in (lambda: number + 1, lambda: str(number), lambda: Type("date"), lambda: text == "b"):
            try:
                what()
            except RuntimeError as error:
                said.append(str(error))
        kept.clear()
        said.append(str(types.int4))
    thread = threading.Thread(target=work)
    types.int4
    thread.start()
    thread.join()
    yield from said
    yield str(number + 1)
$$"""
    )
    refused = "values of the server can be used only on the session's own thread"
    rows = [row[0] for row in connection.execute("SELECT elsewhere()")]
    assert rows == [refused] * 4 + ["<class 'Postgres.types.int4'>", "2.5"]


WORK = """
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION work(n int) RETURNS void LANGUAGE python AS $$
from Postgres import Type, types
P, D, M = Type("pair"), Type("positive"), types.int4multirange
class Mine(types.int4):
    pass
def main(n):
    for i in range(n):
        types.numeric("1.5") * i + 3
        text = types.text("a") + "b"; text == "ab"; hash(text); str(text); text[0]; len(text)
        array = types._int4([1, 2, i]); array[0]; array[1:]; list(array); array == [1]; array.dimensions
        pair = P((i, "x")); pair.a; pair["b"]; pair.replace(b="y"); tuple(pair); pair == pair; hash(pair)
        D(5); D.check(7)
        mine = Mine(5); mine.note = [mine]
        r = types.int4range((1, i + 5)); 3 in r; r.lower; bool(r); list(M([(1, 2)]))
        date = types.date("2020-01-01"); date.year; date + 1; date.to_python()
        document = types.jsonb({"a": [1, 2]}); document["a"][0]; document == {"a": 1}
        bytes(types.bytea(b"abc")); memoryview(types.bytea(b"abc"))[0]
        for wrong in (lambda: array[10], lambda: pair["z"], lambda: pair.nosuch, lambda: types.int4(len)):
            try:
                wrong()
            except (IndexError, KeyError, AttributeError, TypeError):
                pass
$$;
CREATE TABLE big (t text);
ALTER TABLE big ALTER t SET STORAGE EXTERNAL;
INSERT INTO big VALUES (repeat('x', 10000));
CREATE FUNCTION looked(t text) RETURNS int LANGUAGE python AS 'def main(t): return len(t)';
CREATE FUNCTION passed(t text) RETURNS text LANGUAGE python AS 'def main(t): return t';
"""


@pytest.mark.parametrize(
    "query",
    [
        "SELECT work(3000)",
        "SELECT sum(looked(t)) FROM big, generate_series(1, 3000)",
        "SELECT count(passed(t)) FROM big, generate_series(1, 50000)",
    ],
)
def test_no_memory_is_kept(connection: psycopg.Connection, query: str) -> None:
    connection.execute(RESIDENT)
    connection.execute(WORK)
    sizes: list[int] = []
    for _ in range(4):
        connection.execute(query)
        row = connection.execute("SELECT resident()").fetchone()
        assert row is not None
        sizes.append(row[0])
    assert sizes[-1] - sizes[1] < NOISE, sizes


def test_a_toasted_value_after_its_transaction(connection: psycopg.Connection) -> None:
    connection.execute(WORK)
    connection.execute(
        """CREATE FUNCTION keeps(t text, fail bool) RETURNS void LANGUAGE python AS $$
import sys
def main(t, fail):
    sys.kept_text = t
    if fail:
        raise ValueError("kept")
$$;
CREATE FUNCTION kept() RETURNS int LANGUAGE python AS $$
import sys
def main():
    return len(sys.kept_text)
$$"""
    )
    with pytest.raises(psycopg.Error, match="kept"):
        connection.execute("SELECT keeps(t, true) FROM big")
    # Its row is still there.
    assert connection.execute("SELECT kept()").fetchone() == (10000,)
    with pytest.raises(psycopg.Error, match="kept"), connection.transaction():
        connection.execute("CREATE TABLE gone AS TABLE big WITH NO DATA")
        connection.execute("ALTER TABLE gone ALTER t SET STORAGE EXTERNAL")
        connection.execute("INSERT INTO gone VALUES (repeat('y', 10000))")
        connection.execute("SELECT keeps(t, true) FROM gone")
    with pytest.raises(psycopg.Error, match="could not open relation"):
        connection.execute("SELECT kept()")
    connection.execute("SELECT keeps(t, false) FROM big")
    connection.execute("DROP TABLE big")
    assert connection.execute("SELECT kept()").fetchone() == (10000,)
