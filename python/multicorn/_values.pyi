"""Types of the module that the library makes for the package `Postgres`."""

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

class Object:
    """A value of the server, of the class's type."""

    _info: TypeInfo
    def __new__(cls, value: Any, mod: Any = None) -> Any:
        """Make a value from text, a Python value or one of another type."""
    def _python(self) -> Any:
        """Give the value in Python's own types."""

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
    """Call a function of pg_catalog."""

def forget() -> None:
    """Forget all classes and operators."""
