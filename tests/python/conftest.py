"""Fixtures: a stand-in for the native module, and tables' columns."""

import logging
import sys
import threading
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from types import ModuleType

import pytest

from multicorn import ColumnDefinition, Columns, _logging, _output


@dataclass
class Messages:
    """What was sent to the server: (level, message, hint, detail), and print."""

    sent: list[tuple[int, str, str | None, str | None]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    rights: tuple[bool, bool, bool, list[str]] | None = (True, True, True, [])

    def texts(self, level: int | None = None) -> list[str]:
        return [text for at, text, _, _ in self.sent if level in (None, at)]

    def warnings(self) -> list[str]:
        return self.texts(logging.WARNING)


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Messages:
    """Install a native module that records; calls check the agreed types."""
    recorded = Messages()
    module = ModuleType("multicorn._native")

    def log(
        level: int, message: str, hint: str | None = None, detail: str | None = None
    ) -> None:
        assert isinstance(level, int)
        assert isinstance(message, str)
        recorded.sent.append((level, message, hint, detail))

    def print_message(text: str) -> None:
        recorded.printed.append(text)

    def is_main_thread() -> bool:
        return threading.current_thread() is threading.main_thread()

    members: dict[str, object] = {
        "log": log,
        "print_message": print_message,
        "output_pending": lambda: None,
        "check_interrupts": lambda: None,
        "is_main_thread": is_main_thread,
        "rights": lambda: recorded.rights,
    }
    for name, member in members.items():
        setattr(module, name, member)
    monkeypatch.setitem(sys.modules, "multicorn._native", module)
    return recorded


ColumnMaker = Callable[..., Columns]


@pytest.fixture
def columns() -> ColumnMaker:
    """Build columns: names, or name=type."""

    def make(*names: str, **types: str) -> Columns:
        pairs = [*((name, "text") for name in names), *types.items()]
        return Columns(
            (name, ColumnDefinition(name, type_name=kind, base_type_name=kind))
            for name, kind in pairs
        )

    return make


@pytest.fixture
def bridge(messages: Messages) -> Messages:
    """Ask for the logging bridge to be installed while the test runs."""
    return messages


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Install the bridge around the test alone.

    A fixture would be too early: between setting up and calling, pytest puts
    its own sys.stdout and hooks in place again.
    """
    if "bridge" not in getattr(item, "fixturenames", ()):
        return (yield)
    root = logging.getLogger()
    saved = (sys.stdout, sys.stderr, sys.unraisablehook, threading.excepthook)
    level, show = root.level, warnings.showwarning
    _output.install()
    try:
        return (yield)
    finally:
        sys.stdout, sys.stderr, sys.unraisablehook, threading.excepthook = saved
        warnings.showwarning = show
        root.setLevel(level)
        _output._streams.clear()
        for handler in list(root.handlers):
            if isinstance(handler, _logging.ServerHandler):
                root.removeHandler(handler)
