"""A foreign table that calls a function for each row that is written to it."""

from typing import Any

from multicorn import ForeignDataWrapper, sql


class Caller(ForeignDataWrapper):
    """Takes a number, and keeps nothing."""

    rowid_column = "plan"

    def execute(self, quals: object, columns: object) -> list[dict[str, Any]]:
        return []

    def insert(self, values: dict[str, Any]) -> None:
        sql.execute("SELECT public.noted($1)", values["plan"])
