"""The worker's executable, without a server: what runs in it, what it may not, and what ends it."""

from __future__ import annotations

import json
import os
import signal
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import worker_kit
from worker_kit import Closed, Helper, Worker, needs_executable

pytestmark = needs_executable

# User code gets at `os` through a module that has imported it: the walls must hold all the same.
OS = "def f():\n    import random\n    os = random._os\n"


@pytest.fixture(scope="module")
def confined() -> Iterator[Helper]:
    with worker_kit.helper() as made:
        assert made.ready["confinement"] == {"c": "Complete"}
        yield made


@pytest.fixture(scope="module")
def free() -> Iterator[Helper]:
    with worker_kit.helper(unconfined=True) as made:
        assert made.ready["confinement"] == {"c": "Off"}
        yield made


@pytest.fixture
def worker(confined: Helper) -> Iterator[Worker]:
    with worker_kit.worker(confined) as made:
        yield made


def test_a_function_returns_its_value(worker: Worker) -> None:
    assert worker.returns("def f(a, b):\n    return {'sum': a + b}", 1, 2) == {"sum": 3}


def test_python_is_whole_inside(worker: Worker) -> None:
    source = """
    from __future__ import annotations
    from collections import defaultdict
    from dataclasses import dataclass, field
    from datetime import datetime
    import enum, json, re, uuid, hashlib

    class Colour(enum.Enum):
        RED = 1

    @dataclass(frozen=True, order=True)
    class Point:
        x: int
        y: int = 0
        tags: list[str] = field(default_factory=list)

        @property
        def norm(self): return abs(self.x) + abs(self.y)

    class Mine(ValueError):
        pass

    def gen(n):
        yield from range(n)

    def f(value):
        match value:
            case {"kind": "a", **rest}: kind = f"{rest!r:>12}"
            case _: kind = "?"
        try:
            raise Mine("x") from KeyError("y")
        except ValueError as error:
            raised = type(error).__name__, repr(error.__cause__)
        groups = defaultdict(list)
        [groups[i % 2].append(i) for i in gen(5)]
        return [kind, list(raised), groups[1], Point(1, 2).norm, str(Point(3)), Colour.RED.name,
                datetime.strptime("2026-02-03", "%Y-%m-%d").isoformat(),
                re.sub("a+", "b", "caat"), len(str(uuid.uuid4())), hashlib.sha256(b"").hexdigest()[:6],
                sorted({3, 1, 2}), (lambda *a, **k: (len(a), k))(1, 2, z=3)[1], json.dumps({"a": [1]})]
    """
    assert worker.returns(textwrap.dedent(source), {"kind": "a", "z": 1}) == [
        "    {'z': 1}", ["Mine", "KeyError('y')"], [1, 3], 3, "Point(x=3, y=0, tags=[])", "RED",
        "2026-02-03T00:00:00", "cbt", 36, "e3b0c4", [1, 2, 3], {"z": 3}, '{"a": [1]}',
    ]  # fmt: skip


def test_time_zones_and_codecs_are_there_without_files(worker: Worker) -> None:
    source = """
    from wormhole import query
    def f(when):
        from datetime import timedelta
        return [str(when.utcoffset()), "ü€".encode("cp1252").hex(), "x".encode("utf-16-le")[:1].decode()]
    """
    when = {"$": "datetime", "v": "2026-07-01T12:00:00+12:45", "tz": "Pacific/Chatham"}
    assert worker.returns(textwrap.dedent(source), when) == ["12:45:00", "fc80", "x"]


