"""INSERT ... ON CONFLICT DO NOTHING, in the words of each database.

It hides a row that exists already, and nothing else. INSERT IGNORE of MySQL
would hide a NULL in a NOT NULL column and a text that is too long as well.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from multicorn._exceptions import MulticornException
from multicorn.sqlalchemyfdw._errors import UNIQUE_VIOLATION, sqlstate
from multicorn.sqlalchemyfdw._kinds import MYSQL, POSTGRESQL, SQLITE
from multicorn.utils import ERROR

_NOTHING: Final = "nothing"
_UNSUPPORTED: Final = "0A000"


def check(dialect: str, on_conflict: str | None) -> None:
    """Raise unless the database can do what is asked for; None asks for nothing."""
    if on_conflict is None:
        return
    if on_conflict != _NOTHING or dialect not in {POSTGRESQL, SQLITE, *MYSQL}:
        raise MulticornException(
            f"SqlAlchemyFdw cannot do ON CONFLICT DO {on_conflict.upper()} in a"
            f" database of the kind {dialect}",
            ERROR,
            hint="Filter the rows in a query before they are inserted.",
            sqlstate=_UNSUPPORTED,
        )


def insert(table: sa.Table, dialect: str) -> sa.Insert | None:
    """Return the INSERT that skips rows; None where there is no such statement."""
    if dialect == POSTGRESQL:
        return postgresql.insert(table).on_conflict_do_nothing()
    if dialect == SQLITE:
        return sqlite.insert(table).on_conflict_do_nothing()
    return None


def is_duplicate(error: exc.SQLAlchemyError) -> bool:
    """Tell whether a plain INSERT of one row failed for a row that exists.

    In MySQL such a failure undoes that INSERT and nothing before it. A trigger
    of the table whose own INSERT fails so looks the same.
    """
    return sqlstate(error) == UNIQUE_VIOLATION
