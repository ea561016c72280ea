"""Connections: from options to an engine that tables share.

Tables of one server use one engine, hence one pool, as long as any of them is
in use. Nothing connects before it must. Passwords are in the URL only, and
the URL is shown only with the password masked.
"""

import importlib
import os
import weakref
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine, make_url

from multicorn._exceptions import MulticornException
from multicorn._options import integer
from multicorn._rights import refusal
from multicorn._secrets import mask, mask_values
from multicorn.sqlalchemyfdw import _timeouts
from multicorn.sqlalchemyfdw._access import used_password
from multicorn.sqlalchemyfdw._errors import translated
from multicorn.sqlalchemyfdw._kinds import MYSQL, POSTGRESQL, SQLITE
from multicorn.sqlalchemyfdw._psycopg import keep_infinity, make_interruptible
from multicorn.sqlalchemyfdw._session import Session
from multicorn.utils import ERROR

URL_OPTIONS: Final = (
    "db_url",
    "drivername",
    "username",
    "password",
    "host",
    "port",
    "database",
)

#: How long to wait for a remote lock.
TIMEOUT_OPTION: Final = "lock_timeout"

# Drivers to try for a URL that names none, the customary one first.
_DRIVERS: Final[Mapping[str, tuple[str, ...]]] = {
    "postgresql": ("psycopg", "psycopg2", "pg8000"),
    "mysql": ("MySQLdb", "pymysql", "mysql.connector"),
    "mariadb": ("MySQLdb", "pymysql", "mariadb"),
}
_DRIVER_NAMES: Final[Mapping[str, str]] = {
    "MySQLdb": "mysqldb",
    "mariadb": "mariadbconnector",
    "mysql.connector": "mysqlconnector",
}
_PACKAGES: Final[Mapping[str, str]] = {
    "psycopg": "psycopg[binary]",
    "MySQLdb": "mysqlclient",
    "mysql": "mysql-connector-python",
    "cx_Oracle": "oracledb",
}

# Output forms that the local server reads exactly, whatever the remote role's
# own settings are.
_POSTGRESQL_SETTINGS: Final = (
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET extra_float_digits = 1",
    "SET bytea_output = 'hex'",
)


def url_of(options: Mapping[str, str]) -> URL:
    """Return the URL that the options describe; single options win over db_url."""
    text = options.get("db_url")
    if not text and not options.get("drivername"):
        raise MulticornException(
            'SqlAlchemyFdw needs the option "db_url" or the option "drivername"',
            ERROR,
            hint="For example OPTIONS (db_url 'postgresql://host/database').",
        )
    try:
        url = make_url(text) if text else URL.create(options["drivername"])
    except (exc.ArgumentError, ValueError):
        # The error's own text shows the URL, password and all.
        raise MulticornException(
            'the option "db_url" is not a database URL',
            ERROR,
            hint="The form is dialect+driver://user:password@host:port/database.",
        ) from None
    port = options.get("port")
    return url.set(
        drivername=options.get("drivername") or None,
        username=options.get("username") or None,
        password=options.get("password") or None,
        host=options.get("host") or None,
        port=integer("port", port, at_least=1) if port else None,
        database=options.get("database") or None,
    )


