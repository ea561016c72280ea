"""What the library's module and its stand-in both offer, for type checkers."""

from typing import Any, Protocol


class NativeModule(Protocol):
    """What `multicorn._native` and its stand-in both offer."""

    def log(
        self,
        level: int,
        message: str,
        hint: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Send one message to the server."""
        ...

    def print_message(self, text: str) -> None:
        """Send one message at the level of multicorn.print_level."""
        ...

    def output_pending(self) -> None:
        """Note an unfinished line."""
        ...

    def check_interrupts(self) -> None:
        """Raise QueryCancelled if the statement must end."""
        ...

    def is_main_thread(self) -> bool:
        """Tell whether the caller is the backend's main thread."""
        ...

    @property
    def ServerError(self) -> type[Exception]:  # noqa: N802 - the class's name
        """The class of the server's errors."""
        ...

    def sql_execute(
        self,
        query: str,
        args: tuple[object, ...],
    ) -> tuple[list[dict[str, Any]] | None, int]:
        """Run one SQL statement; return its rows, and their number."""
        ...

    def sql_open(self, query: str, args: tuple[object, ...]) -> tuple[str, int]:
        """Open a cursor and return its name, and the role as which it runs."""
        ...

    def sql_fetch(self, cursor: str, role: int, count: int) -> list[dict[str, Any]]:
        """Return the next rows of a cursor."""
        ...

    def sql_close(self, cursor: str) -> None:
        """Close a cursor, where that is possible now."""
        ...

    def rights(self) -> tuple[bool, bool, bool, list[str]] | None:
        """Tell the rights behind the options of the wrapper being made."""
        ...
