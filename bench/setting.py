"""The benchmark's database: the same rows behind each way of reading them.

mc_<shape>_<style>   foreign tables of this extension: dict, tuple, prebuilt
py_<shape>()         a PL/Python function over the same generator
file_<shape>         file_fdw over a CSV file
heap_<shape>         a local table
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))
sys.path.insert(0, str(HERE / "wrappers"))

from bench_rows import COLUMNS  # noqa: E402
from devkit import server, venv  # noqa: E402
from devkit.cluster import Cluster  # noqa: E402
from devkit.install import install_into  # noqa: E402

STYLES = ("dict", "tuple", "prebuilt")
SETTINGS = {
    "multicorn.python_path": "{files}/wrappers",
    "multicorn.virtualenv": str(venv.directory()),
    # Everything stays in memory and in one process: disks and workers are not compared.
    "shared_buffers": "512MB",
    "work_mem": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True)
class Sizes:
    """Rows of each table, and repetitions of what is done once a row or once a table."""

    rows: dict[str, int]
    lookups: int
    prepared: int
    imported: int
    written: int
    called: int
    rounds: int


FULL = Sizes(
    rows={"numbers": 1_000_000, "texts": 300_000, "mixed": 100_000, "pairs": 20_000},
    lookups=10_000,
    prepared=5_000,
    imported=1_000,
    written=100_000,
    called=100_000,
    rounds=9,
)
QUICK = Sizes(
    rows={"numbers": 200_000, "texts": 60_000, "mixed": 20_000, "pairs": 5_000},
    lookups=10_000,
    prepared=2_000,
    imported=200,
    written=20_000,
    called=20_000,
    rounds=3,
)


@contextmanager
def bench_cluster() -> Iterator[Cluster]:
    """A private cluster with the extension as it was last built, and the packages of the tests."""
    copy = server.private_copy(server.find())
    install_into(copy)
    with Cluster(installation=copy, settings=SETTINGS) as cluster:
        cluster.stage(HERE / "wrappers")
        yield cluster


def set_up(cluster: Cluster, sizes: Sizes) -> None:
    """Make all tables and functions in the database `bench`."""
    cluster.sql("CREATE DATABASE bench")
    cluster.sql(
        """
        CREATE EXTENSION multicorn;
        CREATE EXTENSION plpython3u;
        CREATE EXTENSION file_fdw;
        CREATE SERVER whole FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'bench_fdw.Whole');
        CREATE SERVER lookup FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'bench_fdw.Lookup');
        CREATE SERVER many FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'bench_fdw.Many');
        CREATE SERVER first FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'bench_first.First');
        CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE mc_first (id int8, v text) SERVER first;
        CREATE TABLE heap_first (id int8, v text);
        INSERT INTO heap_first VALUES (1, 'one');
        COPY heap_first TO '{files}/first.csv' (FORMAT csv);
        CREATE FOREIGN TABLE file_first (id int8, v text) SERVER files
            OPTIONS (filename '{files}/first.csv', format 'csv');
        CREATE FUNCTION py_first() RETURNS SETOF heap_first LANGUAGE plpython3u
            AS $$ return [(1, "one")] $$;
        """.replace("{files}", str(cluster.files)),
        "bench",
    )
    for shape, count in sizes.rows.items():
        # Python starts with the wrappers' directory on its path, whoever uses it afterwards.
        cluster.sql("SELECT v FROM mc_first;" + "".join(table_statements(cluster, shape, count)), "bench")
    cluster.sql("".join(lookup_statements(sizes)), "bench")


def table_statements(cluster: Cluster, shape: str, count: int) -> Iterator[str]:
    """One table in every form, the local one filled from the same rows."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS[shape].items())
    yield f"CREATE TABLE heap_{shape} ({columns});"
    for style in STYLES:
        yield (
            f"CREATE FOREIGN TABLE mc_{shape}_{style} ({columns}) SERVER whole"
            f" OPTIONS (shape '{shape}', count '{count}', style '{style}');"
        )
    yield from function_statements(shape, count)
    yield f"INSERT INTO heap_{shape} SELECT * FROM py_{shape}(); VACUUM ANALYZE heap_{shape};"
    path = f"{cluster.files}/{shape}.csv"
    yield f"COPY heap_{shape} TO '{path}' (FORMAT csv);"
    yield (
        f"CREATE FOREIGN TABLE file_{shape} ({columns}) SERVER files"
        f" OPTIONS (filename '{path}', format 'csv');"
    )


def function_statements(shape: str, count: int) -> Iterator[str]:
    """A PL/Python function of the whole table; it may return a row type or, for one column, a plain type."""
    scalar = len(COLUMNS[shape]) == 1
    returned = next(iter(COLUMNS[shape].values())) if scalar else f"heap_{shape}"
    generator = "generate_scalars" if scalar else "generate"
    # A function in FROM is planned for 1000 rows unless it says otherwise.
    yield (
        f"CREATE FUNCTION py_{shape}() RETURNS SETOF {returned} ROWS {count} LANGUAGE plpython3u AS $$\n"
        f'import bench_rows\nreturn bench_rows.{generator}("{shape}", {count})\n$$;'
    )


def lookup_statements(sizes: Sizes) -> Iterator[str]:
    """Look-ups by id, the table that drives them, and the schema to import."""
    count = sizes.rows["pairs"]
    for style in STYLES:
        yield (
            f"CREATE FOREIGN TABLE find_{style} (id int8, v text) SERVER lookup"
            f" OPTIONS (shape 'pairs', count '{count}', style '{style}');"
        )
    yield (
        "CREATE FUNCTION py_find(wanted int8) RETURNS SETOF heap_pairs ROWS 1 LANGUAGE plpython3u AS $$\n"
        f'import bench_rows\nreturn bench_rows.find("pairs", {count}, wanted)\n$$;'
        "CREATE UNIQUE INDEX ON heap_pairs (id); VACUUM ANALYZE heap_pairs;"
        # Each id many times over if there are fewer of them than look-ups.
        f"CREATE TABLE driver AS SELECT i * 7919::int8 % {count} AS id"
        f" FROM generate_series(1, {sizes.lookups}) i; VACUUM ANALYZE driver;"
        "CREATE FUNCTION py_import(count int4) RETURNS void LANGUAGE plpython3u AS $$\n"
        "import bench_fdw\n"
        "for name, columns in bench_fdw.tables(count):\n"
        '    listed = ", ".join(f"{plpy.quote_ident(column)} {kind}" for column, kind in columns)\n'
        '    plpy.execute(f"CREATE FOREIGN TABLE imported.{plpy.quote_ident(name)} ({listed}) SERVER many")\n'
        "$$;"
    )
