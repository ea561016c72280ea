"""Column names of a result as the keys of its rows.

A result may have two columns of one name, which a dict would merge. The second `name` becomes `name_2`, the
third `name_3`; a name that another column really has is never taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The keys for columns of these names, in their order; equal to `names` unless some repeat."""
    given = tuple(names)
    return given if len(set(given)) == len(given) else _distinct(given)


@lru_cache(maxsize=256)
def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    taken = set(names)
    counts: dict[str, int] = {}
    keys: list[str] = []
    for name in names:
        count = counts.get(name, 0) + 1
        key = name
        if count > 1:
            while (key := f"{name}_{count}") in taken:
                count += 1
            taken.add(key)
        counts[name] = count
        keys.append(key)
    return tuple(keys)
