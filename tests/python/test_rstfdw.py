"""Documents as rows."""

import sys
from pathlib import Path

import pytest

from multicorn.fsfdw import ReStructuredTextFdw
from multicorn.utils import MulticornException

from .conftest import ColumnMaker

DOCUMENT = """\
=====
Title
=====

Below it
--------

:Author: Ada
:Date: 2020-01-02
:Release-Name: first *one*

Text. ``{{""".replace("{{", "")

SECOND = """\
Other
=====

:Authors: - Ada
          - Bob

.. include:: /etc/passwd

.. raw:: html
   :file: /etc/passwd
"""


@pytest.fixture
def table(tmp_path: Path, columns: ColumnMaker) -> ReStructuredTextFdw:
    (tmp_path / "a.rst").write_text(DOCUMENT)
    (tmp_path / "b.rst").write_text(SECOND)
    options = {
        "root_dir": str(tmp_path),
        "pattern": "{name}.rst",
        "filename_column": "path",
    }
    names = ("name", "path", "title", "subtitle", "author", "authors", "release_name")
    return ReStructuredTextFdw(options, columns(*names, date="date"))


def test_fields(table: ReStructuredTextFdw) -> None:
    needed = {"name", "title", "subtitle", "author", "authors", "release_name", "date"}
    first, second = table.execute([], needed)
    assert first == {
        "name": "a",
        "title": "Title",
        "subtitle": "Below it",
        "author": "Ada",
        "authors": None,
        "release_name": "first one",
        "date": "2020-01-02",
    }
    assert second["title"] == "Other"
    assert second["authors"] == "Ada; Bob"


def test_files_are_not_parsed_for_paths(
    table: ReStructuredTextFdw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "docutils", None)
    assert [row["path"] for row in table.execute([], {"path"})] == ["a.rst", "b.rst"]
    with pytest.raises(MulticornException, match="needs the Python package docutils"):
        list(table.execute([], {"title"}))


def test_a_broken_document_has_what_it_has(
    tmp_path: Path, columns: ColumnMaker, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.rst").write_text("Title\n=\n\n.. nosuch::\n\n`open\n")
    options = {"root_dir": str(tmp_path), "pattern": "{name}.rst"}
    table = ReStructuredTextFdw(options, columns("name", "title"))
    assert [row["name"] for row in table.execute([], {"name", "title"})] == ["a"]
    assert capfd.readouterr().err == ""


def test_it_is_read_only(table: ReStructuredTextFdw) -> None:
    with pytest.raises(NotImplementedError):
        table.insert({})
