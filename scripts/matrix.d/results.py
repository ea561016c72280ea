"""Counts of one version's tests, and the table of all versions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from checkout import CHECKOUT
from jobs import MatrixError

DOCUMENT = CHECKOUT / "docs" / "versions.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
HEADINGS = ("PostgreSQL", "Python", "unit", "pg_regress", "pytest", "result", "minutes", "commit")
# What scripts/test prints at its end, one line for each part.
TALLY = re.compile(
    r"^(cargo test|pg_regress|pytest [^:]+): (\d+) passed, (\d+) failed(?:, (\d+) skipped)?", re.MULTILINE
)


@dataclass(frozen=True)
class Row:
    """One version's line; the cells in the order of `HEADINGS`."""

    cells: tuple[str, ...]

    @property
    def major(self) -> int:
        """The major version that the line is about."""
        found = re.match(r"\d+", self.cells[0])
        assert found is not None
        return int(found.group())


def counts(output: str) -> tuple[str, str, str]:
    """The cells for unit tests, pg_regress and pytest from what `make test` printed.

    "12" is twelve passed; failures and skips are added where there are any; "-" is a part that did not
    get as far as counting.
    """
    # pg_regress prints its line itself as well, so a part's last line is the one that counts.
    parts = {part: numbers for part, *numbers in TALLY.findall(output)}
    sums: dict[str, list[int]] = {}
    for part, numbers in parts.items():
        column = sums.setdefault(part.split()[0], [0, 0, 0])
        for index, number in enumerate(numbers):
            column[index] += int(number or 0)
    cells = [count_cell(sums.get(part)) for part in ("cargo", "pg_regress", "pytest")]
    return cells[0], cells[1], cells[2]


def count_cell(sums: list[int] | None) -> str:
    """One cell: passed, failed and skipped tests."""
    if sums is None:
        return "-"
    passed, failed, skipped = sums
    words = [str(passed)]
    if failed:
        words.append(f"{failed} failed")
    if skipped:
        words.append(f"{skipped} skipped")
    return ", ".join(words)


def table(rows: Iterable[Row]) -> str:
    """A Markdown table with aligned columns, one line for each version, oldest first."""
    lines = [HEADINGS, *(row.cells for row in sorted(rows, key=lambda row: row.major))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def read_table(text: str) -> list[Row]:
    """The rows of a table that `table` wrote."""
    rows: list[Row] = []
    for line in text.splitlines():
        cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
        if len(cells) == len(HEADINGS) and cells[0][:1].isdigit():
            rows.append(Row(cells))
    return rows


def record(rows: Iterable[Row]) -> None:
    """Replace the lines of these versions in docs/versions.md and keep the others.

    Raises `MatrixError` when the document lost its markers.
    """
    text = DOCUMENT.read_text()
    head, begin, rest = text.partition(BEGIN)
    body, end, tail = rest.partition(END)
    if not begin or not end:
        raise MatrixError(f"{DOCUMENT.relative_to(CHECKOUT)} lacks the lines {BEGIN} and {END}")
    merged = {row.major: row for row in read_table(body)} | {row.major: row for row in rows}
    fresh = DOCUMENT.with_name(f".{Path(DOCUMENT).name}.new")
    fresh.write_text(f"{head}{BEGIN}\n{table(merged.values())}\n{END}{tail}")
    fresh.replace(DOCUMENT)
