"""Conditions of a WHERE clause, as a wrapper sees them."""

from typing import Any

from multicorn._sentinels import ALL, ANY, Sentinel

#: An operator's name, or `(name, True)` for ANY and `(name, False)` for ALL.
Operator = str | tuple[str, bool]


class Qual:
    """A condition `field_name operator value`.

    `operator` is the operator's name as SQL writes it (`=`, `~~` for LIKE);
    with a list as value it is `(name, True)` for `op ANY (list)` and
    `(name, False)` for `op ALL (list)`. IS NULL is `= None`.
    """

    __slots__ = ("field_name", "operator", "value")

    def __init__(self, field_name: str, operator: Operator, value: Any) -> None:
        self.field_name = field_name
        self.operator = operator
        self.value = value

    @property
    def is_list_operator(self) -> bool:
        """Whether the value is a list, matched by ANY or by ALL."""
        return isinstance(self.operator, tuple)

    @property
    def list_any_or_all(self) -> Sentinel:
        """`ANY` or `ALL`; raises AttributeError for a plain operator."""
        if isinstance(self.operator, tuple):
            return ANY if self.operator[1] else ALL
        raise AttributeError(
            f"the condition {self!r} has a plain operator, neither ANY nor ALL"
        )

    def __repr__(self) -> str:
        if isinstance(self.operator, tuple):
            word = "ANY" if self.operator[1] else "ALL"
            return f"{self.field_name} {self.operator[0]} {word}({self.value})"
        return f"{self.field_name} {self.operator} {self.value}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Qual):
            return NotImplemented
        return (self.field_name, self.operator) == (
            other.field_name,
            other.operator,
        ) and bool(self.value == other.value)

    def __hash__(self) -> int:
        # The value may be a list, which has no hash.
        return hash((self.field_name, self.operator))

    def __lt__(self, other: object) -> bool:
        # Wrappers sort their conditions to get a cache key or stable output.
        if not isinstance(other, Qual):
            return NotImplemented
        return self._order() < other._order()

    def _order(self) -> tuple[str, str, str]:
        return (self.field_name, str(self.operator), repr(self.value))
