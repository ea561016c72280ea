"""A helper and its workers without a server: the other ends of socket and pipes, in the test's process."""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
EXECUTABLE = CHECKOUT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "multicorn-worker"
PACKAGE = CHECKOUT / "python" / "wormhole" / "src"
MODULES = [
    "json",
    "datetime",
    "math",
    "re",
    "decimal",
    "collections",
    "itertools",
    "functools",
    "operator",
    "string",
    "hashlib",
    "uuid",
    "typing",
    "dataclasses",
    "enum",
    "random",
    "time",
]
HEADER = struct.Struct("<II")
SOCKET = 3

needs_executable = pytest.mark.skipif(not EXECUTABLE.exists(), reason="the worker was not built")


class Closed(Exception):  # noqa: N818 - it ends a conversation
    """The other side has closed."""


@dataclass
class Line:
    """A socket, or two pipes, by their descriptors."""

    input: int
    output: int

    def send(self, head: dict[str, Any], body: str = "") -> None:
        """Send a frame."""
        text, rest = json.dumps(head).encode(), body.encode()
        self.send_raw(HEADER.pack(4 + len(text) + len(rest), len(text)) + text + rest)

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        while data:
            data = data[os.write(self.output, data) :]

    def receive(self) -> tuple[dict[str, Any], str]:
        """The next frame."""
        length, head = HEADER.unpack(self._exactly(HEADER.size))
        rest = self._exactly(length - 4)
        return json.loads(rest[:head]), rest[head:].decode()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                piece = os.read(self.input, count - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed
            data += piece
        return data

    def read_to_end(self) -> bytes:
        """What is sent until the other side closes."""
        data = b""
        while piece := os.read(self.input, 1000):
            data += piece
        return data

    def close(self) -> None:
        """Close this side's ends, once."""
        for descriptor in {self.input, self.output} - {-1}:
            os.close(descriptor)
        self.input = self.output = -1


@dataclass
class Worker(Line):
    """A forked worker."""

    pid: int = 0
    pidfd: int = -1
    printed: list[str] = field(default_factory=list)

    def run(
        self,
        source: str,
        *args: Any,
        name: str = "f",
        purpose: str = "Call",
        key: str | None = None,
    ) -> tuple[dict[str, Any], str]:
        """Run a function and return the reply that ends the call; queries get no answer here."""
        call = {
            "t": "Run",
            "id": key or str(hash(source)),
            "name": name,
            "purpose": purpose,
        }
        self.send({**call, "source": source}, json.dumps({"a": args, "k": {}}))
        return self.reply()

    def reply(self) -> tuple[dict[str, Any], str]:
        """The next reply but for what is printed."""
        while True:
            head, body = self.receive()
            if head["t"] != "Print":
                return head, body
            self.printed.append(body)

    def returns(self, source: str, *args: Any) -> Any:
        """What a function returns."""
        head, body = self.run(source, *args)
        assert head["t"] == "Returned", head
        return json.loads(body)

    def raises(self, source: str, *args: Any) -> str:
        """The message of what a function raises."""
        head, _ = self.run(source, *args)
        assert head["t"] == "Raised", head
        return head["message"]


@dataclass
class Helper(Line):
    """The helper's process."""

    pid: int = 0
    ready: dict[str, Any] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)

    def spawn(self) -> Worker:
        """Fork a worker; the test's end closes it."""
        self.send({"t": "Spawn"})
        descriptors = array.array("i")
        with socket.socket(fileno=os.dup(self.input)) as line:
            data, controls, _, _ = line.recvmsg(65536, socket.CMSG_SPACE(3 * descriptors.itemsize))
        for _level, _kind, content in controls:
            descriptors.frombytes(content)
        length, head = HEADER.unpack(data[: HEADER.size])
        assert len(data) == 4 + length
        reply = json.loads(data[HEADER.size : HEADER.size + head])
        assert reply["t"] == "Spawned", reply
        back, there, pidfd = descriptors
        made = Worker(back, there, reply["pid"], pidfd)
        self.workers.append(made)
        return made

    def bury(self, worker: Worker) -> dict[str, Any]:
        """How a worker ended."""
        self.send({"t": "Bury", "pid": worker.pid})
        return self.receive()[0]

    def end(self, worker: Worker) -> None:
        """Kill a worker and wait for it."""
        worker.close()
        signal.pidfd_send_signal(worker.pidfd, signal.SIGKILL)
        self.bury(worker)


@contextmanager
def helper(wrapper: list[str] | None = None, **hello: Any) -> Iterator[Helper]:
    """A helper, with settings in the place of the usual ones."""
    ours, theirs = socket.socketpair()
    with ours:
        command = wrapper or [str(EXECUTABLE), str(os.getpid())]
        actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), SOCKET)]
        pid = os.posix_spawn(command[0], command, {}, file_actions=actions)
        theirs.close()
        made = Helper(ours.fileno(), ours.fileno(), pid)
        usual = {
            "path": [str(PACKAGE)],
            "modules": MODULES,
            "refused": [],
            "unconfined": False,
            "memory": 256 << 20,
            "cpu_seconds": 20,
        }
        made.send({"t": "Hello", **usual, **hello})
        made.ready = made.receive()[0]
        try:
            yield made
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            for left in made.workers:
                left.close()
                os.close(left.pidfd)


@contextmanager
def worker(of: Helper) -> Iterator[Worker]:
    """One worker of a helper."""
    made = of.spawn()
    try:
        yield made
    finally:
        of.end(made)
