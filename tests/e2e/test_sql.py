"""multicorn.sql where a driver is needed to see it; what SQL shows is in pg_regress."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from running import TABLE, Runner

from conftest import Database


@pytest.fixture
def runner(database: Database) -> Iterator[Runner]:
    database.sql(TABLE)
    with database.connect() as connection:
        yield Runner(connection)


@pytest.mark.parametrize(
    ("statement", "position"), [("SELECT nothing", 8), ("SELEC 1", 1), ("SELECT 1 FROM public.none", 15)]
)
def test_an_error_points_into_the_statement_that_python_ran(
    runner: Runner, statement: str, position: int
) -> None:
    diag = runner.fails(f"from multicorn import sql\nsql.execute({statement!r})")
    assert (diag.internal_query, diag.internal_position) == (statement, str(position))
    assert diag.statement_position is None


def test_a_parameter_that_does_not_fit_is_named(runner: Runner) -> None:
    diag = runner.fails("from multicorn import sql\nsql.execute('SELECT $1::int, $2::int', 1, 2 ** 40)")
    assert diag.message_primary == "value 1099511627776 is out of range for type integer"
    assert "parameter $2" in str(diag.context)


@pytest.mark.needs("plpython3u")
def test_python_that_the_server_calls_otherwise_has_no_owner_to_act_for(runner: Runner) -> None:
    runner.connection.execute(
        """
        CREATE EXTENSION plpython3u;
        CREATE FUNCTION outside() RETURNS text LANGUAGE plpython3u AS $$
        from multicorn import sql
        try:
            return str(sql.execute("SELECT 1"))
        except RuntimeError as error:
            return str(error)
        $$
        """
    )
    refusal = "SQL can be run only where the server calls Python"
    assert runner.run("result = 1") == "1"
    assert runner.connection.execute("SELECT outside()").fetchone() == (refusal,)
    # Nested in a statement of the wrapper's own it is the function's call, not the wrapper's.
    found = runner.run(
        """
        from multicorn import sql
        row, = sql.execute("SELECT public.outside() AS told")
        result = row["told"], sql.execute("SELECT 1 AS one")
        """
    )
    assert found == f"('{refusal}', [{{'one': 1}}])"


def test_statements_are_prepared_once_and_follow_the_catalogue(runner: Runner) -> None:
    runner.connection.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    source = "from multicorn import sql\nresult = sql.execute('SELECT a FROM public.t WHERE a = $1', 1)"
    assert [runner.run(source) for _ in range(7)] == ["[{'a': 1}]"] * 7
    runner.connection.execute("ALTER TABLE t ALTER a TYPE numeric(4, 2)")
    assert runner.run(source) == "[{'a': Decimal('1.00')}]"
    many = (
        "from multicorn import sql\nresult = sum(sql.execute(f'SELECT {i} AS n')[0]['n'] for i in range(200))"
    )
    assert runner.run(many) == "19900"


def test_a_large_result_comes_through_a_cursor(runner: Runner) -> None:
    found = runner.run(
        """
        from multicorn import sql
        with sql.cursor("SELECT i FROM generate_series(1, 100000) i", batch_size=777) as rows:
            total = sum(row["i"] for row in rows)
        with sql.cursor("SELECT generate_series(1, 1000000000) AS i") as rows:
            first = rows.fetch(3)
        result = total, first
        """
    )
    assert found == "(5000050000, [{'i': 1}, {'i': 2}, {'i': 3}])"


def test_a_cancel_inside_ends_the_statement(runner: Runner) -> None:
    runner.connection.execute("SET statement_timeout = '100ms'")
    with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
        runner.run(
            """
            from multicorn import sql
            try:
                list(sql.cursor("SELECT pg_sleep(10) AS a"))
            except Exception:
                result = "caught"
            """
        )
    runner.connection.execute("SET statement_timeout = 0")
    assert runner.run("from multicorn import sql\nresult = sql.execute('SELECT 1 AS one')") == "[{'one': 1}]"


def test_an_error_that_is_kept_says_where_it_was_raised(runner: Runner) -> None:
    """In a later statement, too: the server's copies of such names are gone with the memory of the first."""
    runner.run(
        """
        import builtins
        from multicorn import sql
        try:
            sql.execute("SELECT 1 / 0")
        except sql.ServerError as error:
            builtins.kept = error
        """
    )
    for size in range(1, 200):
        runner.connection.execute(f"SELECT array_agg(repeat('x', {size})) FROM generate_series(1, 100)")
    diag = runner.fails("import builtins\nraise builtins.kept")
    assert diag.message_primary == "division by zero"
    assert (diag.source_file, diag.source_function) == ("int.c", "int4div")
