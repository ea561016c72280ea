"""How long a remote statement waits for a lock.

Two sessions may wait for each other where neither server sees it: one holds a
row here and waits for one there, the other holds that one and waits for this.
Each server takes its half for an ordinary wait, which would never end.
"""

import re
from typing import Final

from multicorn._exceptions import MulticornException
from multicorn.sqlalchemyfdw._kinds import MYSQL, POSTGRESQL, SQLITE
from multicorn.utils import ERROR

#: Ten seconds: far beyond what an honest wait for a row takes.
DEFAULT: Final = "10s"

_FORM: Final = re.compile(r"\s*(?P<number>\d{1,10})\s*(?P<unit>ms|s|min|h)?\s*")
_MILLISECONDS: Final = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
#: The most that a 32-bit number of milliseconds holds: almost 25 days.
_LONGEST: Final = (1 << 31) - 1
# The largest that MySQL and MariaDB take, in seconds.
_MYSQL_LONGEST: Final = 31_536_000


def milliseconds(value: str) -> int:
    """Return the option `lock_timeout`, written as PostgreSQL writes it; 0 is none."""
    form = _FORM.fullmatch(value)
    if form is not None:
        found = int(form["number"]) * _MILLISECONDS[form["unit"] or "ms"]
        if found <= _LONGEST:
            return found
    raise MulticornException(
        f'the option "lock_timeout" must be a time of at most 24 days, not {value!r}',
        ERROR,
        hint="For example '500ms', '10s' or '2min'; '0' turns it off.",
    )


def statements(dialect: str, timeout: int) -> list[str]:
    """Return what sets the limit, in milliseconds, for a connection's life."""
    if dialect == POSTGRESQL:
        return [f"SET lock_timeout = {timeout}"]
    if dialect in MYSQL:
        seconds = -(-timeout // 1000) or _MYSQL_LONGEST
        return [
            f"SET SESSION innodb_lock_wait_timeout = {seconds}",
            f"SET SESSION lock_wait_timeout = {seconds}",
        ]
    if dialect == SQLITE:
        return [f"PRAGMA busy_timeout = {timeout or _LONGEST}"]
    if dialect == "mssql":
        return [f"SET LOCK_TIMEOUT {timeout or -1}"]
    # Oracle has none for rows; of others nothing is known.
    return []
