"""Runs the Python source that a query compares the column `source` with."""

from collections.abc import Iterator, Sequence
from typing import Any

from multicorn import ForeignDataWrapper, Qual


class RunSource(ForeignDataWrapper):
    """One row: the source and `str()` of the variable `result` that it left, or NULL.

    If the source defines `finish`, that is called when the scan is closed.
    """

    def execute(self, quals: Sequence[Qual], columns: object) -> Iterator[dict[str, Any]]:
        for qual in quals:
            if qual.field_name == "source" and qual.operator == "=":
                scope: dict[str, Any] = {}
                exec(qual.value, scope)
                result = scope.get("result")
                try:
                    yield {"source": qual.value, "result": None if result is None else str(result)}
                finally:
                    scope.get("finish", int)()
