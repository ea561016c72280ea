"""A wrapper that answers the question named by its option `endless` without an end, in C code."""

from __future__ import annotations

from itertools import repeat

from multicorn import Accepted, ForeignDataWrapper, TableDefinition


class Endless(ForeignDataWrapper):
    """One row of one column."""

    modify_batch_size = 2

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.endless = options.get("endless")

    def answer(self, method, item):
        return repeat(item) if self.endless == method else [item]

    def execute(self, quals, columns):
        return [(repeat(1) if self.endless == "value" else 1,)]

    def get_path_keys(self):
        return self.answer("get_path_keys", (("id",), 1))

    def can_filter(self, quals):
        return self.answer("can_filter", quals[0])

    def explain(self, quals, columns, **others):
        return self.answer("explain", "a line")

    def insert(self, values):
        return None

    def bulk_insert(self, all_values):
        return repeat(None)

    def sample(self, n):
        return self.answer("sample", (1,)), 1

    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        return repeat(TableDefinition("t"))


class Accepting(Endless):
    """The same, asked by `accept`."""

    def accept(self, request):
        return Accepted(quals=self.answer("accept", request.quals[0]))
