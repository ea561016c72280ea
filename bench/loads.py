"""Loads that must not cost memory, and the meters that tell.

A load is run once to warm the caches up, then measured: the growth over all repetitions, divided by
them, is what one of them keeps. Resident memory moves by pages and malloc's own ways; Python's blocks
and malloc's bytes in use are exact, so that even one small object per repetition shows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import function_loads as functions
import psycopg
import remote_loads as remote

COLUMNS = "id int8, t text, num numeric, tz timestamptz, js jsonb, uu uuid, ar int4[]"
SET_UP = f"""
CREATE SERVER soak FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'soak_fdw.Rows');
CREATE SERVER soak_dicts FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'soak_fdw.Dicts');
CREATE SERVER meter FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'soak_fdw.Meter');
CREATE FOREIGN TABLE meter (blocks int8, malloc int8) SERVER meter;
CREATE FOREIGN TABLE soak_large ({COLUMNS}) SERVER soak OPTIONS (count '1000000000');
CREATE FOREIGN TABLE soak_small ({COLUMNS}) SERVER soak OPTIONS (count '20');
CREATE FOREIGN TABLE soak_dicts ({COLUMNS}) SERVER soak_dicts OPTIONS (count '20');
CREATE FOREIGN TABLE soak_altered ({COLUMNS}) SERVER soak OPTIONS (count '5');
CREATE FOREIGN TABLE soak_init ({COLUMNS}) SERVER soak OPTIONS (count '5', fail 'init');
CREATE FOREIGN TABLE soak_execute ({COLUMNS}) SERVER soak OPTIONS (count '5', fail 'execute');
CREATE FOREIGN TABLE soak_value ({COLUMNS}) SERVER soak OPTIONS (count '1', fail 'value');
CREATE SERVER soak_writes FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'soak_fdw.Written');
CREATE FOREIGN TABLE soak_written ({COLUMNS}) SERVER soak_writes OPTIONS (count '100');
CREATE FOREIGN TABLE soak_batches ({COLUMNS}) SERVER soak_writes OPTIONS (count '0', batch '40');
CREATE FOREIGN TABLE soak_refused ({COLUMNS}) SERVER soak_writes OPTIONS (count '20', fail 'write');
CREATE TABLE soak_source AS SELECT i::int8 AS id, 'row ' || i AS t, i / 8.0 AS num, now() AS tz,
    '{{"a": [1, 2.5]}}'::jsonb AS js, md5(i::text)::uuid AS uu, ARRAY[i, NULL] AS ar
    FROM generate_series(1, 100) i;
CREATE FOREIGN TABLE soak_row ({COLUMNS}) SERVER soak OPTIONS (count '5', fail 'row');
{functions.SET_UP}
{remote.SET_UP}
"""
ALL = "count(id), count(t), count(num), count(tz), count(js), count(uu), count(ar)"


@dataclass(frozen=True)
class Reading:
    """What a backend holds."""

    resident: int  # bytes of anonymous memory: shared buffers are not the backend's own
    blocks: int  # Python's
    malloc: int  # bytes in use, the server's contexts included
    contexts: int  # bytes in use in the server's contexts


@dataclass(frozen=True)
class Growth:
    """How much more a backend holds after `count` repetitions; `peak` is what it held meanwhile."""

    count: int
    resident: int
    blocks: int
    malloc: int
    contexts: int
    peak: int  # resident memory with shared buffers: of use for loads that leave those alone

    def each(self, total: int) -> float:
        """The part of one repetition."""
        return total / self.count


Run = Callable[[psycopg.Connection, int], None]
"""`run(connection, count)` repeats something `count` times."""


@dataclass(frozen=True)
class Load:
    """Something that is repeated."""

    name: str
    count: int  # in `make soak`
    small: int  # in `make test`
    run: Run
    bytes_each: int = 0  # what one repetition may keep, beyond the noise


def read(connection: psycopg.Connection) -> Reading:
    """The meters of the connection's backend."""
    row = connection.execute("SELECT blocks, malloc FROM meter").fetchone()
    contexts = connection.execute("SELECT sum(used_bytes)::int8 FROM pg_backend_memory_contexts").fetchone()
    assert row is not None
    assert contexts is not None
    return Reading(status(connection, "RssAnon"), row[0], row[1], contexts[0])


