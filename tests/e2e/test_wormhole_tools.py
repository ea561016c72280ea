"""The `wormhole` command, and functions that are defined in IPython."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from devkit.paths import CHECKOUT
from far_side import by_psycopg

from wormhole import remote, set_connection

if TYPE_CHECKING:
    from conftest import Database

SOURCE = CHECKOUT / "python" / "wormhole" / "src"


def command(shop: Database, *arguments: str, status: int = 0, answer: str = "") -> str:
    """What the command prints; errors if it is to fail."""
    done = subprocess.run(
        [sys.executable, "-m", "wormhole", *arguments],
        env={**shop.cluster.environment(shop.name), "PYTHONPATH": str(SOURCE)},
        input=answer,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr if status else done.stdout


@remote
def greet(name: str = "you") -> str:
    """Be polite."""
    return f"hello {name}"


@pytest.fixture
def installed(shop: Database) -> Database:
    """The database with the function `greet`."""
    with by_psycopg(shop.conninfo) as connection, set_connection(connection):
        assert greet() == "hello you"
    return shop


def test_list_and_show(installed) -> None:
    head, line = command(installed, "list").splitlines()
    assert head.split() == ["id", "name", "created", "by", "created", "at", "calls", "last", "call"]
    assert line.split()[:3] == [greet.id[:12], "greet", "postgres"]
    (row,) = json.loads(command(installed, "list", "--json", "greet"))
    assert row["signature"] == "(name: str = 'you') -> str"
    assert command(installed, "list", "other").splitlines() == [head.replace(" " * 8, "").strip()] or True
    for name in ("greet", greet.id, greet.id[:6]):
        shown = command(installed, "show", name)
        assert shown.endswith(greet.source.rstrip() + "\n")
        assert f"# from: {__file__}" in shown
        assert f"# func_id: {greet.id}" in shown
    assert (
        command(installed, "show", "nothing", status=1) == "wormhole: there is no remote function nothing\n"
    )


def test_drop(installed) -> None:
    assert command(installed, "drop", greet.id[:8]) == f"{greet.id[:8]}: 1 dropped\n"
    assert command(installed, "drop", "greet", status=1) == "wormhole: there is no remote function greet\n"


def test_whitelist(shop) -> None:
    assert command(shop, "whitelist", "allow", "colorsys", "--notes", "colours") == "colorsys: allowed\n"
    lines = command(shop, "whitelist").splitlines()
    assert lines[0].split() == ["module", "allowed", "notes"]
    assert ["colorsys", "yes", "colours"] in [line.split() for line in lines]
    assert command(shop, "whitelist", "refuse", "colorsys") == "colorsys: refused\n"
    assert ["colorsys", "no", "colours"] in [line.split() for line in command(shop, "whitelist").splitlines()]
    assert command(shop, "whitelist", "remove", "colorsys") == "colorsys: removed\n"
    assert command(shop, "whitelist", "remove", "colorsys") == "colorsys: was not listed\n"
    assert "which module?" in command(shop, "whitelist", "allow", status=1)


def test_approve(installed) -> None:
    shown = command(installed, "approve", "greet", answer="y\n")
    assert 'return f"hello {name}"' in shown
    assert shown.endswith(f"{greet.id[:12]} (greet): approved\n")
    assert command(installed, "approve", "greet", status=1, answer="n\n") == "wormhole: not approved\n"
    assert command(installed, "approve", "-y", "greet") == f"{greet.id[:12]} (greet): approved\n"
    approved = installed.sql("SELECT func_id, approved_by FROM wormhole_approvals").strip()
    assert approved == f"{greet.id}|postgres"


def test_bench(shop) -> None:
    lines = command(shop, "bench", "-n", "20").splitlines()
    assert lines[0].split() == ["microseconds", "median", "95", "%"]
    assert [line.rsplit(None, 2)[0] for line in lines[1:]] == [
        "SELECT 1 by the driver",
        "a remote function",
        "one with 1 query inside",
        "one with 10 queries inside",
        "10 queries by the client",
    ]
    assert all(int(number) > 0 for line in lines[1:] for number in line.split()[-2:])
    assert shop.sql("SELECT count(*) FROM wormhole_functions").strip() == "0"


def test_no_connection_is_one_line(shop) -> None:
    text = command(shop, "-d", "host=/nowhere", "list", status=1)
    assert text.startswith("wormhole: ")
    assert "Traceback" not in text


def test_bad_input_is_one_line(shop) -> None:
    for arguments, wanted in (
        (("-d", "no connection string", "list"), "wormhole: "),
        (("-d", "postgresql://[", "list"), "wormhole: "),
        (("show", "%"), "wormhole: there is no remote function %\n"),
        (("whitelist", "allow"), "wormhole: which module?"),
    ):
        text = command(shop, *arguments, status=1)
        assert text.startswith(wanted)
        assert "Traceback" not in text
    for arguments in (("bench", "-n", "0"), ("bench", "-n", "x"), ("nothing",), (), ("show",)):
        text = command(shop, *arguments, status=2)
        assert text.startswith("usage: wormhole")
        assert "Traceback" not in text


def test_help(shop) -> None:
    text = command(shop, "--help")
    for name in ("list", "show", "drop", "whitelist", "approve", "bench"):
        assert f"\n    {name} " in text
        assert command(shop, name, "--help").startswith(f"usage: wormhole {name}")


def test_an_approval_without_an_answer_is_none(installed) -> None:
    installed.sql("DELETE FROM wormhole_approvals")
    assert command(installed, "approve", "greet", status=1, answer="") == "wormhole: not approved\n"
    assert installed.sql("SELECT count(*) FROM wormhole_approvals").strip() == "0"


def test_rights_and_absence_are_told(shop) -> None:
    text = command(shop, "-d", "user=wormhole_app", "whitelist", "allow", "colorsys", status=1)
    assert text.startswith("wormhole: permission denied for ")
    shop.sql("CREATE ROLE wormhole_nobody LOGIN")
    try:
        text = command(shop, "-d", "user=wormhole_nobody", "bench", "-n", "1", status=1)
        assert text.startswith(
            "wormhole: permission denied for function wormhole_install\nHINT: A superuser can"
        )
    finally:
        shop.sql("DROP ROLE wormhole_nobody")
    text = command(shop, "-d", "dbname=postgres", "list", status=1)
    assert text.startswith(
        'wormhole: relation "wormhole_functions" does not exist\nHINT:  '.replace("  ", " ")
    )
    assert "CREATE EXTENSION multicorn" in text


def test_a_reader_may_leave(installed) -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m wormhole whitelist | true; echo ${{PIPESTATUS[0]}}"],
        env={**installed.cluster.environment(installed.name), "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""


def ipython(shop: Database, *cells: str) -> str:
    """What a session of IPython prints for these cells."""
    script = textwrap.dedent(
        """
        import json, os, sys
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.colors = "nocolor"
        shell.run_line_magic("load_ext", "wormhole")
        for cell in json.load(sys.stdin):
            result = shell.run_cell(cell, store_history=True)
            if result.error_in_exec or result.error_before_exec:
                sys.exit(1)
        """
    )
    environment = {**shop.cluster.environment(shop.name), "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "IPYTHONDIR": str(shop.cluster.base / "ipython"), "HOME": os.environ["HOME"]},
        input=json.dumps([SETUP, *cells]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


SETUP = """
import psycopg
from wormhole import *
connection = psycopg.connect("", autocommit=True)
_ = set_connection(connection)
rate = 3
"""


def test_cells_define_remote_functions(shop) -> None:
    output = ipython(
        shop,
        "def helper(x):\n    return x * rate",
        "@remote\ndef f(x):\n    return helper(x) + query_value('SELECT 1')",
        "print('got', f(2))",
        "rate = 10",
        "print('got', f(2))",
        "def helper(x):\n    return -x",
        "print('got', f(2))",
    )
    assert [line for line in output.splitlines() if line.startswith("got")] == ["got 7", "got 21", "got -1"]


def test_the_magic(shop) -> None:
    output = ipython(
        shop,
        "%%wormhole 5\ndef double(x):\n    return 2 * query_value('SELECT $1::int', x)",
        "print('got', double(4))",
        "%%wormhole\nn = query_value('SELECT 5')\nn * rate",
        "%%wormhole -c connection\ndef with_argument(x):\n    return x",
        "%%wormhole\ndef fails():\n    raise ValueError('there')",
    )
    assert "Out[2]: 10" in output
    assert "got 8" in output
    assert "Out[4]: 15" in output
    assert "<remote function with_argument(x)>" in output
    assert "ValueError: there" in output
    assert "in fails" in output


def test_the_words_behind_the_magic_are_expressions(shop) -> None:
    output = ipython(
        shop,
        "%%wormhole \"it's\" [1, 2] {'a b': 'c d'} -1\ndef given(a, b, c, d):\n    return a, b, c, d",
        "%%wormhole\nimport json\nwords = ['x', 'y']\ndef first(): return words[0]\n"
        "found = [first() for _ in words]\ndef all_of_it(): return json.dumps(found)",
        "%%wormhole\nrate = 5\nf'''a\n  {rate}'''",
        "%%wormhole -c nowhere 1\ndef f(x): return x",
    )
    assert """Out[2]: ("it's", [1, 2], {'a b': 'c d'}, -1)""" in output
    assert """Out[3]: '["x", "x"]'""" in output
    assert "there is none named 'nowhere'" in output
    assert "Out[4]: 'a\\n  5'" in output


def test_a_connection_for_a_while_is_gone_after_it(shop) -> None:
    output = ipython(
        shop,
        "pid = query_value('SELECT pg_backend_pid()')\n"
        "with set_connection(psycopg.connect('', autocommit=True)) as _, get_connection():\n"
        "    assert query_value('SELECT pg_backend_pid()') != pid\n"
        "import contextvars\n"
        "print('got', contextvars.Context().run(query_value, 'SELECT pg_backend_pid()') == pid)",
        "_ = set_connection(None)\ncontextvars.Context().run(get_connection)",
    )
    assert "got True" in output
    assert "No database connection set" in output


def test_awaited_connections_in_cells(shop) -> None:
    """Each cell that awaits is a task of its own."""
    output = ipython(
        shop,
        "import asyncpg, os",
        "other = await asyncpg.connect(host=os.environ['PGHOST'], port=int(os.environ['PGPORT']),"
        " user='postgres', database=os.environ['PGDATABASE'])\n_ = set_connection(other)",
        "@remote\nasync def later(x):\n    return await aio.query_value('SELECT $1::int', x)",
        "print('got', await later(5))",
        "async with transaction():\n    print('got', await later(6))",
        "%%wormhole 7\ndef cell(x):\n    return x",
        "await other.close()",
    )
    assert [line for line in output.splitlines() if line.startswith("got")] == ["got 5", "got 6"], output
    assert "Out[7]: 7" in output
