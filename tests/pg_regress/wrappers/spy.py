"""Wrappers that tell what is done to them, in one notice a call."""

import datetime as dt
import decimal
import uuid

from multicorn import ForeignDataWrapper
from multicorn.utils import log_to_postgres

#: What the expressions in the option `rows` may name.
NAMES = {"d": decimal.Decimal, "dt": dt, "uuid": uuid.UUID}


def shown(quals):
    """The quals in the order of the query, each as `column operator value`."""
    return "[" + ", ".join(f"{q.field_name} {q.operator} {q.value!r}" for q in quals) + "]"


class Spy(ForeignDataWrapper):
    """Returns what the option `rows` says (a Python expression) and tells the arguments of execute."""

    _startup_cost = 30

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.rows = eval(options.get("rows", "[]"), NAMES)

    def execute(self, quals, columns, **keywords):
        told = [f"quals={shown(quals)}", f"columns={sorted(columns)}"]
        told += [f"{name}={value}" for name, value in keywords.items()]
        log_to_postgres("execute " + " ".join(told))
        return self.rows

    def get_rel_size(self, quals, columns):
        return (len(self.rows), 10 * len(columns))


class Planner(Spy):
    """Tells the planner's questions too; the options `keys` and `sorts` answer them."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.options = options

    def get_rel_size(self, quals, columns):
        log_to_postgres(f"get_rel_size quals={shown(quals)} columns={sorted(columns)}")
        return (int(self.options.get("estimate", "1000")), 10 * len(columns))

    def get_path_keys(self):
        return eval(self.options.get("keys", "[]"))

    def can_sort(self, sortkeys):
        log_to_postgres(f"can_sort {sortkeys}")
        return sortkeys[: int(self.options.get("sorts", "0"))]

    def can_limit(self, limit, offset):
        log_to_postgres(f"can_limit limit={limit!r} offset={offset!r}")
        return self.options.get("limits") == "yes"

    def explain(self, quals, columns, sortkeys=None, verbose=False, limit=None, offset=None):
        yield f"quals={shown(quals)} columns={sorted(columns)} sortkeys={sortkeys}"
        yield f"verbose={verbose} limit={limit} offset={offset}"
