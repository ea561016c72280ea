"""Runs demo/demo.sql in a private cluster, prints how to connect, and waits for Ctrl-C.

With `--once` it ends after the statements.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import subprocess
import sys

from devkit import server, venv
from devkit.cluster import Cluster
from devkit.cluster_cli import raise_exit
from devkit.install import install_into
from devkit.paths import CHECKOUT, am_root

DEMO = CHECKOUT / "demo"


def run_statements(cluster: Cluster) -> int:
    """Run the script by psql, which prints each statement and its result; returns psql's status."""
    data = cluster.stage(DEMO / "data")
    command = [str(cluster.psql), "--no-psqlrc", "--echo-queries", "--quiet", f"--set=data={data}"]
    command += ["--file", str(DEMO / "demo.sql")]
    environment = cluster.environment("demo")
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def wait_for_the_end(cluster: Cluster) -> None:
    """Say how to connect and return on Ctrl-C, or when the server ends by itself."""
    connect = [str(cluster.psql), f"--host={cluster.socket_directory}", "--username=postgres", "demo"]
    print(f"\nThe cluster is running. From another terminal{' (as root)' if am_root() else ''}:\n")
    print(f"    {shlex.join(connect)}\n")
    print("Ctrl-C stops it and removes it.", flush=True)
    try:
        cluster.keeper.wait()
        print("The server has ended.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)


def main(arguments: list[str]) -> int:
    """Install the extension into the private PostgreSQL, run the demo, and clean up."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the statements")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, raise_exit)
    # A shell without job control starts background commands with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    copy = server.private_copy(server.find())
    install_into(copy)
    with Cluster(installation=copy, settings={"multicorn.virtualenv": str(venv.directory())}) as cluster:
        cluster.sql("CREATE DATABASE demo")
        status = run_statements(cluster)
        if status == 0 and not options.once:
            wait_for_the_end(cluster)
    if status != 0:
        print("The demo failed.", file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # while starting, or in the middle of a statement
        sys.exit(130)
