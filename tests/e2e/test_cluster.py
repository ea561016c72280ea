"""Private clusters are removed whatever ends their owner."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from devkit.cluster import Cluster, ClusterError
from devkit.server import Installation

OWNER = """
import sys
from devkit.cluster import Cluster
from devkit import server
cluster = Cluster(installation=server.Installation(__import__("pathlib").Path(sys.argv[1])))
print(cluster.base, cluster.keeper.pid, flush=True)
sys.stdin.read()
"""


def wait_for_end(pid: int) -> None:
    """Return when the process is gone; fail after 20 s."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], 20)[0], f"process {pid} lives on"
    finally:
        os.close(handle)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_owner_leaves_nothing(installation: Installation, number: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(installation.pg_config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "scripts")},
    )
    with owner:
        assert owner.stdout is not None
        base, keeper = owner.stdout.readline().split()
        server_pid = int((Path(base) / "data" / "postmaster.pid").read_text().split()[0])
        owner.send_signal(number)
        owner.wait()
    wait_for_end(int(keeper))
    wait_for_end(server_pid)
    assert not Path(base).exists()


def test_a_killed_keeper_takes_the_server_along(installation: Installation) -> None:
    cluster = Cluster(installation=installation)
    server_pid = int((cluster.data / "postmaster.pid").read_text().split()[0])
    cluster.keeper.kill()
    cluster.close()
    wait_for_end(server_pid)
    assert cluster.base.exists()
    with Cluster(installation=installation):
        assert not cluster.base.exists(), "the next cluster sweeps up"


def test_a_bad_setting_is_reported_with_the_log(installation: Installation) -> None:
    with pytest.raises(ClusterError, match='unrecognized configuration parameter "no_such"'):
        Cluster(installation=installation, settings={"no_such": "1"})
