"""Dates, times, timestamps and intervals, with the fields of `date_part`."""

from __future__ import annotations

from multicorn import _values
from Postgres._types import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as dt
    from typing import Any


def _field(name: str, meaning: str) -> property:
    """Give a property that asks `date_part`."""

    def get(self: Value) -> Any:
        return _values.call("date_part", name, self)

    get.__doc__ = f"{meaning}, a float8 as `date_part('{name}', …)` gives it."
    return property(get)


class Moment(Value):
    """What dates, times, timestamps and intervals have in common.

    The attributes `millennium`, `century`, `decade`, `year`, `quarter`, `month`,
    `week`, `day`, `dayofweek` (Sunday is 0), `dayofyear`, `hour`, `minute`,
    `second`, `millisecond`, `microsecond`, `timezone` (the offset in seconds) and
    `epoch` are the fields of `date_part`, each a float8. A field that the type
    does not have is the server's error 0A000 or 22023.
    """

    __slots__ = ()

    millennium = _field("millennium", "The millennium")
    century = _field("century", "The century")
    decade = _field("decade", "The year divided by ten")
    year = _field("year", "The year")
    quarter = _field("quarter", "The quarter of the year, from 1 to 4")
    month = _field("month", "The month, from 1 to 12")
    week = _field("week", "The ISO 8601 week of the year")
    day = _field("day", "The day of the month, or an interval's days")
    dayofweek = _field("dow", "The day of the week, Sunday being 0")
    dayofyear = _field("doy", "The day of the year, from 1")
    hour = _field("hour", "The hour")
    minute = _field("minute", "The minute")
    second = _field("second", "The seconds with their fraction")
    millisecond = _field("millisecond", "The seconds in thousandths")
    microsecond = _field("microsecond", "The seconds in millionths")
    timezone = _field("timezone", "The offset from UTC in seconds")
    epoch = _field("epoch", "The seconds since 1970-01-01 00:00 UTC, or of an interval")

    def to_python(self) -> Any:
        """Give the counterpart in the module `datetime`."""
        return self._python()

    def _plain(self) -> Any:
        found = self._python()
        return self if isinstance(found, str) else found


class Date(Moment):
    """A date."""

    __slots__ = ()

    def to_python(self) -> dt.date:
        """Give the `datetime.date`; what is beyond it is its own text, a str."""
        return self._python()


class Time(Moment):
    """A time of day."""

    __slots__ = ()

    def to_python(self) -> dt.time:
        """Give the `datetime.time`; 24:00 is its own text, a str."""
        return self._python()


class TimeTz(Moment):
    """A time of day with the offset of its zone."""

    __slots__ = ()

    def to_python(self) -> dt.time:
        """Give the `datetime.time` with its zone; 24:00 is its own text, a str."""
        return self._python()


class Timestamp(Moment):
    """A date and time of day."""

    __slots__ = ()

    def to_python(self) -> dt.datetime:
        """Give the `datetime.datetime`; what is beyond it is its own text, a str."""
        return self._python()


class TimestampTz(Moment):
    """A moment, shown in the session's time zone."""

    __slots__ = ()

    def to_python(self) -> dt.datetime:
        """Give the aware `datetime.datetime`; what is beyond it is its text, a str."""
        return self._python()


class Interval(Moment):
    """A span of months, days and microseconds."""

    __slots__ = ()

    def to_python(self) -> dt.timedelta:
        """Give the `datetime.timedelta`; one with months is its own text, a str."""
        return self._python()

    def __bool__(self) -> bool:
        """Tell whether the span is not zero."""
        return bool(self != type(self)("0"))
