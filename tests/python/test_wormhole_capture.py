"""What is sent of a function: the text, what it uses, and what is refused by name."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import inspect
import json
import linecache
import math as m
import re
import sys
import threading
import xml.etree.ElementTree  # noqa: ICN001 - by its full name on purpose
from datetime import date, timedelta
from decimal import Decimal as Dec
from hashlib import sha256
from heapq import heappush as push
from io import StringIO
from random import randint
from struct import pack
from typing import Any

import pytest

import wormhole as hole
from wormhole import (
    CaptureError,
    aio,
    execute,
    query,
    remote,
    set_connection,
    transaction,
)
from wormhole import query_value as qv

from . import wormhole_helpers as helpers
from .wormhole_helpers import doubled
from .wormhole_kit import lines, loud, run

RATE = 3
TABLE: dict[str, Any] = {"a": [1, (2.5, None)], "b": {"x", "y"}}
DAY = date(2026, 1, 2)
PATTERN = re.compile("a+", re.IGNORECASE)
LOCK = threading.Lock()


class Thing:
    pass


def helper(x):
    return x * RATE + deeper(x)


def deeper(x):
    return helper(x - 1) if x > 100 else m.floor(x)


annotations = [5]


def test_helpers_and_constants_come_first() -> None:
    @remote
    def f(x: int, *, y: int = 2) -> int:
        """Say something."""
        return helper(x) + y

    assert lines(f) == [
        "from __future__ import annotations",
        "import math as m",
        "RATE = 3",
        "def deeper(x):",
        "    return helper(x - 1) if x > 100 else m.floor(x)",
        "def helper(x):",
        "    return x * RATE + deeper(x)",
        "def f(x: int, *, y: int = 2) -> int:",
        '    """Say something."""',
        "    return helper(x) + y",
    ]
    assert run(f, 5) == 22


def test_the_id_is_a_hash_of_name_source_and_signature() -> None:
    @remote
    def f(x: int, *, y: int = 2) -> int:
        return x + y

    content = ["f", f.source, "(x: int, *, y: int = 2) -> int"]
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    assert f.id == hashlib.sha256(text.encode()).hexdigest()


def test_what_a_function_is_survives() -> None:
    @remote
    def f(x: int, /, y: str = "ü", *rest: int, z: float = 1.5, **more: int) -> str:
        """Explain."""
        return f"{x}{y}{rest}{z}{more}"

    assert (f.__name__, f.__doc__, f.__module__) == ("f", "Explain.", __name__)
    assert f.__qualname__.endswith("<locals>.f")
    assert list(inspect.signature(f).parameters) == ["x", "y", "rest", "z", "more"]
    assert inspect.signature(f).parameters["z"].default == 1.5
    assert f.__annotations__["return"] == "str"
    assert f.local(1, "a", 2, z=3.0, q=4) == run(f, 1, "a", 2, z=3.0, q=4)
    assert not inspect.iscoroutinefunction(f)


def test_variables_of_an_enclosing_function_are_sent() -> None:
    def make(factor, names):
        def inner(x):
            return x * factor

        @remote
        def f(x, extra=names):
            return inner(x), names, extra, DAY, PATTERN.findall("xAa"), TABLE["b"]

        return f

    f = make(4, ["a"])
    wanted = (8, ["a"], ["a"], DAY, ["Aa"], {"x", "y"})
    assert run(f, 2) == wanted
    assert "factor = 4" in lines(f)
    assert "def f(x, extra=['a']):" in lines(f)
    assert make(5, ["a"]).id != f.id
    assert make(4, ["a"]).id == f.id


def test_the_text_is_the_same_in_every_process() -> None:
    @remote
    def f():
        return TABLE

    assert "TABLE = {'a': [1, (2.5, None)], 'b': {'x', 'y'}}" in lines(f)


def test_a_constant_that_changes_makes_another_function(monkeypatch) -> None:
    @remote
    def f():
        return RATE, TABLE["a"][0], deeper(1)

    first = f.id
    assert f.id == first
    monkeypatch.setitem(globals(), "RATE", 4)
    second = f.id
    assert second != first
    monkeypatch.setitem(TABLE, "a", [7])
    third = f.id
    assert third != second
    monkeypatch.setitem(TABLE, "c", list(range(1000)))
    fourth = f.id
    assert fourth != third
    assert f.id == fourth
    TABLE["c"][999] = -1
    assert f.id != fourth
    assert run(f) == (4, 7, 1)
    monkeypatch.undo()
    assert f.id == first


def test_imports_are_made_there() -> None:
    @remote
    def f(x):
        tree = xml.etree.ElementTree.fromstring(x)
        return tree.tag, m.pi, Dec("1.5"), timedelta(days=1), doubled(3)

    assert lines(f)[:6] == [
        "from __future__ import annotations",
        "from datetime import timedelta",
        "from decimal import Decimal as Dec",
        "import math as m",
        "import xml",
        "import xml.etree",
    ]
    assert lines(f)[6] == "import xml.etree.ElementTree"
    wanted = ("a", m.pi, Dec("1.5"), timedelta(days=1), 6)
    assert run(f, "<a/>") == wanted


def test_objects_are_imported_from_where_they_are_documented() -> None:
    @remote
    def f(seed):
        heap: list = []
        push(heap, sha256(seed).hexdigest())
        heapq.heappush(heap, StringIO("x").read() + str(pack("b", 1)))
        return heap, randint(3, 3)

    assert [line for line in lines(f) if line.startswith(("from", "import"))] == [
        "from __future__ import annotations",
        "from hashlib import sha256",
        "from heapq import heappush as push",
        "from io import StringIO",
        "from random import randint",
        "from struct import pack",
        "import heapq",
    ]
    assert run(f, b"a") == f.local(b"a")


def test_a_name_may_be_that_of_an_import_from_the_future() -> None:
    @remote
    def f(x: int):
        return annotations[0] + x  # type: ignore[reportIndexIssue]

    assert run(f, 1) == 6


def test_names_of_this_package_are_there_already() -> None:
    @remote
    def f():
        return query("SELECT 1"), qv("SELECT 2"), hole.execute("SELECT 3")

    assert lines(f)[:2] == ["import wormhole as hole", "qv = query_value"]
    assert not any("def query" in line for line in lines(f))


def test_decorators_below_are_sent_and_those_above_stay() -> None:
    calls = []

    def local(function):
        calls.append(function)
        return function

    @local
    @remote
    @loud
    def f(x):
        return str(x)

    assert lines(f)[-3:] == ["@loud", "def f(x):", "    return str(x)"]
    assert "@local" not in lines(f)
    assert calls == [f]
    assert "import functools" in lines(f)
    assert run(f, 1) == "1!"


def test_strings_of_several_lines_stay_what_they_are() -> None:
    @remote
    def f():
        text = """one
            two
        """
        return (
            text,
            f"""{1}
        x""",
        )

    assert lines(f)[0] == "if 1:"
    assert lines(f)[-1] == "f = f"
    assert run(f) == f.local()


def test_async_functions_are_sent_without_await() -> None:
    @remote
    async def f(n):
        async def inner():
            return await aio.query("SELECT 1")

        found = await inner()
        async with aio.cursor("SELECT 1") as rows:
            found += [row async for row in rows]
        return [(await aio.query_value("SELECT 1"), n), found]

    assert "async" not in f.source
    assert "await" not in f.source
    assert "    found = inner()" in lines(f)
    check: Any = inspect if sys.version_info >= (3, 12) else asyncio
    assert check.iscoroutinefunction(f)

    @remote
    async def g():
        return f"{await aio.query_value('SELECT 1')}"

    if sys.version_info >= (3, 12):  # where an f-string is no single token
        assert "await" not in g.source
        return
    with pytest.raises(CaptureError, match="g cannot be sent"):
        _ = g.source


def test_a_function_may_have_been_given_a_name() -> None:
    def make(name):
        def inner(x):
            return x + 1

        inner.__name__ = name
        return remote(inner)

    assert lines(make("plus_one")) == ["def inner(x):", "    return x + 1"]


def test_a_recursive_function_means_itself() -> None:
    @remote
    def fact(n):
        return n * fact(n - 1) if n else 1

    assert len(lines(fact)) == 2
    assert run(fact, 5) == 120


def test_remote_functions_may_call_each_other() -> None:
    @remote
    def even(n):
        return n == 0 or odd(n - 1)

    @remote
    def odd(n):
        return n > 0 and even(n - 1)

    assert run(even, 4)
    assert run(odd, 5)
    assert not run(odd, 4)


def test_another_remote_function_is_sent_along() -> None:
    @remote
    def inner(x):
        return x + 1

    @remote
    def f(x):
        return inner(x) * 2

    assert run(f, 1) == 4


def refused() -> list:  # noqa: C901 - one function for each refusal
    local_lock = LOCK
    number = 0

    def with_lock():
        return local_lock

    def with_class():
        return Thing()

    def with_global():
        global RATE  # noqa: PLW0603
        RATE = 1  # type: ignore[reportConstantRedefinition]

    def with_nonlocal():
        nonlocal number
        number += 1

    def with_module():
        return helpers.doubled(1)

    def with_missing():
        return nowhere  # type: ignore[reportUndefinedVariable] # noqa: F821

    def with_transaction():
        with transaction():
            pass

    def with_default(x=LOCK):
        return x

    def with_part():
        return parts

    def with_method():
        return bound()

    parts = [1, {"k": LOCK}]
    bound = Thing().__init__
    return [
        (with_lock, "uses local_lock, a lock, which cannot be sent"),
        (with_class, "uses Thing, a class, which cannot be sent"),
        (
            with_global,
            "assigns the global RATE; what it sets there would not come back",
        ),
        (with_nonlocal, "no binding for nonlocal 'number' found"),
        (with_module, "uses helpers, a module of this project"),
        (with_missing, "uses nowhere, which is not defined"),
        (with_transaction, "uses transaction, which is for the client"),
        (with_default, "has a default that cannot be sent: x is a lock"),
        (with_part, "uses parts, a list with a lock in it, which cannot be sent"),
        (with_method, "uses bound, a method-wrapper, which cannot be sent"),
    ]


@pytest.mark.parametrize(
    ("function", "text"), refused(), ids=lambda v: getattr(v, "__name__", "")
)
def test_anything_else_is_refused_by_name(function, text) -> None:
    with pytest.raises(CaptureError) as caught:
        _ = remote(function).source
    assert text in str(caught.value)
    assert function.__name__ in str(caught.value)


def test_two_meanings_of_a_name_are_refused() -> None:
    @remote
    def f():
        return RATE, helpers_rate()

    helpers_rate = helpers.rate
    with pytest.raises(CaptureError, match="uses RATE, which means something else"):
        _ = f.source

    @remote
    def g(values):
        return sorted(values), helpers_backwards(values)

    @remote
    def h():
        return query("SELECT 1"), helpers_asked()

    helpers_backwards, helpers_asked = helpers.backwards, helpers.asked
    for function, name in ((g, "sorted"), (h, "query")):
        with pytest.raises(CaptureError, match=f"{name}, which means something else"):
            _ = function.source


def test_what_has_no_source_is_refused() -> None:
    space: dict = {}
    exec("def f(): pass", space)
    with pytest.raises(CaptureError, match=r"use remote\(source=...\)"):
        _ = remote(space["f"]).source
    with pytest.raises(
        CaptureError, match=r"a lambda .* cannot be sent; make it a def"
    ):
        _ = remote(lambda: 1).source
    with pytest.raises(CaptureError, match="is no function that is written in Python"):
        remote(len)


def test_a_source_may_be_given() -> None:
    text = """def g(): return 2
