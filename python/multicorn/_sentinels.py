"""Values that are only ever compared by identity."""

from typing import Final


class Sentinel:
    """A value of its own kind.

    Copies and unpickled ones are the same object, so that `is` stays true.
    """

    __slots__ = ("_name", "_shown")

    def __init__(self, name: str, shown: str | None = None) -> None:
        self._name = name
        self._shown = shown or name

    def __repr__(self) -> str:
        return self._shown

    def __reduce__(self) -> str:
        return self._name


ANY: Final = Sentinel("ANY")
ALL: Final = Sentinel("ALL")
#: The value of a condition that is not known while planning: a parameter.
UNBOUND: Final = Sentinel("UNBOUND", "?")
#: In place of a stored row: nothing was stored, changed or removed.
SKIPPED: Final = Sentinel("SKIPPED")
