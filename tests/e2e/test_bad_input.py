"""What a misbehaving wrapper leaves behind: nothing. Its words are tested by pg_regress (fdw_bad_*)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from running import TABLE, Runner, written_since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

LIVING = """
CREATE SERVER living FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'living.Living');
CREATE FOREIGN TABLE living (n int) SERVER living;
"""
STATE = """
import gc, living
gc.collect()
result = len(living.alive), living.generators.count("open"), len(living.generators)
"""
DECLARE = "DECLARE c CURSOR FOR SELECT n FROM living"
CAUGHT = """
DO $$ DECLARE r record; BEGIN
    FOR r IN SELECT n FROM living LOOP IF r.n = 2 THEN RAISE 'out'; END IF; END LOOP;
EXCEPTION WHEN raise_exception THEN NULL; END $$
"""
# Ways to leave a scan before its end.
WAYS = {
    "limit": ["SELECT n FROM living LIMIT 2"],
    "error in the query": ["SELECT 1 / (n - 3) FROM living"],
    "closed cursor": ["BEGIN", DECLARE, "FETCH 2 FROM c", "CLOSE c", "COMMIT"],
    "open cursor at commit": ["BEGIN", DECLARE, "FETCH 2 FROM c", "COMMIT"],
    "rollback": ["BEGIN", DECLARE, "FETCH 2 FROM c", "ROLLBACK"],
    "savepoint": ["BEGIN", "SAVEPOINT s", DECLARE, "FETCH 2 FROM c", "ROLLBACK TO s", "COMMIT"],
    "held cursor": ["DECLARE h CURSOR WITH HOLD FOR SELECT n FROM living", "FETCH 1 FROM h", "CLOSE h"],
    "caught": [CAUGHT],
    "rescans": ["SELECT count(*) FROM living AS a WHERE EXISTS (SELECT FROM living AS b WHERE b.n > a.n)"],
    "timeout": [
        "SET statement_timeout = 200",
        "SELECT n, pg_sleep(0.05) FROM living",
        "RESET statement_timeout",
    ],
}


@pytest.fixture
def runner(database: Database) -> Iterator[Runner]:
    with database.connect() as connection:
        connection.execute(TABLE)
        connection.execute(LIVING)
        yield Runner(connection)


def run(connection: psycopg.Connection, statement: str) -> None:
    """Run a statement that may fail."""
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        if error.diag.sqlstate is None:
            pytest.fail(f"the session is lost: {error}")


@pytest.mark.parametrize("way", WAYS)
def test_generators_are_closed_and_instances_go(runner: Runner, way: str) -> None:
    """Also those in a cycle; one instance stays, since the session keeps it."""
    # Starting Python takes longer than the timeout.
    runner.run("result = 1")
    for _ in range(5):
        for statement in WAYS[way]:
            run(runner.connection, statement)
    alive, opened, generators = str(runner.run(STATE)).strip("()").split(", ")
    assert (alive, opened) == ("1", "0")
    assert int(generators) >= 5
    runner.connection.execute("DROP FOREIGN TABLE living")
    assert str(runner.run(STATE)).startswith("(0, 0, ")


def test_a_changed_definition_lets_go_of_the_old_instance(runner: Runner) -> None:
    for n in range(5):
        runner.connection.execute("SELECT n FROM living").fetchall()
        verb = "ADD" if n == 0 else "SET"
        runner.connection.execute(f"ALTER FOREIGN TABLE living OPTIONS ({verb} turn '{n}')")
    runner.connection.execute("SELECT n FROM living").fetchall()
    assert str(runner.run(STATE)).startswith("(1, 0, ")


def test_a_scan_keeps_its_instance_while_the_definition_changes(runner: Runner) -> None:
    connection = runner.connection
    connection.execute("CREATE FOREIGN TABLE other (n int) SERVER living")
    with connection.transaction():
        connection.execute("DECLARE c CURSOR FOR SELECT n FROM other")
        assert connection.execute("FETCH 2 FROM c").fetchall() == [(0,), (1,)]
        # The server refuses to change a table in use, but not its server.
        connection.execute("ALTER SERVER living OPTIONS (ADD turn '1')")
        assert connection.execute("SELECT count(*) FROM other").fetchone() == (10,)
        assert connection.execute("FETCH 2 FROM c").fetchall() == [(2,), (3,)]
    assert str(runner.run(STATE)).startswith("(1, 0, ")


def test_secrets_stay_out_of_the_log(database: Database, runner: Runner) -> None:
    """Whatever Python says: an error with its traceback, a message, a warning, a print."""
    connection = runner.connection
    connection.execute(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER run"
        " OPTIONS (user 'bob', password 'Tr0ub4dor&3', token '77');"
        "SET client_min_messages = debug1; SET log_min_messages = debug1"
    )
    # From here on the statements themselves do not hold it.
    size = database.cluster.log.stat().st_size
    secret = "''.join(['Tr0ub', '4dor', '&3'])"
    runner.fails(f"secret = {secret}\nraise ValueError('cannot log in with ' + secret)")
    chain = "try:\n    1 / 0\nexcept Exception as e:\n    raise KeyError(secret) from e"
    runner.fails(f"secret = {secret}\n{chain}")
    runner.run(
        f"""
        import logging, threading, warnings
        from multicorn.utils import log_to_postgres
        secret = {secret}
        log_to_postgres("a " + secret, hint="b " + secret, detail="c " + secret)
        logging.getLogger("library").warning("d %s", secret)
        warnings.warn("e " + secret)
        print("f " + secret)
        thread = threading.Thread(target=print, args=("g " + secret,))
        thread.start()
        thread.join()
        print("number 77, not 1770")
        """
    )
    said = str(runner.messages)
    assert [letter for letter in "abcdefg" if f"{letter} ***" not in said] == []
    assert "number ***, not 1770" in said
    log = written_since(database.cluster.log, size)
    assert "Traceback" in log
    assert "4dor&3" not in log + said


def test_a_hanging_end_is_ended(runner: Runner) -> None:
    """By multicorn.hook_timeout, as a WARNING beside the query's own error."""
    connection = runner.connection
    connection.execute(
        "CREATE SERVER hanging FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'living.Hanging');"
        "CREATE FOREIGN TABLE hanging (n int) SERVER hanging; SET multicorn.hook_timeout = 100"
    )
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("SELECT 1 / n FROM hanging")
    assert runner.texts() == ["end_scan was ended: it ran longer than multicorn.hook_timeout"]
    assert runner.run("result = 'lives'") == "lives"


def test_a_timeout_in_the_end_of_a_good_query(runner: Runner) -> None:
    """The rows were complete, but the statement is not: the server's own error tells."""
    connection = runner.connection
    connection.execute(
        "CREATE SERVER hanging FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'living.Hanging');"
        "CREATE FOREIGN TABLE hanging (n int) SERVER hanging"
    )
    runner.run("result = 1")
    connection.execute("SET statement_timeout = 200")
    with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
        connection.execute("SELECT n FROM hanging")
    connection.execute("RESET statement_timeout")
    assert runner.run("result = 'lives'") == "lives"
