"""Tables that tell of every call to a journal, and fail where they are asked to."""

from typing import Any

from multicorn import ForeignDataWrapper

JOURNAL: list[str] = []
STORE: dict[str, list[dict[str, Any]]] = {}
# Call -> table, of the calls that raise; what the statement at hand asks for, beside the options.
FAILS: dict[str, str] = {}


class Journal(ForeignDataWrapper):
    """What was told since the last look. An INSERT of (call, table) lets that call fail from then on."""

    def execute(self, quals, columns):
        entries = JOURNAL.copy()
        JOURNAL.clear()
        return [{"entry": entry} for entry in entries]

    def insert(self, values):
        call, _, table = values["entry"].partition(" ")
        if table:
            FAILS[call] = table
        else:
            FAILS.pop(call, None)


class Hooked(ForeignDataWrapper):
    """Rows in memory, with every hook."""

    rowid_column = "id"

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.name = options["name"]
        self.batch = int(options.get("batch", 1))
        self.rows = STORE.setdefault(self.name, [])

    @property
    def modify_batch_size(self):
        return self.batch

    def tell(self, call, *arguments):
        JOURNAL.append(f"{self.name}: {call}({', '.join(map(repr, arguments))})")
        if FAILS.get(call) == self.name:
            raise ValueError(f"{call} of {self.name}")

    def execute(self, quals, columns):
        self.tell("execute")
        yield from list(self.rows)

    def end_scan(self):
        self.tell("end_scan")

    def insert(self, values):
        self.tell("insert", values["id"])
        self.rows.append(values)
        return values

    def bulk_insert(self, all_values):
        self.tell("bulk_insert", *(values["id"] for values in all_values))
        self.rows.extend(all_values)
        return all_values

    def update(self, rowid, newvalues):
        self.tell("update", rowid)
        self.rows[:] = [newvalues if row["id"] == rowid else row for row in self.rows]
        return newvalues

    def delete(self, rowid):
        self.tell("delete", rowid)
        self.rows[:] = [row for row in self.rows if row["id"] != rowid]

    def end_modify(self):
        self.tell("end_modify")

    def begin(self, serializable):
        self.tell("begin", serializable)

    def sub_begin(self, level):
        self.tell("sub_begin", level)

    def sub_commit(self, level):
        self.tell("sub_commit", level)

    def sub_rollback(self, level):
        self.tell("sub_rollback", level)

    def pre_commit(self):
        self.tell("pre_commit")

    def commit(self):
        self.tell("commit")

    def rollback(self):
        self.tell("rollback")
