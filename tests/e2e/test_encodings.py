"""Databases in LATIN1 and SQL_ASCII: text both ways, names, options, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from running import Runner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devkit.cluster import Cluster

    from conftest import Database

SETUP = """
CREATE SERVER "sérver" FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'echoing.Echo', "naïve" 'Grüße');
CREATE FOREIGN TABLE "tablé" ("wörd" text, sent text, seen text) SERVER "sérver" OPTIONS (colour 'blå');
CREATE SERVER failing FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'echoing.Failing');
CREATE FOREIGN TABLE failing (a text, "bé" text, c text) SERVER failing;
"""


@pytest.fixture(scope="module", params=["LATIN1", "SQL_ASCII"])
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def database(cluster: Cluster, encoding: str) -> Iterator[Database]:
    from conftest import Database

    name = f"in_{encoding.lower()}"
    cluster.sql(
        f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    made = Database(cluster, name)
    with made.connect(client_encoding="utf8") as connection:
        connection.execute("CREATE EXTENSION multicorn")
        connection.execute(SETUP)
    yield made
    cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    # SQL_ASCII converts nothing: the client's bytes are stored as they are.
    with database.connect(client_encoding="utf8") as made:
        yield made


def sent(connection: psycopg.Connection, word: str) -> bytes:
    """The bytes that the server holds for one of the wrapper's values."""
    query = 'SELECT convert_to(sent, getdatabaseencoding()) FROM "tablé" WHERE "wörd" = %s'
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
        query = 'SELECT sent::bytea FROM "tablé" WHERE "wörd" = %s'
    row = connection.execute(query, [word]).fetchone()
    assert row is not None
    return bytes(row[0])


def failure(connection: psycopg.Connection, query: str) -> psycopg.errors.Diagnostic:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(query)
    return caught.value.diag


def test_text_to_the_server(connection: psycopg.Connection, encoding: str) -> None:
    assert sent(connection, "ascii") == b"plain"
    assert sent(connection, "umlaut") == "Grüße".encode("latin-1" if encoding == "LATIN1" else "utf-8")


def test_what_the_encoding_lacks(connection: psycopg.Connection, encoding: str) -> None:
    query = """SELECT sent FROM "tablé" WHERE "wörd" = 'euro'"""
    if encoding == "SQL_ASCII":
        assert sent(connection, "euro") == "€".encode()
        return
    diag = failure(connection, query)
    assert diag.sqlstate == "22P05"
    assert 'has no equivalent in encoding "LATIN1"' in str(diag.message_primary)
    assert diag.context == 'column "sent" of row 1 of foreign table "tablé"'


def test_bytes_and_escaped_bytes(connection: psycopg.Connection, encoding: str) -> None:
    """In both encodings any byte but NUL is text; Python's escape for one is that byte in SQL_ASCII."""
    assert sent(connection, "broken") == b"caf\xe9"
    assert sent(connection, "utf8") == "Grüße".encode()
    if encoding == "SQL_ASCII":
        assert sent(connection, "escaped") == b"caf\xe9"
        return
    diag = failure(connection, """SELECT sent FROM "tablé" WHERE "wörd" = 'escaped'""")
    assert diag.message_primary == "text contains a surrogate code point, which is not a character"


def test_text_from_the_server(connection: psycopg.Connection) -> None:
    row = connection.execute("""SELECT seen FROM "tablé" WHERE "wörd" <> 'Grüße' LIMIT 1""").fetchone()
    assert row == ("[('w\\xf6rd', 'Gr\\xfc\\xdfe')]",)


def test_bytes_from_sql_ascii_come_escaped(connection: psycopg.Connection, encoding: str) -> None:
    value = b"caf\xe9"
    query = """SELECT seen FROM "tablé" WHERE "wörd" <> convert_from(%b, getdatabaseencoding()) LIMIT 1"""
    row = connection.execute(query, [value]).fetchone()
    shown = "'caf\\udce9'" if encoding == "SQL_ASCII" else "'caf\\xe9'"
    assert row == (f"[('w\\xf6rd', {shown})]",)


def test_names_and_options(connection: psycopg.Connection) -> None:
    rows = connection.execute('EXPLAIN (COSTS off) SELECT * FROM "tablé"').fetchall()
    options = {"colour": "blå", "naïve": "Grüße"}
    assert rows[1] == (f"  Multicorn: {(options, ['wörd', 'sent', 'seen'])!a}",)


def test_explain_shows_names(connection: psycopg.Connection) -> None:
    query = """EXPLAIN (VERBOSE, COSTS off) SELECT "wörd" FROM "tablé" WHERE "wörd" = 'é'"""
    lines = [row[0].strip() for row in connection.execute(query).fetchall()]
    assert "Columns: wörd" in lines
    assert "Pushed Quals: wörd = 'é'::text" in lines


def test_errors_and_messages(connection: psycopg.Connection) -> None:
    runner = Runner(connection)
    diag = failure(connection, "SELECT * FROM failing WHERE a = 'Grüße'")
    assert (diag.message_detail, diag.table_name) == ("Grüße", "failing")
    assert runner.texts() == ["Grüße"]
    assert failure(connection, """SELECT * FROM failing WHERE "bé" = 'é'""").message_detail == "é"


def test_an_error_with_what_the_encoding_lacks(connection: psycopg.Connection, encoding: str) -> None:
    connection.execute(
        "CREATE SERVER nowhere FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'nowhere.Class');"
        "CREATE FOREIGN TABLE nowhere (a text) SERVER nowhere"
    )
    try:
        assert failure(connection, "SELECT * FROM nowhere").message_detail == "No module named 'nowhere'"
    finally:
        connection.execute("DROP SERVER nowhere CASCADE")
    diag = failure(connection, "IMPORT FOREIGN SCHEMA x FROM SERVER failing INTO public OPTIONS (name '\\N')")
    assert "UnicodeDecodeError" in str(diag.message_primary)


def test_imports_name_things_exactly(connection: psycopg.Connection, encoding: str) -> None:
    statement = "IMPORT FOREIGN SCHEMA \"schéma\" FROM SERVER failing INTO public OPTIONS (name '{}')"
    connection.execute(statement.format("caf\\xe9"))
    found = connection.execute(
        "SELECT relname::text, ftoptions[1] FROM pg_class, pg_foreign_table WHERE ftrelid = pg_class.oid"
        " AND relname LIKE 'caf%'"
    ).fetchall()
    connection.execute('DROP FOREIGN TABLE "café"')
    assert found == [("café", "schema=schéma")]
    if encoding == "LATIN1":
        # Not "?": that would be another table.
        diag = failure(connection, statement.format("\\u20ac"))
        assert diag.message_primary == 'character U+20AC has no equivalent in encoding "LATIN1"'


def test_a_client_of_another_encoding(database: Database, encoding: str) -> None:
    if encoding == "LATIN1":
        with database.connect(client_encoding="utf8") as connection:
            row = connection.execute("""SELECT sent FROM "tablé" WHERE "wörd" = 'umlaut'""").fetchone()
            assert row == ("Grüße",)
