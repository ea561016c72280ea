"""A table in memory that changes and removes all matching rows by one call."""

from typing import Any

from exact import passes, shown

from multicorn import ForeignDataWrapper, sql
from multicorn.utils import log_to_postgres

STORE: dict[str, dict[int, dict[str, Any]]] = {}


class Wholesale(ForeignDataWrapper):
    """Rows by `id`; applies every condition but those on `note`. `answer` replaces the counts.

    `meanwhile` is a statement that is run while a query is planned.
    """

    rowid_column = "id"

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.columns = columns
        self.rows = STORE.setdefault(options["name"], {})
        self.answer = options.get("answer")
        self.meanwhile = options.get("meanwhile")
        self.tells_end = "tells_end" in options

    def matching(self, quals):
        return [
            row for row in self.rows.values() if all(passes(row, q) for q in quals if q.field_name != "note")
        ]

    def can_filter(self, quals):
        if self.meanwhile is not None:
            sql.execute(self.meanwhile)
        return [qual for qual in quals if qual.field_name != "note"]

    def execute(self, quals, columns):
        log_to_postgres(f"execute {shown(quals)}")
        return self.matching(quals)

    def insert(self, values):
        self.rows[values["id"]] = dict(values)

    def update(self, rowid, newvalues):
        log_to_postgres(f"update {rowid} {newvalues}")
        self.rows[rowid] = newvalues

    def delete(self, rowid):
        log_to_postgres(f"delete {rowid}")
        del self.rows[rowid]

    def told(self, count):
        return count if self.answer is None else eval(self.answer)

    def update_where(self, quals, assignments):
        log_to_postgres(f"update_where {shown(quals)} {assignments}")
        rows = self.matching(quals)
        for row in rows:
            row.update(assignments)
        return self.told(len(rows))

    def delete_where(self, quals):
        log_to_postgres(f"delete_where {shown(quals)}")
        rows = self.matching(quals)
        for row in rows:
            del self.rows[row["id"]]
        return self.told(len(rows))

    def end_modify(self):
        if self.tells_end:
            log_to_postgres("end_modify")


class Half(Wholesale):
    """Only removes so."""

    update_where = None
