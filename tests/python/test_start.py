"""What the start of a session may cost: imports that it must do without."""

import subprocess
import sys
from pathlib import Path

import multicorn

PACKAGE = Path(multicorn.__file__).parent.parent
# Each of them costs as much as the whole start, and is wanted by few sessions.
DEAR = {"typing", "logging", "inspect", "ast", "re", "threading", "traceback", "json"}
SCRIPT = """
import sys, types
# What the library makes.
for name in ("_native", "_values", "_plpy"):
    made = types.ModuleType("multicorn." + name)
    made.__getattr__ = lambda name: type(name, (), {})
    sys.modules[made.__name__] = made
before = set(sys.modules)
import multicorn._output, multicorn._runtime, multicorn._traceback
import multicorn._plpy_compile
if "plpy" in sys.argv:
    import multicorn.plpy, multicorn._plpy_import
if "python" in sys.argv:
    import Postgres._loader
print(*sorted(set(sys.modules) - before))
"""


def imported_by_a_start(*languages: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", SCRIPT, *languages],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_a_start_imports_nothing_dear() -> None:
    imported = imported_by_a_start()
    assert "multicorn._output" in imported
    assert not imported & DEAR


def test_a_first_call_imports_nothing_dear() -> None:
    imported = imported_by_a_start("plpy", "python")
    assert {"multicorn.plpy", "Postgres._loader", "Postgres._types"} <= imported
    assert not imported & DEAR


def test_every_public_name_is_found() -> None:
    for name in multicorn.__all__:
        assert getattr(multicorn, name) is not None, name
    assert set(multicorn.__all__) <= set(dir(multicorn))


def test_a_name_that_is_none() -> None:
    assert not hasattr(multicorn, "load_class")