@pytest.mark.parametrize(
    "attempt",
    [
        "os.open('/etc/passwd', 0)",
        "os.stat('/etc/passwd')",
        "os.stat('.')",
        "os.listdir('/')",
        "os.readlink('/proc/self/exe')",
        "os.access('/etc/passwd', 4) or (_ for _ in ()).throw(PermissionError(1, 'no'))",
        "os.getcwd()",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 9)",
        "os.kill(0, 9)",
        "os.pipe()",
        "os.dup(3)",
        "os.memfd_create('x')",
        "os.unlink('/tmp/x')",
        "os.mkdir('/tmp/wormhole')",
        "os.setpriority(0, 0, 1)",
        "os.pidfd_open(os.getpid())",
        "os.chmod('/tmp', 0)",
        "os.sched_setaffinity(0, {0})",
        "os.getgroups()",
        "real('open')('/etc/passwd')",
        "real('__imp' + 'ort__')('socket')",
    ],
)
def test_nothing_outside_can_be_reached(worker: Worker, attempt: str) -> None:
    source = OS + "    builtins = vars(os)['sys'].modules['builtins']\n"
    # What the check refuses by name is reached through another module.
    source += "    real = lambda name: vars(builtins)[name]\n"
    source += f"    return {attempt}\n"
    message = worker.raises(source)
    assert message.startswith(("PermissionError: [Errno 1]", "ModuleNotFoundError", "OSError: [Errno 1]")), (
        message
    )


def test_sockets_are_denied(confined: Helper) -> None:
    source = OS + "    import socket\n    return socket.socket(socket.AF_UNIX).fileno()\n"
    with (
        worker_kit.helper(modules=[*worker_kit.MODULES, "socket"]) as own,
        worker_kit.worker(own) as made,
    ):
        assert made.raises(source) == "PermissionError: [Errno 1] Operation not permitted"


def test_threads_are_denied() -> None:
    source = "def f():\n    import threading\n    threading.Thread(target=print).start()\n"
    with (
        worker_kit.helper(modules=["threading"]) as own,
        worker_kit.worker(own) as made,
    ):
        assert "can't start new thread" in made.raises(source)


def test_ctypes_makes_no_code_and_calls_nothing() -> None:
    source = """
    import ctypes
    def f(path):
        libc = ctypes.CDLL(None, use_errno=True)
        done = [libc.open(path.encode(), 0), libc.socket(1, 1, 0), libc.fork(), libc.prctl(38, 0, 0, 0, 0)]
        page = libc.mmap(None, 4096, 7, 34, -1, 0)
        return [*done, page]
    """
    with worker_kit.helper(modules=["ctypes"]) as own, worker_kit.worker(own) as made:
        assert made.returns(textwrap.dedent(source), "/etc/passwd") == [
            -1,
            -1,
            -1,
            -1,
            -1,
        ]


def test_unconfined_the_same_attempts_succeed(free: Helper) -> None:
    """What the tests above see is the walls' work, not that of Python or of the account."""
    with worker_kit.worker(free) as made:
        assert made.returns(OS + "    return os.stat('/etc/passwd').st_size > 0\n") is True
        assert made.returns(OS + "    return len(os.listdir('/')) > 3\n") is True
        assert made.returns(OS + "    return os.read(os.open('/etc/passwd', 0), 4).decode()\n") == "root"


def test_only_its_pipes_are_open(free: Helper) -> None:
    """Descriptors of the server's that lack the mark for exec must not get here."""
    with Path("/etc/passwd").open() as file:
        os.set_inheritable(file.fileno(), True)
        with worker_kit.helper(unconfined=True) as own, worker_kit.worker(own) as made:
            found = made.returns(OS + "    return sorted(os.listdir('/proc/self/fd'))\n")
    # The last is the directory being listed.
    assert found == ["0", "1", "2", "3", "4", "5"]


def test_nobody_may_look_into_its_memory(confined: Helper, worker: Worker) -> None:
    worker.returns("def f(): return 1")  # the walls are up
    status = Path(f"/proc/{worker.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert Path(f"/proc/{worker.pid}/oom_score_adj").read_text() == "1000\n"
    assert Path(f"/proc/{worker.pid}/environ").stat().st_uid == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\ndef f(): pass", 'module "os" is not allowed'),
        ("def f():\n    from os import path", 'module "os" is not allowed'),
        ("def f():\n    import xml.etree", 'module "xml.etree" is not allowed'),
        ("def f(): return eval('1')", 'name "eval" is not allowed'),
        ("def f(): return open('/etc/passwd')", 'name "open" is not allowed'),
        (
            "def f(): return ().__class__.__bases__",
            'attribute "__bases__" is not allowed',
        ),
        ("def f(:", "the source cannot be parsed: invalid syntax"),
        ("def g(): pass", 'the source defines no function "f"'),
        ("from . import x\ndef f(): pass", "a function has no package to import from"),
        (
            "def f(): return '\0'",
            "the source cannot be parsed: source code string cannot contain null bytes",
        ),
        (
            "def f(): return " + "(" * 300 + ")" * 300,
            "the source cannot be parsed: too many nested parentheses",
        ),
    ],
)
def test_a_source_is_refused_with_a_reason(worker: Worker, source: str, message: str) -> None:
    head, _ = worker.run(source, purpose="Check")
    assert (head["t"], head["message"]) == ("Refused", message)


