"""A base class that keeps writes back until the transaction commits."""

from collections.abc import Mapping
from typing import Any

from multicorn._base import ForeignDataWrapper
from multicorn._columns import Columns


class TransactionAwareForeignDataWrapper(ForeignDataWrapper):
    """Collects the writes of a transaction for a `pre_commit` to apply.

    `current_transaction_state` is a list of `('insert', values)`,
    `('update', (oldvalues, newvalues))` and `('delete', oldvalues)`, in the
    order of the calls. A rollback empties it, a rollback to a savepoint drops
    what came after the savepoint. The subclass applies the list in its
    `pre_commit`, where an exception still ends the local transaction.
    """

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        self._init_transaction_state()

    def _init_transaction_state(self) -> None:
        self.current_transaction_state: list[tuple[str, Any]] = []
        self._savepoints: dict[int, int] = {}

    def insert(self, values: dict[str, Any]) -> None:
        """Remember the row."""
        self.current_transaction_state.append(("insert", values))

    def update(self, oldvalues: Any, newvalues: dict[str, Any]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Remember the change; `oldvalues` is the row id."""
        self.current_transaction_state.append(("update", (oldvalues, newvalues)))

    def delete(self, oldvalues: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Remember the removal; `oldvalues` is the row id."""
        self.current_transaction_state.append(("delete", oldvalues))

    def sub_begin(self, level: int) -> None:
        """Mark where this savepoint's writes begin."""
        self._savepoints[level] = len(self.current_transaction_state)

    def sub_commit(self, level: int) -> None:
        """Let the savepoint's writes belong to the level above."""
        self._savepoints.pop(level, None)

    def sub_rollback(self, level: int) -> None:
        """Forget the writes since the savepoint."""
        start = self._savepoints.pop(level, None)
        if start is not None:
            del self.current_transaction_state[start:]

    def commit(self) -> None:
        """Begin anew: the subclass's `pre_commit` has applied the writes."""
        self._init_transaction_state()

    def rollback(self) -> None:
        """Forget all writes."""
        self._init_transaction_state()
