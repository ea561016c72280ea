"""What functions leave behind: dropped ones, triggers of tables that are gone, sets of a row each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import psycopg

    from conftest import Database

BODIES = {"plpy": "return a", "python": "def main(a): return a"}
KB = 1024


def memory(connection: psycopg.Connection, what: str) -> int:
    """Bytes of resident memory of the backend: now (VmRSS), or the most there were (VmHWM)."""
    status = Path(f"/proc/{connection.info.backend_pid}/status").read_text()
    found = re.search(rf"{what}:\s+(\d+)", status)
    assert found
    return int(found[1]) * KB


def growth_each(connection: psycopg.Connection, step: Callable[[int], object], steps: int) -> float:
    """Bytes that a step adds, once the first steps have filled what is filled once."""
    warm = steps // 4
    for at in range(warm):
        step(at)
    before = memory(connection, "VmRSS")
    for at in range(warm, warm + steps):
        step(at)
    return (memory(connection, "VmRSS") - before) / steps


@pytest.mark.parametrize("language", BODIES)
def test_a_dropped_function_is_forgotten(database: Database, language: str) -> None:
    filler = "\n# filler " * 3000
    body = BODIES[language] + filler

    def step(at: int) -> None:
        connection.execute(
            f"CREATE FUNCTION f{at}(a int) RETURNS int LANGUAGE {language} AS $f${body}$f$".encode()
        )
        connection.execute(f"SELECT f{at}(1)".encode())
        connection.execute(f"DROP FUNCTION f{at}".encode())

    with database.connect() as connection:
        # Less than the text of each; the last few stay.
        assert growth_each(connection, step, 800) < 20 * KB


def test_a_trigger_is_forgotten_with_its_table(database: Database) -> None:
    def table(trigger: str) -> Callable[[int], object]:
        text = f"CREATE TEMP TABLE t (a int); {trigger} INSERT INTO t VALUES (1); DROP TABLE t"
        return lambda _at: connection.execute(text.encode())

    with database.connect() as connection:
        connection.execute("CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpy AS 'return None'")
        connection.execute(
            "CREATE FUNCTION trp() RETURNS trigger LANGUAGE python"
            " AS 'def before_insert(td, new): return new'"
        )
        each = "CREATE TRIGGER {0} BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION {0}();"
        without = growth_each(connection, table(""), 500)
        both = each.format("tr") + each.format("trp")
        with_triggers = growth_each(connection, table(both), 500)
        assert with_triggers - without < 8 * KB


@pytest.mark.parametrize("language", BODIES)
def test_a_set_for_each_row_costs_no_memory(database: Database, language: str) -> None:
    rows = 300_000
    body = {"plpy": "return [a]", "python": "def main(a): return [a]"}[language]

    def most(function: str) -> int:
        with database.connect() as connection:
            text = f"SELECT count(x) FROM (SELECT {function}(g) AS x FROM generate_series(1, {{}}) g) q"
            connection.execute(text.format(1000).encode())
            before = memory(connection, "VmHWM")
            assert connection.execute(text.format(rows).encode()).fetchone() == (rows,)
            return memory(connection, "VmHWM") - before

    with database.connect() as connection:
        connection.execute(
            f"CREATE FUNCTION of_ours(a int) RETURNS SETOF int LANGUAGE {language} AS $f${body}$f$".encode()
        )
        connection.execute(
            "CREATE FUNCTION of_plpgsql(a int) RETURNS SETOF int LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NEXT a; END'"
        )
    assert (most("of_ours") - most("of_plpgsql")) / rows < 16
