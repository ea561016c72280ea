"""What functions cost: the same work in both languages of this extension, in PL/Python and in PL/pgSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import PLPYTHON, Case
from measure import Backend, Way

if TYPE_CHECKING:
    from devkit.cluster import Cluster
    from setting import Sizes

CALLED = ("plpy", "python", PLPYTHON, "plpgsql", "query")


@dataclass(frozen=True)
class Job:
    """One function in each language; `call` has `{f}` where the function's name stands."""

    name: str
    signature: str
    call: str
    bodies: dict[str, str]
    #: Rows or calls of one measurement, as a part of `Sizes.called`.
    part: int = 1


# In `python` the body is a module, whose `main` is the function.
def module(arguments: str, *lines: str) -> str:
    """The same body as a module."""
    return "\n".join([f"def main({arguments}):", *(f"    {line}" for line in lines)])


def dialects(arguments: str, *lines: str) -> dict[str, str]:
    """A body that both dialects understand."""
    plain = "\n".join(lines)
    return {"plpy": plain, PLPYTHON: plain, "python": module(arguments, *lines)}


READ_BY_PLPY = """\
total = 0
for row in plpy.execute('SELECT i, t FROM fn_source'):
    total += len(row['t'])
return total"""

JOBS = (
    Job(
        "int call",
        "(i int) RETURNS int",
        "SELECT count({f}(i)) FROM fn_source",
        dialects("i", "return i + 1") | {"plpgsql": "BEGIN RETURN i + 1; END"},
    ),
    Job(
        "int, returned as it is",
        "(i int) RETURNS int",
        "SELECT count({f}(i)) FROM fn_source",
        dialects("i", "return i") | {"plpgsql": "BEGIN RETURN i; END"},
    ),
    Job(
        "text call",
        "(t text) RETURNS text",
        "SELECT count({f}(t)) FROM fn_source",
        dialects("t", "return t + '!'") | {"plpgsql": "BEGIN RETURN t || '!'; END"},
    ),
    Job(
        "numeric a*b+c",
        "(a numeric, b numeric, c numeric) RETURNS numeric",
        "SELECT count({f}(a, b, c)) FROM fn_source",
        dialects("a, b, c", "return a * b + c") | {"plpgsql": "BEGIN RETURN a * b + c; END"},
    ),
    Job(
        "rows of a set",
        "(n int) RETURNS SETOF fn_pair ROWS 100000",
        "SELECT count(*) FROM {f}({n})",
        dialects("n", "for i in range(int(n)):", "    yield (i, 'name')")
        | {"plpgsql": "BEGIN RETURN QUERY SELECT i, 'name'::text FROM generate_series(1, n) i; END"},
    ),
    Job(
        "rows of a query",
        "() RETURNS int",
        "SELECT {f}()",
        dict.fromkeys(("plpy", PLPYTHON), READ_BY_PLPY)
        | {
            "python": "read = prepare('SELECT i, t FROM fn_source')\ndef main():\n    total = 0\n"
            "    for row in read.rows():\n        total += len(row['t'])\n    return total",
            "plpgsql": "DECLARE total int := 0; r record; BEGIN FOR r IN SELECT i, t FROM fn_source LOOP"
            " total := total + length(r.t); END LOOP; RETURN total; END",
        },
    ),
    Job(
        "statement as a set",
        # A set goes through a tuple store; one that does not fit would be measured as writing a file.
        "() RETURNS SETOF fn_source ROWS 100000 SET work_mem = '64MB'",
        "SELECT count(*) FROM {f}()",
        {
            "python": "read = prepare('SELECT * FROM fn_source')\ndef main():\n    return read",
            "plpgsql": "BEGIN RETURN QUERY SELECT * FROM fn_source; END",
        },
    ),
    Job(
        "row trigger",
        "() RETURNS trigger",
        "UPDATE fn_written SET i = i + 1",
        dict.fromkeys(("plpy", PLPYTHON), "TD['new']['t'] = 'changed'\nreturn 'MODIFY'")
        | {
            "python": "def before_update(td, old, new):\n    return new.replace(t='changed')",
            "plpgsql": "BEGIN NEW.t := 'changed'; RETURN NEW; END",
        },
    ),
)


def set_up(cluster: Cluster, sizes: Sizes) -> None:
    """Make the functions, and the tables that they read and change."""
    cluster.sql(
        f"""
        CREATE TYPE fn_pair AS (i int, t text);
        CREATE TABLE fn_source AS
            SELECT i, 'name ' || i AS t, (i * 1.234567)::numeric(20,6) AS a,
                (i * 0.5)::numeric(20,6) AS b, 17.25::numeric(20,6) AS c
            FROM generate_series(1, {sizes.called}) i;
        VACUUM ANALYZE fn_source;
        """,
        "bench",
    )
    statements = [statement for job in JOBS for statement in create(job)]
    cluster.sql("SELECT v FROM mc_first;" + "".join(statements), "bench")


def function(job: Job, way: str) -> str:
    """The name of a job's function in a language."""
    return f"fn_{''.join(c if c.isalnum() else '_' for c in job.name)}_{way}"


def create(job: Job) -> Iterator[str]:
    """The function in each language, with the table that a trigger is for."""
    for way, body in job.bodies.items():
        name = function(job, way)
        yield f"CREATE FUNCTION {name}{job.signature} LANGUAGE {way} AS $fn$\n{body}\n$fn$;"
        if "trigger" in job.signature:
            yield (
                f"CREATE TABLE fn_written_{way} (i int, t text, n numeric);"
                f"CREATE TRIGGER changes BEFORE UPDATE ON fn_written_{way}"
                f" FOR EACH ROW EXECUTE FUNCTION {name}();"
            )


class Functions:
    """The cases, in one backend."""

    def __init__(self, backend: Backend, sizes: Sizes) -> None:
        self.backend = backend
        self.sizes = sizes

    def all(self) -> Iterator[Case]:
        """Every case, in the order of the table."""
        for job in JOBS:
            yield Case(job.name, self.sizes.called, "call or row", lambda job=job: self.ways(job))

    def ways(self, job: Job) -> dict[str, Way]:
        """The job in each language that can do it."""
        ways = {way: self.way(job, way) for way in job.bodies}
        if job.name == "statement as a set":
            ways["query"] = lambda: self.backend.run(
                "SELECT count(*) FROM (SELECT * FROM fn_source OFFSET 0) q"
            )
        return ways

    def way(self, job: Job, way: str) -> Way:
        if "trigger" in job.signature:
            return lambda: self.changed(way)
        text = job.call.format(f=function(job, way), n=self.sizes.called)
        return lambda: self.backend.run(text)

    def changed(self, way: str) -> int:
        """An UPDATE of as many rows, each of which calls the trigger."""
        table = f"fn_written_{way}"
        self.backend.connection.execute(
            f"TRUNCATE {table}; INSERT INTO {table} SELECT i, t, a FROM fn_source".encode()
        )
        text = f"UPDATE {table} SET i = i + 1"
        return self.backend.measure(lambda connection: connection.execute(text.encode()))
