"""The query interface over an executor that only remembers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import wormhole
from wormhole._api import API, Api


class Remembering:
    """Answers every statement alike."""

    def __init__(self, columns=("id", "name"), rows=((1, "a"), (2, "b"))) -> None:
        self.columns, self.rows = columns, rows
        self.seen: list = []
        self.closed = False

    def run(self, sql, args):
        self.seen.append((sql, tuple(args)))
        return self.columns, list(self.rows), len(self.rows)

    def stream(self, sql, args, chunk):
        self.seen.append((sql, tuple(args), chunk))
        try:
            for at in range(0, len(self.rows), chunk):
                yield self.columns, self.rows[at : at + chunk]
        finally:
            self.closed = True


def api(executor: Remembering) -> Api:
    return Api(lambda: executor)


def test_rows_are_dicts() -> None:
    executor = Remembering()
    assert api(executor).query("SELECT %s", 5) == [
        {"id": 1, "name": "a"},
        {"id": 2, "name": "b"},
    ]
    assert executor.seen == [("SELECT $1", (5,))]


def test_columns_of_one_name_are_kept_apart() -> None:
    assert api(Remembering(("n", "n"), [(1, 2)])).query("SELECT") == [
        {"n": 1, "n_2": 2}
    ]


def test_one_row_and_one_value() -> None:
    some, none = api(Remembering()), api(Remembering(rows=()))
    assert some.query_single("SELECT") == {"id": 1, "name": "a"}
    assert none.query_single("SELECT") is None
    assert some.query_value("SELECT") == 1
    assert none.query_value("SELECT") is None
    assert api(Remembering((), [()])).query_value("SELECT") is None
    assert some.execute("UPDATE") == 2


def test_arguments_are_counted_before_anything_is_sent() -> None:
    executor = Remembering()
    for name in API:
        with pytest.raises(TypeError, match="takes 1 argument, 0 given"):
            getattr(api(executor), name)("SELECT $1")
    assert executor.seen == []


def test_a_cursor_gives_rows_and_closes() -> None:
    executor = Remembering(("n",), [(n,) for n in range(5)])
    with api(executor).cursor("SELECT $1", 9, chunk=2) as rows:
        assert rows.fetchone() == {"n": 0}
        assert rows.columns == ("n",)
        assert rows.fetchmany(2) == [{"n": 1}, {"n": 2}]
        assert next(rows) == {"n": 3}
        assert not executor.closed
    assert executor.closed
    assert executor.seen == [("SELECT $1", (9,), 2)]
    assert rows.fetchall() == []
    rows.close()
    assert [row["n"] for row in api(executor).cursor("SELECT")] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="one row or more, not 0"):
        api(executor).cursor("SELECT", chunk=0)


def test_the_server_loads_nothing_of_the_client() -> None:
    code = (
        "import sys; import wormhole._api, wormhole._codec, wormhole._engine;"
        "unwanted = {'asyncio', 'socket', 'subprocess', 'wormhole._client'};"
        "print(unwanted & {*sys.modules});"
        "import wormhole; print(wormhole.remote.__name__);"
        "print('wormhole._client' in sys.modules)"
    )
    source = Path(wormhole.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\nremote\nTrue\n"


def test_the_names_of_the_package() -> None:
    assert set(wormhole.__all__) <= set(dir(wormhole))
    assert wormhole.aio.query is not wormhole.query
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = wormhole.nothing  # type: ignore[attr-defined]
