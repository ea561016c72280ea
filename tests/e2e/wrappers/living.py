"""Wrappers that leave something behind: threads, processes, exit handlers, open generators."""

import atexit
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from multicorn import ForeignDataWrapper
from multicorn.utils import log_to_postgres

alive: "weakref.WeakSet[Living]" = weakref.WeakSet()
generators: list[str] = []


class Living(ForeignDataWrapper):
    """Rows 0 to 9 of (n int); counts its instances and the state of its generators."""

    def __init__(self, options: Any, columns: Any) -> None:
        super().__init__(options, columns)
        alive.add(self)
        self.cycle = self  # only the collector can free it

    def execute(self, quals: Any, columns: Any) -> Iterator[tuple[int]]:
        generators.append("open")
        try:
            for n in range(10):
                yield (n,)
        finally:
            generators[generators.index("open")] = "closed"


class Pooled(ForeignDataWrapper):
    """Rows made by a pool of threads, in order; the pool ends with the rows or not at all."""

    pool = None

    def execute(self, quals: Any, columns: Any) -> Iterator[tuple[int]]:
        if Pooled.pool is None:
            Pooled.pool = ThreadPoolExecutor(4)
        yield from Pooled.pool.map(lambda n: (n * n,), range(10))


class Ticking(ForeignDataWrapper):
    """Starts a daemon thread that never ends, and one row that says how often it has ticked."""

    ticks = 0
    started = False

    @classmethod
    def _tick(cls) -> None:
        while True:
            cls.ticks += 1
            if cls.ticks % 100 == 0:
                log_to_postgres(f"tick {cls.ticks}")
            time.sleep(0.001)

    def execute(self, quals: Any, columns: Any) -> Iterator[tuple[int]]:
        if not Ticking.started:
            Ticking.started = True
            threading.Thread(target=self._tick, daemon=True).start()
        time.sleep(0.02)
        yield (Ticking.ticks,)


class Stubborn(ForeignDataWrapper):
    """A thread that is no daemon and never ends, an exit handler, and a `__del__`: none may hold the exit."""

    def __init__(self, options: Any, columns: Any) -> None:
        super().__init__(options, columns)
        atexit.register(print, "exit handler")
        threading.Thread(target=self._wait).start()

    @staticmethod
    def _wait() -> None:
        threading.Event().wait()

    def execute(self, quals: Any, columns: Any) -> Iterator[tuple[int]]:
        yield (threading.active_count(),)
        yield (0,)

    def __del__(self) -> None:
        time.sleep(3600)


class Hanging(ForeignDataWrapper):
    """One row, and an end that never comes."""

    def execute(self, quals: Any, columns: Any) -> Iterator[tuple[int]]:
        yield (0,)

    def end_scan(self) -> None:
        time.sleep(3600)
