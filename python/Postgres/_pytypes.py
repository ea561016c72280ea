"""Values of the server in Python's own types."""

from __future__ import annotations

from Postgres._types import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeVar

    R = TypeVar("R")


def convert(value: Any) -> Any:
    """Give one value's counterpart in Python, or itself if it has none."""
    return value._plain() if isinstance(value, Value) else value


def convert_postgres_objects(values: Iterable[Any]) -> tuple[Any, ...]:
    """Convert each value to its counterpart in Python.

    boolean, numbers, text, bytea, dates and times, uuid, json, arrays, rows,
    ranges, enums, networks and hstore have one, and domains that of their base;
    what has none stays as it is.
    """
    return tuple(convert(value) for value in values)


def iterpytypes(rows: Iterable[Iterable[Any]]) -> Iterator[tuple[Any, ...]]:
    """Convert the values of each row, one row at a time."""
    return map(convert_postgres_objects, rows)


def pytypes(function: Callable[..., R]) -> Callable[..., R]:
    """Decorate an entry that takes its arguments in Python's own types.

    The values of `convert_postgres_objects` take the place of the server's.
    """
    from functools import wraps

    @wraps(function)
    def entry(*args: Any, **keywords: Any) -> R:
        return function(
            *map(convert, args),
            **{name: convert(value) for name, value in keywords.items()},
        )

    return entry
