"""Fixtures of the tests that need a server: one private cluster, a database for each test.

`tests/e2e/wrappers` is importable inside the server, and so is everything in .venv. A test that takes
`database` or `connection` fails when a backend crashed while it ran, unless it is marked `crashes`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# The devkit, and what tests of this directory share.
sys.path[:0] = [str(CHECKOUT / "scripts"), str(Path(__file__).parent)]

from devkit import server, venv  # noqa: E402
from devkit.cluster import Cluster  # noqa: E402
from devkit.install import install_into  # noqa: E402
from wormhole_tenant import ROLE, Tenant  # noqa: E402

TEMPLATE = "e2e_template"


@dataclass(frozen=True)
class Database:
    """One test's database, with the extension."""

    cluster: Cluster
    name: str

    @property
    def conninfo(self) -> str:
        """For drivers other than psycopg."""
        return self.cluster.conninfo(self.name)

    def connect(self, **options: Any) -> psycopg.Connection:
        """A connection in autocommit mode; the test closes it, best by `with`."""
        return psycopg.connect(self.conninfo, **{"autocommit": True, **options})

    def sql(self, text: str) -> str:
        """Run statements by psql and return the unaligned output; raises `SqlError`."""
        return self.cluster.sql(text, self.name)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks of this directory."""
    config.addinivalue_line("markers", "crashes: the test ends a backend by a signal on purpose")
    config.addinivalue_line("markers", "needs(extension): skipped on a PostgreSQL built without it")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose extension this PostgreSQL lacks; not every build has PL/Python and contrib."""
    available = server.find().directory("SHAREDIR") / "extension"
    for mark in item.iter_markers("needs"):
        for extension in mark.args:
            if not (available / f"{extension}.control").exists():
                pytest.skip(f"this PostgreSQL lacks {extension}")


@pytest.fixture(scope="session")
def installation() -> server.Installation:
    """The private PostgreSQL with the extension as it was last built."""
    copy = server.private_copy(server.find())
    install_into(copy)
    return copy


@pytest.fixture(scope="session")
def cluster(installation: server.Installation) -> Iterator[Cluster]:
    """The cluster that all tests share; change its settings by database or role only."""
    settings = {
        "multicorn.python_path": "{files}/wrappers",
        "multicorn.virtualenv": str(venv.directory()),
    }
    with Cluster(installation=installation, settings=settings) as made:
        made.stage(Path(__file__).parent / "wrappers")
        made.sql(f"CREATE DATABASE {TEMPLATE}")
        made.sql("CREATE EXTENSION multicorn", TEMPLATE)
        yield made


@pytest.fixture
def database(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database with the extension."""
    size = cluster.log.stat().st_size
    cluster.sql(f"CREATE DATABASE e2e TEMPLATE {TEMPLATE}")
    yield Database(cluster, "e2e")
    cluster.sql("DROP DATABASE e2e WITH (FORCE)")
    if request.node.get_closest_marker("crashes") is None:
        crashes = [line for line in new_lines(cluster.log, size) if "was terminated by signal" in line]
        assert not crashes, "a backend crashed: " + "; ".join(crashes)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    """A connection to the test's database, in autocommit mode."""
    with database.connect() as made:
        yield made


def new_lines(log: Path, size: int) -> list[str]:
    """What the log got since it had `size` bytes."""
    with log.open("rb") as file:
        file.seek(size)
        return file.read().decode(errors="replace").splitlines()


@pytest.fixture(scope="module")
def shop_database(cluster: Cluster) -> Iterator[Database]:
    """A database for the tests of Wormhole's client, made once for a module.

    What the superuser calls there runs in process, what `wormhole_app` calls runs confined.
    """
    size = cluster.log.stat().st_size
    cluster.sql(f"CREATE DATABASE e2e_shop TEMPLATE {TEMPLATE}")
    made = Database(cluster, "e2e_shop")
    cluster.sql("CREATE ROLE wormhole_app LOGIN")
    made.sql(
        "GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_call, wormhole_typed,"
        " wormhole_items TO wormhole_app;"
        "GRANT CREATE ON SCHEMA public TO wormhole_app"
    )
    yield made
    cluster.sql("DROP DATABASE e2e_shop WITH (FORCE); DROP ROLE wormhole_app")
    crashes = [line for line in new_lines(cluster.log, size) if "was terminated by signal" in line]
    assert not crashes, "a backend crashed: " + "; ".join(crashes)


@pytest.fixture
def shop(shop_database: Database) -> Database:
    """The same with two empty tables `t (n int)` and `u (n int PRIMARY KEY)`, and no function installed."""
    shop_database.sql(
        "DROP TABLE IF EXISTS t, u; CREATE TABLE t (n int); CREATE TABLE u (n int PRIMARY KEY);"
        "GRANT ALL ON t, u TO wormhole_app;"
        "DELETE FROM wormhole_functions"
    )
    return shop_database


@pytest.fixture
def tenant(database: Database) -> Iterator[Tenant]:
    """A session of a role that may do nothing but install and call remote functions."""
    with database.connect() as admin:
        # A test may end the server, and what is not written by then is gone.
        admin.execute("SET synchronous_commit = on")
        admin.execute(f"DROP ROLE IF EXISTS {ROLE}")
        admin.execute(f"CREATE ROLE {ROLE} LOGIN")
        admin.execute(
            "GRANT EXECUTE ON FUNCTION wormhole_install, wormhole_execute, wormhole_call, wormhole_typed,"
            f" wormhole_value, wormhole_items TO {ROLE}"
        )
    with database.connect(user=ROLE) as connection:
        yield Tenant(connection)
    with database.connect() as admin:
        admin.execute(f"DROP OWNED BY {ROLE}")
        admin.execute(f"DROP ROLE {ROLE}")
