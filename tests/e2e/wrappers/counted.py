"""Objects that count how many of them are alive, in every place where a conversion may hold one."""

from __future__ import annotations

import collections.abc
import gc
import types
from collections.abc import Iterator
from typing import Any

from multicorn import ForeignDataWrapper


class Thing:
    """An object with a text form; `Thing.live` counts them."""

    live = 0

    def __init__(self, text: str = "thing") -> None:
        Thing.live += 1
        self.text = text

    def __del__(self) -> None:
        Thing.live -= 1

    def __str__(self) -> str:
        return self.text


class Mute(Thing):
    """Has no text form."""

    def __str__(self) -> str:
        raise ValueError("no text")


class Clinging(Thing):
    """Its end never comes by itself."""

    def __del__(self) -> None:
        super().__del__()
        while True:
            pass


class Makes(Thing, collections.abc.Mapping[str, Any]):
    """A mapping whose every value is a new object that nobody else holds."""

    def __getitem__(self, key: str) -> Thing:
        return Thing(key)

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __len__(self) -> int:
        return 2


class Lists(Thing, collections.abc.Sequence[Any]):
    """The same as a sequence of two."""

    def __getitem__(self, index: Any) -> Thing:
        if index > 1:
            raise IndexError(index)
        return Thing()

    def __len__(self) -> int:
        return 2


NAMES = {**globals(), "namespace": types.SimpleNamespace}


class Counted(ForeignDataWrapper):
    """What `execute` returns is the value of the option `rows`, a Python expression."""

    def __init__(self, options: dict[str, str], columns: Any) -> None:
        super().__init__(options, columns)
        self.rows = options["rows"]

    def execute(self, quals: Any, columns: Any) -> Any:
        return eval(self.rows, NAMES)


class Live(ForeignDataWrapper):
    """One row: how many objects are alive."""

    def execute(self, quals: Any, columns: Any) -> Iterator[tuple[int]]:
        gc.collect()
        yield (Thing.live,)
