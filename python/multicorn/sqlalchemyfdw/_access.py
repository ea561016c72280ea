"""Who may connect where: the rules of postgres_fdw, for any dialect.

The danger is the server's own user: `postgresql:///` by a socket with peer
authentication, `sqlite:////any/file`, or a URL parameter that names a file,
would lend that user to anybody who may create a foreign table.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy.engine import URL

from multicorn import _rights
from multicorn._rights import Rights, refusal
from multicorn.sqlalchemyfdw._kinds import POSTGRESQL, SQLITE

# Dialects and drivers that talk to a server over the network only, if the URL
# has a host and no parameters.
_NETWORKED: Final[Mapping[str, frozenset[str]]] = {
    POSTGRESQL: frozenset({"", "psycopg", "psycopg2"}),
    "mysql": frozenset({"", "mysqldb", "pymysql", "mysqlconnector"}),
    "mariadb": frozenset({"", "mysqldb", "pymysql", "mariadbconnector"}),
}
_MEMORY: Final = frozenset({None, "", ":memory:"})


def permitted(url: URL, options: Mapping[str, str]) -> tuple[URL, bool]:
    """Return the URL to use, and whether a password must have been asked for.

    Raises the error for insufficient privileges if the roles behind the
    options may not connect like this.
    """
    rights = _rights.current()
    if url.get_backend_name() == SQLITE:
        return _sqlite(url, rights), False
    owners_may = rights.read_files and rights.write_files
    if not owners_may and not _is_plain(url):
        raise refusal(
            "SqlAlchemyFdw connects like this only for owners who may read and"
            " write the server's files",
            hint="Others need postgresql, mysql or mariadb, a host name, and no"
            " parameters in the URL.",
        )
    if rights.superuser:
        return url, False
    if not _has_own_password(options, url, rights):
        raise refusal(
            "a role that is not a superuser needs a password to connect",
            hint='Set the option "password" in the user mapping.',
        )
    if url.get_backend_name() != POSTGRESQL and not _is_plain(url):
        raise refusal(
            "only a superuser may connect like this: the password might go unused"
        )
    return url, url.get_backend_name() == POSTGRESQL


def _is_plain(url: URL) -> bool:
    name, _, driver = url.drivername.partition("+")
    host = url.host or ""
    if name not in _NETWORKED or driver not in _NETWORKED[name]:
        return False
    if name != POSTGRESQL and host == "localhost":
        # MySQL's clients take that for a socket.
        return False
    return bool(host) and "/" not in host and "@" not in host and not url.query


def _has_own_password(options: Mapping[str, str], url: URL, rights: Rights) -> bool:
    own_url = "db_url" in rights.mapping and not options.get("password")
    return bool(url.password) and ("password" in rights.mapping or own_url)


def _sqlite(url: URL, rights: Rights) -> URL:
    if url.database in _MEMORY and not url.query:
        return url
    if not rights.read_files:
        raise refusal(
            "SqlAlchemyFdw reads a file of the server, which the owner of the table"
            " or of its foreign server may not",
            hint="Grant both the role pg_read_server_files.",
        )
    if rights.write_files:
        return url
    if url.query:
        raise refusal(
            "parameters in the URL of a file need the role pg_write_server_files"
        )
    return url.set(
        database=f"file:{quote(str(url.database))}",
        query={"mode": "ro", "uri": "true"},
    )


def used_password(connection: Any) -> bool:
    """Tell whether PostgreSQL asked this driver's connection for a password."""
    for holder in ("pgconn", "info"):
        found = getattr(getattr(connection, holder, None), "used_password", None)
        if found is not None:
            return bool(found)
    return False
