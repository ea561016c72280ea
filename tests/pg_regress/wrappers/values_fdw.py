"""Rows written as Python expressions in the query, and the values that a qual brings, for fdw_types_*."""

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import types
import typing
import uuid

from multicorn import ForeignDataWrapper

D = decimal.Decimal
UTC = dt.timezone.utc


class Mood(enum.Enum):
    """Members whose value is a label, and whose name is."""

    GLAD = "happy"
    sad = 5


@dataclasses.dataclass
class Point:
    x: int
    y: str


class Pair(typing.NamedTuple):
    x: int
    y: str


class Reading(collections.abc.Mapping):
    """A mapping that is no dict: `Reading(a=1)`."""

    def __init__(self, **items):
        self.items_ = items

    def __getitem__(self, key):
        return self.items_[key]

    def __iter__(self):
        return iter(self.items_)

    def __len__(self):
        return len(self.items_)


class Row(collections.abc.Sequence):
    """A sequence that is neither tuple nor list."""

    def __init__(self, *items):
        self.items_ = items

    def __getitem__(self, index):
        return self.items_[index]

    def __len__(self):
        return len(self.items_)


class Mute:
    """Has no text form."""

    def __str__(self):
        raise ValueError("no text")


class Vandal:
    """Empties a container while its text form is made."""

    def __init__(self, victim):
        self.victim = victim

    def __str__(self):
        self.victim.clear()
        return "vandal"


class Text(str):
    """A str whose `str()` is another text: its own characters count."""

    __slots__ = ()

    def __str__(self):
        return "not this"


class Wide:
    """Stands for an array of numpy: iterating it is not the way to its dimensions."""

    def __init__(self, nested):
        self.nested = nested

    def __iter__(self):
        raise TypeError("iteration over a 0-d array")

    def tolist(self):
        return self.nested


class Zone(dt.tzinfo):
    """A zone whose `utcoffset` raises."""

    def utcoffset(self, when):
        raise LookupError("no such zone")


def vandalised():
    """A list whose first item empties it."""
    victim = []
    victim.extend([Vandal(victim), "b", "c"])
    return victim


def looped():
    """A list that contains itself."""
    loop = []
    loop.append(loop)
    return loop


def range_of(lower, upper, **more):
    """An object with the attributes of psycopg's Range."""
    return types.SimpleNamespace(lower=lower, upper=upper, **more)


NAMES = {**globals(), "date": dt.date, "time": dt.time, "datetime": dt.datetime}
NAMES |= {"timedelta": dt.timedelta, "timezone": dt.timezone, "array": array.array}
NAMES |= {"ip": ipaddress, "UUID": uuid.UUID}


class Values(ForeignDataWrapper):
    """`WHERE py = 'expression'`: one row of the columns named in the dict that the expression makes.

    Without that condition: one row with the value of each other condition in its column, and what
    Python got in the column `got`.
    """

    def execute(self, quals, columns):
        written = [qual.value for qual in quals if qual.field_name == "py"]
        for expression in written:
            yield {**eval(expression, NAMES), "py": expression}
        if not written:
            # Of the values of ANY, the first satisfies the condition.
            row = {qual.field_name: qual.value[0] if qual.is_list_operator else qual.value for qual in quals}
            got = [f"{type(qual.value).__name__} {qual.value!r}" for qual in quals]
            yield {**row, "got": ", ".join(got)}


class Rows(ForeignDataWrapper):
    """What `execute` returns is the value of the option `rows`, a Python expression."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.rows = options["rows"]

    def execute(self, quals, columns):
        return eval(self.rows, NAMES)


def counting():
    """A generator that fails at its third row."""
    yield (1, "one")
    yield (2, "two")
    raise ValueError("no third row")


NAMES |= {"counting": counting}
