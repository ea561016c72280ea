"""The client as applications install it: a wheel, and nothing else beside it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

USE = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import wormhole
assert wormhole.__file__.startswith(sys.argv[1])
of_the_server = {"wormhole._server", "wormhole._worker"}
for module in pkgutil.walk_packages(wormhole.__path__, "wormhole."):
    name = module.name
    if name not in of_the_server and not name.startswith("wormhole.drivers."):
        importlib.import_module(name)
f = wormhole.remote(source="def f(a: int) -> int: return a")
try:
    f(1)
except Exception as error:
    print(error)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory into which the wheel was installed, and nothing else."""
    place = tmp_path_factory.mktemp("package")
    # Building writes beside the sources.
    shutil.copytree(
        CHECKOUT / "python" / "wormhole",
        place / "source",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheel = [
        *pip,
        "wheel",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "-w",
        place,
        place / "source",
    ]
    subprocess.run(wheel, check=True)
    (built,) = place.glob("multicorn_wormhole-*-py3-none-any.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", place / "lib", built],
        check=True,
    )
    return place / "lib"


def test_it_works_without_any_driver(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", USE, str(installed)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "No database connection set" in done.stdout, done


def test_it_is_typed_and_says_what_it_is(installed: Path) -> None:
    assert (installed / "wormhole" / "py.typed").exists()
    (metadata,) = installed.glob("*.dist-info/METADATA")
    control = (CHECKOUT / "multicorn.control").read_text()
    version = re.search(r"default_version *= *'([^']+)'", control)
    assert version is not None
    assert f"Version: {version[1]}\n" in metadata.read_text()
    assert "The client of Wormhole" in metadata.read_text()


def test_it_brings_its_command(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, installed / "bin" / "wormhole", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(installed)},
    )
    assert "whitelist" in done.stdout
