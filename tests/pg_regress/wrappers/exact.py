"""Numbered rows, of a class that says which conditions it applies exactly and tells what it is asked."""

import operator

from multicorn import UNBOUND, Accepted, ForeignDataWrapper
from multicorn.utils import log_to_postgres

COMPARE = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def shown(quals):
    """Each as `column operator value`."""
    return "[" + ", ".join(f"{q.field_name} {q.operator} {q.value!r}" for q in quals) + "]"


def passes(row, qual):
    value = row[qual.field_name]
    if qual.value is None:
        return (value is None) == (qual.operator == "=")
    if value is None:
        return False
    if qual.is_list_operator:
        name, is_any = qual.operator
        answers = [COMPARE[name](value, wanted) for wanted in qual.value]
        return any(answers) if is_any else all(answers)
    return COMPARE[qual.operator](value, qual.value)


class Exact(ForeignDataWrapper):
    """`rows` rows; `exact` names the columns whose conditions are applied.

    `lies` applies one row too few, so that a check of the server's would show; `answer` is a Python
    expression over `quals` that replaces the answer of can_filter.
    """

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.columns = columns
        self.exact = options.get("exact", "").split()
        self.lies = "lies" in options
        self.answer = options.get("answer")
        self.bounded = options.get("limit") != "never"
        self.rows = [
            {
                "id": number,
                "grp": number % 3,
                "name": f"n{number}",
                "maybe": None if number % 4 == 0 else number % 4,
                "doc": None,
                "tags": [number % 2, number % 3],
            }
            for number in range(1, int(options.get("rows", "8")) + 1)
        ]

    def get_rel_size(self, quals, columns):
        return (len(self.rows), 8 * len(columns))

    def claimed(self, quals):
        if self.answer is not None:
            return eval(self.answer, {"quals": quals, "UNBOUND": UNBOUND})
        return [qual for qual in quals if qual.field_name in self.exact]

    def can_filter(self, quals):
        log_to_postgres(f"can_filter {shown(quals)}")
        return self.claimed(quals)

    def can_sort(self, sortkeys):
        return [key for key in sortkeys if key.attname in {"id", "grp"}]

    def can_limit(self, limit, offset):
        log_to_postgres(f"can_limit {limit!r} {offset!r}")
        return self.bounded

    def execute(self, quals, columns, sortkeys=None, limit=None, offset=None):
        keywords = {"sortkeys": sortkeys, "limit": limit, "offset": offset}
        told = " ".join(f"{name}={value}" for name, value in keywords.items() if value is not None)
        log_to_postgres(f"execute {shown(quals)} {told}".rstrip())
        rows = self.rows
        for qual in quals:
            if qual.field_name in self.exact:
                rows = [row for row in rows if passes(row, qual)]
                if self.lies:
                    rows = [*rows, self.rows[-1]]
        for key in reversed(sortkeys or []):
            rows = sorted(rows, key=lambda row: row[key.attname], reverse=key.is_reversed)
        start = offset or 0
        return rows[start : None if limit is None else start + limit]


class Accepting(Exact):
    """The same by one question; `withdraws` accepts no limit when asked again."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.withdraws = options.get("withdraws")
        self.asked = 0

    def accept(self, request):
        log_to_postgres(
            f"accept {shown(request.quals)} {sorted(request.columns)}"
            f" {[key.attname for key in request.sortkeys]} {request.limit!r} {request.offset!r}"
        )
        if request.limit is not None:
            self.asked += 1
        fewer = self.asked > 1
        return Accepted(
            quals=[] if fewer and self.withdraws == "quals" else self.claimed(request.quals),
            sortkeys=[] if fewer and self.withdraws == "sortkeys" else request.sortkeys,
            limit=self.bounded and not (fewer and self.withdraws == "limit"),
        )


class Unfit(Exact):
    """Answers `accept` with something else."""

    def accept(self, request):
        return {"quals": request.quals}
