"""Rows in every form that execute() may return, and in some that it may not."""

import collections
import types
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from multicorn import ForeignDataWrapper
from multicorn.utils import log_to_postgres


class Pairs(Mapping):
    """A mapping that is no dict."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __getitem__(self, key):
        for name, value in self.pairs:
            if name == key:
                return value
        raise KeyError(key)

    def __iter__(self):
        return (name for name, _ in self.pairs)

    def __len__(self):
        return len(self.pairs)


class Record:
    """Neither Mapping nor dict, with keys() and [], as database drivers' rows are."""

    def keys(self):
        return ["a", "b"]

    def __getitem__(self, key):
        return {"a": 8, "b": "record"}[key]


class Numbers(Sequence):
    """A sequence that is neither list nor tuple."""

    def __init__(self, *items):
        self.items = items

    def __getitem__(self, at):
        return self.items[at]

    def __len__(self):
        return len(self.items)


class Missing(dict):
    """Makes missing keys up."""

    def __missing__(self, key):
        return f"made up {key}" if key == "b" else 0


class Defaults(collections.UserDict):
    def __missing__(self, key):
        return None


class Slots:
    """Fails when it is looked at."""

    def __len__(self):
        raise RuntimeError("no length today")

    def __getitem__(self, at):
        return at


class FaultyMapping(Pairs):
    def __getitem__(self, key):
        raise RuntimeError(f"{key} is out of order")


class Endless:
    """An iterator that fails at its third row."""

    def __init__(self):
        self.row = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.row += 1
        if self.row == 3:
            raise LookupError("the third row")
        return self.row, "endless"


class Named(NamedTuple):
    b: int
    a: str


def generator():
    try:
        yield 1, "generated"
        yield {"a": 2, "b": "mixed"}
        yield [3, "list"]
        yield Pairs([("a", 4)])
    finally:
        log_to_postgres("the generator ends")


def failing():
    try:
        yield 1, "one"
        raise ValueError("after the first row")
    finally:
        log_to_postgres("the generator ends")


def pop():
    row = [1, "one"]
    for _ in range(2):
        yield row
        row[0] += 1


FORMS = {
    "tuple": lambda: [(1, "tuple")],
    "list": lambda: [[1, "list"]],
    "namedtuple": lambda: [Named(1, "by position")],
    "sequence": lambda: [Numbers(1, "sequence")],
    "range": lambda: [range(1, 3)],
    "dict": lambda: [{"b": "dict", "a": 1}],
    "ordered": lambda: [collections.OrderedDict(a=1, b="ordered")],
    "chain": lambda: [collections.ChainMap({"a": 1}, {"b": "chain", "a": 2})],
    "proxy": lambda: [types.MappingProxyType({"a": 1, "b": "proxy"})],
    "user": lambda: [collections.UserDict(a=1, b="user")],
    "mapping": lambda: [Pairs([("a", 1), ("b", "mapping")])],
    "record": lambda: [Record()],
    "missing": lambda: [{"a": 1}, {"b": "only"}, {}, Pairs([]), collections.UserDict(b="user")],
    "extra": lambda: [{"a": 1, "b": "extra", "c": 3, 4: 5, None: 6}],
    "made_up": lambda: [Missing(a=1), Defaults(b="default")],
    "generator": generator,
    "iterator": lambda: iter([(1, "iterator"), (2, "iterator")]),
    "zip": lambda: zip(range(2), ("zip", "zip"), strict=True),
    "set": lambda: {(1, "set")},
    "deque": lambda: collections.deque([(1, "deque")]),
    "items": {1: "items"}.items,
    "reused": pop,
    "empty": list,
    "none": lambda: None,
    "none_row": lambda: [(1, "one"), None, (3, "three")],
    "none_row_generated": lambda: iter([(1, "one"), None, (3, "three")]),
    "str": lambda: "ab",
    "bytes": lambda: b"ab",
    "one_dict": lambda: {"a": 1, "b": "one"},
    "one_mapping": lambda: Pairs([("a", 1)]),
    "number": lambda: 7,
    "object": object,
    "class": lambda: Pairs,
    "str_rows": lambda: ["ab", "cd"],
    "bytes_rows": lambda: [b"ab"],
    "number_rows": lambda: [1, 2],
    "set_rows": lambda: [{1, "one"}],
    "generator_rows": lambda: [(x for x in (1, "one"))],
    "short": lambda: [(1, "one"), (2,)],
    "long": lambda: [(1, "one"), (2, "two", "three")],
    "empty_row": lambda: [()],
    "no_length": lambda: [(1, "one"), Slots()],
    "faulty_mapping": lambda: [FaultyMapping([("a", 1)])],
    "failing": failing,
    "failing_iterator": Endless,
}


class RowForms(ForeignDataWrapper):
    """Returns what the option `form` names; `counts` tells how many scans began and ended."""

    executed = ended = 0

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.form = options["form"]

    def execute(self, quals, columns):
        if self.form == "counts":
            return [(RowForms.executed, RowForms.ended)]
        RowForms.executed += 1
        return FORMS[self.form]()

    def end_scan(self):
        if self.form != "counts":
            RowForms.ended += 1


class OnlyQuals(ForeignDataWrapper):
    """The tutorial's second form of execute()."""

    def execute(self, quals):
        log_to_postgres(f"quals={quals}")
        for index in range(3):
            yield {"a": index, "b": "only quals"}


class AnyArguments(ForeignDataWrapper):
    def execute(self, *arguments, **keywords):
        log_to_postgres(f"{len(arguments)} positional, {keywords}")
        return [(1, "any")]


class Duck:
    """Inherits from nothing."""

    def __init__(self, options, columns):
        self.columns = columns

    def execute(self, quals, columns):
        return [["1", "duck"]]


class Renamed(ForeignDataWrapper):
    """Calls its parameters as it likes."""

    def execute(self, conditions, wanted, sortkeys=None):
        log_to_postgres(f"{conditions} {sorted(wanted)} {sortkeys}")
        return [(1, "renamed")]


class NoExecute(ForeignDataWrapper):
    pass


class StaticExecute(ForeignDataWrapper):
    @staticmethod
    def execute(quals, columns):
        return [(1, "static")]


class InstanceExecute:
    """The method is made in __init__."""

    def __init__(self, options, columns):
        self.execute = lambda quals, columns: [(1, "instance")]
