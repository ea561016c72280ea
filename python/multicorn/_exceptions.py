"""The exception by which Python code ends the statement with its own words."""

_ERROR = 40


class MulticornException(Exception):  # noqa: N818 - the name is the contract's
    """An error whose message, hint and detail reach the client as they are.

    `code` is a number of the `logging` module: ERROR ends the statement,
    CRITICAL ends the session. `log_to_postgres` raises it for both levels, so
    that `finally` blocks run before the server reports anything. `sqlstate` is
    the error's five-character code, HV000 if it is None.
    """

    def __init__(
        self,
        message: str,
        code: int = _ERROR,
        hint: str | None = None,
        detail: str | None = None,
        sqlstate: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.detail = detail
        self.sqlstate = sqlstate

    @property
    def level(self) -> int:
        """The same number as `code`, under the name that logging uses."""
        return self.code

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # The default rebuilds from args alone and would lose hint and detail
        # when an exception comes back from a worker process.
        state = (self.message, self.code, self.hint, self.detail, self.sqlstate)
        return (type(self), state)
