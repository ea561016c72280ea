"""The classes of the server's types: one for each, below the class of its family.

`Postgres.types.int4` and `Postgres.Type("int4")` are the same class, and stay the
same until the type changes. Everything that touches values is in the library;
this module says which family a type belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from multicorn import _values
from multicorn._values import Object

if TYPE_CHECKING:
    from collections.abc import Callable

    from multicorn._values import TypeInfo

__all__ = ["Object", "Type", "types"]


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
        return _class(_values.row_type(int(oid)))

    @property
    def oid(cls) -> Any:
        """The type's OID, a value of type oid."""
        return types.oid(cls._info.oid)

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
        return types.oid(cls._info.typnamespace)

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
    def typinput(cls) -> Any:
        """The OID of the type's input function."""
        return types.oid(cls._info.functions[0])

    @property
    def typoutput(cls) -> Any:
        """The OID of the type's output function."""
        return types.oid(cls._info.functions[1])

    @property
    def typreceive(cls) -> Any:
        """The OID of the type's binary input function, 0 if there is none."""
        return types.oid(cls._info.functions[2])

    @property
    def typsend(cls) -> Any:
        """The OID of the type's binary output function, 0 if there is none."""
        return types.oid(cls._info.functions[3])

    @property
    def typmodin(cls) -> Any:
        """The OID of the function that reads type modifiers, 0 if there is none."""
        return types.oid(cls._info.functions[4])

    @property
    def typmodout(cls) -> Any:
        """The OID of the function that shows type modifiers, 0 if there is none."""
        return types.oid(cls._info.functions[5])

    def check(cls, value: Any) -> None:
        """Raise 23502 or 23514 if a domain forbids the value; None is NULL.

        Other types forbid nothing but what their class cannot be made of.
        """
        _values.check(cls._info, value)


def _named(name: Any) -> Type:
    if isinstance(name, Type):
        return name
    if isinstance(name, str):
        return _class(_values.resolve(name))
    return _class(int(name))


def _class(oid: int) -> Type:
    return cast("Type", _values.class_of(oid))


def _class_or_none(oid: int | None) -> Type | None:
    return None if oid is None else _class(oid)


class _Types:
    """Every type of `pg_catalog` by name: `Postgres.types.int4`."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        oid = None if name.startswith("__") else _values.in_catalog(name)
        if oid is None:
            message = f"pg_catalog has no type {name!r}"
            raise AttributeError(message, name=name, obj=self)
        return _values.class_of(oid)

    def __repr__(self) -> str:
        return "Postgres.types"


types = _Types()

#: Class of a family by the type's name in pg_catalog.
_families: dict[str, Type] = {}
#: By the kind of `pg_type.typtype`, and "array".
_kinds: dict[str, Type] = {}


def family(*names: str) -> Callable[[Type], Type]:
    """Note the class as that of the types of these names."""

    def note(noted: Type) -> Type:
        for name in names:
            _families[name] = noted
        return noted

    return note


def kind_of(kind: str) -> Callable[[Type], Type]:
    """Note the class as that of all types of a kind."""

    def note(noted: Type) -> Type:
        _kinds[kind] = noted
        return noted

    return note


class Value(Object, metaclass=Type):
    """A value of a type that has no family of its own."""

    __slots__ = ()


def _base_of(info: TypeInfo) -> Type:
    """Give the class that a type's own is below."""
    if info.base is not None:
        return _class(info.base)
    if info.nspname == "pg_catalog" and info.typname in _families:
        return _families[info.typname]
    if info.element is not None:
        return _kinds.get("array", Value)
    return _kinds.get(info.kind, Value)


def make_class(info: TypeInfo) -> Type:
    """Make the class of a type; the library calls this once for each."""
    namespace = {
        "__slots__": (),
        "__module__": "Postgres.types",
        "__doc__": f"Values of type {info.nspname}.{info.typname}.",
        "_info": info,
    }
    return Type(info.typname, (_base_of(info),), namespace)
