"""PostgreSQL's own types and services, for functions of `LANGUAGE python`."""

from Postgres._pytypes import convert_postgres_objects, iterpytypes, pytypes
from Postgres._ranges import Range
from Postgres._records import TupleDesc
from Postgres._types import Object, Type, types

__all__ = [
    "Object",
    "Range",
    "TupleDesc",
    "Type",
    "convert_postgres_objects",
    "iterpytypes",
    "pytypes",
    "types",
]
