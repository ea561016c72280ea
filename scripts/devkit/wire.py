"""A proxy in front of a server's socket, to count round trips, or to put a network's latency in between."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from pathlib import Path
from typing import Any


class Wire:
    """A proxy in front of a server's socket that counts round trips, and may delay each.

    A round trip begins when the client sends something after the server has.
    """

    def __init__(self, target: Path, directory: Path, delay: float = 0.0) -> None:
        self.trips = 0
        self.delay = delay
        self._target = str(target)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / target.name))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as ready:
            server.connect(self._target)
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            to_server = False
            while True:
                for key, _ in ready.select():
                    source: Any = key.fileobj
                    try:
                        data = source.recv(1 << 16)
                    except OSError:
                        return
                    if not data:
                        return
                    if (source is client) != to_server:
                        to_server = source is client
                        self.trips += to_server
                        time.sleep(self.delay / 2)
                    key.data.sendall(data)

    def close(self) -> None:
        """Stop listening, and wait for the connections to end."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
