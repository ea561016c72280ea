"""`make demo` shows what it promises, and stops its server on Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from devkit.paths import CHECKOUT

DEMO = str(CHECKOUT / "scripts" / "demo")


@pytest.fixture(scope="module")
def shown() -> str:
    """What the demo prints when it ends by itself."""
    done = subprocess.run([DEMO, "--once"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_each_statement_is_printed_with_its_result(shown: str) -> None:
    assert "FROM lots GROUP BY country ORDER BY kilos DESC;\n  country  | lots | kilos | cost" in shown
    assert "\n Brazil    |   15 | 11370 | 8.83\n" in shown


def test_filters_sort_and_limit_are_pushed(shown: str) -> None:
    remote = [line.partition("Remote SQL: ")[2] for line in shown.splitlines() if "Remote SQL: " in line]
    assert len(remote) == 2
    # A text in SQLite may be stored as a BLOB, which is equal to no text there.
    for part in ("orders.id > ?", "orders.customer_id = ?", "orders.note IN (?, ?)", "ORDER BY orders.id"):
        assert part in remote[0]
    assert remote[1].endswith("ORDER BY orders.id DESC NULLS FIRST LIMIT ? OFFSET ?")


def test_three_sources_are_joined(shown: str) -> None:
    assert "\n 2026-05-02 | KE-047 | Nyeri         |  83.0 | 130.00 |   9.87\n" in shown


def test_a_schema_with_a_view_is_imported(shown: str) -> None:
    assert "\n order_list | id bigint, ordered_on date, customer text," in shown
    assert "\n 2026-05-04 | Fjordkaffe  | GU-038 | 117.5\n" in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_and_then_stops_its_server(number: signal.Signals) -> None:
    with subprocess.Popen([DEMO], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        lines: list[str] = []
        for line in demo.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        (connect,) = [line.split() for line in lines if "--host=" in line]
        (host,) = [Path(word.partition("=")[2]) for word in connect if word.startswith("--host=")]
        asked = subprocess.run(
            [*connect, "-Atc", "SELECT count(*) FROM lots"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert asked.stdout == "50\n"
        demo.send_signal(number)
        _, errors = demo.communicate(timeout=60)
    assert demo.returncode == (0 if number == signal.SIGINT else 128 + number)
    assert errors == ""
    assert not host.exists()
