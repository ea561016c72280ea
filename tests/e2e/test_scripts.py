"""The scripts that everything else relies on: installing, counting, clusters from the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from devkit import run_tests, tally
from devkit.mirror import mirror_exactly, replace_file
from devkit.paths import CHECKOUT
from devkit.server import Installation
from devkit.tally import Tally


def test_installing_python_removes_what_is_stale(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "inner").mkdir(parents=True)
    (source / "kept.py").write_text("1")
    (source / "inner" / "kept.py").write_text("2")
    (source / "notes.txt").write_text("not installed")
    for stale in ("gone.py", "kept.so", "__pycache__/gone.cpython-311.pyc", "old/deep/x.py"):
        (target / stale).parent.mkdir(parents=True, exist_ok=True)
        (target / stale).write_text("stale")
    (target / "__pycache__" / "kept.cpython-311.pyc").write_text("byte code")

    def present() -> set[str]:
        return {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}

    assert mirror_exactly(source, target, suffixes=(".py",)) == 6
    assert present() == {"kept.py", "inner/kept.py", "__pycache__/kept.cpython-311.pyc"}
    assert not (target / "old").exists()
    assert mirror_exactly(source, target, suffixes=(".py",)) == 0


def test_a_replaced_library_is_a_new_file(tmp_path: Path) -> None:
    source, target = tmp_path / "new.so", tmp_path / "lib" / "x.so"
    source.write_text("first")
    assert replace_file(source, target)
    with target.open() as mapped:
        source.write_text("second, longer")
        assert replace_file(source, target)
        assert mapped.read() == "first", "whoever has the old file open keeps it"
    assert target.read_text() == "second, longer"
    assert not replace_file(source, target)


def test_cargo_output_is_added_up() -> None:
    output = (
        "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n"
        "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n"
    )
    counted = tally.of_cargo("cargo test", output)
    assert counted.line() == "cargo test: 7 passed, 2 failed, 1 skipped"
    assert not counted.good


def test_pytest_reports_are_read(tmp_path: Path) -> None:
    report = tmp_path / "x.xml"
    report.write_text('<testsuites><testsuite errors="1" failures="2" skipped="3" tests="10"/></testsuites>')
    assert tally.of_junit("pytest", report) == Tally("pytest", passed=4, failed=3, skipped=3)


def test_a_part_that_ran_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    parts = {
        "full": lambda _folder: Tally("full", 5, 0),
        "empty": lambda _folder: tally.of_junit("empty", tmp_path / "none.xml"),
    }
    monkeypatch.setattr(run_tests, "PARTS", parts)
    assert run_tests.main(["full"]) == 0
    assert run_tests.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [
        "full: 5 passed, 0 failed",
        "empty: 0 passed, 0 failed (nothing ran)",
        "5 passed, 1 failed",
    ]


def cluster_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `scripts/cluster`."""
    command = [str(CHECKOUT / "scripts" / "cluster"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.usefixtures("installation")
def test_a_cluster_that_stays_until_it_is_stopped() -> None:
    name = "test-of-the-script"
    try:
        started = cluster_script("start", name, "-c", "work_mem=5MB")
        assert started.returncode == 0, started.stderr
        assert cluster_script("start", name).returncode == 1
        shown = cluster_script("psql", name, "--", "-Atc", "SHOW work_mem")
        assert shown.stdout == "5MB\n"
        base = Path(started.stdout.split("--host=")[1].split()[0]).parent
        assert base.is_dir()
    finally:
        assert cluster_script("stop", name).returncode == 0
    assert not base.exists()
    assert cluster_script("psql", name).returncode == 1


def test_a_cluster_for_one_command(installation: Installation) -> None:
    done = cluster_script("run", "--", "sh", "-c", 'psql -Atc "SHOW data_directory"; exit 7')
    assert done.returncode == 7, done.stderr
    assert not Path(done.stdout.strip()).exists()
    bindir = cluster_script("run", "--", "sh", "-c", "command -v psql").stdout.strip()
    assert bindir == str(installation.bin / "psql")
