"""The rows of the benchmark: made once per backend, then only handed over.

`ready(shape, count)` is a list of tuples, one item a column; `generate` and `generate_dicts` yield its
rows. Nothing is computed while a query runs, so that the way into the server is all that is compared:
a generator that also made its values would flatter every share.
"""

from __future__ import annotations

import functools
import gc
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
DAY = date(2020, 1, 1)

COLUMNS: dict[str, dict[str, str]] = {
    "numbers": {"n": "int8"},
    "texts": {"a": "text", "b": "text", "c": "text", "d": "text"},
    "mixed": {
        "i8": "int8",
        "f8": "float8",
        "t": "text",
        "tz": "timestamptz",
        "num": "numeric",
        "js": "jsonb",
        "by": "bytea",
        "bo": "bool",
        "da": "date",
        "uu": "uuid",
        "ar": "int4[]",
    },
    "pairs": {"id": "int8", "v": "text"},
}


def _number(i: int) -> tuple[Any, ...]:
    return (i * 7,)


def _text(i: int) -> tuple[Any, ...]:
    return (f"name {i}", f"street {i % 977} of town {i % 89}", f"{i:08x}-{i * 31:08x}", f"note {i % 13}")


def _mixed(i: int) -> tuple[Any, ...]:
    return (
        i * 7,
        i / 3,
        f"row number {i}",
        EPOCH + timedelta(seconds=i * 61, microseconds=i),
        Decimal(i * 1001) / 100,
        json.dumps({"id": i, "tags": ["a", "b"], "ok": i % 2 == 0}),
        i.to_bytes(12, "big"),
        i % 2 == 0,
        DAY + timedelta(days=i % 3000),
        UUID(int=i * 0x1_0000_0000_0000_0001),
        [i, i + 1, i + 2],
    )


def _pair(i: int) -> tuple[Any, ...]:
    return (i, f"value {i}")


MAKERS: dict[str, Callable[[int], tuple[Any, ...]]] = {
    "numbers": _number,
    "texts": _text,
    "mixed": _mixed,
    "pairs": _pair,
}


@functools.cache
def ready(shape: str, count: int) -> list[tuple[Any, ...]]:
    rows = [MAKERS[shape](i) for i in range(count)]
    # A full collection would walk all of them in the middle of somebody's measurement.
    gc.freeze()
    return rows


@functools.cache
def ready_dicts(shape: str, count: int) -> list[dict[str, Any]]:
    names = list(COLUMNS[shape])
    rows = [dict(zip(names, row, strict=True)) for row in ready(shape, count)]
    gc.freeze()
    return rows


@functools.cache
def ready_scalars(shape: str, count: int) -> list[Any]:
    return [row[0] for row in ready(shape, count)]


def generate(shape: str, count: int) -> Iterator[tuple[Any, ...]]:
    for row in ready(shape, count):  # noqa: UP028 - a generator as people write it, not a delegation
        yield row


def generate_dicts(shape: str, count: int) -> Iterator[dict[str, Any]]:
    for row in ready_dicts(shape, count):  # noqa: UP028 - as above
        yield row


def generate_scalars(shape: str, count: int) -> Iterator[Any]:
    """What a function that returns SETOF a plain type yields."""
    for value in ready_scalars(shape, count):  # noqa: UP028 - as above
        yield value


@functools.cache
def by_id(shape: str, count: int) -> dict[int, tuple[Any, ...]]:
    return {row[0]: row for row in ready(shape, count)}


def find(shape: str, count: int, wanted: int) -> Iterator[tuple[Any, ...]]:
    """The row with that id, if there is one."""
    row = by_id(shape, count).get(wanted)
    if row is not None:
        yield row


def find_dict(shape: str, count: int, wanted: int) -> Iterator[dict[str, Any]]:
    """As `find`, with a row that is made for the answer."""
    row = by_id(shape, count).get(wanted)
    if row is not None:
        yield {"id": row[0], "v": row[1]}
