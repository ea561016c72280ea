"""Ranges and multiranges."""

from __future__ import annotations

from typing import NamedTuple

from multicorn import _values
from Postgres._types import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Range(NamedTuple):
    """A range in Python's own types, as `@pytypes` gives it.

    A bound that is None is infinite; `bounds` is `[]`, `[)`, `(]`, `()`, or
    `empty` for a range without any value.
    """

    lower: Any
    upper: Any
    bounds: str = "[)"

    @property
    def isempty(self) -> bool:
        """Whether no value is in the range."""
        return self.bounds == "empty"

    @property
    def lower_inc(self) -> bool:
        """Whether the lower bound is in the range."""
        return self.bounds.startswith("[")

    @property
    def upper_inc(self) -> bool:
        """Whether the upper bound is in the range."""
        return self.bounds.endswith("]")


class RangeValue(Value):
    """A range; `T((lower, upper))` or `T((lower, upper, "[]"))` makes one.

    None is an infinite bound. `in` tells whether a value or a range lies in it;
    `+`, `*` and `-` are union, intersection and difference. An empty range is
    false.
    """

    __slots__ = ()

    @property
    def lower(self) -> Any:
        """The lower bound; None if the range is empty or infinite there."""
        return _values.call("lower", self)

    @property
    def upper(self) -> Any:
        """The upper bound; None if the range is empty or infinite there."""
        return _values.call("upper", self)

    @property
    def lower_inc(self) -> bool:
        """Whether the lower bound is in the range."""
        return bool(_values.call("lower_inc", self))

    @property
    def upper_inc(self) -> bool:
        """Whether the upper bound is in the range."""
        return bool(_values.call("upper_inc", self))

    @property
    def lower_inf(self) -> bool:
        """Whether the range has no lower bound."""
        return bool(_values.call("lower_inf", self))

    @property
    def upper_inf(self) -> bool:
        """Whether the range has no upper bound."""
        return bool(_values.call("upper_inf", self))

    @property
    def isempty(self) -> bool:
        """Whether no value is in the range."""
        return bool(_values.call("isempty", self))

    def __bool__(self) -> bool:
        """Tell whether a value is in the range."""
        return not self.isempty

    def __contains__(self, value: Any) -> bool:
        """Tell whether a value or a range lies in this one; None does not."""
        return value is not None and bool(_values.contains(self, value))

    def _plain(self) -> Any:
        if self.isempty:
            return Range(None, None, "empty")
        lower, upper = (
            bound._plain() if isinstance(bound, Value) else bound
            for bound in (self.lower, self.upper)
        )
        ends = ("[" if self.lower_inc else "(", "]" if self.upper_inc else ")")
        return Range(lower, upper, "".join(ends))


class MultirangeValue(Value):
    """A multirange: a sequence of ranges, made of a list of them.

    `in`, `+`, `*` and `-` are as for ranges. An empty one is false.
    """

    __slots__ = ()

    @property
    def isempty(self) -> bool:
        """Whether no value is in it."""
        return bool(_values.call("isempty", self))

    @property
    def lower(self) -> Any:
        """The lower bound of the first range, or None."""
        return _values.call("lower", self)

    @property
    def upper(self) -> Any:
        """The upper bound of the last range, or None."""
        return _values.call("upper", self)

    def __bool__(self) -> bool:
        """Tell whether a value is in it."""
        return not self.isempty

    def __len__(self) -> int:
        """Count the ranges."""
        return len(_values.multirange_ranges(self))

    def __iter__(self) -> Iterator[Any]:
        """Give the ranges in their order."""
        return iter(_values.multirange_ranges(self))

    def __getitem__(self, key: Any) -> Any:
        """Give the range of an index, or a list of those of a slice."""
        if not isinstance(key, slice):
            key = int(key)
        return _values.multirange_ranges(self)[key]

    def __contains__(self, value: Any) -> bool:
        """Tell whether a value, a range or a multirange lies in it."""
        return value is not None and bool(_values.contains(self, value))

    def _plain(self) -> Any:
        return [part._plain() for part in self]
