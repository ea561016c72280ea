"""A table whose rows follow from their number, which does exactly what its options say and tells it.

`lookup` makes it apply the conditions it is given, so that a wrong value pushed to it loses rows that
the server cannot bring back.
"""

import operator

from multicorn import ForeignDataWrapper
from multicorn.utils import WARNING, log_to_postgres

MAKERS = {
    "id": lambda number: number,
    "grp": lambda number: number % 3,
    "sub": lambda number: number % 2,
    "name": lambda number: f"name {number}",
    "maybe": lambda number: None if number % 4 == 0 else number % 4,
    "even": lambda number: number % 2 == 0,
    "big": lambda number: number * 10**12,
    "word": lambda number: "aBbACc"[number % 6],
}
COMPARE = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


# What was told while an error ends a query reaches the client before or after the error, as it happens:
# tests of that read it here.
JOURNAL = []


def matches(row, qual):
    """Whether a row passes a condition, as far as the class understands it."""
    value = row[qual.field_name]
    if qual.value is None:
        return (value is None) == (qual.operator == "=")
    if qual.is_list_operator:
        name, is_any = qual.operator
        if name not in COMPARE:
            return True
        wanted = [one for one in qual.value if one is not None]
        answers = [value is not None and COMPARE[name](value, one) for one in wanted]
        return any(answers) if is_any else all(answers)
    if qual.operator not in COMPARE:
        return True
    wanted = {"t": True, "f": False}.get(qual.value, qual.value) if isinstance(value, bool) else qual.value
    return value is not None and COMPARE[qual.operator](value, wanted)


class Probe(ForeignDataWrapper):
    """Options, each with a harmless default.

    `rows`, and `size`, what it claims to have; `lookup`; `keys` such as `id 1; grp sub 2`; `sorts`, how
    many keys it sorts by; `limits`; `tell`, which calls to tell of, and `journal`, to tell them to that;
    `fail_at`, the row that raises; `fails_in`, the call that does; `label`, said before each message.
    """

    def __init__(self, options, columns):
        self.columns = list(columns)
        self.rows = int(options.get("rows", "10"))
        self.size = int(options.get("size", self.rows))
        self.lookup = options.get("lookup") == "true"
        self.limits = options.get("limits") == "true"
        self.sorts = int(options.get("sorts", "0"))
        self.fail_at = int(options.get("fail_at", "0"))
        self.fails_in = options.get("fails_in")
        self.told = options.get("tell", "execute").split()
        self.journal = options.get("journal") == "true"
        self.label = options.get("label", "")
        self.keys = []
        for key in filter(None, options.get("keys", "").split(";")):
            *names, count = key.split()
            self.keys.append((tuple(names), int(count)))

    def tell(self, call, text):
        if call in self.told and self.journal:
            JOURNAL.append(f"{self.label}{text}")
        elif call in self.told:
            log_to_postgres(f"{self.label}{text}")
        if self.fails_in == call:
            raise ValueError(f"asked to fail in {call}")

    def get_rel_size(self, quals, columns):
        self.tell("size", f"get_rel_size({sorted(quals)}, {sorted(columns)})")
        given = {qual.field_name for qual in quals if qual.operator == "="}
        counts = [count for names, count in self.keys if given.issuperset(names)]
        return (min([self.size, *counts]), 8 * len(columns))

    def get_path_keys(self):
        self.tell("keys", "get_path_keys()")
        return self.keys

    def can_sort(self, sortkeys):
        self.tell("sort", f"can_sort({[tuple(key) for key in sortkeys]})")
        return sortkeys[: self.sorts]

    def can_limit(self, limit, offset):
        self.tell("limit", f"can_limit({limit}, {offset})")
        return self.limits

    def execute(self, quals, columns, sortkeys=None, limit=None, offset=None):
        text = f"execute({sorted(quals)}, {sorted(columns)}"
        if sortkeys is not None:
            text += f", sortkeys={[tuple(key) for key in sortkeys]}"
        if limit is not None:
            text += f", limit={limit}"
        if offset is not None:
            text += f", offset={offset}"
        self.tell("execute", text + ")")
        rows = [self.row(number) for number in range(1, self.rows + 1)]
        if self.lookup:
            rows = [row for row in rows if all(matches(row, qual) for qual in quals)]
        for key in reversed(sortkeys or []):
            rows.sort(key=lambda row, name=key.attname: (row[name] is not None, row[name] or 0))
            nulls = [row for row in rows if row[key.attname] is None]
            others = [row for row in rows if row[key.attname] is not None]
            others.sort(key=lambda row, name=key.attname: row[name], reverse=key.is_reversed)
            rows = nulls + others if key.nulls_first else others + nulls
        end = None if limit is None else limit + (offset or 0)
        return self.generate(rows[offset or 0 : end], columns)

    def row(self, number):
        return {name: MAKERS.get(name, lambda number: f"{number}")(number) for name in self.columns}

    def generate(self, rows, columns):
        given = 0
        try:
            for row in rows:
                if given + 1 == self.fail_at:
                    raise ValueError(f"row {self.fail_at} cannot be read")
                given += 1
                yield {name: row[name] for name in columns}
        finally:
            self.tell("close", f"closed after {given} rows")

    def end_scan(self):
        self.tell("end", "end_scan()")

    def explain(self, quals, columns, sortkeys=None, verbose=False, limit=None, offset=None):
        if "explain" not in self.told:
            return []
        lines = [f"quals: {sorted(quals)}", f"columns: {sorted(columns)}"]
        if sortkeys:
            lines.append(f"sortkeys: {[tuple(key) for key in sortkeys]}")
        if limit is not None:
            lines.append(f"limit: {limit}")
        if offset is not None:
            lines.append(f"offset: {offset}")
        if verbose:
            lines.append("verbose")
        return lines


class Journal(ForeignDataWrapper):
    """What was told since the last look."""

    def __init__(self, options, columns):
        pass

    def execute(self, quals, columns):
        entries = JOURNAL.copy()
        JOURNAL.clear()
        return [{"entry": entry} for entry in entries]


class Explains(ForeignDataWrapper):
    """`explain()` returns what the option says."""

    def __init__(self, options, columns):
        self.returns = options["returns"]

    def execute(self, quals, columns):
        log_to_postgres("execute() was called", WARNING)
        return []

    def explain(self, quals, columns, sortkeys=None, verbose=False, limit=None, offset=None):
        return {
            "none": None,
            "str": "a string",
            "number": 42,
            "numbers": [1, 2.5],
            "generator": (f"line {number}" for number in (1, 2)),
            "lines": ["two\nlines", 'a "quoted" <one>'],
            "bytes": b"bytes",
            "empty": [],
        }[self.returns]


class Sorts(ForeignDataWrapper):
    """`can_sort()` answers what the option says."""

    def __init__(self, options, columns):
        self.answers = options["answers"]

    def can_sort(self, sortkeys):
        if self.answers == "raises":
            raise RuntimeError("cannot tell")
        return {
            "none": None,
            "second": sortkeys[1:],
            "reversed": [key._replace(is_reversed=not key.is_reversed) for key in sortkeys],
            "tuple": tuple(sortkeys[:1]),
            "more": [*sortkeys, *sortkeys],
            "true": True,
            "names": [key.attname for key in sortkeys],
        }[self.answers]

    def execute(self, quals, columns, sortkeys=None):
        return []
