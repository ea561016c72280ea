"""A counter that shows how long an instance lives."""

from collections.abc import Iterator, Mapping, Sequence

from multicorn._base import ForeignDataWrapper
from multicorn._columns import Columns
from multicorn._qual import Qual


class StateFdw(ForeignDataWrapper):
    """Returns one row, which counts the scans of this instance, from 1.

    The number starts anew when the table's options or columns change, and in
    each session.
    """

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        self._names = list(fdw_columns)
        self._scans = 0

    def get_rel_size(self, quals: Sequence[Qual], columns: set[str]) -> tuple[int, int]:
        """Return one row of one number a column."""
        del quals
        return (1, 4 * max(1, len(columns)))

    def execute(
        self, quals: Sequence[Qual], columns: set[str]
    ) -> Iterator[dict[str, int]]:
        """Return the count, in every column."""
        del quals, columns
        self._scans += 1
        yield dict.fromkeys(self._names, self._scans)
