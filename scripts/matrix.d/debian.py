"""A Debian release in a folder, made by debootstrap and used by chroot; needs root.

The host lends its Rust toolchain (read-only) and its cargo registry by bind mounts, and its network settings
by copies: apt's mirror and proxy, cargo's and pip's configuration, certificates, name resolution.
`scripts/bootstrap` inside installs PostgreSQL and the tools, as it does on any Debian machine.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checkout import CHECKOUT
from environment import Environment
from jobs import MatrixError, answer, run, say

MIRROR_VARIABLE = "MULTICORN_MATRIX_MIRROR"
RECIPE = 1  # raise it when `prepare` changes in a way that old folders lack
# Variables about the network that are as true inside as outside.
LENT_VARIABLES = re.compile(
    r"(https?|ftp|no|all)_proxy|SSL_CERT_(FILE|DIR)|(CURL|REQUESTS)_CA_BUNDLE|TERM"
    r"|PIP_(CERT|INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|DEFAULT_TIMEOUT|RETRIES)"
    r"|CARGO_(HTTP_\w+|NET_\w+|BUILD_JOBS|REGISTRIES_\w+)",
    re.IGNORECASE,
)
CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
)
LENT_APT_SETTINGS = re.compile(r"^Acquire::(https?|Check-|Retries|ForceIPv)", re.MULTILINE)
LOCAL_CERTIFICATES = Path("usr/local/share/ca-certificates")


@dataclass(frozen=True)
class DebianFolder(Environment):
    """The release `suite` in `folder/root`, with the copy of the checkout in its /multicorn."""

    suite: str

    @property
    def root(self) -> Path:
        """The top of the Debian system."""
        return self.folder / "root"

    @property
    def checkout(self) -> Path:
        """The copy, seen from the host; it is /multicorn inside."""
        return self.root / "multicorn"

    @property
    def pg_config(self) -> str:
        """Debian's place for this version."""
        return f"/usr/lib/postgresql/{self.major}/bin/pg_config"

    def prepare(self, log: Path) -> None:
        """Make the base system unless it is there, and bring its network settings up to date."""
        self.demand_tools(log)
        recipe = f"{self.suite} {RECIPE}\n"
        stamp = self.folder / "made-from"
        if not (stamp.exists() and stamp.read_text() == recipe):
            stamp.unlink(missing_ok=True)
            remove_tree(self.root)
            say(f"{self.major}: making Debian {self.suite} in {self.root}")
            self.debootstrap(log)
            self.settle()
            stamp.write_text(recipe)
        self.lend_settings()
        self.run(["update-ca-certificates"], log)

    def demand_tools(self, log: Path) -> None:
        """Check what making and entering the folder needs; install debootstrap if it is missing."""
        if os.geteuid() != 0:
            raise MatrixError(
                f"PostgreSQL {self.major} is tested in a Debian {self.suite} folder,"
                " and debootstrap and chroot need root"
            )
        if not shutil.which("debootstrap"):
            if not shutil.which("apt-get"):
                raise MatrixError("debootstrap is missing; install it and run this again")
            say("installing debootstrap")
            run(["apt-get", "-q", "update"], log)
            run(["apt-get", "-q", "-y", "install", "--no-install-recommends", "debootstrap"], log)
        if not Path("/usr/share/debootstrap/scripts", self.suite).exists():
            raise MatrixError(f"this debootstrap does not know Debian {self.suite}; a newer one is needed")
        try:
            answer([*ISOLATED, "true"])
        except MatrixError as error:
            raise MatrixError(f"mounting is not allowed here, not even for root ({error})") from None

    def debootstrap(self, log: Path) -> None:
        """Unpack the base system; debootstrap mounts /proc, hence the namespace."""
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates,make"]
        environment = {**apt_proxy(), **os.environ}
        run(
            [*ISOLATED, *command, self.suite, str(self.root), debian_mirror()],
            log,
            environment=environment,
        )

    def settle(self) -> None:
        """Settings for a system that is never booted."""
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")  # packages must not start services
        policy.chmod(0o755)
        common = self.root / "etc/postgresql-common"
        common.mkdir(exist_ok=True)
        (common / "createcluster.conf").write_text("create_main_cluster = false\n")
        for mount_point in ("opt/rust", "opt/cargo/registry", "multicorn"):
            (self.root / mount_point).mkdir(parents=True, exist_ok=True)

    def lend_settings(self) -> None:
        """Copy the host's settings for the network; they may have changed since the last run."""
        apt = answer(["apt-config", "dump", "Acquire"]).splitlines()
        lent = [line for line in apt if LENT_APT_SETTINGS.match(line)]
        (self.root / "etc/apt/apt.conf.d/90host").write_text("\n".join([*lent, ""]))
        home, cargo = Path.home(), cargo_home()
        for source, target in (
            (Path("/etc/resolv.conf"), "etc/resolv.conf"),
            (Path("/etc/hosts"), "etc/hosts"),
            (Path("/etc/pip.conf"), "etc/pip.conf"),
            (home / ".config/pip/pip.conf", "root/.config/pip/pip.conf"),
            (home / ".pip/pip.conf", "root/.pip/pip.conf"),
            (cargo / "config.toml", "opt/cargo/config.toml"),
            (cargo / "config", "opt/cargo/config"),
        ):
            lend(source, self.root / target)
        for name in CERTIFICATE_VARIABLES:
            path = os.environ.get(name, "")
            # Debian's own bundle is made anew inside, by update-ca-certificates.
            if path.startswith("/") and not path.startswith("/etc/ssl/certs/"):
                lend(Path(path), self.root / path[1:])
        for certificate in (Path("/") / LOCAL_CERTIFICATES).glob("**/*.crt"):
            lend(certificate, self.root / LOCAL_CERTIFICATES / certificate.name)

    def inside(self, command: Sequence[str]) -> list[str]:
        """Namespaces, mounts and chroot around `command`, with an environment of its own."""
        registry = cargo_home() / "registry"
        registry.mkdir(parents=True, exist_ok=True)
        variables = {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "CARGO_HOME": "/opt/cargo",
            "PG_CONFIG": self.pg_config,
            **{name: value for name, value in os.environ.items() if LENT_VARIABLES.fullmatch(name)},
        }
        enter = [
            "sh",
            str(Path(__file__).with_name("enter.sh")),
            str(self.root),
            str(toolchain()),
            str(registry),
        ]
        settings = [f"{name}={value}" for name, value in variables.items()]
        return [*ISOLATED, *enter, *settings, *command]

    def remove(self) -> None:
        """Remove the folder with the Debian system in it."""
        remove_tree(self.folder)


