"""Messages to the server, and the level names that go with them."""

from logging import CRITICAL, DEBUG, ERROR, INFO, WARNING

from multicorn._exceptions import MulticornException
from multicorn._server import native

__all__ = [
    "CRITICAL",
    "DEBUG",
    "ERROR",
    "INFO",
    "WARNING",
    "MulticornException",
    "check_interrupts",
    "log_to_postgres",
]


def log_to_postgres(
    message: object,
    level: int = INFO,
    hint: str | None = None,
    detail: str | None = None,
) -> None:
    """Send a message to the client and the server's log.

    `level` is a number of the `logging` module. DEBUG becomes the server's
    DEBUG1, INFO a NOTICE, WARNING a WARNING. ERROR and CRITICAL raise
    `MulticornException`; when that reaches the server, ERROR ends the
    statement and CRITICAL the session. Any object may be the message, its
    `str()` is sent.
    """
    text = str(message)
    if level >= ERROR:
        raise MulticornException(text, level, hint, detail)
    native().log(level, text, hint, detail)


def check_interrupts() -> None:
    """Let a cancel, a timeout or a terminate end this statement now.

    Only long C calls need it: between two Python instructions the server's
    requests are noticed without it. Raises `QueryCancelled`, which is not an
    `Exception`; let it pass.
    """
    native().check_interrupts()
