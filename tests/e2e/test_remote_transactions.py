"""The remote transaction of SqlAlchemyFdw: isolation, one state for all scans, locks, lost connections."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from far import Far, far_database, server, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Database

REMOTE = """
CREATE TABLE things (id int PRIMARY KEY, n int NOT NULL);
INSERT INTO things SELECT i, i FROM generate_series(1, 100) i;
CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE waiting (id int PRIMARY KEY);
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_advisory_lock(77); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON waiting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait();
CREATE TABLE lazy (id int);
CREATE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN new; END $$;
CREATE TRIGGER rest BEFORE INSERT ON lazy FOR EACH ROW EXECUTE FUNCTION rest();
CREATE VIEW session AS SELECT pg_backend_pid() AS pid, current_setting('transaction_isolation') AS isolation,
    current_setting('lock_timeout') AS timeout;
CREATE VIEW slow AS SELECT id, pg_sleep(60)::text AS waited FROM things;
CREATE VIEW broken AS SELECT id, 1 / (id - 50) AS n FROM things;
"""
LOCAL = """
CREATE FOREIGN TABLE t (id int, n int) SERVER far OPTIONS (tablename 'things');
CREATE FOREIGN TABLE late (id int) SERVER far OPTIONS (tablename 'late');
CREATE FOREIGN TABLE lazy (id int) SERVER far OPTIONS (tablename 'lazy');
CREATE FOREIGN TABLE waiting (id int) SERVER far OPTIONS (tablename 'waiting');
CREATE FOREIGN TABLE session (pid int, isolation text, timeout text) SERVER far OPTIONS (tablename 'session');
CREATE FOREIGN TABLE slow (id int, waited text) SERVER far OPTIONS (tablename 'slow');
CREATE FOREIGN TABLE broken (id int, n int) SERVER far OPTIONS (tablename 'broken');
CREATE TABLE near (id int PRIMARY KEY, n int, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO near VALUES (1, 1);
"""
COUNT = "SELECT count(*) FROM t"


@pytest.fixture
def remote(database: Database) -> Iterator[Database]:
    with far_database(database, REMOTE) as made:
        database.sql(LOCAL)
        yield made


@pytest.fixture
def far(database: Database, remote: Database) -> Iterator[Far]:
    with database.connect() as connection:
        yield Far(connection, remote)


@pytest.fixture
def other(database: Database, remote: Database) -> Iterator[Far]:
    """A second local session."""
    with database.connect() as connection:
        yield Far(connection, remote)


def end_connections(far: Far) -> None:
    """End the sessions that the foreign tables have in the remote database, and wait until they are gone."""
    far.remote.sql(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)


def waits_remotely(far: Far, kind: str = "transactionid") -> bool:
    """Whether a session of the remote database waits for a lock of this kind."""
    query = (
        "SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid)"
        f" WHERE NOT granted AND locktype = '{kind}' AND datname = current_database()"
    )
    return bool(far.there(query)[0][0])


# Isolation


def test_all_scans_of_a_transaction_see_one_state(far: Far) -> None:
    far.run("BEGIN")
    assert far.run(COUNT) == [(100,)]
    far.remote.sql("DELETE FROM things WHERE id > 50")
    assert far.run(f"SELECT ({COUNT}), ({COUNT})") == [(100, 100)]
    far.run("COMMIT")
    assert far.run(COUNT) == [(50,)]


def test_scans_and_changes_share_a_session(far: Far) -> None:
    far.run("BEGIN")
    found = far.run("SELECT a.pid, b.pid FROM session a, session b")
    far.run("INSERT INTO late VALUES (1)")
    found += far.run("SELECT pid, pid FROM session")
    assert len({pid for pids in found for pid in pids}) == 1
    # A scan that is in the middle of its rows goes on beside other statements, and does not see them.
    far.run("ALTER FOREIGN TABLE t OPTIONS (ADD batch_size '10')", "COMMIT", "BEGIN")
    far.run("DECLARE c CURSOR FOR SELECT id FROM t ORDER BY id")
    assert far.run("FETCH 1 FROM c") == [(1,)]
    far.run("UPDATE t SET n = 0", "DELETE FROM t WHERE id > 20")
    assert [row[0] for row in far.run("FETCH ALL FROM c")] == list(range(2, 101))
    assert far.run(COUNT) == [(20,)]
    far.run("COMMIT")


@pytest.mark.parametrize(
    ("level", "remotely"),
    [
        ("READ COMMITTED", "repeatable read"),
        ("REPEATABLE READ", "repeatable read"),
        ("SERIALIZABLE", "serializable"),
    ],
)
def test_isolation_levels(far: Far, level: str, remotely: str) -> None:
    for _ in range(2):
        far.run(f"BEGIN ISOLATION LEVEL {level}")
        assert far.run("SELECT isolation FROM session") == [(remotely,)]
        far.run("COMMIT")
    # The connection is used again, and remembers nothing of it.
    assert far.run("SELECT isolation FROM session") == [("repeatable read",)]


def test_a_row_that_others_have_changed(far: Far) -> None:
    """What was read is no more: writing on its ground would lose the other's change."""
    far.run("BEGIN", "SELECT n FROM t WHERE id = 1")
    far.remote.sql("UPDATE things SET n = 77 WHERE id = 1")
    assert "40001 | could not update rows of" in text(far.fails("UPDATE t SET n = n + 1 WHERE id = 1"))
    far.run("ROLLBACK", "UPDATE t SET n = n + 1 WHERE id = 1")
    assert far.there("SELECT n FROM things WHERE id = 1") == [(78,)]


def test_serializable_transactions_are(far: Far, other: Far) -> None:
    """Each reads what the other writes; one after the other could not have had that."""
    for session in (far, other):
        session.run("BEGIN ISOLATION LEVEL SERIALIZABLE", "SELECT sum(n) FROM t")
    far.run("UPDATE t SET n = 0 WHERE id = 1")
    other.run("UPDATE t SET n = 0 WHERE id = 2")
    far.run("COMMIT")
    assert "40001 | could not commit in" in text(other.fails("COMMIT"))
    assert far.there("SELECT id, n FROM things WHERE id < 3 ORDER BY id") == [(1, 0), (2, 2)]


# Locks


def test_the_limit_on_waiting_is_set(database: Database, far: Far) -> None:
    assert far.run("SELECT timeout FROM session") == [("10s",)]
    for option, shown in (("ADD lock_timeout '1500ms'", "1500ms"), ("SET lock_timeout '0'", "0")):
        far.run(f"ALTER SERVER far OPTIONS ({option})")
        assert far.run("SELECT timeout FROM session") == [(shown,)]


def test_two_sessions_that_wait_for_each_other(far: Far, other: Far) -> None:
    """One waits here and one there, so that neither server sees the circle."""
    far.run("ALTER SERVER far OPTIONS (ADD lock_timeout '300ms')")
    far.run("BEGIN", "UPDATE near SET n = 2 WHERE id = 1")
    other.run("BEGIN", "UPDATE t SET n = 5 WHERE id = 1")
    failures: list[psycopg.Error] = []
    waits_here = threading.Thread(target=lambda: other.run("UPDATE near SET n = 3 WHERE id = 1"))
    waits_there = threading.Thread(
        target=lambda: failures.append(far.fails("UPDATE t SET n = n + 1 WHERE id = 1"))
    )
    start = time.monotonic()
    waits_there.start()
    waits_here.start()
    waits_there.join(10)
    assert not waits_there.is_alive()
    assert time.monotonic() - start < 5
    told = text(failures[0])
    assert "55P03 | could not update rows of" in told
    assert "canceling statement due to lock timeout" in told
    assert 'option "lock_timeout"' in told
    far.run("ROLLBACK")
    waits_here.join(10)
    assert not waits_here.is_alive()
    other.run("COMMIT")
    assert far.run("SELECT n FROM near") == [(3,)]
    assert far.there("SELECT n FROM things WHERE id = 1") == [(5,)]
    far.run("UPDATE t SET n = n + 1 WHERE id = 1")


def test_a_remote_deadlock_is_told_as_one(far: Far, other: Far) -> None:
    """Both wait there: the remote server sees it and ends one of them."""
    far.run("BEGIN", "UPDATE t SET n = 0 WHERE id = 1")
    other.run("BEGIN", "UPDATE t SET n = 0 WHERE id = 2")
    outcomes: list[str] = []

    def cross(session: Far, row: int) -> None:
        try:
            session.run(f"UPDATE t SET n = 0 WHERE id = {row}")
        except psycopg.Error as error:
            outcomes.append(text(error))
            session.run("ROLLBACK")

    threads = [threading.Thread(target=cross, args=pair) for pair in ((far, 2), (other, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(outcomes) == 1
    # The survivor saw the row before it was rolled back, and may go on.
    assert "40P01 | could not update rows of" in outcomes[0]


# The end


def test_a_remote_constraint_that_waits_for_the_commit(far: Far) -> None:
    far.run("BEGIN", "INSERT INTO near VALUES (2, 2)", "INSERT INTO late SELECT 1 FROM generate_series(1, 2)")
    assert "23505 | could not commit in" in text(far.fails("COMMIT"))
    assert far.run("SELECT id FROM near") == [(1,)]
    assert far.there("SELECT * FROM late") == []
    far.run("INSERT INTO late VALUES (1)")
    assert far.there("SELECT * FROM late") == [(1,)]


def test_a_local_constraint_that_waits_for_the_commit(far: Far) -> None:
    """It is checked before anything is committed there."""
    far.run("BEGIN", "INSERT INTO late VALUES (1)", "INSERT INTO near VALUES (2, 1)")
    assert "near_n_key" in text(far.fails("COMMIT"))
    assert far.there("SELECT * FROM late") == []


def test_commits_inside_a_procedure(far: Far) -> None:
    far.run(
        "CREATE PROCEDURE move() LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN"
        " FOR r IN SELECT id FROM t WHERE id <= 5 ORDER BY id LOOP"
        " INSERT INTO late VALUES (r.id); IF r.id = 4 THEN ROLLBACK; ELSE COMMIT; END IF; END LOOP; END $$",
        "CALL move()",
    )
    assert far.there("SELECT id FROM late ORDER BY id") == [(1,), (2,), (3,), (5,)]


# Savepoints


def test_cursors_and_savepoints(far: Far) -> None:
    """A cursor that goes with its savepoint does not take the transaction along."""
    far.run("ALTER FOREIGN TABLE t OPTIONS (ADD batch_size '5')")
    far.run("BEGIN", "INSERT INTO late VALUES (1)", "DECLARE a CURSOR FOR SELECT id FROM t ORDER BY id")
    assert far.run("FETCH 2 FROM a") == [(1,), (2,)]
    far.run("SAVEPOINT s", "DECLARE b CURSOR FOR SELECT id FROM t ORDER BY id DESC")
    assert far.run("FETCH 1 FROM b") == [(100,)]
    assert "22012" in text(far.fails("SELECT * FROM broken"))
    far.run("ROLLBACK TO s", "SAVEPOINT s", "DECLARE b CURSOR FOR SELECT id FROM t ORDER BY id DESC")
    assert far.run("FETCH 1 FROM b") == [(100,)]
    far.run("RELEASE s")
    assert len(far.run("FETCH ALL FROM a")) == 98
    assert len(far.run("FETCH ALL FROM b")) == 99
    far.run("COMMIT")
    assert far.there("SELECT id FROM late") == [(1,)]


def test_what_fails_in_functions(far: Far) -> None:
    """Errors of all kinds in blocks of PL/pgSQL, and writes before, between and after them."""
    far.run("INSERT INTO late VALUES (0)")
    far.run(
        """DO $$ DECLARE r record; BEGIN
        INSERT INTO late VALUES (1);
        BEGIN PERFORM * FROM broken; EXCEPTION WHEN division_by_zero THEN NULL; END;
        INSERT INTO late VALUES (2);
        BEGIN
            INSERT INTO late SELECT i FROM generate_series(10, 20) i;
            INSERT INTO t SELECT i, NULL FROM generate_series(200, 300) i;
        EXCEPTION WHEN not_null_violation THEN NULL; END;
        BEGIN FOR r IN SELECT * FROM broken ORDER BY id LOOP NULL; END LOOP;
        EXCEPTION WHEN division_by_zero THEN INSERT INTO late VALUES (3); END;
        BEGIN FOR r IN SELECT * FROM t LOOP PERFORM 1 / 0; END LOOP;
        EXCEPTION WHEN division_by_zero THEN INSERT INTO late VALUES (4); END;
        END $$"""
    )
    assert far.there("SELECT id FROM late ORDER BY id") == [(0,), (1,), (2,), (3,), (4,)]


# Lost connections


def test_lost_between_transactions(far: Far) -> None:
    assert far.run(COUNT) == [(100,)]
    end_connections(far)
    assert far.run(COUNT) == [(100,)]


def test_lost_after_reading(far: Far) -> None:
    """What was done here stands; more of the old state there is none."""
    far.run("BEGIN", COUNT, "INSERT INTO near VALUES (2, 2)")
    end_connections(far)
    far.run("COMMIT")
    assert len(far.run("SELECT * FROM near")) == 2
    far.run("BEGIN", COUNT)
    end_connections(far)
    assert "08006 | could not read from" in text(far.fails(COUNT))
    far.run("ROLLBACK")
    assert far.run(COUNT) == [(100,)]


@pytest.mark.parametrize("again", ["INSERT INTO late VALUES (2)", COUNT, "UPDATE t SET n = n + 1", None])
def test_lost_after_writing(far: Far, again: str | None) -> None:
    far.run("BEGIN", "INSERT INTO near VALUES (2, 2)", "INSERT INTO late VALUES (1)")
    end_connections(far)
    if again is None:
        told = text(far.fails("COMMIT"))
        assert "08007 | could not commit in" in told
        assert "look there whether it was done" in told
    else:
        assert "08006 | could not" in text(far.fails(again))
        far.run("ROLLBACK")
    assert far.run("SELECT id FROM near") == [(1,)]
    assert far.there("SELECT * FROM late") == []
    far.run("INSERT INTO late VALUES (3)")
    assert far.there("SELECT * FROM late") == [(3,)]


def test_lost_inside_a_savepoint(far: Far) -> None:
    """What came before the savepoint is lost as well, and the local commit must not hide that."""
    far.run("BEGIN", "INSERT INTO near VALUES (2, 2)", "INSERT INTO late VALUES (1)", "SAVEPOINT s")
    far.run("INSERT INTO late VALUES (2)")
    end_connections(far)
    assert "08006" in text(far.fails("INSERT INTO late VALUES (3)"))
    far.run("ROLLBACK TO s")
    assert "08006 | this transaction has lost its connection" in text(
        far.fails("INSERT INTO late VALUES (4)")
    )
    far.run("ROLLBACK TO s")
    told = text(far.fails("COMMIT"))
    assert "08006 | this transaction has lost its connection" in told
    assert "with it what it had written there" in told
    assert far.run("SELECT id FROM near") == [(1,)]
    assert far.there("SELECT * FROM late") == []
    assert far.run(COUNT) == [(100,)]


@contextmanager
def blocked_commit(far: Far, *settings: str) -> Iterator[threading.Thread]:
    """COMMIT in another thread, which the remote database does not finish before the block ends."""
    with far.remote.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(77)")
        far.run("BEGIN", "INSERT INTO near VALUES (2, 2)", "INSERT INTO waiting VALUES (1)", *settings)
        thread = threading.Thread(target=lambda: errors.append(far.fails("COMMIT")))
        errors: list[psycopg.Error] = []
        thread.errors = errors  # type: ignore[attr-defined]
        thread.start()
        until(lambda: waits_remotely(far, "advisory"))
        yield thread
    thread.join(20)
    assert not thread.is_alive()


def test_lost_during_the_remote_commit(far: Far) -> None:
    """Nobody can know whether it was done: the error says so."""
    with blocked_commit(far) as thread:
        far.remote.sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks"
            " WHERE locktype = 'advisory' AND NOT granted"
        )
        thread.join(20)
    told = text(thread.errors[0])  # type: ignore[attr-defined]
    assert "08007 | could not commit in" in told
    assert far.run("SELECT id FROM near") == [(1,)]
    assert far.there("SELECT * FROM waiting") == []
    assert far.run(COUNT) == [(100,)]


def test_a_remote_commit_that_takes_too_long(far: Far) -> None:
    """Nothing else could end it: the server itself holds all interrupts then."""
    with blocked_commit(far, "SET multicorn.hook_timeout = '300ms'") as thread:
        thread.join(20)
    far.run("SET multicorn.hook_timeout = '30s'")
    assert "hook_timeout" in text(thread.errors[0])  # type: ignore[attr-defined]
    assert far.run("SELECT id FROM near") == [(1,)]
    assert far.there("SELECT * FROM waiting") == []
    far.run("INSERT INTO late VALUES (1)")
    assert far.there("SELECT * FROM late") == [(1,)]


def test_a_cancelled_scan_inside_a_block(far: Far) -> None:
    """Its connection is given up, so that what was written before cannot be committed any more."""
    far.run("BEGIN", "INSERT INTO late VALUES (1)", "SAVEPOINT s", "SET LOCAL statement_timeout = '200ms'")
    assert "57014" in text(far.fails("SELECT waited FROM slow"))
    far.run("ROLLBACK TO s")
    assert "08006 | this transaction has lost its connection" in text(far.fails("COMMIT"))
    assert far.there("SELECT * FROM late") == []
    far.run("INSERT INTO late VALUES (2)")
    assert far.there("SELECT * FROM late") == [(2,)]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_cancelled_insert(far: Far, rows: int) -> None:
    """One row by INSERT, several by COPY: in both the remote server is told to stop."""
    far.run("SET statement_timeout = '200ms'")
    told = text(far.fails(f"INSERT INTO lazy SELECT generate_series(1, {rows})"))
    assert "57014 | canceling statement due to statement timeout" in told
    far.run("SET statement_timeout = 0")
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event = 'PgSleep' AND state = 'active'"
    )
    until(lambda: far.there(busy) == [(0,)])
    far.run("INSERT INTO late SELECT generate_series(1, 3)")
    assert far.there("SELECT count(*) FROM late") == [(3,)]


def test_two_servers_are_two_transactions(database: Database, far: Far) -> None:
    """The other database is the test's own: what fails there undoes what was done here and there."""
    database.sql(
        "CREATE TABLE own (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
        + server(database.cluster, database.name).replace("SERVER far", "SERVER own")
        + "; CREATE FOREIGN TABLE own_far (id int) SERVER own OPTIONS (tablename 'own')"
    )
    far.run("BEGIN", "INSERT INTO own_far SELECT 1 FROM generate_series(1, 2)", "INSERT INTO late VALUES (1)")
    assert "23505" in text(far.fails("COMMIT"))
    assert far.run("SELECT * FROM own") == []
    # The first to be used is the first to be committed, and it failed.
    assert far.there("SELECT * FROM late") == []
    far.run("BEGIN", "INSERT INTO own_far VALUES (1)", "INSERT INTO late VALUES (1)", "COMMIT")
    assert (far.run("SELECT * FROM own"), far.there("SELECT * FROM late")) == ([(1,)], [(1,)])
