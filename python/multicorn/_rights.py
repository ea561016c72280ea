"""What the roles behind a table's options allow a wrapper to do.

A wrapper runs as the operating system's user of the server. Without a check,
a role that may create foreign tables could read any file that this user can,
and connect wherever this user is let in without a password. Bundled wrappers
ask here while they are made, before they touch anything.
"""

from typing import NamedTuple

from multicorn._exceptions import MulticornException
from multicorn._server import native
from multicorn.utils import ERROR

_INSUFFICIENT_PRIVILEGE = "42501"


class Rights(NamedTuple):
    """Rights of the owners of table and server, and of the role that queries.

    `mapping` has the names of the options from that role's user mapping.
    """

    read_files: bool = False
    write_files: bool = False
    superuser: bool = False
    mapping: frozenset[str] = frozenset()


def current() -> Rights:
    """Return the rights; none at all unless a wrapper is being made."""
    told = native().rights()
    if told is None:
        return Rights()
    read_files, write_files, superuser, mapping = told
    return Rights(read_files, write_files, superuser, frozenset(mapping))


def refusal(message: str, hint: str | None = None) -> MulticornException:
    """Return the error for a missing right."""
    return MulticornException(message, ERROR, hint, sqlstate=_INSUFFICIENT_PRIVILEGE)


def check_read_files(wrapper: str) -> None:
    """Raise unless the owners may read the server's files."""
    if not current().read_files:
        raise refusal(
            f"{wrapper} reads files of the server, which the owner of the table or"
            " of its foreign server may not",
            hint="Grant both the role pg_read_server_files.",
        )
