"""Long runs: none of the loads of `loads.py` may make a backend grow, and none of `crowd.py` lose a row.

The status is 1 if one does.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import crowd
import psycopg
from loads import LOADS, SET_UP, Growth, Load, measure
from setting import bench_cluster

if TYPE_CHECKING:
    from devkit.cluster import Cluster

# Pages that malloc keeps for itself, over any number of repetitions.
NOISE = 1024 * 1024
# Half of the smallest object and half of a block in each repetition: less cannot be a leak of one.
BYTES_EACH = 16
BLOCKS_EACH = 0.5


def verdict(load: Load, growth: Growth) -> str:
    """What is wrong, or an empty text."""
    if growth.each(growth.blocks) > BLOCKS_EACH:
        return f"keeps {growth.each(growth.blocks):.1f} Python blocks each"
    if load.bytes_each:
        # The server's catalogue caches grow by blocks that double: what is in use of them counts.
        kept = max(growth.each(growth.contexts), growth.each(growth.resident))
        return f"keeps {kept:.0f} bytes each" if kept > load.bytes_each else ""
    if growth.resident > NOISE:
        return f"resident memory grew by {growth.resident // 1024} KB"
    if growth.each(growth.malloc) > BYTES_EACH:
        return f"keeps {growth.each(growth.malloc):.0f} bytes each"
    if growth.peak > 8 * NOISE:
        return f"held {growth.peak // 1024} KB more meanwhile"
    return ""


# Sessions, and the seconds that they write for.
CROWD = (8, 60.0)


def crowded(cluster: Cluster, share: float) -> bool:
    """Let the sessions write, print what came of it, and tell whether it is right."""
    crowd.set_up(cluster, "soak")
    sessions, seconds = CROWD
    outcome = crowd.run(cluster, "soak", sessions, seconds * share)
    print(
        f"{sessions} sessions wrote for {seconds * share:.0f} s: {outcome.commits} commits,"
        f" {outcome.rollbacks} rollbacks, {outcome.rows} rows"
    )
    for problem in outcome.problems:
        print(f"  {problem}")
    return not outcome.problems and outcome.commits > 0


def main(arguments: list[str]) -> int:
    """Run the chosen loads, each in a backend of its own."""
    parser = argparse.ArgumentParser(prog="bench/soak.py", description=__doc__)
    parser.add_argument("--only", metavar="TEXT", action="append", help="only loads whose name contains TEXT")
    parser.add_argument("--share", type=float, default=1.0, help="this part of the repetitions")
    options = parser.parse_args(arguments)
    chosen = [load for load in LOADS if not options.only or any(t in load.name for t in options.only)]
    with_crowd = not options.only or any(text in "crowd" for text in options.only)
    failed = 0
    print(
        f"{'load':24}{'count':>12}{'resident':>12}{'peak':>12}{'bytes each':>12}{'blocks each':>13}   seconds"
    )
    with bench_cluster() as cluster:
        cluster.sql("CREATE DATABASE soak")
        cluster.sql(f"CREATE EXTENSION multicorn; {SET_UP}", "soak")
        for load in chosen:
            count = max(1, int(load.count * options.share))
            start = time.monotonic()
            with psycopg.connect(
                cluster.conninfo("soak"), autocommit=True, prepare_threshold=None
            ) as connection:
                growth = measure(connection, load, count, warm_up=max(1, count // 10))
            seconds = time.monotonic() - start
            print(
                f"{load.name:24}{count:>12,}{growth.resident // 1024:>9} KB{growth.peak // 1024:>9} KB"
                f"{growth.each(growth.malloc):>12.2f}{growth.each(growth.blocks):>13.4f}{seconds:>10.1f}",
                flush=True,
            )
            wrong = verdict(load, growth)
            if wrong:
                failed += 1
                print(f"  {load.name}: {wrong}")
        if with_crowd and not crowded(cluster, options.share):
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
