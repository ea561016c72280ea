"""The classes of the server's types: one for each, below the class of its family.

`Postgres.types.int4` and `Postgres.Type("int4")` are the same class, and stay the
same until the type changes. Everything that touches values is in the library.
"""

from __future__ import annotations

import sys

from multicorn import _values
from multicorn._typing import cast
from multicorn._values import Object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from multicorn._values import TypeInfo
    from Postgres._records import TupleDesc

__all__ = ["Object", "Type", "Value", "types"]


class Type(type):
    """The class of the classes of types: `Type(x)` gives the one that `x` names.

    `x` is an OID, text as a cast to regtype reads it (`"int4"`,
    `"public.mood"`), a value of type oid or regtype, or a class already. What
    text names wrongly is the server's own error.
    """

    _info: ClassVar[TypeInfo]

    def __new__(
        cls,
        name: Any,
        bases: tuple[type, ...] | None = None,
        namespace: dict[str, Any] | None = None,
        **keywords: Any,
    ) -> Any:
        """Give the class of a type, or make one for a `class` statement."""
        if bases is None or namespace is None:
            return _named(name)
        return super().__new__(cls, name, bases, namespace, **keywords)

    def __init__(
        cls,
        name: Any,
        bases: tuple[type, ...] | None = None,
        namespace: dict[str, Any] | None = None,
        **keywords: Any,
    ) -> None:
        """Leave what `__new__` gave as it is."""
        if bases is not None and namespace is not None:
            super().__init__(name, bases, namespace, **keywords)

    @staticmethod
    def from_relation_id(oid: Any) -> Type:
        """Give the class of the rows of a table, view or composite type.

        `oid` is that of the relation, as in `pg_class`; 42809 if it has no rows.
        """
        return class_of(_values.row_type(int(oid)))

    @property
    def oid(cls) -> Any:
        """The type's OID, a value of type oid."""
        return _oid(cls._info.oid)

    @property
    def oidstr(cls) -> str:
        """The type's OID as text."""
        return str(cls._info.oid)

    @property
    def typname(cls) -> str:
        """The type's name in `pg_type`: `int4`, `_text`."""
        return cls._info.typname

    @property
    def nspname(cls) -> str:
        """The name of the type's schema."""
        return cls._info.nspname

    @property
    def typnamespace(cls) -> Any:
        """The OID of the type's schema."""
        return _oid(cls._info.typnamespace)

    @property
    def Array(cls) -> Type | None:  # noqa: N802 - its name in the interface
        """The class of arrays of this type, or None if there is none."""
        return _class_or_none(cls._info.array)

    @property
    def Base(cls) -> Type | None:  # noqa: N802 - its name in the interface
        """The class that a domain is over, which may be a domain; else None."""
        return _class_or_none(cls._info.base)

    @property
    def Element(cls) -> Type | None:  # noqa: N802 - its name in the interface
        """The class of an array's elements; None of other types."""
        return _class_or_none(cls._info.element)

    @property
    def descriptor(cls) -> TupleDesc | None:
        """The columns of a composite type; None of other types."""
        from Postgres._records import descriptor_of

        return descriptor_of(cls._info)

    @property
    def column_names(cls) -> tuple[str, ...] | None:
        """The names of a composite type's columns; None of other types."""
        descriptor = cls.descriptor
        return None if descriptor is None else descriptor.column_names

    @property
    def column_types(cls) -> tuple[Type, ...] | None:
        """The types of a composite type's columns; None of other types."""
        descriptor = cls.descriptor
        return None if descriptor is None else descriptor.column_types

    @property
    def pg_column_types(cls) -> tuple[int, ...] | None:
        """The OIDs of the types of a composite type's columns, or None."""
        descriptor = cls.descriptor
        return None if descriptor is None else descriptor.pg_column_types

    @property
    def typinput(cls) -> Any:
        """The OID of the type's input function."""
        return _oid(cls._info.functions[0])

    @property
    def typoutput(cls) -> Any:
        """The OID of the type's output function."""
        return _oid(cls._info.functions[1])

    @property
    def typreceive(cls) -> Any:
        """The OID of the type's binary input function, 0 if there is none."""
        return _oid(cls._info.functions[2])

    @property
    def typsend(cls) -> Any:
        """The OID of the type's binary output function, 0 if there is none."""
        return _oid(cls._info.functions[3])

    @property
    def typmodin(cls) -> Any:
        """The OID of the function that reads type modifiers, 0 if there is none."""
        return _oid(cls._info.functions[4])

    @property
    def typmodout(cls) -> Any:
        """The OID of the function that shows type modifiers, 0 if there is none."""
        return _oid(cls._info.functions[5])

    def check(cls, value: Any) -> None:
        """Raise 23502 or 23514 if a domain forbids the value; None is NULL.

        Other types forbid nothing but what their class cannot be made of.
        """
        _values.check(cls._info, value)


def _named(name: Any) -> Type:
    if isinstance(name, Type):
        return name
    if isinstance(name, str):
        return class_of(_values.resolve(name))
    return class_of(int(name))


def class_of(oid: int) -> Type:
    """Give the class of the type with this OID."""
    return cast("Type", _values.class_of(oid))


def _class_or_none(oid: int | None) -> Type | None:
    return None if oid is None else class_of(oid)


def _oid(number: int) -> Any:
    return types.oid(number)


class _Types:
    """Every type of `pg_catalog` by name: `Postgres.types.int4`.

    A name that is no type is an AttributeError.
    """

    __name__ = "Postgres.types"

    def __getattr__(self, name: str) -> Any:
        oid = None if name.startswith("__") else _values.in_catalog(name)
        if oid is None:
            message = f"pg_catalog has no type {name!r}"
            raise AttributeError(message, name=name, obj=self)
        found = _values.class_of(oid)
        if oid < _FIRST_NORMAL_OID:
            # Such a type does not change, so that later look-ups find it at once.
            self.__dict__[name] = found
        return found

    def __repr__(self) -> str:
        return "Postgres.types"


#: OIDs below belong to what the server is built with.
_FIRST_NORMAL_OID = 16384


def forget() -> None:
    """Forget all classes; each is made anew at its next use."""
    types.__dict__.clear()
    _values.forget()


types = _Types()
# `from Postgres.types import int4`, as functions written for pg-python have it.
sys.modules[types.__name__] = types  # pyright: ignore[reportArgumentType]


class Value(Object, metaclass=Type):
    """A value of a type that has no family of its own."""

    __slots__ = ()

    def to_python(self) -> Any:
        """Give the counterpart in Python's own types, or the value if it has none."""
        return self._plain()

    def _plain(self) -> Any:
        """Give the counterpart in Python, or the value itself if it has none."""
        return self
