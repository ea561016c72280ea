"""The example in README.md is the one that is shipped, and it gives what README.md says."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from devkit.cluster import Cluster
from devkit.paths import CHECKOUT

if TYPE_CHECKING:
    from devkit.server import Installation

README = (CHECKOUT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_example_is_the_shipped_file() -> None:
    (example,) = blocks("python")
    comment, _, code = example.partition("\n")
    assert comment == "# primes.py"
    shipped = (CHECKOUT / "demo" / "wrappers" / "primes.py").read_text()
    assert shipped.partition("\n\n")[2] == code


def test_the_statements_give_the_output_shown(installation: Installation) -> None:
    statements, outputs = blocks("sql"), blocks("text")
    assert len(statements) == len(outputs) == 2
    settings = {"multicorn.python_path": "{files}/wrappers"}
    with Cluster(installation=installation, settings=settings) as cluster:
        cluster.stage(CHECKOUT / "demo" / "wrappers")
        for statement, output in zip(statements, outputs, strict=True):
            shown = subprocess.run(
                [cluster.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement],
                env=cluster.environment(),
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            assert shown.rstrip("\n") == output.rstrip("\n")


@pytest.mark.parametrize("target", re.findall(r"^(?:make|\s+make) ([a-z]+)", README, re.MULTILINE))
def test_every_command_shown_is_a_target(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
