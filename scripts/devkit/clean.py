"""Removes what this checkout keeps outside of itself: clusters, the private PostgreSQL, root's venv."""

from __future__ import annotations

import shutil
import sys

from devkit import cluster_cli
from devkit.cluster import sweep
from devkit.paths import state_directory


def main() -> int:
    """Stop detached clusters, sweep dead ones, remove the state directory."""
    for name in cluster_cli.living():
        cluster_cli.stop(name)
    sweep()
    shutil.rmtree(state_directory())
    return 0


if __name__ == "__main__":
    sys.exit(main())
