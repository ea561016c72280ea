"""Points of the wrapper contract that end a session, or need more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import psycopg.sql
import pytest
from running import TABLE, Runner, written_since

if TYPE_CHECKING:
    from conftest import Database

CRITICAL = """
from multicorn.utils import CRITICAL, log_to_postgres
try:
    log_to_postgres("the end", CRITICAL, hint="begin anew", detail="it is over")
finally:
    log_to_postgres("finally")
"""


class TestCritical:
    def test_ends_the_session_after_the_finally_blocks(self, database: Database) -> None:
        size = database.cluster.log.stat().st_size
        with database.connect() as other:
            connection = database.connect()
            connection.execute(TABLE)
            runner = Runner(connection)
            diag = runner.fails(CRITICAL)
            assert (diag.severity_nonlocalized, diag.sqlstate) == ("FATAL", "HV000")
            assert (diag.message_primary, diag.message_detail) == ("the end", "it is over")
            assert diag.message_hint == "begin anew"
            assert runner.texts() == ["finally"]
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
            assert connection.closed
            # A session that ends is no crash: the others do not notice.
            assert other.execute("SELECT result FROM run WHERE source = 'result = 1'").fetchone() == ("1",)
        assert "FATAL:  the end" in written_since(database.cluster.log, size)

    def test_is_an_exception_before(self, database: Database) -> None:
        with database.connect() as connection:
            connection.execute(TABLE)
            source = """
                from multicorn.utils import CRITICAL, MulticornException, log_to_postgres
                try:
                    log_to_postgres("the end", CRITICAL)
                except MulticornException as error:
                    result = error
            """
            assert Runner(connection).run(source) == "the end"

    @pytest.mark.parametrize("place", ["subtransaction", "cursor", "planning"])
    def test_ends_the_session_wherever_it_comes(self, database: Database, place: str) -> None:
        connection = database.connect()
        connection.execute(TABLE)
        source = "from multicorn.utils import *; log_to_postgres('the end', CRITICAL)"
        query = psycopg.sql.SQL("SELECT result FROM run WHERE source = {}").format(source)
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("BEGIN; SAVEPOINT a")
            if place == "cursor":
                connection.execute(psycopg.sql.SQL("DECLARE c CURSOR FOR {}").format(query))
                connection.execute("FETCH c")
            elif place == "planning":
                connection.execute(
                    "CREATE FUNCTION early() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN"
                    " RETURN (SELECT result FROM run WHERE source = current_setting('my.source')); END $$"
                )
                connection.execute("SELECT set_config('my.source', %s, false)", [source])
                connection.execute("EXPLAIN SELECT FROM generate_series(1, 2) number WHERE number > early()")
            else:
                connection.execute(query)
        assert caught.value.diag.severity_nonlocalized == "FATAL"
        assert caught.value.diag.message_primary == "the end"
        assert connection.closed
        with database.connect() as other:
            assert other.execute("SELECT result FROM run WHERE source = 'result = 1'").fetchone() == ("1",)


class TestParameters:
    """By the extended protocol, as drivers send them."""

    def test_seven_times_by_a_driver(self, database: Database) -> None:
        database.sql(TABLE)
        with database.connect(prepare_threshold=0) as connection:
            for number in range(7):
                row = connection.execute(
                    "SELECT result FROM run WHERE source = %s", [f"result = {number}"]
                ).fetchone()
                assert row == (str(number),)

    def test_binary_parameters_and_results(self, database: Database) -> None:
        with database.connect() as connection:
            connection.execute(
                "CREATE SERVER s FOREIGN DATA WRAPPER multicorn"
                " OPTIONS (wrapper 'multicorn.testfdw.TestForeignDataWrapper', test_type 'int');"
                "CREATE FOREIGN TABLE numbers (a int8, b int2) SERVER s"
            )
            rows = connection.execute(
                "SELECT a, b FROM numbers WHERE a = ANY(%b) AND b > %b", [[3, 5], 3], binary=True
            ).fetchall()
            assert rows == [(5, 5)]


def test_another_session_sees_a_changed_definition(database: Database) -> None:
    """The instance is the session's own; the definition is everybody's."""
    with database.connect() as first, database.connect() as second:
        first.execute(
            "CREATE SERVER s FOREIGN DATA WRAPPER multicorn"
            " OPTIONS (wrapper 'multicorn.testfdw.TestForeignDataWrapper', test_type 'int');"
            "CREATE FOREIGN TABLE numbers (a text) SERVER s"
        )
        query = "SELECT a FROM numbers LIMIT 1"
        assert second.execute(query).fetchone() == ("0",)
        assert first.execute(query).fetchone() == ("0",)
        first.execute("ALTER SERVER s OPTIONS (SET test_type 'unicode')")
        assert second.execute(query).fetchone() == ("éà¤",)
        second.execute("ALTER FOREIGN TABLE numbers RENAME a TO b; ALTER SERVER s OPTIONS (DROP test_type)")
        assert first.execute("SELECT b FROM numbers LIMIT 1").fetchone() == ("b 1 0",)


def test_a_session_that_begins_with_ddl_in_a_function(database: Database) -> None:
    """The library is then loaded in the middle of the statement that it has to judge."""
    with database.connect() as connection:
        connection.execute(
            "CREATE SERVER s FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'run_source.RunSource')"
        )
    create = "CREATE FOREIGN TABLE t (source text, result text) SERVER s OPTIONS (wrapper '{}')"
    with database.connect() as connection, pytest.raises(psycopg.Error, match="on the table"):
        connection.execute(create.format("other.Class"))
    with database.connect() as connection:
        # Unknown to the library in time, so it is an error at use.
        connection.execute(f"DO $do$ BEGIN {create.format('other.Class')}; END $do$")
        with pytest.raises(psycopg.Error, match="Cannot set the wrapper class on the table"):
            connection.execute("SELECT * FROM t")
        connection.execute("DROP FOREIGN TABLE t")
        with pytest.raises(psycopg.Error, match="Cannot set the wrapper class on the table"):
            connection.execute(f"DO $do$ BEGIN {create.format('other.Class')}; END $do$")
