"""Types of the module that the library makes for the package `Postgres`."""

from collections.abc import Sequence
from typing import Any

class TypeInfo:
    """What the catalogue says of a type; the attribute `_info` of its class."""

    oid: int
    typname: str
    nspname: str
    typnamespace: int
    kind: str
    category: str
    relation: int
    element: int | None
    array: int | None
    base: int | None
    functions: tuple[int, int, int, int, int, int]
    columns: list[tuple[int, str, int, int, bool]] | None

class Object:
    """A value of the server, of the class's type."""

    _info: TypeInfo
    def __new__(cls, value: Any, mod: Any = None) -> Any:
        """Make a value from text, a Python value or one of another type."""
    def _python(self) -> Any:
        """Give the value in Python's own types."""
    def __int__(self) -> int:
        """Give the number."""
    def __float__(self) -> float:
        """Give the number as a float."""
    def __index__(self) -> int:
        """Give an integer or an OID."""

def class_of(oid: int) -> type:
    """Give the class of the type with this OID."""

def resolve(name: str) -> int:
    """Give the OID of the type that SQL text names."""

def in_catalog(name: str) -> int | None:
    """Give the OID of a type of pg_catalog, or None."""

def row_type(relation: int) -> int:
    """Give the OID of the type of a relation's rows."""

def check(info: TypeInfo, value: Any) -> None:
    """Raise 23502 or 23514 if a domain forbids the value."""

def call(name: str, *arguments: Any) -> Any:
    """Call a function of pg_catalog; a class is a NULL of its type."""

def call_in(schema: str, name: str, *arguments: Any) -> Any:
    """Call a function of a schema."""

def operate(name: str, *arguments: Any) -> Any:
    """Apply an operator of the search path to one or two values."""

def contains(range: Object, item: Any) -> Any:  # noqa: A002 - what it is
    """Tell whether a range or multirange contains a value or a range."""

def array_shape(array: Object) -> tuple[list[int], list[int], bool]:
    """Give lengths, lower bounds, and whether an element is NULL."""

def array_elements(array: Object) -> list[Any]:
    """List the elements in row-major order."""

def array_element(array: Object, indexes: Sequence[int]) -> Any:
    """Give the element at indexes from 0."""

def array_sql_element(array: Object, indexes: Sequence[int]) -> Any:
    """Give the element at SQL's subscripts, or None."""

def array_item(array: Object, key: Any) -> Any:
    """Give what `array[key]` is."""

def array_of(
    cls: type, elements: list[Any], lengths: Sequence[int], bounds: Sequence[int]
) -> Any:
    """Make an array of elements in row-major order."""

def multirange_ranges(multirange: Object) -> list[Any]:
    """List the ranges."""

def record_item(record: Object, key: Any) -> Any:
    """Give what `record[key]` is."""

def record_values(record: Object) -> tuple[Any, ...]:
    """Give the values in the order of the columns."""

def record_columns(record: Object) -> tuple[tuple[str, ...], list[int]]:
    """Give the names of the columns and the OIDs of their types."""

def record_replace(
    record: Object, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Give a record with other values, by position and name; None keeps one."""

def record_transform(
    record: Object, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Give a record with what callables make of its values; None keeps one."""

def transaction_id(innermost: bool) -> int:
    """Give the number of the transaction or of the innermost subtransaction."""

def forget() -> None:
    """Forget all classes and operators."""
