"""The `wormhole` command: what is installed in a database, who may do what, and how long a call takes."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from wormhole import RemoteError, execute, query, query_value, remote, set_connection
from wormhole._errors import HINTS, UNDEFINED_FUNCTION, failure

SHORT = 12
"""How much of an id is shown; any prefix that fits one function is taken."""


INTERRUPTED = 130
"""The exit status of what Ctrl-C has ended, as shells have it."""

MISSING = frozenset({"42P01", UNDEFINED_FUNCTION})
"""What a database without Wormhole answers."""


class Problem(Exception):  # noqa: N818 - its text is what the command says
    """Something the user has to hear, in one line."""


def connect(dsn: str) -> Any:
    """Connect by whichever driver of libpq is there; an empty text leaves all to PGHOST and the like."""
    for name in ("psycopg", "psycopg2"):
        try:
            driver: Any = importlib.import_module(name)
        except ImportError:
            continue
        try:
            connection = driver.connect(dsn)
        except driver.Error as error:  # a text that is no connection string, too
            raise Problem(str(error).strip()) from None
        connection.autocommit = True
        return connection
    raise Problem("the command needs psycopg or psycopg2: pip install psycopg[binary]")


def find(text: str) -> dict[str, Any]:
    """The one function of this id, beginning of an id, or name."""
    rows = query(
        "SELECT * FROM wormhole_functions WHERE func_id = $1 OR func_name = $1"
        " OR (length($1) >= 4 AND starts_with(func_id, $1)) ORDER BY created_at DESC",
        text,
    )
    exact = [row for row in rows if row["func_id"] == text]
    ids = {row["func_id"]: row for row in exact or rows}
    if not ids:
        raise Problem(f"there is no remote function {text}")
    if len(ids) > 1:
        listed = ", ".join(f"{key[:SHORT]} ({row['func_name']})" for key, row in ids.items())
        raise Problem(f"{text} may be any of {listed}")
    return next(iter(ids.values()))


def shown(value: Any) -> str:
    """A value in a table."""
    if value is None:
        return "-"
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print columns as wide as they need to be."""
    texts = [list(heads), *([shown(value) for value in row] for row in rows)]
    widths = [max(len(row[at]) for row in texts) for at in range(len(heads))]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def do_list(options: argparse.Namespace) -> None:
    """List the functions that one sees."""
    rows = query(
        "SELECT func_id, func_name, signature, created_by, created_at, execution_count, last_executed"
        " FROM wormhole_functions WHERE $1 = '' OR func_name = $1 ORDER BY execution_count DESC, func_name",
        options.name,
    )
    if options.json:
        print(json.dumps(rows, default=shown, indent=2))
        return
    heads = ("id", "name", "created by", "created at", "calls", "last call")
    keys = ("func_name", "created_by", "created_at", "execution_count", "last_executed")
    table(heads, [[row["func_id"][:SHORT], *(row[key] for key in keys)] for row in rows])


def do_show(options: argparse.Namespace) -> None:
    """Show a function's source and what is known of it."""
    row = find(options.function)
    for key, value in row.items():
        if key not in {"source", "origin", "hash"} and value is not None:
            print(f"# {key}: {shown(value)}")
    origin = row.get("origin")
    if origin and origin.get("file"):
        print(f"# from: {origin['file']}")
    print(row["source"].rstrip())


def do_drop(options: argparse.Namespace) -> None:
    """Forget functions by id or name."""
    for text in options.functions:
        named = query_value("SELECT count(*) FROM wormhole_functions WHERE func_name = $1", text)
        count = query_value("SELECT wormhole_drop($1)", text if named else find(text)["func_id"])
        print(f"{text}: {count} dropped")


def do_whitelist(options: argparse.Namespace) -> None:
    """List the modules that remote functions may import, or change one."""
    if options.action == "list":
        modules = query("SELECT * FROM wormhole_allowed_modules ORDER BY allowed DESC, module_name")
        rows = [[row["module_name"], "yes" if row["allowed"] else "no", row["notes"]] for row in modules]
        table(("module", "allowed", "notes"), rows)
        return
    if not options.module:
        raise Problem(f"which module? wormhole whitelist {options.action} MODULE")
    if options.action == "remove":
        count = execute("DELETE FROM wormhole_allowed_modules WHERE module_name = $1", options.module)
        print(f"{options.module}: {'removed' if count else 'was not listed'}")
        return
    allowed = options.action == "allow"
    changed = execute(
        "UPDATE wormhole_allowed_modules SET allowed = $2, notes = coalesce($3, notes)"
        " WHERE module_name = $1",
        options.module,
        allowed,
        options.notes,
    )
    if not changed:
        execute(
            "INSERT INTO wormhole_allowed_modules (module_name, allowed, notes) VALUES ($1, $2, $3)",
            options.module,
            allowed,
            options.notes,
        )
    print(f"{options.module}: {'allowed' if allowed else 'refused'}")


