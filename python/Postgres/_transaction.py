"""Subtransactions: `xact()`."""

from __future__ import annotations

from Postgres._server import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Transaction:
    """A subtransaction as a context manager; `xact` is the same class.

    What happens inside the `with` statement is undone if it ends with an
    exception, and so is the error itself: after

        try:
            with xact():
                prepare("INSERT ...")()
        except Postgres.Exception:
            ...

    the function may go on. Without it, every action on the database after an
    error is refused ("database action attempted while in failed transaction"),
    and a function that returns in spite of it fails ("function failed to
    propagate error state").

    Each object is for one use: entering a second time is RuntimeError. Blocks
    are strictly nested and belong to the call that opened them; leaving them in
    another order, or not at all, is an error (SQLSTATE PY002). It can be
    entered only in functions of LANGUAGE python, RuntimeError elsewhere.
    """

    __slots__ = ("_number",)

    def __init__(self) -> None:
        self._number: int | None = None

    def __enter__(self) -> Self:
        """Begin the subtransaction."""
        if self._number is not None:
            raise RuntimeError("a Transaction is for one use; make another by xact()")
        self._number = native().pl_begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the subtransaction, or roll it back after an exception."""
        if self._number is None:
            raise RuntimeError("the Transaction was not entered")
        native().pl_end(self._number, kind is None)


xact = Transaction


def commit() -> None:
    """Commit the transaction and begin the next one.

    Only in a procedure that CALL has called, or a DO block, outside of every
    transaction block and `xact()`: elsewhere an error (2D000). Cursors end.
    """
    native().pl_end_transaction(True)  # noqa: FBT003


def rollback() -> None:
    """Roll the transaction back and begin the next one; see `commit`.

    It ends the failed state, too, that an error has left.
    """
    native().pl_end_transaction(False)  # noqa: FBT003
