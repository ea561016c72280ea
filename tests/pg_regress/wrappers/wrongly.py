"""Tables in memory whose methods go wrong as the row's `how` says."""

import time

from kept import Kept

from multicorn.utils import log_to_postgres


class Wrongly(Kept):
    """As `Kept`, and end_modify tells that it was called."""

    def wrong(self, values):
        """What the method returns; raises where that is what is asked for."""
        how = values.get("how")
        if how == "raise":
            raise KeyError("lost")
        if how == "exit":
            raise SystemExit(3)
        if how == "sleep":
            time.sleep(60)
        returned = {
            "text": "a row",
            "number": 42,
            "short": (values["id"],),
            "long": (*values.values(), 1),
            "too long": dict(values, note="too long for the column"),
            "too big": dict(values, id=10**30),
            "other type": dict(values, id="abc"),
            "unknown": dict(values, unknown=1),
            "null": dict(values, note=None),
            "list": [values["id"], "listed", how],
            "generator": (value for value in values.values()),
            "itself": self,
        }
        return returned.get(how, values)

    def insert(self, values):
        stored = self.wrong(values)
        self.rows[values["id"]] = values
        return stored

    def bulk_insert(self, all_values):
        if all_values[0].get("how") == "not a list":
            return 42
        stored = [self.wrong(values) for values in all_values]
        self.rows.update((values["id"], values) for values in all_values)
        return stored

    def update(self, rowid, newvalues):
        stored = self.wrong(newvalues)
        self.rows[rowid] = newvalues
        return stored

    def delete(self, rowid):
        stored = self.wrong(self.rows[rowid])
        del self.rows[rowid]
        return stored

    def end_modify(self):
        log_to_postgres("end_modify")
