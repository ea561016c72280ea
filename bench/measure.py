"""What a statement costs its backend, and the turns in which statements are measured.

CPU time is the scheduler's own count for the process, in nanoseconds (`/proc/PID/schedstat`), so that
neither the client nor a busy machine counts. One round runs every way once; the next round begins with
another one, so that what drifts meets all of them alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

# A way is one measured run: it returns the backend's CPU time in nanoseconds.
Way = Callable[[], int]


@dataclass
class Samples:
    """The measurements of one case, by way, in nanoseconds."""

    by_way: dict[str, list[int]] = field(default_factory=dict)

    def median(self, way: str) -> float | None:
        """Nanoseconds, or None for a way that the case lacks."""
        values = self.by_way.get(way)
        return statistics.median(values) if values else None

    def share(self, way: str, of: str) -> float | None:
        """The median of the rounds' own ratios: what slowed a whole round down cancels out."""
        ours, theirs = self.by_way.get(way), self.by_way.get(of)
        if not ours or not theirs:
            return None
        return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


class Backend:
    """One connection and the CPU time of the process that serves it."""

    def __init__(self, conninfo: str) -> None:
        # Only what asks for it is prepared: None would refuse even that.
        self.connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=1_000_000_000)
        self.schedstat = Path(f"/proc/{self.connection.info.backend_pid}/schedstat")

    def cpu(self) -> int:
        """Nanoseconds on a CPU so far."""
        return int(self.schedstat.read_text().split()[0])

    def run(self, statement: str) -> int:
        """The CPU time of one statement."""
        before = self.cpu()
        self.connection.execute(statement.encode()).fetchone()
        return self.cpu() - before

    def measure(self, work: Callable[[psycopg.Connection], object]) -> int:
        """The CPU time of whatever `work` does on the connection."""
        before = self.cpu()
        work(self.connection)
        return self.cpu() - before

    def close(self) -> None:
        self.connection.close()


def interleave(ways: Mapping[str, Way], rounds: int) -> Samples:
    """Run each way once to warm it up, then in `rounds` rounds, each begun by another way."""
    samples = Samples({name: [] for name in ways})
    names = list(ways)
    for name in names:
        ways[name]()
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            samples.by_way[name].append(ways[name]())
    return samples