class Database:
    """One remote database as one user: the engine, and the session's transaction.

    `lock_timeout` is in milliseconds, 0 for none.
    """

    def __init__(
        self, url: URL, *, needs_password: bool = False, lock_timeout: int = 0
    ) -> None:
        self.url = _with_driver(url)
        # Query parameters may hold passwords too.
        self.shown = mask(self.url.render_as_string(hide_password=True))
        self.engine = _create_engine(self.url, self.shown)
        self.dialect: str = self.engine.dialect.name
        self.session = Session(self)
        if self.dialect == POSTGRESQL:
            make_interruptible(self.engine)
            keep_infinity(self.engine)
            if needs_password:
                event.listen(self.engine, "connect", _insist_on_password)
        settings = list(_POSTGRESQL_SETTINGS) if self.dialect == POSTGRESQL else []
        settings += _timeouts.statements(self.dialect, lock_timeout)
        if settings:
            event.listen(self.engine, "connect", _Preparation(settings))
        # An engine that is merely forgotten leaves its connections to the
        # garbage collector, which closes them with a warning, or late.
        weakref.finalize(self, self.engine.dispose)

    @contextmanager
    def errors(self, doing: str) -> Generator[None]:
        """Turn errors of the driver into one line without secrets."""
        try:
            yield
        except exc.SQLAlchemyError as error:
            raise translated(error, doing, self.shown, self.url) from None

    def connect(self) -> Connection:
        """Take a connection from the pool."""
        self._check_file()
        with self.errors("connect to"):
            return self.engine.connect()

    def _check_file(self) -> None:
        # SQLite would create a missing file, and a misspelt path would look
        # like an empty database.
        path = self.url.database
        if self.dialect != SQLITE or not path or path == ":memory:":
            return
        if not path.startswith("file:") and not os.path.exists(path):
            raise MulticornException(
                f"could not connect to {self.shown}: there is no such file", ERROR
            )


_databases: Final[weakref.WeakValueDictionary[tuple[URL, bool, int], Database]] = (
    weakref.WeakValueDictionary()
)


def database_of(
    url: URL, *, needs_password: bool = False, lock_timeout: int = 0
) -> Database:
    """Return the database of this URL, shared with the other tables in it."""
    key = (url, needs_password, lock_timeout)
    found = _databases.get(key)
    if found is None:
        found = _databases[key] = Database(
            url, needs_password=needs_password, lock_timeout=lock_timeout
        )
    return found


def lock_timeout_of(options: Mapping[str, str]) -> int:
    """Return the option `lock_timeout` in milliseconds."""
    return _timeouts.milliseconds(options.get(TIMEOUT_OPTION) or _timeouts.DEFAULT)


def _with_driver(url: URL) -> URL:
    """Choose an installed driver if the URL names none."""
    if "+" in url.drivername:
        return url
    for module in _DRIVERS.get(url.drivername, ()):
        try:
            importlib.import_module(module)
        except ImportError:
            continue
        driver = _DRIVER_NAMES.get(module, module)
        return url.set(drivername=f"{url.drivername}+{driver}")
    return url


def _create_engine(url: URL, shown: str) -> Engine:
    options: dict[str, Any] = {"hide_parameters": True}
    backend = url.get_backend_name()
    if backend != SQLITE:
        # A session lives for days, a firewall forgets idle connections.
        options["pool_pre_ping"] = True
    if backend == POSTGRESQL or backend in MYSQL:
        # Several scans of one query see one state of the remote database.
        options["isolation_level"] = "REPEATABLE READ"
    try:
        engine = sa.create_engine(url, **options)
    except exc.NoSuchModuleError as error:
        raise MulticornException(
            f"SQLAlchemy has no dialect for {shown}",
            ERROR,
            hint="Check the part before '://', or install the package that has"
            f" the dialect {error.args[0].rpartition(':')[2]!r}.",
        ) from None
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        package = _PACKAGES.get(name, name)
        raise MulticornException(
            f"the connection {shown} needs the Python package {name},"
            " which is not installed",
            ERROR,
            hint=f"Install it for the server's Python: pip install '{package}'",
        ) from None
    except (exc.ArgumentError, TypeError) as error:
        reason = mask_values(str(error), url.password)
        raise MulticornException(f"could not use {shown}: {reason}", ERROR) from None
    return engine


def _insist_on_password(connection: Any, _record: object) -> None:
    if not used_password(connection):
        connection.close()
        raise refusal(
            "a role that is not a superuser cannot connect where the remote server"
            " does not ask for a password"
        )


class _Preparation:
    """Runs statements on each new connection."""

    def __init__(self, statements: Sequence[str]) -> None:
        self._statements = statements

    def __call__(self, connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        try:
            for statement in self._statements:
                cursor.execute(statement)
        finally:
            cursor.close()
        # A SET in a transaction that is rolled back is undone, and the pool
        # rolls back whenever a connection returns to it.
        connection.commit()
