"""A wrapper that needs nothing but the package: what remains is the cost of starting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from multicorn import ForeignDataWrapper


class First(ForeignDataWrapper):
    """One row."""

    def execute(self, quals: Any, columns: Any) -> Iterable[Any]:
        return [(1, "one")]
