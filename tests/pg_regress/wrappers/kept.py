"""Tables that keep their rows in the session's memory, for the tests of writes."""

from typing import Any

from multicorn import ForeignDataWrapper
from multicorn.utils import log_to_postgres

STORE: dict[str, dict[Any, dict[str, Any]]] = {}


class Kept(ForeignDataWrapper):
    """Rows by `id`. The option `noisy` tells each call, `batch` is the size of batches."""

    rowid_column = "id"

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.rows = STORE.setdefault(options["name"], {})
        self.noisy = "noisy" in options
        self.batch = int(options.get("batch", 1))

    @property
    def modify_batch_size(self):
        return self.batch

    def say(self, *told):
        if self.noisy:
            log_to_postgres(repr(told))

    def execute(self, quals, columns):
        yield from list(self.rows.values())

    def insert(self, values):
        self.say("insert", values)
        stored = dict(values, note=values.get("note") or "none")
        self.rows[values["id"]] = stored
        return {"note": stored["note"]}

    def bulk_insert(self, all_values):
        self.say("bulk_insert", len(all_values))
        return [dict(values, **self.insert(values)) for values in all_values]

    def update(self, rowid, newvalues):
        self.say("update", rowid, newvalues)
        del self.rows[rowid]
        self.rows[newvalues["id"]] = newvalues
        return newvalues

    def delete(self, rowid):
        self.say("delete", rowid)
        del self.rows[rowid]

    def end_modify(self):
        self.say("end_modify")


class OldRows(Kept):
    """Is given old rows in place of row ids."""

    def update(self, old_values, newvalues):
        self.say("update", old_values, newvalues)
        self.rows[newvalues["id"]] = self.rows.pop(old_values["id"]) | newvalues

    def delete(self, old_values):
        self.say("delete", old_values)
        del self.rows[old_values["id"]]


class Miscounts(Kept):
    """Returns one row too few."""

    def bulk_insert(self, all_values):
        return super().bulk_insert(all_values)[1:]


class Unnamed(Kept):
    """Names a column that the table may lack."""

    rowid_column = "key"


class Bare(Kept):
    """Rows without columns, which nothing tells apart: `bulk_insert` would not know how many."""

    def insert(self, values):
        self.say("insert", values)
        self.rows[len(self.rows)] = values
