"""Arrays: elements of one type in up to six dimensions."""

from __future__ import annotations

from multicorn import _values
from multicorn._typing import cast
from Postgres._types import Type, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any


class Array(Value):
    """An array of the server; `T([[1, 2], [3, 4]])` makes one.

    Lists mark dimensions and must be balanced (2202E); any other sequence is an
    element. Text, iterables and buffers make arrays too.
    """

    __slots__ = ()

    @classmethod
    def from_elements(
        cls,
        elements: Iterable[Any],
        dimensions: Sequence[int] | None = None,
        lowerbounds: Sequence[int] | None = None,
    ) -> Any:
        """Make an array of elements in row-major order.

        Without `dimensions` it has one, without `lowerbounds` they are 1. A
        product of dimensions that is not the number of elements is ValueError.
        """
        items = list(elements)
        lengths = [len(items)] if dimensions is None else [int(n) for n in dimensions]
        if lowerbounds is None:
            bounds = [1] * len(lengths)
        else:
            bounds = [int(n) for n in lowerbounds]
        return _values.array_of(cls, items, lengths, bounds)

    @property
    def Element(self) -> Type | None:  # noqa: N802 - its name in the interface
        """The class of the elements."""
        cls: Type = type(self)
        while cls.Base is not None:
            cls = cls.Base
        return cls.Element

    @property
    def dimensions(self) -> tuple[int, ...]:
        """The length of each dimension; none of an empty array."""
        return tuple(_values.array_shape(self)[0])

    @property
    def lowerbounds(self) -> tuple[int, ...]:
        """The first SQL subscript of each dimension."""
        return tuple(_values.array_shape(self)[1])

    @property
    def ndim(self) -> int:
        """The number of dimensions, 0 of an empty array."""
        return len(_values.array_shape(self)[0])

    @property
    def nelements(self) -> int:
        """The number of elements in all dimensions."""
        lengths = _values.array_shape(self)[0]
        if not lengths:
            return 0
        count = 1
        for length in lengths:
            count *= length
        return count

    @property
    def has_null(self) -> bool:
        """Whether an element is NULL."""
        return _values.array_shape(self)[2]

    def elements(self) -> list[Any]:
        """List all elements in row-major order; NULL is None."""
        return _values.array_elements(self)

    def get_element(self, indexes: Iterable[int]) -> Any:
        """Give the element at indexes from 0, one for each dimension.

        IndexError outside, ValueError for another number of indexes; negative
        ones count from the end.
        """
        return _values.array_element(self, [int(index) for index in indexes])

    def sql_get_element(self, subscripts: Iterable[int]) -> Any:
        """Give the element at SQL's subscripts, or None outside."""
        return _values.array_sql_element(self, [int(index) for index in subscripts])

    def __bool__(self) -> bool:
        """Tell whether there is an element."""
        return bool(_values.array_shape(self)[0])

    def __len__(self) -> int:
        """Give the length of the first dimension."""
        lengths = _values.array_shape(self)[0]
        return lengths[0] if lengths else 0

    def __getitem__(self, key: Any) -> Any:
        """Give an element, or an array of one dimension less; slices have step 1."""
        return _values.array_item(self, key)

    def __iter__(self) -> Iterator[Any]:
        """Give the elements, or the arrays of one dimension less."""
        if self.ndim <= 1:
            return iter(self.elements())
        return (self[index] for index in range(len(self)))

    def __contains__(self, element: object) -> bool:
        """Tell whether an element is equal; None is found if there is a NULL."""
        if element is None:
            return self.has_null
        return any(
            found is not None and bool(found == element) for found in self.elements()
        )

    def to_list(self) -> list[Any]:
        """Nest the elements in lists, as they were made of."""
        if self.ndim <= 1:
            return self.elements()
        return [part.to_list() for part in self]

    def _plain(self) -> Any:
        return _plain_list(self.to_list())


def _plain_list(items: list[Any]) -> list[Any]:
    return [_plain(item) for item in items]


def _plain(item: Any) -> Any:
    if isinstance(item, list):
        return _plain_list(cast("list[Any]", item))
    return item._plain() if isinstance(item, Value) else item
