"""Private clusters from the command line.

    scripts/cluster start [NAME]         start one that lives until `stop`, and print how to connect
    scripts/cluster stop [NAME]          end and remove it
    scripts/cluster psql [NAME] [-- …]   psql into it
    scripts/cluster run -- COMMAND …     run a command with libpq's variables pointing to a new cluster,
                                         which is removed when the command ends or is killed
    scripts/cluster list                 names and socket directories

NAME is `default` unless given. Settings: `-c name=value`, as often as needed.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from devkit import server
from devkit.cluster import Cluster, stop_keeper
from devkit.install import LIBRARY, install_into
from devkit.paths import make_readable, state_directory


def registry() -> Path:
    """Where detached clusters are written down, one file each."""
    path = state_directory() / "clusters"
    make_readable(path)
    return path


def is_alive(base: Path) -> bool:
    """True while a keeper holds the cluster's lock."""
    try:
        with (base / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def living() -> dict[str, dict[str, str]]:
    """Detached clusters by name; the records of dead ones are removed."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(registry().glob("*.json")):
        record = json.loads(path.read_text())
        if is_alive(Path(record["base"])):
            found[path.stem] = record
        else:
            path.unlink()
    return found


def new_cluster(settings: list[str], *, detached: bool) -> Cluster:
    """A cluster of the private PostgreSQL, with the extension installed if it has been built."""
    copy = server.private_copy(server.find())
    if LIBRARY.exists():
        install_into(copy)
    pairs = dict(setting.split("=", 1) for setting in settings)
    return Cluster(settings=pairs, detached=detached, installation=copy)


def start(name: str, settings: list[str]) -> int:
    """Start a detached cluster and write it down."""
    if name in living():
        print(f"cluster {name} is already running", file=sys.stderr)
        return 1
    cluster = new_cluster(settings, detached=True)
    variables = {key: value for key, value in cluster.environment().items() if key.startswith("PG")}
    record = {
        "base": str(cluster.base),
        "keeper": str(cluster.keeper.pid),
        "psql": str(cluster.psql),
        **variables,
    }
    (registry() / f"{name}.json").write_text(json.dumps(record))
    print(
        " ".join(
            [
                str(cluster.psql),
                *(f"--{option}={variables[key]}" for option, key in CONNECT.items()),
            ]
        )
    )
    return 0


CONNECT = {
    "host": "PGHOST",
    "port": "PGPORT",
    "username": "PGUSER",
    "dbname": "PGDATABASE",
}


def stop(name: str) -> int:
    """End a detached cluster; one that is not running is no error."""
    record = living().get(name)
    if record is not None:
        stop_keeper(int(record["keeper"]))
        (registry() / f"{name}.json").unlink(missing_ok=True)
    return 0


def psql(name: str, arguments: list[str]) -> int:
    """Become psql; returns only when the cluster is not running."""
    record = living().get(name)
    if record is None:
        print(
            f"cluster {name} is not running; scripts/cluster start {name}",
            file=sys.stderr,
        )
        return 1
    environment = {
        **os.environ,
        **{key: value for key, value in record.items() if key.startswith("PG")},
    }
    return os.execve(record["psql"], [record["psql"], *arguments], environment)


def raise_exit(number: int, _frame: FrameType | None) -> None:
    """Let SIGTERM and SIGHUP unwind the stack, so that the cluster is closed."""
    raise SystemExit(128 + number)


def run(command: list[str], settings: list[str]) -> int:
    """Run a command against a new cluster; returns the command's status."""
    if not command:
        print("scripts/cluster run -- COMMAND …: the command is missing", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, raise_exit)
    with new_cluster(settings, detached=False) as cluster:
        environment = cluster.environment()
        environment["PATH"] = f"{cluster.installation.bin}{os.pathsep}{environment.get('PATH', '')}"
        environment["MULTICORN_TEST_FILES"] = str(cluster.files)
        environment["PG_CONFIG"] = str(cluster.installation.pg_config)
        with subprocess.Popen(command, env=environment) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                return process.wait()  # the terminal sent it to the command as well
            except SystemExit:
                process.terminate()
                raise
            finally:
                sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Take the command line apart; everything after `--` belongs to psql or to the command."""
    rest: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, rest = arguments[:at], arguments[at + 1 :]
    parser = argparse.ArgumentParser(prog="scripts/cluster", usage=(__doc__ or "").replace("%", "%%"))
    parser.add_argument("action", choices=("start", "stop", "psql", "run", "list"))
    parser.add_argument("name", nargs="?", default="default")
    parser.add_argument("-c", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(arguments)
    if options.action == "start":
        return start(options.name, options.settings)
    if options.action == "stop":
        return stop(options.name)
    if options.action == "psql":
        return psql(options.name, rest)
    if options.action == "run":
        return run(rest, options.settings)
    for name, record in living().items():
        print(name, shlex.quote(record["PGHOST"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
