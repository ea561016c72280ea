-- Classes and values of LANGUAGE python that somebody has tampered with.
\set SHOW_CONTEXT never
DO LANGUAGE python $$
import gc
from Postgres import NOTICE, Object, Type, types

def attempt(what):
    try:
        NOTICE(f"{what()!r}")
    except (TypeError, AttributeError, BufferError, ValueError, RuntimeError) as error:
        NOTICE(f"{type(error).__name__}: {error}")

def refused(what):
    try:
        what()
    except (TypeError, AttributeError, BufferError) as error:
        NOTICE("refused")

class Wrong(types.bytea):
    _info = types.int4._info

class Row(types.record):
    _info = types.int8._info

class Several(types._int4):
    _info = types.text._info

attempt(lambda: Wrong(5))
refused(lambda: memoryview(Wrong(5)))
refused(lambda: bytes(Wrong(5)))
attempt(lambda: Row(5)["a"])
attempt(lambda: Row(5).a)
attempt(lambda: list(Row(5)))
attempt(lambda: Several("x")[0])
attempt(lambda: Several("x").dimensions)

class Without(types.int4):
    _info = None

attempt(lambda: Without(1))
attempt(lambda: Object.__new__(Object, 1))
attempt(lambda: object.__new__(types.int4))
attempt(lambda: types.int4.__new__(types.text, 5))
attempt(lambda: types.int4.__new__(int, 5))
value = types.int4(5)
refused(lambda: setattr(value, "x", 1))
attempt(lambda: setattr(value, "__class__", types.text) or (value, value + 1))
attempt(lambda: type(types.int4)("made", (types.int4,), {})(7))
attempt(lambda: type("both", (types.int4, types.text), {"__slots__": ()})(7))
attempt(lambda: type("withint", (types.int4, int), {}))
kept = [types.numeric("1.5") for _ in range(10)]
from Postgres import clearcache
clearcache()
gc.collect()
attempt(lambda: sum(kept, types.numeric(0)))
attempt(lambda: types.numeric is type(kept[0]))
attempt(lambda: kept[0] + types.numeric(1) == types.numeric("2.5"))
attempt(lambda: isinstance(kept[0], types.numeric))

class Circle(types.int4):
    pass
for _ in range(100):
    circle = Circle(1)
    circle.itself = circle
    circle.of = Circle
del circle, Circle
gc.collect()
$$;
-- a function that breaks its own types does no harm to the next
DO LANGUAGE python $$
from Postgres import NOTICE, types
NOTICE(str(types.int4(1) + 1))
$$;
