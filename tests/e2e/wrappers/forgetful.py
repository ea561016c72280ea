"""SqlAlchemyFdw without one snapshot for scan and change, so that rows can be gone in between."""

from __future__ import annotations

from typing import Any

from multicorn.sqlalchemyfdw import SqlAlchemyFdw


class Forgetful(SqlAlchemyFdw):
    """Reads all rows at once, and begins its remote transaction anew for each change."""

    def execute(self, *args: Any, **keywords: Any) -> Any:
        return list(super().execute(*args, **keywords))

    def update(self, rowid: Any, newvalues: dict[str, Any]) -> Any:
        self._part.finish()
        return super().update(rowid, newvalues)

    def delete(self, rowid: Any) -> Any:
        self._part.finish()
        return super().delete(rowid)
