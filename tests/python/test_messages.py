"""Python's logging, warnings, print and thread failures as server messages."""

import contextlib
import io
import logging
import sys
import threading
import time
import warnings

import pytest

from multicorn import _output
from multicorn._logging import ServerHandler
from multicorn._secrets import mask, mask_values
from multicorn._streams import MessageStream

from .conftest import Messages


def logger() -> logging.Logger:
    return logging.getLogger("some.library")


def test_records_arrive_at_the_servers_levels(bridge: Messages) -> None:
    logging.getLogger().setLevel(1)
    for level in (5, 10, 15, 20, 25, 30, 35, 40, 50):
        logger().log(level, "at %d", level)
    assert [(level, text) for level, text, _, _ in bridge.sent] == [
        (10, "at 5"),
        (10, "at 10"),
        (10, "at 15"),
        (20, "at 20"),
        (20, "at 25"),
        (30, "at 30"),
        (30, "at 35"),
        (30, "at 40"),
        (30, "at 50"),
    ]


def test_an_error_record_does_not_raise(bridge: Messages) -> None:
    try:
        {}["missing"]
    except KeyError:
        logger().exception("look-up failed")
    [(level, text, hint, detail)] = bridge.sent
    assert (level, text, hint) == (logging.WARNING, "look-up failed", None)
    assert detail is not None
    assert detail.startswith("Traceback")
    assert detail.endswith("KeyError: 'missing'")


def test_info_is_off_by_default(bridge: Messages) -> None:
    logger().info("chatter")
    assert bridge.sent == []


def test_a_record_that_cannot_be_formatted(bridge: Messages) -> None:
    logger().warning("only %s and %s", "one")
    [(level, text, _, detail)] = bridge.sent
    assert level == logging.WARNING
    assert text == "a log message could not be formatted: 'only %s and %s'"
    assert detail is not None
    assert "TypeError at " in detail


