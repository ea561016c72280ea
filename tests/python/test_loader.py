"""Finding a class by name: what works, and what the errors say."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from multicorn import get_class
from multicorn._loader import suggest


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a directory on sys.path; its modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    package = tmp_path / "shelfpkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "good.py").write_text("class GoodFdw:\n    pass\nnot_a_class = 3\n")
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def hint_of(error: BaseException) -> str:
    return str(getattr(error, "hint", ""))


def test_loads_a_class(shelf: Path) -> None:
    assert get_class("shelfpkg.good.GoodFdw").__name__ == "GoodFdw"


def test_missing_module_lists_sys_path(shelf: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'nowhere_at_all'"):
        get_class("nowhere_at_all.Fdw")
    with pytest.raises(ModuleNotFoundError) as caught:
        get_class("nowhere_at_all.sub.Fdw")
    assert caught.value.name == "nowhere_at_all"
    assert repr(str(shelf)) in hint_of(caught.value)
    assert "Did you mean" not in hint_of(caught.value)


@pytest.mark.parametrize(
    ("dotted", "meant"),
    [
        ("shelfpkg.goood.GoodFdw", "shelfpkg.good"),
        ("shelfpgk.good.GoodFdw", "shelfpkg"),
        ("multicorn.csvfwd.CsvFdw", "multicorn.csvfdw"),
    ],
)
def test_misspelt_module_is_suggested(shelf: Path, dotted: str, meant: str) -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        get_class(dotted)
    assert hint_of(caught.value).startswith(f"Did you mean '{meant}'?")


def test_misspelt_class_is_suggested(shelf: Path) -> None:
    with pytest.raises(AttributeError, match="no class 'goodfwd'") as caught:
        get_class("shelfpkg.good.goodfwd")
    assert hint_of(caught.value) == "Did you mean 'shelfpkg.good.GoodFdw'?"


def test_strange_class_lists_classes_and_file(shelf: Path) -> None:
    with pytest.raises(AttributeError) as caught:
        get_class("shelfpkg.good.Unrelated")
    assert "its classes are: GoodFdw" in hint_of(caught.value)
    assert str(shelf / "shelfpkg" / "good.py") in hint_of(caught.value)
    assert "sys.path" in hint_of(caught.value)


def test_not_a_class(shelf: Path) -> None:
    with pytest.raises(TypeError, match=r"'shelfpkg\.good.not_a_class' is a int"):
        get_class("shelfpkg.good.not_a_class")


@pytest.mark.parametrize("dotted", ["NoModule", ".Fdw", "module.", ""])
def test_name_without_a_module(dotted: str) -> None:
    with pytest.raises(ValueError, match="does not name a class") as caught:
        get_class(dotted)
    assert "module.Class" in hint_of(caught.value)


def test_module_that_needs_another_module(shelf: Path) -> None:
    (shelf / "needy.py").write_text("import something_not_installed\n")
    with pytest.raises(ModuleNotFoundError) as caught:
        get_class("needy.Fdw")
    assert caught.value.name == "something_not_installed"
    assert "'needy' was found" in hint_of(caught.value)
    assert "needs 'something_not_installed'" in hint_of(caught.value)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("raise ImportError('inner trouble')", ImportError),
        ("from json import no_such_name", ImportError),
        ("1 / 0", ZeroDivisionError),
        ("def broken(:", SyntaxError),
    ],
)
def test_module_that_fails(shelf: Path, code: str, error: type[Exception]) -> None:
    (shelf / "failing.py").write_text(code)
    with pytest.raises(error) as caught:
        get_class("failing.Fdw")
    assert "'failing' was found, but its own code raised" in hint_of(caught.value)


def test_a_cancel_passes_unchanged(shelf: Path) -> None:
    (shelf / "slow.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        get_class("slow.Fdw")


def test_suggest() -> None:
    assert suggest("file_name", ["filename", "delimiter"]) == "filename"
    assert suggest("FILENAME", ["filename"]) == "filename"
    assert suggest("password", ["filename", "delimiter"]) is None
    assert suggest("x", []) is None
