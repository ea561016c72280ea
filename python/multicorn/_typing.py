"""What code needs of `typing` while it runs, without the price of importing it.

Modules that every session loads say `TYPE_CHECKING = False`, which checkers
take for the constant of that name, and import annotations' names below it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import cast
else:

    def cast(_kind: object, value: object) -> object:
        """Give the value: the checker alone looks at the type."""
        return value


__all__ = ["cast"]
