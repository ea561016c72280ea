"""A table in memory, by `id`, that applies each condition which it understands, exactly."""

from __future__ import annotations

from typing import Any

from mirrored import is_understood, passes

from multicorn import SKIPPED, ForeignDataWrapper

STORE: dict[str, dict[int, dict[str, Any]]] = {}


class Twin(ForeignDataWrapper):
    """Is written to row by row, or in batches."""

    rowid_column = "id"
    modify_batch_size = 3

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.rows = STORE.setdefault(options["name"], {})

    def get_rel_size(self, quals, columns):
        return (max(1, len(self.rows)), 8 * len(columns))

    def can_filter(self, quals):
        return [qual for qual in quals if is_understood(qual)]

    def can_limit(self, limit, offset):
        return True

    def matching(self, quals):
        return [row for row in self.rows.values() if all(passes(row, qual) for qual in quals)]

    def execute(self, quals, columns, limit=None, offset=None):
        start = offset or 0
        rows = self.matching(quals)[start : None if limit is None else start + limit]
        for row in rows:
            yield {name: row[name] for name in columns}

    def insert(self, values):
        self.rows[values["id"]] = values

    def bulk_insert(self, all_values):
        for values in all_values:
            self.insert(values)

    def update(self, rowid, newvalues):
        if rowid not in self.rows:
            return SKIPPED
        row = {**self.rows.pop(rowid), **newvalues}
        self.rows[row["id"]] = row
        return None

    def delete(self, rowid):
        return SKIPPED if self.rows.pop(rowid, None) is None else None


class Changed(Twin):
    """Is given the changed columns only."""

    update_columns = "changed"


class Wholesale(Twin):
    """Changes and removes all matching rows at once, where it can."""

    def update_where(self, quals, assignments):
        rows = self.matching(quals)
        for row in rows:
            self.update(row["id"], assignments)
        return len(rows)

    def delete_where(self, quals):
        rows = self.matching(quals)
        for row in rows:
            self.delete(row["id"])
        return len(rows)