def test_names_of_ones_own_may_be_called_like_builtins(worker: Worker) -> None:
    assert worker.returns("def f():\n    def open(x): return x + 1\n    return open(1)") == 2
    assert worker.run("def f(): return 1", purpose="Check")[0] == {"t": "Accepted"}


def test_an_import_that_the_check_cannot_see_is_refused(worker: Worker) -> None:
    source = "def f():\n    g = (lambda: 0).__getattribute__('__glo' + 'bals__')\n"
    source += "    return g['__built' + 'ins__']['__imp' + 'ort__']('os')"
    head, _ = worker.run(source)
    assert (head["t"], head["sqlstate"], head["message"]) == (
        "Refused",
        "WH001",
        'module "os" is not allowed',
    )


def test_an_exception_is_described(worker: Worker) -> None:
    source = "def g(x):\n    raise ValueError('bad', x)\n\ndef f(x):\n    return g(x)\n"
    head, body = worker.run(source, 7)
    assert head == {
        "t": "Raised",
        "message": "ValueError: ('bad', 7)",
        "number": None,
        "memory": False,
    }
    assert json.loads(body) == {
        "class": "builtins.ValueError",
        "args": ["bad", 7],
        "sqlstate": None,
        "traceback": [
            {"line": 5, "function": "f", "text": "return g(x)"},
            {"line": 2, "function": "g", "text": "raise ValueError('bad', x)"},
        ],
    }


@pytest.mark.parametrize(
    "source",
    [
        "class E(Exception):\n    def __str__(self): raise E\ndef f(): raise E",
        "def f(): raise SystemExit(3)",
        "def f(): raise KeyboardInterrupt",
        "class E(BaseException):\n    args = sqlstate = property(lambda s: 1 / 0)\ndef f(): raise E",
        "def f(): return f()",
        "def f(): raise ValueError('x' * 10_000_000)",
        "def f(): raise ValueError(*range(1_000_000))",
        "def f(): return object()",
        "def f():\n    x = []\n    x.append(x)\n    return x",
    ],
)
def test_whatever_is_raised_leaves_a_worker_that_works(worker: Worker, source: str) -> None:
    head, body = worker.run(source)
    assert head["t"] == "Raised"
    assert len(body) < 8000
    assert len(head["message"]) <= 2000
    assert worker.returns("def f(): return 1") == 1


def test_memory_is_limited(worker: Worker) -> None:
    head, _ = worker.run("def f(): return len(bytearray(300 << 20))")
    assert (head["t"], head["memory"]) == ("Raised", True)
    assert worker.returns("def f(): return len(bytearray(100 << 20))") == 100 << 20


def test_processor_time_is_limited_by_the_kernel_too() -> None:
    with worker_kit.helper(cpu_seconds=1) as own:
        made = own.spawn()
        began = time.monotonic()
        with pytest.raises(Closed):
            made.run("def f():\n    while True: pass")
        assert time.monotonic() - began < 10
        assert own.bury(made)["signal"] == signal.SIGKILL


def test_a_worker_that_crashes_is_reported(confined: Helper) -> None:
    made = confined.spawn()
    source = OS + "    os.abort()\n"
    with pytest.raises(Closed):
        made.run(source)
    assert confined.bury(made)["signal"] in {
        signal.SIGABRT,
        signal.SIGSEGV,
        signal.SIGILL,
    }