def test_a_failing_server_call_is_swallowed(
    bridge: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("not in a transaction")

    native = sys.modules["multicorn._native"]
    monkeypatch.setattr(native, "log", broken)
    monkeypatch.setattr(native, "print_message", broken)
    logger().error("lost")
    print("lost too")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("lost as well", UserWarning, stacklevel=1)


def test_a_cancel_passes_through(
    bridge: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cancelled(BaseException):
        pass

    def cancel(*_args: object) -> None:
        raise Cancelled

    monkeypatch.setattr(sys.modules["multicorn._native"], "log", cancel)
    with pytest.raises(Cancelled):
        logger().error("x")
    monkeypatch.undo()
    # The flag against recursion must not stay set.
    assert not _output.busy.now


def test_a_message_that_logs_while_it_is_made(bridge: Messages) -> None:
    class Chatty:
        def __str__(self) -> str:
            logger().warning("inner")
            return "outer"

    logger().warning("%s", Chatty())
    assert bridge.texts() == ["inner", "outer"]


def test_a_server_call_that_logs_does_not_recurse(
    bridge: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = sys.modules["multicorn._native"]
    depth: list[str] = []

    def log(_level: int, message: str, *_rest: object) -> None:
        depth.append(message)
        logger().warning("again")
        print("more")

    monkeypatch.setattr(native, "log", log)
    logger().warning("once")
    assert depth == ["once"]


def test_records_from_threads_arrive(bridge: Messages) -> None:
    def work(number: int) -> None:
        logger().warning("thread %d", number)
        print("line", number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(bridge.texts()) == [f"thread {n}" for n in range(8)]
    assert sorted(bridge.printed) == [f"line {n}" for n in range(8)]


def test_a_thread_that_fails_is_a_warning(bridge: Messages) -> None:
    def fail() -> None:
        raise ValueError("in the background")

    thread = threading.Thread(target=fail, name="worker-1")
    thread.start()
    thread.join()
    [(level, text, _, detail)] = bridge.sent
    assert level == logging.WARNING
    assert text == "a thread ended with an error: worker-1: ValueError"
    assert detail is not None
    assert detail.endswith("ValueError: in the background")


def test_an_error_in_a_destructor_is_a_warning(bridge: Messages) -> None:
    class Failing:
        def __del__(self) -> None:
            raise ValueError("in __del__")

    Failing()
    [(level, text, _, detail)] = bridge.sent
    assert level == logging.WARNING
    assert text.endswith("ValueError")
    assert detail is not None
    assert "in __del__" in detail


def test_warnings_are_warnings(bridge: Messages) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old option", DeprecationWarning, stacklevel=1)
    [(level, text, _, detail)] = bridge.sent
    assert (level, text) == (logging.WARNING, "DeprecationWarning: old option")
    assert detail is not None
    assert detail.startswith(__file__)


def test_a_warning_for_a_file_goes_to_the_file(bridge: Messages) -> None:
    target = io.StringIO()
    with warnings.catch_warnings():
        warnings.showwarning = _output._showwarning
        warnings.showwarning("w", UserWarning, "f.py", 3, target)
    assert "f.py:3: UserWarning: w" in target.getvalue()
    assert bridge.sent == []


def test_install_twice_changes_nothing(bridge: Messages) -> None:
    output = sys.stdout
    _output.install()
    assert sys.stdout is output
    handlers = logging.getLogger().handlers
    assert sum(isinstance(handler, ServerHandler) for handler in handlers) == 1


def test_handler_filters_and_formatters_work(bridge: Messages) -> None:
    handler = next(
        h for h in logging.getLogger().handlers if isinstance(h, ServerHandler)
    )
    handler.addFilter(lambda record: "no" not in record.getMessage())
    handler.setFormatter(logging.Formatter("[%(name)s] %(message)s"))
    logger().warning("no")
    logger().warning("yes")
    assert bridge.texts() == ["[some.library] yes"]


class TestStream:
    def test_lines_are_messages(self, messages: Messages) -> None:
        stream = MessageStream("<stdout>")
        assert stream.write("a") == 1
        stream.write("b\nc\n\nd")
        assert messages.printed == ["ab", "c"]
        stream.flush()
        assert messages.printed == ["ab", "c", "d"]
        stream.flush()
        assert messages.printed == ["ab", "c", "d"]

    def test_print_and_redirection(self, messages: Messages) -> None:
        stream = MessageStream("<stdout>")
        with contextlib.redirect_stdout(stream):
            print("one", 2, sep="-")
            print("no end", end="")
            sys.stdout.flush()
        assert messages.printed == ["one-2", "no end"]

    def test_a_line_without_end_does_not_grow(self, messages: Messages) -> None:
        stream = MessageStream("<stdout>")
        for _ in range(3):
            stream.write("x" * 40_000)
        assert [len(text) for text in messages.printed] == [80_000]
        stream.flush()

    def test_bytes(self, messages: Messages) -> None:
        stream = MessageStream("<stdout>")
        stream.buffer.write("é\n".encode())
        stream.buffer.write(b"\xff\n")
        stream.buffer.flush()
        assert messages.printed == ["é", "\\xff"]

    def test_nul_is_shown(self, messages: Messages) -> None:
        MessageStream("<stdout>").write("a\0b\n")
        assert messages.printed == ["a\\x00b"]

    def test_it_looks_like_a_text_file(self, messages: Messages) -> None:
        stream = MessageStream("<stderr>")
        assert (stream.name, stream.encoding) == ("<stderr>", "utf-8")
        assert stream.writable()
        assert not stream.readable()
        assert not stream.isatty()
        with pytest.raises(io.UnsupportedOperation):
            stream.fileno()

    def test_closing_does_not_silence_it(self, messages: Messages) -> None:
        stream = MessageStream("<stdout>")
        stream.write("left")
        stream.close()
        stream.write("again\n")
        assert messages.printed == ["left", "again"]


def test_statement_end_flushes(bridge: Messages) -> None:
    print("half a line", end="")
    assert bridge.printed == []
    _output.flush()
    assert bridge.printed == ["half a line"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:pw@host/db", "postgresql://u:***@host/db"),
        ("mysql+pymysql://u:p@ss:w/rd@host/db", "mysql+pymysql://u:***@host/db"),
        ("redis://:pw@host", "redis://:***@host"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("http://host:8080/path", "http://host:8080/path"),
        ("host=h password=pw user=u", "host=h password=*** user=u"),
        ("{'password': 'p w', 'x': 1}", "{'password': *** , 'x': 1}"),
        ("pg://h/d?sslpassword=pw&x=1", "pg://h/d?sslpassword=***&x=1"),
        ("password: pw", "password: ***"),
        ("Unexpected token: x", "Unexpected token: x"),
        ('{"token": "x"}', '{"token": ***}'),
        ("API_KEY = abc;", "API_KEY = ***;"),
        ("the password was wrong", "the password was wrong"),
    ],
)
def test_mask(text: str, masked: str) -> None:
    assert mask(text) == masked.replace("*** ,", "***,")


@pytest.mark.parametrize("piece", ["://a:", "a.", "x", "password", "'", "=token"])
def test_mask_is_quick_on_long_text(piece: str) -> None:
    text = piece * 200_000
    started = time.process_time()
    mask(text)
    assert time.process_time() - started < 5


def test_mask_values() -> None:
    assert mask_values("login hunter2 failed", "hunter2", None, "") == (
        "login *** failed"
    )


def test_log_messages_are_masked(bridge: Messages) -> None:
    logger().warning("connecting to %s", "postgresql://u:pw@h/d")
    assert bridge.texts() == ["connecting to postgresql://u:***@h/d"]