def status(connection: psycopg.Connection, field: str) -> int:
    """A size in the backend's /proc status, in bytes."""
    for line in Path(f"/proc/{connection.info.backend_pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    message = f"/proc has no {field}"
    raise LookupError(message)


def others(connection: psycopg.Connection) -> int:
    """Bytes of memory that are not the backend's own: shared with others, or of files."""
    return status(connection, "RssShmem") + status(connection, "RssFile")


def measure(connection: psycopg.Connection, load: Load, count: int, warm_up: int) -> Growth:
    """Run `load` after a warm-up that includes the meters themselves."""
    read(connection)
    load.run(connection, warm_up)
    read(connection)
    return grow(connection, load, count)


def grow(connection: psycopg.Connection, load: Load, count: int) -> Growth:
    """What `count` repetitions add."""
    before = read(connection)
    # Resets the high-water mark.
    Path(f"/proc/{connection.info.backend_pid}/clear_refs").write_text("5")
    peak = status(connection, "VmHWM") - others(connection)
    load.run(connection, count)
    # Shared buffers that the backend has touched stay in its sizes.
    peak = status(connection, "VmHWM") - others(connection) - peak
    after = read(connection)
    return Growth(
        count,
        after.resident - before.resident,
        after.blocks - before.blocks,
        after.malloc - before.malloc,
        after.contexts - before.contexts,
        peak,
    )


def repeat(*statements: str) -> Run:
    """The statements in turn; `{i}` in one is the number of the repetition."""

    def run(connection: psycopg.Connection, count: int) -> None:
        for number in range(count):
            connection.execute(statements[number % len(statements)].replace("{i}", str(number)).encode())

    return run


def failing(*statements: str) -> Run:
    """As `repeat`, of statements that all fail; every other one below a savepoint."""

    def run(connection: psycopg.Connection, count: int) -> None:
        for number in range(count):
            statement = statements[number % len(statements)].encode()
            with suppress(psycopg.Error):
                if number % 2 == 0:
                    connection.execute(statement)
                    message = f"did not fail: {statement.decode()}"
                    raise AssertionError(message)
                with connection.transaction(), connection.transaction():
                    connection.execute(statement)

    return run


def hundreds(*statements: str) -> Run:
    """As `repeat`, of statements that each do a hundred of what is counted."""
    run = repeat(*statements)
    return lambda connection, count: run(connection, max(1, count // 100))


def rows(connection: psycopg.Connection, count: int) -> None:
    """One scan of so many rows."""
    connection.execute(f"SELECT {ALL} FROM (SELECT * FROM soak_large LIMIT {count}) rows".encode())


def rescans(connection: psycopg.Connection, count: int) -> None:
    """One join with so many look-ups."""
    connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off")
    # In the target list: in FROM all numbers would be kept.
    numbers = f"(SELECT generate_series(1, {count}::int8) AS i)"
    connection.execute(f"SELECT count(t) FROM {numbers} numbers JOIN soak_small ON id = i".encode())


SCANS = (
    f"SELECT {ALL} FROM soak_small WHERE num >= 0 AND t <> 'x' AND id = ANY ('{{1,2,3}}')",
    f"SELECT {ALL} FROM soak_dicts",
    "SELECT * FROM soak_small LIMIT 2",  # leaves a generator suspended
    "SELECT id FROM soak_dicts WHERE tz > now() - interval '{i} days' OR t LIKE 'r%'",
)
OTHERS = (
    "EXPLAIN (VERBOSE, COSTS off) SELECT t FROM soak_small WHERE id = 3 ORDER BY id",
    "EXPLAIN (ANALYZE, FORMAT json) SELECT id FROM soak_small WHERE num > 1 ORDER BY id LIMIT 3",
    "BEGIN; DECLARE c SCROLL CURSOR FOR SELECT * FROM soak_small; FETCH 3 FROM c; FETCH PRIOR c; COMMIT",
    "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT id FROM soak_dicts; FETCH 3 FROM c; COMMIT; CLOSE c",
    "PREPARE p (int8) AS SELECT t FROM soak_small WHERE id = $1; EXECUTE p (1); DEALLOCATE p",
    "SELECT (SELECT t FROM soak_small s WHERE s.id = d.id) FROM soak_dicts d WHERE d.id < 3",
)
ALTERS = (
    "ALTER FOREIGN TABLE soak_altered OPTIONS (SET count '{i}'); SELECT count(t) FROM soak_altered",
    "ALTER FOREIGN TABLE soak_altered ALTER num TYPE numeric(20, 4); SELECT count(num) FROM soak_altered",
    "ALTER SERVER soak OPTIONS (ADD note 'x'); SELECT count(t) FROM soak_altered",
    "ALTER FOREIGN TABLE soak_altered ALTER num TYPE numeric; SELECT count(num) FROM soak_altered",
    "ALTER SERVER soak OPTIONS (DROP note); SELECT count(t) FROM soak_altered",
)
INSERTS = (
    "INSERT INTO soak_written SELECT * FROM soak_source",
    "INSERT INTO soak_batches SELECT * FROM soak_source",
    (
        "WITH stored AS (INSERT INTO soak_written SELECT * FROM soak_source RETURNING *)"
        " SELECT count(t) FROM stored"
    ),
)
UPDATES = (
    "UPDATE soak_written SET t = t || '!', num = num + 1",
    "WITH stored AS (UPDATE soak_written SET js = '[]', ar = NULL RETURNING *) SELECT count(t) FROM stored",
)
DELETES = (
    "DELETE FROM soak_written",
    "WITH gone AS (DELETE FROM soak_written RETURNING *) SELECT count(t) FROM gone",
)
# Few columns, and no aggregate: for each column the planner keeps the fact that a table that is no more
# has no statistics of it (154 bytes), and an aggregate keeps its row type.
TABLE = (
    f"CREATE FOREIGN TABLE soak_new ({COLUMNS}) SERVER soak OPTIONS (count '5');"
    "SELECT id, t, num FROM soak_new WHERE id < 3; DROP FOREIGN TABLE soak_new"
)
IMPORT = (
    "IMPORT FOREIGN SCHEMA remote FROM SERVER soak INTO public;"
    "SELECT id FROM soak_imported; DROP FOREIGN TABLE soak_imported"
)


def function_loads(language: str) -> list[Load]:
    """What functions do, in one language."""
    return [
        Load(f"{language} calls", 1_000_000, 10_000, hundreds(functions.calls(language))),
        Load(f"{language} triggers", 100_000, 5_000, hundreds(functions.fires(language))),
        Load(
            f"{language} statements",
            100_000,
            5_000,
            hundreds(f"SELECT soak_prepared_{language}()", f"SELECT soak_text_{language}()"),
        ),
        Load(f"{language} errors", 10_000, 2_000, hundreds(f"SELECT soak_caught_{language}()")),
        Load(f"{language} bodies", 10_000, 400, repeat(functions.replacement(language)), bytes_each=1024),
    ]


def remote_loads(owner: str, share: float) -> list[Load]:
    """What remote functions do, those of one owner; confined ones take their time."""

    def load(name: str, count: int, small: int, run: Run, bytes_each: int = 0) -> Load:
        return Load(f"{owner} {name}", int(count * share), int(small * share), run, bytes_each)

    return [
        load("remote calls", 500_000, 10_000, hundreds(*remote.calls(owner))),
        load("remote queries", 100_000, 4_000, hundreds(*remote.queries(owner))),
        load("remote streams", 4_000, 200, repeat(*remote.streams(owner))),
        load("remote errors", 4_000, 400, failing(*remote.failures(owner))),
        load("remote versions", 4_000, 200, repeat(remote.versions(owner)), bytes_each=1024),
    ]


LOADS = (
    Load("rows", 10_000_000, 100_000, rows),
    Load("scans", 4_000, 400, repeat(*SCANS)),
    Load("rescans", 400_000, 20_000, rescans),
    Load("errors in the query", 4_000, 400, failing("SELECT 1 / (id - 3) FROM soak_small")),
    Load(
        "errors in the wrapper",
        4_000,
        400,
        failing("SELECT count(t) FROM soak_row", "SELECT count(t) FROM soak_execute"),
    ),
    Load("errors in __init__", 4_000, 400, failing("SELECT count(t) FROM soak_init")),
    Load("errors in values", 4_400, 440, failing(f"SELECT {ALL} FROM soak_value")),
    Load("inserts", 200_000, 6_000, hundreds(*INSERTS)),
    Load("updates", 200_000, 4_000, hundreds(*UPDATES)),
    Load("deletes", 200_000, 4_000, hundreds(*DELETES)),
    Load("rows one by one", 20_000, 400, repeat("INSERT INTO soak_written (id, t) VALUES ({i}, 'x')")),
    Load(
        "errors in writes",
        4_000,
        400,
        failing(
            "INSERT INTO soak_refused SELECT * FROM soak_source",
            "UPDATE soak_refused SET t = 'x'",
            "DELETE FROM soak_refused",
            "INSERT INTO soak_written SELECT id / (id - 50), t FROM soak_source",
        ),
    ),
    Load("other statements", 4_000, 200, repeat(*OTHERS)),
    Load("ALTERs", 2_000, 200, repeat(*ALTERS), bytes_each=1024),
    Load("tables", 1_200, 120, repeat(TABLE), bytes_each=1024),
    Load("imports", 1_200, 120, repeat(IMPORT), bytes_each=1024),
    *(load for language in functions.LANGUAGES for load in function_loads(language)),
    *remote_loads("server", 1.0),
    *remote_loads("tenant", 0.5),
)
