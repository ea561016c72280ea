"""What goes wrong around a statement: in a clean-up, in a destructor, for another role."""

import dataclasses
import datetime as dt
from typing import Any

from multicorn import ForeignDataWrapper, sql
from multicorn.utils import log_to_postgres


class Owned(ForeignDataWrapper):
    """Tells whose user mapping it was made with."""

    rowid_column = "id"

    def __init__(self, options, columns):
        super().__init__(options, columns)
        log_to_postgres(f"made for {options.get('who')}")

    def execute(self, quals, columns):
        return [(1, "one")]

    def insert(self, values):
        return values

    def update(self, rowid, newvalues):
        return newvalues

    def delete(self, rowid):
        return None


class Flushes(ForeignDataWrapper):
    """Writes what it has collected at the end, which fails."""

    def execute(self, quals, columns):
        return []

    def insert(self, values):
        return None

    def end_modify(self):
        raise ConnectionError("the rows could not be stored")


class Returns(ForeignDataWrapper):
    """Returns the given dict itself, changed in place, or only what it changed."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.how = options["how"]

    def execute(self, quals, columns):
        return []

    def insert(self, values: dict[str, Any]):
        if self.how == "changed":
            values["data"]["more"] = 1
        return {"id": 99} if self.how == "partly" else values


class Bomb:
    """Runs SQL when it ends."""

    def __str__(self):
        raise ValueError("no text")

    def __del__(self):
        try:
            told = sql.execute("INSERT INTO public.told VALUES (1)")
        except RuntimeError as error:
            told = error
        log_to_postgres(f"end of an object: {told}")


@dataclasses.dataclass
class Pair:
    """A composite value; its first field is made when it is asked for."""

    b: int = 1

    @property
    def a(self):
        return Bomb()


class Bombs(ForeignDataWrapper):
    def execute(self, quals, columns):
        yield [Pair()]


class Swallows(ForeignDataWrapper):
    """Catches the error of a statement of its own."""

    def execute(self, quals, columns):
        for _ in range(2):
            try:
                sql.execute("SELECT 1 / 0")
            except sql.ServerError as error:
                yield [error.sqlstate]


class Zones(ForeignDataWrapper):
    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.offset = dt.timedelta(hours=float(options["hours"]))

    def execute(self, quals, columns):
        zone = dt.timezone(self.offset)
        yield [dt.time(1, 2, 3, tzinfo=zone)]


class Plain(ForeignDataWrapper):
    """Compares as the server does."""

    def execute(self, quals, columns):
        wanted = {qual.value for qual in quals if qual.operator == "="}
        return [(number,) for number in (-1, 0, 1) if not wanted or number in wanted]
