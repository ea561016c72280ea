"""Keeping a wrapper's libraries away from the signals by which the server rules.

A cancel, a timeout, a terminate and a shutdown arrive as signals. A library
that installs a handler of its own (a framework's Ctrl-C, a time limit built on
SIGALRM, SIGPIPE set to its default) would make the session deaf to them, or
end it by the next one, and with it every other session.
"""

from __future__ import annotations

import _thread
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType
    from typing import Any

# The C module: `signal` itself imports enum, which the start does not need.
_signal: Any = __import__("_signal")
_SERVERS = {
    int(getattr(_signal, name)): name
    for name in (
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGUSR1",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGURG",
        "SIGFPE",
    )
}


def protect() -> None:
    """Refuse what would change the server's signals. Repeatable."""
    if not hasattr(_signal, "_multicorn"):
        _signal._multicorn = True
        _install(_Guard(os.getpid(), _thread.get_ident()))


class _Guard:
    """Judges the calls of one process; its children are free."""

    def __init__(self, pid: int, main_thread: int) -> None:
        self._pid = pid
        self._main_thread = main_thread

    def check(self, number: object) -> None:
        """Raise ValueError if the signal is the server's.

        It is what Python raises off the main thread, so that libraries which
        can do without a handler expect it.
        """
        name = _SERVERS.get(int(number)) if isinstance(number, int) else None
        if name is not None and os.getpid() == self._pid:
            raise ValueError(
                f"{name} belongs to the server: a wrapper cannot change what it does"
            )

    def without_servers(self, mask: Iterable[int]) -> list[int]:
        """Return the signals of the mask that the main thread may block.

        No error: multiprocessing blocks SIGINT for a moment when it starts a
        child, which goes as well without.
        """
        if os.getpid() != self._pid or _thread.get_ident() != self._main_thread:
            return list(mask)
        return [number for number in mask if int(number) not in _SERVERS]

    def check_timer(self, which: int) -> None:
        """Raise ValueError for the timer that the server's timeouts use."""
        if which == _signal.ITIMER_REAL:
            self.check(_signal.SIGALRM)


def _install(guard: _Guard) -> None:
    def number(signalnum: int, _what: object) -> None:
        guard.check(signalnum)

    def alarm(_seconds: int) -> None:
        guard.check_timer(_signal.ITIMER_REAL)

    def timer(which: int, *_times: float) -> None:
        guard.check_timer(which)

    change_mask = _signal.pthread_sigmask

    def pthread_sigmask(how: int, mask: Iterable[int]) -> set[int]:
        if how != _signal.SIG_UNBLOCK:
            mask = guard.without_servers(mask)
        return change_mask(how, mask)

    _before(_signal.signal, number)
    _before(_signal.siginterrupt, number)
    _before(_signal.alarm, alarm)
    _before(_signal.setitimer, timer)
    _replace(change_mask, pthread_sigmask)


def _before(function: Callable[..., Any], check: Callable[..., None]) -> None:
    """Run `check` with the arguments of each call of the function."""

    def checked(*arguments: Any) -> Any:
        check(*arguments)
        return function(*arguments)

    _replace(function, checked)


def _replace(function: Callable[..., Any], by: Callable[..., Any]) -> None:
    # `signal` takes over the functions of the C module when it is imported; its
    # own `signal` and `pthread_sigmask` call those of the C module.
    name = function.__name__
    for attribute in ("__name__", "__qualname__", "__doc__"):
        setattr(by, attribute, getattr(function, attribute))
    by.__module__ = "signal"
    modules: list[ModuleType] = [_signal]
    loaded = sys.modules.get("signal")
    if loaded is not None and getattr(loaded, name) is function:
        modules.append(loaded)
    for module in modules:
        setattr(module, name, by)
