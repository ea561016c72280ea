"""Wrappers that answer the planner's questions, well and badly."""

from decimal import Decimal

from multicorn import ForeignDataWrapper
from multicorn.utils import log_to_postgres


class Plain(ForeignDataWrapper):
    """All of the base class's answers."""

    def execute(self, quals, columns):
        return [(1, "plain")]


class Odd(ForeignDataWrapper):
    """Answers with the values of the expressions in its options."""

    _startup_cost = 12.5

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.options = options

    def answer(self, name, **names):
        return eval(self.options.get(name, "[]"), {"D": Decimal, **names})

    def get_rel_size(self, quals, columns):
        return self.answer("size")

    def get_path_keys(self):
        return self.answer("keys")

    def can_sort(self, sortkeys):
        return self.answer("sorts", keys=sortkeys)

    def can_limit(self, limit, offset):
        return self.answer("limits")

    def explain(self, quals, columns, sortkeys=None, verbose=False):
        return self.answer("lines")

    def execute(self, quals, columns, sortkeys=None):
        return [(1, "x"), (2, "z")]


class Older:
    """From before sort keys, limits and the base class."""

    _startup_cost = 5

    def __init__(self, options, columns):
        pass

    def get_rel_size(self, quals, columns):
        return 10, 4

    def execute(self, quals, columns):
        return [(1, "b"), (2, "a")]

    def explain(self, quals, columns):
        return [f"{quals} {sorted(columns)}"]


class RowIdAttribute(Plain):
    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.row_id_column = columns.keys()[0]


class RowIdProperty(Plain):
    @property
    def rowid_column(self):
        log_to_postgres("rowid_column is not asked for by a SELECT")
        return "a"


class RowIdBroken(Plain):
    @property
    def rowid_column(self):
        raise RuntimeError("no row id")