def do_approve(options: argparse.Namespace) -> None:
    """Let a function run in the server's own process, after showing what it is."""
    row = find(options.function)
    if not options.yes:
        print(row["source"].rstrip())
        if not agreed(f"Let {row['func_name']} run inside of the server, without walls? [y/N] "):
            raise Problem("not approved")
    query("SELECT wormhole_approve($1)", row["func_id"])
    print(f"{row['func_id'][:SHORT]} ({row['func_name']}): approved")


def agreed(question: str) -> bool:
    """Ask; without an answer it is no."""
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        print()
        return False


NOTHING = remote(source="def wormhole_bench_nothing():\n    return None\n")
QUERIES = remote(
    source="def wormhole_bench_queries(n):\n    for _ in range(n):\n        query_value('SELECT 1')\n"
)


def do_bench(options: argparse.Namespace) -> None:
    """Measure calls beside a plain SELECT 1, in turn."""
    cases: dict[str, Callable[[], Any]] = {
        "SELECT 1 by the driver": lambda: query_value("SELECT 1"),
        "a remote function": NOTHING,
        "one with 1 query inside": lambda: QUERIES(1),
        "one with 10 queries inside": lambda: QUERIES(10),
        "10 queries by the client": lambda: [query_value("SELECT 1") for _ in range(10)],
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for function in (NOTHING, QUERIES):
        function.install()
    try:
        for number in range(options.number + 10):
            for name, case in cases.items():
                begin = time.perf_counter()
                case()
                if number >= 10:  # noqa: PLR2004 - the first calls compile
                    times[name].append((time.perf_counter() - begin) * 1e6)
    finally:
        if not options.keep:
            for function in (NOTHING, QUERIES):
                query("SELECT wormhole_drop($1)", function.id)
    rows = [
        [name, f"{statistics.median(taken):.0f}", f"{sorted(taken)[int(len(taken) * 0.95)]:.0f}"]
        for name, taken in times.items()
    ]
    table(("microseconds", "median", "95 %"), rows)


def positive(text: str) -> int:
    """A number of times."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="wormhole", description=__doc__)
    made.add_argument("-d", "--dsn", default="", help="the database; without it PGHOST, PGDATABASE and so on")
    commands = made.add_subparsers(dest="command", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=(run.__doc__ or "").rstrip("."), description=run.__doc__)
        found.set_defaults(run=run)
        return found

    listing = add("list", do_list)
    listing.add_argument("name", nargs="?", default="", help="only the versions of this name")
    listing.add_argument("--json", action="store_true", help="as JSON")
    add("show", do_show).add_argument("function", help="an id, its beginning, or a name")
    add("drop", do_drop).add_argument("functions", nargs="+", help="ids or names")
    whitelist = add("whitelist", do_whitelist)
    whitelist.add_argument("action", nargs="?", default="list", choices=("list", "allow", "refuse", "remove"))
    whitelist.add_argument("module", nargs="?", help="a module's name")
    whitelist.add_argument("--notes", help="why")
    approving = add("approve", do_approve)
    approving.add_argument("function", help="an id, its beginning, or a name")
    approving.add_argument("-y", "--yes", action="store_true", help="do not ask")
    bench = add("bench", do_bench)
    bench.add_argument("-n", "--number", type=positive, default=1000, help="how often each is measured")
    bench.add_argument("--keep", action="store_true", help="leave the functions installed")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        connection = connect(options.dsn)
        try:
            with set_connection(connection):
                options.run(options)
        finally:
            connection.close()
        sys.stdout.flush()
    except (Problem, RemoteError) as error:
        print(f"wormhole: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has had enough; Python would complain of it again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        found = failure(error)
        if found is None:
            raise
        hint = HINTS[UNDEFINED_FUNCTION] if found.sqlstate in MISSING else found.hint
        print(f"wormhole: {found.message.strip()}" + (f"\nHINT: {hint}" if hint else ""), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
