"""Python in the server: settings, coexistence with PL/Python, errors, messages, threads, processes, SQL."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from devkit.paths import SYSTEM_PYTHON
from running import TABLE, Message, Runner, written_since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

PLPYTHON = """
CREATE EXTENSION plpython3u;
CREATE FUNCTION native_is_there() RETURNS text LANGUAGE plpython3u AS
    $$import sys; return str('multicorn._native' in sys.modules)$$;
CREATE FUNCTION through_plpython(source text) RETURNS text LANGUAGE plpython3u AS $$
    plan = plpy.prepare('SELECT result FROM run WHERE source = $1', ['text'])
    return plpy.execute(plan, [source])[0]['result']
$$;
"""


@pytest.fixture
def runner(database: Database) -> Iterator[Runner]:
    with database.connect() as connection:
        connection.execute(TABLE)
        yield Runner(connection)


def with_plpython(runner: Runner) -> None:
    """Create the functions above, or skip: a PostgreSQL from PyPI comes without PL/Python."""
    query = "SELECT FROM pg_available_extensions WHERE name = 'plpython3u'"
    if runner.connection.execute(query).fetchone() is None:
        pytest.skip("this PostgreSQL has no PL/Python")
    runner.connection.execute(PLPYTHON)


def refused(connection: psycopg.Connection, statement: str) -> psycopg.errors.Diagnostic:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    return caught.value.diag


class TestSettings:
    def test_a_change_after_the_start_is_refused(self, runner: Runner) -> None:
        runner.run("result = 1")
        for setting in ("python_path", "virtualenv"):
            diag = refused(runner.connection, f"SET multicorn.{setting} = '/elsewhere'")
            assert diag.sqlstate == "55P02"
            assert "new sessions" in str(diag.message_hint)

    def test_the_same_value_and_other_sessions_values_pass(self, runner: Runner) -> None:
        runner.run("result = 1")
        runner.connection.execute(
            "SELECT set_config('multicorn.virtualenv', current_setting('multicorn.virtualenv'), false)"
        )
        runner.connection.execute("ALTER DATABASE e2e SET multicorn.python_path = '/elsewhere'")
        runner.connection.execute("ALTER DATABASE e2e RESET multicorn.python_path")

    def test_a_database_setting_applies_at_login(self, database: Database, runner: Runner) -> None:
        runner.connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE e2e SET multicorn.python_path = %L',"
            " '/first, /second:' || current_setting('multicorn.python_path')); END $$"
        )
        with database.connect() as connection:
            path = Runner(connection).run("import sys\nresult = sys.path[1:3]")
        assert path == "['/first', '/second']"

    def test_the_package_comes_first(self, runner: Runner) -> None:
        first = runner.run("import sys, multicorn\nresult = multicorn.__file__.startswith(sys.path[0])")
        assert first == "True"

    def test_unknown_settings_are_refused(self, runner: Runner) -> None:
        runner.run("result = 1")
        assert refused(runner.connection, "SET multicorn.nonsense = 1").sqlstate == "42602"

    def test_only_superusers_change_them(self, runner: Runner) -> None:
        runner.run("result = 1")
        runner.connection.execute("CREATE ROLE plain; SET ROLE plain")
        try:
            for setting in ("python_path", "virtualenv", "allowed_wrappers", "print_level", "hook_timeout"):
                assert refused(runner.connection, f"SET multicorn.{setting} = '1'").sqlstate == "42501"
        finally:
            runner.connection.execute("RESET ROLE; DROP ROLE plain")


class TestVirtualenv:
    @staticmethod
    def make(directory: Path, version: str) -> Path:
        """An environment with one package, as `venv` lays it out, of another or the same version."""
        packages = directory / f"lib/python{version}/site-packages"
        packages.mkdir(parents=True)
        (packages / "from_the_venv.py").write_text("answer = 42\n")
        (packages / "more.pth").write_text(str(directory / "more") + "\n")
        (directory / "more").mkdir()
        (directory / "more" / "from_the_pth.py").write_text("answer = 43\n")
        (directory / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}.1\n")
        for path in (directory, *directory.rglob("*")):
            path.chmod(0o755)
        return directory

    @pytest.fixture
    def place(self) -> Iterator[Path]:
        # Not pytest's directory: the server's account has to pass through its parents.
        made = subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip()
        yield Path(made)
        subprocess.run(["rm", "-r", made], check=True)

    def test_its_packages_and_pth_files(self, place: Path, runner: Runner) -> None:
        place.chmod(0o755)
        version = subprocess.run(
            [SYSTEM_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        made = self.make(place / "same", version)
        runner.connection.execute(f"SET multicorn.virtualenv = '{made}'")
        found = runner.run(
            "import sys, from_the_venv, from_the_pth\n"
            "result = from_the_venv.answer, from_the_pth.answer, sys.prefix == sys.base_prefix"
        )
        assert found == "(42, 43, True)"

    def test_another_python_is_refused_with_both_versions(self, place: Path, runner: Runner) -> None:
        place.chmod(0o755)
        made = self.make(place / "other", "3.2")
        before = runner.connection.execute("SHOW multicorn.virtualenv").fetchone()
        assert before is not None
        runner.connection.execute(f"SET multicorn.virtualenv = '{made}'")
        diag = runner.fails("result = 1")
        assert "is for Python 3.2, the server runs Python 3." in str(diag.message_primary)
        # The session lives on, and the setting is not taken.
        runner.connection.execute(f"SET multicorn.virtualenv = '{before[0]}'")
        assert runner.run("result = 1") == "1"

    def test_no_environment_at_all(self, runner: Runner) -> None:
        runner.connection.execute("SET multicorn.virtualenv = '/nowhere'")
        diag = runner.fails("result = 1")
        assert diag.sqlstate == "22023"
        assert "names no virtual environment" in str(diag.message_primary)

    def test_a_real_one(self, place: Path, runner: Runner) -> None:
        place.chmod(0o755)
        subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", str(place / "real")], check=True)
        assert (place / "real" / "pyvenv.cfg").exists(), venv.__name__
        runner.connection.execute(f"SET multicorn.virtualenv = '{place / 'real'}'")
        assert runner.run("import sys\nresult = any('real/lib' in p for p in sys.path)") == "True"


@pytest.mark.needs("plpython3u")
class TestWithPlPython:
    def test_ours_first(self, runner: Runner) -> None:
        assert runner.run("result = 1") == "1"
        with_plpython(runner)
        assert runner.connection.execute("SELECT native_is_there()").fetchone() == ("True",)
        assert runner.connection.execute("SELECT through_plpython('result = 2')").fetchone() == ("2",)

    def test_theirs_first(self, runner: Runner) -> None:
        with_plpython(runner)
        assert runner.connection.execute("SELECT native_is_there()").fetchone() == ("False",)
        assert runner.run("result = 1") == "1"
        assert runner.connection.execute("SELECT native_is_there()").fetchone() == ("True",)

    def test_errors_and_timeouts_pass_through_both(self, runner: Runner) -> None:
        with_plpython(runner)
        diag = refused(runner.connection, "SELECT through_plpython('1/0')")
        assert diag.message_detail == "division by zero"
        runner.connection.execute("SET statement_timeout = 100")
        diag = refused(runner.connection, "SELECT through_plpython('import time; time.sleep(60)')")
        assert diag.sqlstate == "57014"
        runner.connection.execute("SET statement_timeout = 0")
        assert runner.connection.execute("SELECT through_plpython('result = 3')").fetchone() == ("3",)

    def test_a_role_without_rights_starts_python(self, database: Database, runner: Runner) -> None:
        runner.connection.execute("CREATE ROLE nobody_much; GRANT SELECT ON run TO nobody_much")
        try:
            with database.connect() as connection:
                connection.execute("SET ROLE nobody_much")
                assert Runner(connection).run("result = 1") == "1"
        finally:
            runner.connection.execute("DROP OWNED BY nobody_much; DROP ROLE nobody_much")


class TestErrors:
    def test_the_contract(self, runner: Runner) -> None:
        diag = runner.fails("1/0")
        assert (diag.severity, diag.sqlstate) == ("ERROR", "HV000")
        assert diag.message_primary == "Error in python: ZeroDivisionError"
        assert diag.message_detail == "division by zero"
        assert diag.context is None

    def test_the_traceback_is_in_the_log_only(self, database: Database, runner: Runner) -> None:
        size = database.cluster.log.stat().st_size
        diag = runner.fails("def broken():\n    raise KeyError('lost')\nbroken()")
        assert "Traceback" not in str(diag.message_detail)
        log = written_since(database.cluster.log, size)
        assert "Traceback (most recent call last):" in log
        assert ", in broken" in log

    def test_attributes(self, runner: Runner) -> None:
        diag = runner.fails(
            """
            class Taken(Exception):
                sqlstate = "23505"
                hint = "Choose another."
                detail = "It is Bob's."
            raise Taken("the name is taken")
            """
        )
        assert (diag.sqlstate, diag.message_hint) == ("23505", "Choose another.")
        assert diag.message_detail == "the name is taken\nIt is Bob's."

    @pytest.mark.parametrize("code", ["00000", "01000", "02000", "1234", "abcde", "12 45"])
    def test_a_sqlstate_that_is_none(self, runner: Runner, code: str) -> None:
        diag = runner.fails(f"error = ValueError('x')\nerror.sqlstate = {code!r}\nraise error")
        assert diag.sqlstate == "HV000"

    def test_log_to_postgres_error(self, runner: Runner) -> None:
        diag = runner.fails(
            "from multicorn.utils import ERROR, log_to_postgres\n"
            "log_to_postgres('what', ERROR, hint='how', detail='why')"
        )
        assert diag.severity == "ERROR"
        found = (diag.message_primary, diag.message_detail, diag.message_hint)
        assert found == ("what", "why", "how")

    def test_log_to_postgres_critical_ends_the_session(self, runner: Runner) -> None:
        diag = runner.fails(
            "from multicorn.utils import CRITICAL, log_to_postgres\n"
            "try:\n    log_to_postgres('the end', CRITICAL)\nfinally:\n    print('finally ran')"
        )
        assert (diag.severity, diag.message_primary) == ("FATAL", "the end")
        assert runner.texts() == ["finally ran"]
        assert runner.connection.closed

    @pytest.mark.parametrize(
        ("source", "name", "detail"),
        [
            ("raise SystemExit(3)", "SystemExit", "3"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
            ("raise GeneratorExit", "GeneratorExit", ""),
            (
                "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd",
                "Odd",
                "<the text of this Odd is not available: its __str__ raised ZeroDivisionError>",
            ),
            ("raise ValueError('a\\0b')", "ValueError", "a\\x00b"),
            ("def f():\n    f()\nf()", "RecursionError", "maximum recursion depth exceeded"),
            ("raise ValueError('password=geheim')", "ValueError", "password=***"),
        ],
    )
    def test_odd_exceptions(self, runner: Runner, source: str, name: str, detail: str) -> None:
        diag = runner.fails(source)
        assert diag.message_primary == f"Error in python: {name}"
        assert diag.message_detail == detail
        assert runner.run("result = 'lives'") == "lives"

    def test_sizes_are_bounded(self, database: Database, runner: Runner) -> None:
        size = database.cluster.log.stat().st_size
        source = """
            def deep(n):
                try:
                    deep(n - 1) if n else 1 / 0
                except Exception as error:
                    raise ValueError("x" * 100_000) from error
            deep(200)
        """
        diag = runner.fails(source)
        assert len(str(diag.message_detail)) < 9_000
        log = written_since(database.cluster.log, size)
        assert len(log) < 60_000


class TestServerErrors:
    def test_python_sees_the_fields_and_goes_on(self, runner: Runner) -> None:
        found = runner.run(
            """
            from multicorn import sql
            sql.execute("CREATE TEMP TABLE t (a int CONSTRAINT positive CHECK (a > 0))")
            try:
                sql.execute("INSERT INTO t VALUES ($1)", -1)
            except sql.ServerError as error:
                result = error.sqlstate, error.constraint_name, error.table_name, type(error).__name__
            assert sql.execute("SELECT count(*) AS n FROM t") == [{"n": 0}]
            """
        )
        assert found == "('23514', 'positive', 't', 'ServerError_23514')"

    def test_uncaught_it_arrives_with_every_field(self, runner: Runner) -> None:
        diag = runner.fails(
            """
            from multicorn import sql
            sql.execute("CREATE TEMP TABLE t (a int CONSTRAINT positive CHECK (a > 0))")
            sql.execute("INSERT INTO t VALUES (-1)")
            """
        )
        assert (diag.sqlstate, diag.constraint_name, diag.table_name) == ("23514", "positive", "t")
        assert diag.message_detail == "Failing row contains (-1)."
        assert diag.context == 'SQL statement "INSERT INTO t VALUES (-1)"'

    def test_values(self, runner: Runner) -> None:
        found = runner.run(
            """
            from multicorn import sql
            row, = sql.execute(
                "SELECT $1::int AS a, $2::float8 AS b, $3::bool AS c, $4 AS d, $5 AS e, $6::bytea AS f,"
                " 1.50 AS g",
                7, 1.5, True, "ä", None, b"x")
            result = list(row.values())
            """
        )
        assert found == "[7, 1.5, True, 'ä', None, b'x', Decimal('1.50')]"

    def test_transaction_control_is_refused(self, runner: Runner) -> None:
        diag = runner.fails("from multicorn import sql\nsql.execute('COMMIT')")
        assert diag.sqlstate == "0A000"


class TestMessages:
    def test_levels(self, runner: Runner) -> None:
        runner.connection.execute("SET client_min_messages = debug1")
        runner.run(
            """
            import logging, warnings
            from multicorn.utils import DEBUG, INFO, WARNING, log_to_postgres
            log_to_postgres("debug", DEBUG)
            log_to_postgres("info", INFO)
            log_to_postgres("warning", WARNING, hint="h", detail="d")
            logging.getLogger("some.library").warning("from logging")
            warnings.warn("from warnings")
            print("printed")
            """
        )
        ours = [(message.level, message.text) for message in runner.messages]
        assert ("DEBUG", "debug") in ours
        assert [one for one in ours if one[0] != "DEBUG"] == [
            ("NOTICE", "info"),
            ("WARNING", "warning"),
            ("WARNING", "from logging"),
            ("WARNING", "UserWarning: from warnings"),
            ("NOTICE", "printed"),
        ]
        assert Message("WARNING", "warning", "d", "h") in runner.messages

    def test_print_level(self, runner: Runner) -> None:
        runner.run("result = 1")
        runner.connection.execute("SET multicorn.print_level = 'warning'")
        runner.run("print('loud')")
        assert [message.level for message in runner.messages] == ["WARNING"]
        runner.connection.execute("SET multicorn.print_level = 'debug1'")
        runner.texts()
        runner.run("print('quiet')")
        assert runner.texts() == []

    def test_an_unfinished_line_is_sent_at_the_end(self, runner: Runner) -> None:
        runner.run("print('no line end', end='')")
        assert runner.texts() == ["no line end"]
        runner.fails("print('before the error', end='')\n1/0")
        assert runner.texts() == ["before the error"]


class TestThreads:
    def test_messages_arrive_later_and_sql_is_refused(self, runner: Runner) -> None:
        found = runner.run(
            """
            import threading
            from multicorn import _native, sql
            from multicorn.utils import WARNING, log_to_postgres
            seen = []
            def work():
                log_to_postgres("from a thread", WARNING, hint="h")
                seen.append(_native.is_main_thread())
                seen.append(_native.check_interrupts())
                try:
                    sql.execute("SELECT 1")
                except RuntimeError as error:
                    seen.append(str(error))
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            result = seen, _native.is_main_thread()
            """
        )
        assert found == '([False, None, "SQL can be run only on the session\'s own thread"], True)'
        assert runner.texts() == ["from a thread"]

    def test_a_thread_that_fails_is_reported(self, runner: Runner) -> None:
        runner.run("import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()")
        (text,) = runner.texts()
        assert "ZeroDivisionError" in str(text)

    def test_too_many_messages_are_counted(self, runner: Runner) -> None:
        runner.run(
            """
            import threading
            thread = threading.Thread(target=lambda: [print(n) for n in range(1_500)])
            thread.start()
            thread.join()
            """
        )
        texts = runner.texts()
        assert len(texts) == 1_001
        assert texts[-1] == "500 messages of Python threads were dropped"


class TestProcesses:
    @pytest.mark.parametrize("call", ["os.fork()", "os.forkpty()", "__import__('pty').fork()"])
    def test_fork_is_refused(self, runner: Runner, call: str) -> None:
        diag = runner.fails(f"import os\n{call}")
        assert diag.message_primary == "Error in python: RuntimeError"
        assert diag.message_detail == "a server process must not be forked"
        assert "subprocess" in str(diag.message_hint)
        assert runner.run("result = 'lives'") == "lives"

    @pytest.mark.parametrize(
        ("source", "result"),
        [
            ("import subprocess\nresult = subprocess.check_output(['echo', 'hi'])", "b'hi\\n'"),
            (
                "import subprocess as s\nresult = s.check_output(['echo', 'hi'], preexec_fn=lambda: None)",
                "b'hi\\n'",
            ),
            ("import os\nresult = os.system('exit 3') >> 8", "3"),
            (
                "import os\npid = os.posix_spawn('/bin/true', ['true'], {})\nresult = os.waitpid(pid, 0)[1]",
                "0",
            ),
        ],
    )
    def test_programs_can_be_run(self, runner: Runner, source: str, result: str) -> None:
        assert runner.run(source) == result
        assert runner.texts() == []

    def test_multiprocessing_spawns(self, runner: Runner) -> None:
        found = runner.run(
            """
            import math, multiprocessing
            with multiprocessing.Pool(1) as pool:
                result = multiprocessing.get_start_method(), pool.map(math.sqrt, [4, 9])
            """
        )
        assert found == "('spawn', [2.0, 3.0])"
