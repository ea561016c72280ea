"""The objects that Python's garbage collector knows of in this backend.

For finding out what a wrapper leaves behind: count by type, run the wrapper,
count again.
"""

import gc
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from multicorn._base import ForeignDataWrapper
from multicorn._qual import Qual


class GCForeignDataWrapper(ForeignDataWrapper):
    """Returns one row for each tracked object.

    Columns, any of them: `object` (its repr), `type` (the class's name),
    `id` (its address as text), `refcount`.
    """

    def execute(
        self, quals: Sequence[Qual], columns: set[str]
    ) -> Iterator[dict[str, Any]]:
        """Collect, then describe what is left."""
        del quals
        gc.collect()
        for item in gc.get_objects():
            row: dict[str, Any] = {}
            if "object" in columns:
                row["object"] = _safe_repr(item)
            if "type" in columns:
                row["type"] = type(item).__name__
            if "id" in columns:
                row["id"] = str(id(item))
            if "refcount" in columns:
                # Less our own two: the variable and getrefcount's argument.
                row["refcount"] = sys.getrefcount(item) - 2
            yield row


def _safe_repr(item: object) -> str:
    """Return the repr; half-built and foreign objects may have none."""
    try:
        text = repr(item)
    except Exception as error:  # noqa: BLE001 - whatever a __repr__ raises
        return f"<{type(item).__name__}: repr raised {type(error).__name__}>"
    # NUL bytes and lone surrogates cannot be stored as text.
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
