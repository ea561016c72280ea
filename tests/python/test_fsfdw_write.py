"""Writing files: nothing before the commit, one writer at a time."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from multicorn.fsfdw import FilesystemFdw
from multicorn.fsfdw._changes import Changes
from multicorn.utils import MulticornException

from .conftest import ColumnMaker, Messages


@pytest.fixture
def table(tmp_path: Path, columns: ColumnMaker) -> FilesystemFdw:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.txt").write_text("1")
    options = {
        "root_dir": str(tmp_path),
        "pattern": "{dir}/{name}.txt",
        "content_column": "content",
        "filename_column": "path",
        "file_mode": "640",
    }
    made = FilesystemFdw(options, columns("dir", "name", "content", "path"))
    made.begin(0)
    return made


def files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def seen(table: FilesystemFdw) -> dict[str, str]:
    return {
        row["path"]: row["content"] for row in table.execute([], {"path", "content"})
    }


def end(table: FilesystemFdw) -> None:
    table.pre_commit()
    table.commit()


def test_insert(table: FilesystemFdw, tmp_path: Path) -> None:
    row = {"dir": "b", "name": "new", "content": "text", "path": None}
    assert table.insert(row) == {**row, "path": "b/new.txt"}
    assert seen(table) == {"a/one.txt": "1", "b/new.txt": "text"}
    assert files(tmp_path) == {"a/one.txt": "1"}
    end(table)
    assert files(tmp_path) == {"a/one.txt": "1", "b/new.txt": "text"}
    assert (tmp_path / "b" / "new.txt").stat().st_mode & 0o777 == 0o640


def test_insert_by_file_name(table: FilesystemFdw, tmp_path: Path) -> None:
    row = {"dir": None, "name": None, "content": None, "path": "x/y.txt"}
    assert table.insert(row)["dir"] == "x"
    end(table)
    assert files(tmp_path)["x/y.txt"] == ""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"dir": "a", "name": "one"}, "exists already"),
        ({"dir": "a", "name": None}, '"name" must not be NULL'),
        ({"dir": "..", "name": "x"}, "read back as other values"),
        ({"dir": "a/b", "name": "x"}, '"dir" cannot be part of a path'),
        ({"dir": "a", "name": "x\0"}, '"name" cannot be part of a path'),
        ({"path": "../etc/x.txt"}, "does not follow the pattern"),
        ({"path": "/etc/x.txt"}, "does not follow the pattern"),
        ({"path": "a/x.txt", "dir": "b"}, 'and the column "dir" disagree'),
    ],
)
def test_refused(table: FilesystemFdw, tmp_path: Path, row, message) -> None:
    with pytest.raises(MulticornException) as caught:
        table.insert(row)
    assert message in str(caught.value)
    end(table)
    assert files(tmp_path) == {"a/one.txt": "1"}


def test_a_path_that_reads_back_differently(
    tmp_path: Path, columns: ColumnMaker
) -> None:
    options = {"root_dir": str(tmp_path), "pattern": "{x}-{y}"}
    table = FilesystemFdw(options, columns("x", "y"))
    with pytest.raises(MulticornException, match="other values") as caught:
        table.insert({"x": "a-b", "y": "c"})
    assert caught.value.detail == "The path would be 'a-b-c'."
    with pytest.raises(MulticornException, match="no column identifies them"):
        _ = table.rowid_column


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"content": "2"}, {"a/one.txt": "2"}),
        ({"name": "two"}, {"a/two.txt": "1"}),
        ({"dir": "c", "content": "3"}, {"c/one.txt": "3"}),
        ({"path": "d/x.txt"}, {"d/x.txt": "1"}),
        ({"path": "d/x.txt", "dir": "d", "name": "x"}, {"d/x.txt": "1"}),
    ],
)
def test_update(table: FilesystemFdw, tmp_path: Path, new, expected) -> None:
    old = {"dir": "a", "name": "one", "content": "1", "path": "a/one.txt"}
    stored = table.update("a/one.txt", {**old, **new})
    assert [stored["path"]] == list(expected)
    assert seen(table) == expected
    end(table)
    assert files(tmp_path) == expected


def test_update_of_some_columns(table: FilesystemFdw, tmp_path: Path) -> None:
    table.update("a/one.txt", {"name": "two"})
    end(table)
    assert files(tmp_path) == {"a/two.txt": "1"}


def test_update_onto_another_file(table: FilesystemFdw) -> None:
    table.insert({"dir": "a", "name": "two"})
    with pytest.raises(MulticornException, match=r"'a/two\.txt' exists already"):
        table.update("a/one.txt", {"name": "two"})
    with pytest.raises(MulticornException, match="does not exist any more"):
        table.update("a/gone.txt", {"name": "x"})


def test_delete_and_make_anew(table: FilesystemFdw, tmp_path: Path) -> None:
    table.delete("a/one.txt")
    assert seen(table) == {}
    table.insert({"dir": "a", "name": "one", "content": "again"})
    assert seen(table) == {"a/one.txt": "again"}
    table.insert({"dir": "a", "name": "brief"})
    table.delete("a/brief.txt")
    end(table)
    assert files(tmp_path) == {"a/one.txt": "again"}


def test_rollback_and_savepoints(table: FilesystemFdw, tmp_path: Path) -> None:
    table.insert({"dir": "a", "name": "kept"})
    table.sub_begin(2)
    table.delete("a/one.txt")
    table.sub_rollback(2)
    table.sub_begin(2)
    table.insert({"dir": "a", "name": "released"})
    table.sub_commit(2)
    assert set(seen(table)) == {"a/one.txt", "a/kept.txt", "a/released.txt"}
    end(table)
    assert set(files(tmp_path)) == {"a/one.txt", "a/kept.txt", "a/released.txt"}
    table.begin(0)
    table.delete("a/one.txt")
    table.rollback()
    assert "a/one.txt" in files(tmp_path)


def test_a_failure_in_pre_commit_changes_nothing(
    table: FilesystemFdw, tmp_path: Path
) -> None:
    table.update("a/one.txt", {"content": "2"})
    # A file stands where a directory is needed.
    (tmp_path / "b").write_text("in the way")
    table.insert({"dir": "b", "name": "x"})
    with pytest.raises(MulticornException, match="could not write below"):
        table.pre_commit()
    table.rollback()
    assert files(tmp_path) == {"a/one.txt": "1", "b": "in the way"}


def _is_locked(root: Path) -> bool:
    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def test_the_lock_lasts_from_the_first_write_to_the_end(
    table: FilesystemFdw, tmp_path: Path
) -> None:
    seen(table)
    assert not _is_locked(tmp_path)
    table.delete("a/one.txt")
    assert _is_locked(tmp_path)
    table.pre_commit()
    assert _is_locked(tmp_path)
    table.commit()
    assert not _is_locked(tmp_path)


def test_a_second_writer_waits(tmp_path: Path) -> None:
    first, second = Changes(str(tmp_path), 0o600), Changes(str(tmp_path), 0o600)
    first.put("x", b"1")
    entered = threading.Event()

    def write() -> None:
        second.put("x", b"2")
        entered.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert not entered.wait(0.05)
    first.apply()
    first.finish()
    assert entered.wait(5)
    thread.join()
    second.apply()
    second.finish()
    assert files(tmp_path) == {"x": "2"}


def test_missing_root(tmp_path: Path) -> None:
    changes = Changes(str(tmp_path / "no"), 0o600)
    with pytest.raises(MulticornException, match="could not open the directory"):
        changes.lock()


def test_owners_need_the_right_to_write_files(
    tmp_path: Path, columns: ColumnMaker, messages: Messages
) -> None:
    messages.rights = (True, False, True, [])
    options = {"root_dir": str(tmp_path), "pattern": "{a}", "filename_column": "p"}
    table = FilesystemFdw(options, columns("a", "p"))
    for write in (
        lambda: table.insert({"a": "x"}),
        lambda: table.update("x", {"a": "y"}),
        lambda: table.delete("x"),
    ):
        with pytest.raises(MulticornException, match="writes files") as caught:
            write()
        assert caught.value.sqlstate == "42501"
