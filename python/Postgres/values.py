"""The families of types: what the class of every value is below.

`isinstance(value, Array)` tells an array of any type. The classes of types
themselves are `Postgres.types` and `Postgres.Type`; what all of them have is
`Postgres.Object`'s.
"""

from Postgres._arrays import Array
from Postgres._documents import Hstore, Json, Jsonb
from Postgres._moments import (
    Date,
    Interval,
    Moment,
    Time,
    Timestamp,
    TimestampTz,
    TimeTz,
)
from Postgres._ranges import MultirangeValue, RangeValue
from Postgres._records import Record
from Postgres._scalars import (
    Boolean,
    Bytes,
    Enum,
    Integer,
    Network,
    Number,
    Oid,
    String,
    Uuid,
    Xid,
    Xid8,
)
from Postgres._types import Value

__all__ = [
    "Array",
    "Boolean",
    "Bytes",
    "Date",
    "Enum",
    "Hstore",
    "Integer",
    "Interval",
    "Json",
    "Jsonb",
    "Moment",
    "MultirangeValue",
    "Network",
    "Number",
    "Oid",
    "RangeValue",
    "Record",
    "String",
    "Time",
    "TimeTz",
    "Timestamp",
    "TimestampTz",
    "Uuid",
    "Value",
    "Xid",
    "Xid8",
]