def test_workers_end_with_their_helper() -> None:
    with worker_kit.helper() as own:
        made = own.spawn()
        made.send(
            {
                "t": "Run",
                "id": "x",
                "name": "f",
                "purpose": "Call",
                "source": "def f():\n  while 1: pass",
            },
            "{}",
        )
        os.kill(own.pid, signal.SIGKILL)
        # One that was just being made says so first.
        made.read_to_end()


def test_queries_are_asked_of_the_backend(worker: Worker) -> None:
    source = "def f(n):\n    return query('SELECT %s AS a, $x$ $1 $x$ AS b', n), execute('SELECT 1')"
    head, body = worker.run(source, 5)
    assert (head, json.loads(body)) == (
        {"t": "Query", "sql": "SELECT $1 AS a, $x$ $1 $x$ AS b", "mode": "All"},
        [5],
    )
    worker.send({"t": "Rows"}, json.dumps({"c": ["a", "a"], "r": [[1, 2]], "n": 1}))
    assert worker.receive()[0]["sql"] == "SELECT 1"
    worker.send({"t": "Rows"}, json.dumps({"c": [], "r": [], "n": 3}))
    head, body = worker.receive()
    assert json.loads(body) == {"$": "tuple", "v": [[{"a": 1, "a_2": 2}], 3]}


FAILURE = {
    "t": "Failed", "number": 4, "sqlstate": "23505", "message": "duplicate", "detail": "Key", "hint": None,
    "context": None, "schema_name": None, "table_name": "t", "column_name": None, "constraint_name": "t_pkey",
}  # fmt: skip


def test_a_query_that_fails_raises(worker: Worker) -> None:
    source = "def f():\n    try: query('x')\n    except Exception as e: return e.sqlstate, e.constraint_name"
    worker.run(source)
    worker.send(FAILURE)
    assert json.loads(worker.receive()[1]) == {"$": "tuple", "v": ["23505", "t_pkey"]}
    worker.run("def f(): query('x')")
    worker.send(FAILURE)
    head, body = worker.receive()
    assert (head["message"], head["number"]) == ("ServerError: duplicate", 4)
    assert json.loads(body)["sqlstate"] == "23505"


def test_a_cursor_is_fetched_in_chunks_and_closed(worker: Worker) -> None:
    source = "def f():\n    with cursor('SELECT 1', chunk=2) as c: return [row['n'] for row in c]"
    assert worker.run(source)[0]["mode"] == "Cursor"
    worker.send({"t": "Done", "cursor": 9})
    for rows in ([[1], [2]], [[3]]):
        assert worker.receive()[0] == {"t": "Fetch", "cursor": 9, "count": 2}
        worker.send({"t": "Rows"}, json.dumps({"c": ["n"], "r": rows, "n": len(rows)}))
    assert worker.receive()[0] == {"t": "Close", "cursor": 9}
    worker.send({"t": "Done", "cursor": 9})
    assert worker.receive()[1] == "[1,2,3]"


def test_a_stream_gives_a_value_for_each_question(worker: Worker) -> None:
    head, body = worker.run("def f():\n    yield 1\n    yield 'b'\n", purpose="Stream")
    assert (head["t"], body) == ("Yielded", "1")
    worker.send({"t": "More"})
    assert worker.receive() == ({"t": "Yielded"}, '"b"')
    worker.send({"t": "More"})
    assert worker.receive()[0] == {"t": "Ended"}


def test_what_is_printed_is_sent(worker: Worker) -> None:
    worker.returns("def f():\n    print('a', 1)\n    print('b', end='')")
    assert worker.printed == ["a 1", "b"]


def test_async_functions_run(worker: Worker) -> None:
    assert worker.returns("async def g(): return 2\nasync def f(): return await g() + 1") == 3


def test_a_new_worker_is_quick(confined: Helper) -> None:
    times: list[float] = []
    for _ in range(20):
        began = time.perf_counter()
        with worker_kit.worker(confined) as made:
            made.returns("def f(): return 1")
            times.append(time.perf_counter() - began)
    # Twenty tries, of which a busy machine may spoil some.
    assert min(times) < 0.005, times


def test_garbage_from_the_backend_ends_a_worker(confined: Helper) -> None:
    made = confined.spawn()
    made.send({"t": "More"})
    assert made.read_to_end() == b""
    assert confined.bury(made)["status"] == 1
