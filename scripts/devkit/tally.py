"""Counts of tests, and how each runner's report is read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tally:
    """What one part of the tests came to."""

    part: str
    passed: int
    failed: int
    skipped: int = 0

    @property
    def good(self) -> bool:
        """A part that ran nothing is a failure: it would hide a broken runner."""
        return self.passed > 0 and self.failed == 0

    def line(self) -> str:
        """One line for people."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        nothing = " (nothing ran)" if self.passed + self.failed == 0 else ""
        return f"{self.part}: {self.passed} passed, {self.failed} failed{skipped}{nothing}"


def of_cargo(part: str, output: str) -> Tally:
    """Add up cargo's `test result:` lines, one for each test binary."""
    found = re.findall(
        r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored",
        output,
        re.MULTILINE,
    )
    sums = [sum(int(line[column]) for line in found) for column in range(3)]
    return Tally(part, *sums)


def of_junit(part: str, report: Path) -> Tally:
    """Read pytest's XML report; no report means that pytest did not get as far as running a test."""
    if not report.exists():
        return Tally(part, 0, 0)
    failed = skipped = total = 0
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - our own
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return Tally(part, total - failed - skipped, failed, skipped)


def of_line(part: str, line: str) -> Tally:
    """Read back what `Tally.line` wrote."""
    found = re.search(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", line)
    if found is None:
        return Tally(part, 0, 0)
    return Tally(part, *(int(number or 0) for number in found.groups()))
