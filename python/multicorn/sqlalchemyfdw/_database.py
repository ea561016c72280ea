"""Connections: from options to an engine that tables share.

Tables of one server use one engine, hence one pool, as long as any of them is
in use. Nothing connects before it must. Passwords are in the URL only, and
the URL is shown only with the password masked.
"""

import importlib
import os
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine, make_url

from multicorn._exceptions import MulticornException
from multicorn._options import integer
from multicorn._rights import refusal
from multicorn._secrets import mask, mask_values
from multicorn.sqlalchemyfdw._access import used_password
from multicorn.sqlalchemyfdw._kinds import POSTGRESQL, SQLITE
from multicorn.sqlalchemyfdw._psycopg import make_interruptible
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
    """One remote database as one user: the engine, and how errors look."""

    def __init__(self, url: URL, *, needs_password: bool = False) -> None:
        self.url = _with_driver(url)
        # Query parameters may hold passwords too.
        self.shown = mask(self.url.render_as_string(hide_password=True))
        self.engine = _create_engine(self.url, self.shown)
        self.dialect: str = self.engine.dialect.name
        if self.dialect == POSTGRESQL:
            make_interruptible(self.engine)
            event.listen(self.engine, "connect", _prepare_postgresql)
            if needs_password:
                event.listen(self.engine, "connect", _insist_on_password)
        # An engine that is merely forgotten leaves its connections to the
        # garbage collector, which closes them with a warning, or late.
        weakref.finalize(self, self.engine.dispose)

    @property
    def streams_in_parallel(self) -> bool:
        """Whether one connection may have several unfinished results."""
        return self.dialect == POSTGRESQL

    @contextmanager
    def errors(self, doing: str) -> Generator[None]:
        """Turn errors of the driver into one line without secrets.

        SQLAlchemy's own text repeats the statement, its parameters and a
        link, and some drivers repeat the connection string.
        """
        try:
            yield
        except exc.DBAPIError as error:
            reason = str(error.orig).strip() or type(error.orig).__name__
            raise self._error(doing, reason, type(error.orig).__name__) from None
        except exc.SQLAlchemyError as error:
            reason = str(error).partition("\n")[0]
            raise self._error(doing, reason, type(error).__name__) from None

    def _error(self, doing: str, reason: str, kind: str) -> MulticornException:
        password = self.url.password
        text = mask_values(reason, password if password is None else str(password))
        return MulticornException(
            f"could not {doing} {self.shown}: {text}",
            ERROR,
            detail=f"The database driver raised {kind}.",
        )

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


_databases: Final[weakref.WeakValueDictionary[tuple[URL, bool], Database]] = (
    weakref.WeakValueDictionary()
)


def database_of(url: URL, *, needs_password: bool = False) -> Database:
    """Return the database of this URL, shared with the other tables in it."""
    key = (url, needs_password)
    found = _databases.get(key)
    if found is None:
        found = _databases[key] = Database(url, needs_password=needs_password)
    return found


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
    if url.get_backend_name() != SQLITE:
        # A session lives for days, a firewall forgets idle connections.
        options["pool_pre_ping"] = True
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


def _prepare_postgresql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        for statement in _POSTGRESQL_SETTINGS:
            cursor.execute(statement)
    finally:
        cursor.close()
    # A SET in a transaction that is rolled back is undone, and the pool rolls
    # back whenever a connection returns to it.
    connection.commit()
