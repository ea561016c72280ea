"""`wormhole` in a backend: the client's part is loaded when it is asked for."""

import subprocess
import sys
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[2] / "python"

SCRIPT = """
import sys, types
sys.path[:0] = [{multicorn!r}, {wormhole!r}]
native = types.ModuleType("multicorn._native")
native.ServerError = type("ServerError", (Exception,), {{}})
native.QueryCancelled = type("QueryCancelled", (BaseException,), {{}})
import multicorn
sys.modules["multicorn._native"] = multicorn._native = native
from wormhole import _server as server
print(server.__name__, "asyncio" in sys.modules, "wormhole._remote" in sys.modules)
server.load("k", "f", "def f(a): return a + 1")
print(server.entry("k")[2]('{{"a": [1], "k": {{}}}}'), server.entry("x"))
from wormhole import remote
import wormhole
print(remote.__module__, wormhole.query.__module__, type(wormhole).__name__)
"""


def test_the_client_is_loaded_when_it_is_asked_for() -> None:
    script = SCRIPT.format(
        multicorn=str(PYTHON), wormhole=str(PYTHON / "wormhole" / "src")
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "wormhole._server False False",
        "2 None",
        "wormhole._remote wormhole._query module",
    ]
