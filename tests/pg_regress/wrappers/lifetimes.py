"""Instances that tell when they are made and when they go, and what they were made with."""

import itertools

from multicorn import ForeignDataWrapper
from multicorn.utils import log_to_postgres

_numbers = itertools.count(1)
living = set()


class Told(ForeignDataWrapper):
    """Its rows name the instance; numbers count the instances of the session."""

    def __init__(self, options, columns):
        self.number = next(_numbers)
        living.add(self.number)
        self.columns = list(columns)
        shown = {name: value for name, value in options.items() if name != "password"}
        log_to_postgres(
            f"made {self.number}: {sorted(shown.items())}"
            f" {[f'{name} {column.type_name}' for name, column in columns.items()]}"
        )
        if options.get("fails") == "true":
            raise ValueError("asked to fail in __init__")

    def __del__(self):
        living.remove(self.number)
        log_to_postgres(f"gone {self.number}")

    def execute(self, quals, columns):
        for number in (1, 2):
            row = {"number": self.number, "living": len(living), "kind": "a", "pair": (1, "x")}
            row["pairs"] = [row["pair"]]
            yield {name: row.get(name, number) for name in self.columns}

    def get_rel_size(self, quals, columns):
        return (2, 8)
