"""SqlAlchemyFdw that stops for ever at one phase of a write, and says so."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from multicorn import Columns
from multicorn.sqlalchemyfdw import SqlAlchemyFdw


class Halting(SqlAlchemyFdw):
    """The option `halts_at` names the phase, the option `pipe` the named pipe that is told.

    Phases: `before` and `after` the remote INSERT, `pre_commit` before the remote COMMIT, `between` it and
    the local one, `committed` after that.
    """

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        options = dict(fdw_options)
        self._phase = options.pop("halts_at", "")
        self._pipe = Path(options.pop("pipe"))
        super().__init__(options, fdw_columns)

    def _reach(self, phase: str) -> None:
        if phase == self._phase:
            # Returns when the test has opened the other end.
            self._pipe.write_text(phase)
            threading.Event().wait()

    def insert(self, values: dict[str, Any], on_conflict: str | None = None) -> Any:
        self._reach("before")
        stored = super().insert(values, on_conflict)
        self._reach("after")
        return stored

    def bulk_insert(
        self, all_values: list[dict[str, Any]], on_conflict: str | None = None
    ) -> Sequence[Any] | None:
        self._reach("before")
        stored = super().bulk_insert(all_values, on_conflict)
        self._reach("after")
        return stored

    def pre_commit(self) -> None:
        self._reach("pre_commit")
        super().pre_commit()
        self._reach("between")

    def commit(self) -> None:
        self._reach("committed")
        super().commit()
