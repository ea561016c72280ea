"""`make bench` still runs: its smallest form, for its output and its file, not for its numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from devkit import server

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_benchmark_compares_all_ways(installation: server.Installation, tmp_path: Path) -> None:
    control = installation.directory("SHAREDIR") / "extension" / "plpython3u.control"
    if not control.exists():
        pytest.skip("this PostgreSQL comes without PL/Python, which is what the benchmark compares with")
    target = tmp_path / "bench.json"
    command = [sys.executable, str(CHECKOUT / "bench" / "run.py"), "--quick", "--rounds", "1"]
    command += ["--only", "sum(int8)", "--only", "prepared", "--only", "INSERT", "--json", str(target)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cases = {case["name"]: case["nanoseconds"] for case in json.loads(target.read_text())["cases"]}
    assert set(cases["sum(int8)"]) == {"dict", "tuple", "prebuilt", "plpython3u", "file_fdw", "heap"}
    assert set(cases["prepared lookups"]) == {"dict", "tuple", "prebuilt", "plpython3u", "heap"}
    assert set(cases["INSERT … SELECT"]) == {"insert", "bulk_insert", "plpython3u", "heap"}
    assert all(samples and min(samples) > 0 for case in cases.values() for samples in case.values())
    assert "5 custom plans, then 7 generic  met" in done.stdout