def f(a: int, *, b=[1], **c) -> int:
    'Doc.'
    return a
"""
    f = remote(source=text)
    assert (f.name, str(inspect.signature(f))) == (
        "f",
        "(a: int, *, b=[1], **c) -> int",
    )
    assert f.source == text.rstrip()
    assert remote(source=text, name="g").name == "g"
    assert run(f, 5) == 5
    indented = remote(
        source="""
        def f():
            return 1
        """
    )
    assert indented.source == "\ndef f():\n    return 1"
    with pytest.raises(CaptureError, match="the source has no function h"):
        remote(source=text, name="h")
    with pytest.raises(CaptureError, match="the source is no Python"):
        remote(source="def f(")
    with pytest.raises(TypeError, match="missing a required argument: 'a'"):
        f()


def test_a_file_that_has_changed_is_noticed(tmp_path) -> None:
    file = tmp_path / "changing.py"
    file.write_text("from wormhole import remote\n@remote\ndef f(x): return x\n")
    space: dict = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    file.write_text("from wormhole import remote\n@remote\ndef f(x, y=1): return 5\n")
    with pytest.raises(CaptureError, match=r"changing.py has changed since f was"):
        _ = space["f"].source


def test_what_is_defined_at_a_prompt_is_sent(monkeypatch) -> None:
    """From Python 3.13 on `__main__` has the file of the prompt there."""
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", json.__file__, raising=False)
    space: dict = {"__name__": "__main__", "__package__": "_pyrepl", "remote": remote}
    text = "def h(x): return x + 1\n@remote\ndef f(x): return h(x)\n"
    entry = (len(text), None, text.splitlines(keepends=True), "<python-input-0>")
    monkeypatch.setitem(linecache.cache, "<python-input-0>", entry)
    exec(compile(text, "<python-input-0>", "exec"), space)
    monkeypatch.setattr(main, "h", space["h"], raising=False)
    assert lines(space["f"]) == ["def h(x): return x + 1", "def f(x): return h(x)"]


def test_modules_beside_the_project_are_installed(tmp_path, monkeypatch) -> None:
    """Some are in places that `sysconfig` does not name."""
    place = tmp_path / "dist-packages"
    place.mkdir()
    (place / "wormhole_elsewhere.py").write_text("def there(): pass\n")
    monkeypatch.syspath_prepend(str(place))
    import wormhole_elsewhere  # type: ignore[reportMissingImports]

    @remote
    def f():
        return wormhole_elsewhere.there()

    assert lines(f)[0] == "import wormhole_elsewhere"


def test_lines_lead_back_to_the_file() -> None:
    @remote
    # a comment between
    def f():
        deeper(1)
        raise ValueError("here")

    shipped = f.capture().shipped
    sent = shipped.source.split("\n")
    at = next(
        number for number, line in enumerate(sent, 1) if "raise ValueError" in line
    )
    frame = shipped.locate(at, "f", "")
    assert frame is not None
    assert frame.file == __file__
    with open(__file__) as file:
        assert 'raise ValueError("here")' in file.read().split("\n")[frame.line - 1]
    origin = json.loads(shipped.origin)
    assert origin["file"] == __file__
    assert len(origin["lines"]) == 3
    assert shipped.locate(10_000, "f", "") is None


def test_arguments_are_checked_here() -> None:
    @remote
    def f(a, *, b):
        return execute("SELECT 1")

    with pytest.raises(
        TypeError, match=r"missing a required (keyword-only )?argument: 'b'"
    ):
        f(1)  # type: ignore[reportCallIssue]
    set_connection(None)
    with pytest.raises(RuntimeError, match="No database connection set"):
        f(1, b=2)
