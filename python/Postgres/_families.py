"""Which family a type belongs to, and the making of its class."""

from __future__ import annotations

from Postgres._types import Type, Value, class_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from multicorn._values import TypeInfo

#: Module and class of a family, by the names of its types in pg_catalog.
_BY_NAME = {
    name: (module, family)
    for module, family, names in (
        ("_scalars", "Boolean", "bool"),
        ("_scalars", "Integer", "int2 int4 int8"),
        ("_scalars", "Number", "float4 float8 numeric"),
        ("_scalars", "String", "text varchar bpchar name char"),
        ("_scalars", "Bytes", "bytea"),
        ("_scalars", "Uuid", "uuid"),
        ("_scalars", "Network", "inet cidr"),
        (
            "_scalars",
            "Oid",
            "oid cid regproc regprocedure regoper regoperator regclass regtype",
        ),
        (
            "_scalars",
            "Oid",
            "regrole regnamespace regconfig regdictionary regcollation",
        ),
        ("_scalars", "Xid", "xid"),
        ("_scalars", "Xid8", "xid8"),
        ("_moments", "Date", "date"),
        ("_moments", "Time", "time"),
        ("_moments", "TimeTz", "timetz"),
        ("_moments", "Timestamp", "timestamp"),
        ("_moments", "TimestampTz", "timestamptz"),
        ("_moments", "Interval", "interval"),
        ("_documents", "Json", "json"),
        ("_documents", "Jsonb", "jsonb"),
        ("_records", "Record", "record"),
    )
    for name in names.split()
}

#: The same by `pg_type.typtype`, and for true arrays.
_BY_KIND = {
    "array": ("_arrays", "Array"),
    "c": ("_records", "Record"),
    "e": ("_scalars", "Enum"),
    "r": ("_ranges", "RangeValue"),
    "m": ("_ranges", "MultirangeValue"),
}


def _family_of(info: TypeInfo) -> Type:
    """Give the class that a type's own is right below."""
    if info.base is not None:
        return class_of(info.base)
    found = None
    if info.nspname == "pg_catalog":
        found = _BY_NAME.get(info.typname)
    elif info.typname == "hstore" and info.kind == "b":
        found = ("_documents", "Hstore")
    if found is None:
        found = _BY_KIND.get("array" if info.element is not None else info.kind)
    if found is None:
        return Value
    module, family = found
    made: Type = getattr(__import__(f"Postgres.{module}", fromlist=["*"]), family)
    return made


def make_class(info: TypeInfo) -> Type:
    """Make the class of a type; the library calls this once for each."""
    namespace: dict[str, Any] = {
        "__slots__": (),
        "__module__": "Postgres.types",
        "__doc__": f"Values of type {info.nspname}.{info.typname}.",
        "_info": info,
    }
    return Type(info.typname, (_family_of(info),), namespace)