# Namespaces for what is mounted and started. When we are killed, so is unshare, with it process 1 of the
# namespace, and with that everything inside: a later run never meets what is left of an earlier one.
ISOLATED = (
    *("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--ipc"),
    *("--fork", "--kill-child", "--propagation", "private", "--"),
)


def cargo_home() -> Path:
    """Where the host's cargo keeps its registry and configuration."""
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


def toolchain() -> Path:
    """The host's Rust as one folder that can be mounted elsewhere."""
    path = Path(answer(["rustc", "--print", "sysroot"], CHECKOUT))
    if path == Path("/usr"):
        raise MatrixError("the host's Rust is part of /usr; a toolchain of rustup's is needed")
    return path


def debian_mirror() -> str:
    """The mirror that the host's apt uses, so that no host name needs to be known here."""
    chosen = os.environ.get(MIRROR_VARIABLE)
    if chosen:
        return chosen
    repositories = answer(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Created-By: Packages"]
    )
    for line in repositories.splitlines():
        if line.startswith("Debian Debian "):
            return line.split()[2]
    raise MatrixError(f"apt knows no Debian mirror; run apt-get update, or set {MIRROR_VARIABLE}")


def apt_proxy() -> dict[str, str]:
    """Apt's proxies in the form that debootstrap's downloader reads."""
    found: dict[str, str] = {}
    for scheme in ("http", "https"):
        proxy = answer(["apt-config", "shell", "proxy", f"Acquire::{scheme}::Proxy"])
        value = proxy.removeprefix("proxy=").strip("'")
        if value and value != "DIRECT":
            found[f"{scheme}_proxy"] = value
    return found


def lend(source: Path, target: Path) -> None:
    """Copy a file of the host's into the folder; one that the host does not have is removed there."""
    target.unlink(missing_ok=True)
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def remove_tree(folder: Path) -> None:
    """Remove a Debian system, after unmounting what somebody mounted below it by hand.

    Raises `MatrixError` when a mount is busy. `--one-file-system` holds even if another mount appears
    meanwhile.
    """
    if not folder.exists():
        return
    for place in sorted(mounts_below(folder), reverse=True):
        answer(["umount", place])
    answer(["rm", "-rf", "--one-file-system", str(folder)])


def mounts_below(folder: Path) -> list[str]:
    """Mount points in `folder`, in the kernel's order; spaces are escaped as octal numbers there."""
    found: list[str] = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), line.split()[4])
        if Path(place).is_relative_to(folder):
            found.append(place)
    return found
