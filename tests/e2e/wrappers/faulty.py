"""A table in memory whose every method can be told to raise, exit or hang, and which keeps a journal."""

from __future__ import annotations

import contextlib
import time
from typing import Any, ClassVar

from multicorn import ForeignDataWrapper

#: What was called, in order: the table's name, the method, its argument.
JOURNAL: list[str] = []


class Faulty(ForeignDataWrapper):
    """Rows by `id`; a row of `control` names the method that fails, and how."""

    rowid_column = "id"
    fault: ClassVar[tuple[str, str]] = ("", "")
    store: ClassVar[dict[str, dict[int, dict[str, Any]]]] = {}

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.batch = int(options.get("batch", "1"))
        self.name = options["name"]
        self.rows = self.store.setdefault(self.name, {})

    @property
    def modify_batch_size(self):
        return self.batch

    def called(self, method: str, *arguments: object) -> None:
        JOURNAL.append(" ".join([self.name, method, *map(str, arguments)]))
        name, how = self.fault
        if name != method:
            return
        if how == "hang":
            while True:
                with contextlib.suppress(Exception):
                    time.sleep(60)
        raise {"raise": ValueError, "exit": SystemExit}[how](f"{method} fails")

    def execute(self, quals, columns):
        self.called("execute")
        try:
            yield from list(self.rows.values())
        finally:
            JOURNAL.append(f"{self.name} closed")

    def end_scan(self):
        self.called("end_scan")

    def insert(self, values):
        self.called("insert")
        self.rows[values["id"]] = values

    def bulk_insert(self, all_values):
        self.called("bulk_insert")
        self.rows.update((values["id"], values) for values in all_values)

    def update(self, rowid, newvalues):
        self.called("update")
        self.rows[rowid] = newvalues

    def delete(self, rowid):
        self.called("delete")
        del self.rows[rowid]

    def truncate(self, restart_identity, cascade):
        self.called("truncate")
        self.rows.clear()

    def analyze(self):
        self.called("analyze")
        return list(self.rows.values()), None

    def end_modify(self):
        self.called("end_modify")

    def begin(self, serializable):
        self.called("begin")

    def pre_commit(self):
        self.called("pre_commit")

    def commit(self):
        self.called("commit")

    def rollback(self):
        self.called("rollback")

    def sub_begin(self, level):
        self.called("sub_begin", level)

    def sub_commit(self, level):
        self.called("sub_commit", level)

    def sub_rollback(self, level):
        self.called("sub_rollback", level)


class Control(ForeignDataWrapper):
    """What a method does from now on, and what has been called since the last look."""

    def execute(self, quals, columns):
        entries = JOURNAL.copy()
        JOURNAL.clear()
        return [{"entry": entry} for entry in entries]

    def insert(self, values):
        method, _, how = values["entry"].partition(" ")
        Faulty.fault = (method, how)
