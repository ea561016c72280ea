"""Tables in memory by a key of several columns, with what a class may offer for writes."""

from typing import Any

from multicorn import SKIPPED, ForeignDataWrapper
from multicorn.utils import log_to_postgres

STORE: dict[str, dict[Any, dict[str, Any]]] = {}


class Keyed(ForeignDataWrapper):
    """Rows by the columns that the option `key` names; each call is told."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.rowid_columns = options.get("key", "a b").split()
        self.rows = STORE.setdefault(options["name"], {})
        self.quiet = "quiet" in options

    def say(self, *told):
        if not self.quiet:
            log_to_postgres(repr(told))

    def key(self, values):
        return tuple(values[name] for name in self.rowid_columns)

    def execute(self, quals, columns):
        self.say("execute", sorted(columns))
        yield from [{name: row.get(name) for name in columns} for row in self.rows.values()]

    def insert(self, values):
        self.say("insert", values)
        self.rows[self.key(values)] = dict(values)
        return values

    def update(self, rowid, newvalues):
        self.say("update", rowid, newvalues)
        if rowid not in self.rows:
            return SKIPPED
        row = {**self.rows.pop(rowid), **newvalues}
        self.rows[self.key(row)] = row
        return newvalues

    def delete(self, rowid):
        self.say("delete", rowid)
        return None if self.rows.pop(rowid, None) else SKIPPED


class Changed(Keyed):
    """Is given only what changes."""

    update_columns = "changed"


class Forgetful(Keyed):
    """Has lost every row when it is to be changed or removed."""

    def update(self, rowid, newvalues):
        self.rows.clear()
        return super().update(rowid, newvalues)

    def delete(self, rowid):
        self.rows.clear()
        return super().delete(rowid)


class Conflicting(Keyed):
    """Knows ON CONFLICT DO NOTHING in `insert`."""

    def insert(self, values, on_conflict=None):
        if self.key(values) in self.rows:
            self.say("exists", on_conflict, self.key(values))
            if on_conflict == "nothing":
                return SKIPPED
            raise ValueError("duplicate key")
        return super().insert(values)


class ConflictingBatches(Conflicting):
    """Knows it in batches too."""

    modify_batch_size = 3

    def bulk_insert(self, all_values, on_conflict=None):
        self.say("bulk_insert", len(all_values), on_conflict)
        return [self.insert(values, on_conflict=on_conflict) for values in all_values]


class OnlyBatches(Keyed):
    """Has no `insert`, and knows of conflicts only in batches."""

    modify_batch_size = 2
    insert = None

    def bulk_insert(self, all_values, *, on_conflict=None):
        self.say("bulk_insert", all_values, on_conflict)
        fresh = [self.key(values) not in self.rows for values in all_values]
        self.rows.update((self.key(values), values) for values in all_values)
        return [None if new else SKIPPED for new in fresh]


class Misnamed(Keyed):
    """Names columns wrongly."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.rowid_columns = eval(options["names"])
