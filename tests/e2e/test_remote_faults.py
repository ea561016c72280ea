"""The local server dies during a write through SqlAlchemyFdw: what remains here and there agrees.

The one window: between the remote COMMIT and the local one. What is committed there then is lost here.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from devkit import venv
from devkit.cluster import hand_over
from far import server
from restarting import RestartingServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devkit.cluster import Cluster
    from devkit.server import Installation

REMOTE = """
CREATE TABLE things (id int PRIMARY KEY);
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_advisory_lock_shared(77); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait();
"""
# The phases, and what of the written rows is there afterwards: (here, there).
PHASES = {
    "before": (False, False),
    "after": (False, False),
    "pre_commit": (False, False),
    # While the remote server is busy committing: the window is open.
    "during": (False, True),
    "between": (False, True),
    "committed": (True, True),
}
WRITES = {
    "row": "INSERT INTO far VALUES (1)",
    "batch": "INSERT INTO far SELECT i FROM generate_series(1, 20) i",
}


class Remote:
    """The second database, on a server that lives on."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.conninfo = cluster.conninfo("e2e_faults")

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.conninfo, autocommit=True)

    def others(self) -> list[tuple[int]]:
        """The sessions of the local server."""
        with self.connect() as connection:
            return connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchall()


@pytest.fixture(scope="module")
def remote(cluster: Cluster) -> Iterator[Remote]:
    cluster.sql("CREATE DATABASE e2e_faults")
    made = Remote(cluster)
    cluster.sql(REMOTE, "e2e_faults")
    yield made
    cluster.sql("DROP DATABASE e2e_faults WITH (FORCE)")


@pytest.fixture(scope="module")
def local(installation: Installation, remote: Remote) -> Iterator[RestartingServer]:
    settings = {
        "multicorn.python_path": "{files}/wrappers",
        "multicorn.virtualenv": str(venv.directory()),
        # What is committed has to survive.
        "synchronous_commit": "on",
        "restart_after_crash": "on",
    }
    with RestartingServer(installation, settings) as made:
        made.stage(Path(__file__).parent / "wrappers")
        pipe = made.files / "reached"
        os.mkfifo(pipe)
        hand_over(pipe)
        with made.connect() as connection:
            connection.execute("CREATE EXTENSION multicorn; CREATE TABLE near (id int PRIMARY KEY)")
            connection.execute(
                server(remote.cluster, "e2e_faults", f", pipe '{pipe}'", wrapper="halting.Halting")
            )
        yield made


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition, thirty seconds at most."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def read_pipe(pipe: Path) -> str:
    """What the wrapper says through the named pipe when it has reached its phase."""
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        readable, _, _ = select.select([descriptor], [], [], 30)
        assert readable, "the phase is not reached"
        return os.read(descriptor, 100).decode()
    finally:
        os.close(descriptor)


def write(connection: psycopg.Connection, statement: str) -> None:
    """The transaction whose end does not come."""
    with contextlib.suppress(psycopg.OperationalError):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO near VALUES (1)")
        connection.execute(statement)  # type: ignore[arg-type]
        connection.execute("COMMIT")
        message = "the transaction came to its end"
        raise AssertionError(message)


def die(local: RestartingServer, pid: int, way: str) -> None:
    """End the backend or the whole server at once, and return when there is a server again."""
    if way == "immediate":
        local.stop_immediately()
        local.start()
        return
    with local.connect() as connection:
        started = connection.execute("SELECT pg_postmaster_start_time()").fetchone()
    os.kill(pid, signal.SIGKILL)

    def recovered() -> bool:
        try:
            with local.connect() as connection:
                found = connection.execute(
                    "SELECT pg_postmaster_start_time(), NOT EXISTS"
                    " (SELECT FROM pg_stat_activity WHERE pid = %s)",
                    [pid],
                ).fetchone()
        except psycopg.OperationalError:
            return False
        # The same postmaster: it has started all others again.
        return found is not None and found[0] == started[0] and found[1]  # type: ignore[index]

    wait_for(recovered, "the server does not come back")


def run_until(
    local: RestartingServer, remote: Remote, phase: str, statement: str, then: Callable[[int], None]
) -> None:
    """Write in a thread, and call `then` with the backend's process id when it has reached the phase."""
    with remote.connect() as holder, local.connect() as connection:
        if phase == "during":
            holder.execute("SELECT pg_advisory_lock(77)")
        thread = threading.Thread(target=write, args=(connection, statement))
        thread.start()
        if phase == "during":
            wait_for(lambda: is_waiting(holder), "the remote COMMIT does not come")
        else:
            assert read_pipe(local.files / "reached") == phase
        then(connection.info.backend_pid)
        thread.join(30)
        assert not thread.is_alive()
        if phase == "during":
            # The remote server has not heard of any of it yet, and commits now.
            holder.execute("SELECT pg_advisory_unlock(77)")


def is_waiting(connection: psycopg.Connection) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return connection.execute(query).fetchone() != (0,)


@pytest.mark.parametrize("way", ["kill", "immediate"])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("rows", WRITES)
def test_what_remains(local: RestartingServer, remote: Remote, phase: str, way: str, rows: str) -> None:
    with local.connect() as connection:
        connection.execute("DROP FOREIGN TABLE IF EXISTS far; TRUNCATE near")
        connection.execute(
            "CREATE FOREIGN TABLE far (id int) SERVER far"
            f" OPTIONS (tablename 'things', halts_at '{'' if phase == 'during' else phase}')"
        )
    with remote.connect() as connection:
        connection.execute("TRUNCATE things")
    run_until(local, remote, phase, WRITES[rows], lambda pid: die(local, pid, way))
    # Nothing is left behind there, neither a session nor a lock.
    wait_for(lambda: not remote.others(), "the remote session does not end")
    here, there = PHASES[phase]
    count = 20 if rows == "batch" else 1
    with local.connect() as connection, remote.connect() as far:
        assert connection.execute("SELECT count(*) FROM near").fetchone() == (int(here),)
        assert far.execute("SELECT count(*) FROM things").fetchone() == (count if there else 0,)
        # And the next one writes as if nothing had been.
        connection.execute("ALTER FOREIGN TABLE far OPTIONS (DROP halts_at)")
        connection.execute(
            "BEGIN; DELETE FROM near; DELETE FROM far;"
            "INSERT INTO near VALUES (2); INSERT INTO far VALUES (2); COMMIT"
        )
        assert connection.execute("SELECT id FROM near").fetchall() == [(2,)]
        assert far.execute("SELECT id FROM things").fetchall() == [(2,)]
