"""Files as rows: patterns, pruning, contents, errors."""

import os
from pathlib import Path
from typing import Any

import pytest

from multicorn import Qual
from multicorn.fsfdw import FilesystemFdw
from multicorn.fsfdw._pattern import parse_pattern
from multicorn.fsfdw._walk import walk
from multicorn.utils import MulticornException

from .conftest import ColumnMaker, Messages

MUSIC = [
    "Bach/Fugues/01 - First.ogg",
    "Bach/Fugues/02 - Second.ogg",
    "Bach/Suites/01 - Air.ogg",
    "Bach/Suites/cover.jpg",
    "Cage/Silence/10 - Four - Thirty.ogg",
]
PATTERN = "{artist}/{album}/{track:02d} - {title}.ogg"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in MUSIC:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    return tmp_path


@pytest.fixture
def music(root: Path, columns: ColumnMaker) -> FilesystemFdw:
    options = {
        "root_dir": str(root),
        "pattern": PATTERN,
        "content_column": "content",
        "filename_column": "path",
    }
    names = columns("artist", "album", "title", "content", "path", track="integer")
    return FilesystemFdw(options, names)


def paths(table: FilesystemFdw, *quals: Qual) -> list[str]:
    return [row["path"] for row in table.execute(quals, {"path"})]


OGGS = [name for name in MUSIC if name.endswith(".ogg")]


class TestPattern:
    @pytest.mark.parametrize(
        ("pattern", "path", "fields"),
        [
            ("{a}/{b}.txt", "x/y.txt", {"a": "x", "b": "y"}),
            ("{a}/{b}.txt", "x/.txt", None),
            ("{a}/{b}.txt", "x/y.text", None),
            ("{a}/{b}.txt", "y.txt", None),
            ("{a}/{b}", "x/..", None),
            ("{a}-{b}", "x-y-z", {"a": "x", "b": "y-z"}),
            ("{a}/{a}.txt", "x/x.txt", {"a": "x"}),
            ("{a}/{a}.txt", "x/y.txt", None),
            ("{a}-{a}", "x-x", {"a": "x"}),
            ("{a}-{a}", "x-y", None),
            ("{n:02d}", "07", {"n": "07"}),
            ("{n:02d}", "7", None),
            ("{n:02d}", "007", None),
            ("{n:02d}", "107", {"n": "107"}),
            ("{n:d}", "7", {"n": "7"}),
            ("{n:d}", "07", None),
            ("{n:d}", "\u0667", None),
            ("{{x}}.{a}", "{x}.1", {"a": "1"}),
            ("fixed.txt", "fixed.txt", {}),
            ("a+{b}", "a+x", {"b": "x"}),
            ("{a}", "line\nbreak", {"a": "line\nbreak"}),
        ],
    )
    def test_parse(self, pattern: str, path: str, fields: Any) -> None:
        assert parse_pattern(pattern).parse(path) == fields

    @pytest.mark.parametrize(
        ("pattern", "reason"),
        [
            ("/abs/{a}", "relative path"),
            ("{a}//{b}", "relative path"),
            ("{a}/", "relative path"),
            ("../{a}", "relative path"),
            ("{a}{b}", "something between them"),
            ("{a", "expected '}'"),
            ("{}", "is written {name}"),
            ("{a!r}", "is written {name}"),
            ("{a:>3}", "'>3' is no format"),
            ("{a:d}/{a}", "two formats"),
            ("a\0{b}", "NUL"),
        ],
    )
    def test_wrong(self, pattern: str, reason: str) -> None:
        with pytest.raises(MulticornException) as caught:
            parse_pattern(pattern)
        assert 'the option "pattern" is wrong' in str(caught.value)
        assert reason in str(caught.value)

    def test_fill(self) -> None:
        pattern = parse_pattern("{a}/{n:03d}.txt")
        assert pattern.texts({"n": 7, "a": "x"}) == {"a": "x", "n": "007"}
        assert pattern.fill({"a": "x", "n": "007"}) == "x/007.txt"
        assert pattern.fill({"a": ".."}) is None
        assert pattern.fill({"a": "..", "n": "007"}) is None
        assert pattern.texts({"n": -1, "a": "x/y"}) == {"a": None, "n": None}
        assert pattern.texts({"n": "7" * 5000}) == {"n": None}


class TestScan:
    def test_rows(self, music: FilesystemFdw) -> None:
        needed = {"artist", "album", "track", "title", "content", "path"}
        rows = list(music.execute([], needed))
        assert [row["path"] for row in rows] == OGGS
        assert rows[0] == {
            "artist": "Bach",
            "album": "Fugues",
            "track": "01",
            "title": "First",
            "path": OGGS[0],
            "content": f"content of {OGGS[0]}",
        }

    def test_only_needed_columns(self, music: FilesystemFdw) -> None:
        assert next(music.execute([], {"title"})) == {"title": "First"}
        assert next(music.execute([], set())) == {}

    @pytest.mark.parametrize(
        ("quals", "expected"),
        [
            ([Qual("artist", "=", "Cage")], OGGS[3:]),
            ([Qual("artist", "=", "Nobody")], []),
            ([Qual("artist", "=", "..")], []),
            ([Qual("artist", "=", "Bach/Fugues")], []),
            ([Qual("artist", "=", "")], []),
            ([Qual("artist", "=", "Bach"), Qual("artist", "=", "Cage")], []),
            ([Qual("track", "=", 1)], [OGGS[0], OGGS[2]]),
            ([Qual("track", "=", -1)], []),
            ([Qual("title", "=", "Four - Thirty")], OGGS[3:]),
            # Another way to read the name: it must not make another row.
            ([Qual("title", "=", "Thirty")], []),
            ([Qual("artist", ("=", True), ["Cage", None, "X"])], OGGS[3:]),
            ([Qual("title", "~~", "%s%"), Qual("artist", "<>", "Cage")], OGGS[:1]),
            ([Qual("title", "!~~", "F%")], OGGS[1:3]),
            ([Qual("path", "~~", "Bach/%")], OGGS[:3]),
            ([Qual("path", "=", OGGS[1])], OGGS[1:2]),
            ([Qual("path", "=", "elsewhere")], []),
            ([Qual("path", "=", "../x/01 - y.ogg")], []),
        ],
    )
    def test_conditions(self, music, quals, expected) -> None:
        assert paths(music, *quals) == expected

    @pytest.mark.parametrize(
        "qual",
        [
            Qual("artist", "<", "C"),
            Qual("artist", "~~", "bad\\"),
            Qual("artist", "=", 5),
            Qual("track", "=", "1"),
            Qual("track", ("=", True), [1]),
            Qual("content", "=", "x"),
            Qual("artist", "~~*", "b%"),
        ],
    )
    def test_left_to_the_server(self, music: FilesystemFdw, qual: Qual) -> None:
        assert paths(music, qual) == OGGS

    def test_text_column_of_a_number(self, root: Path, columns: ColumnMaker) -> None:
        options = {
            "root_dir": str(root),
            "pattern": PATTERN,
            "filename_column": "path",
        }
        table = FilesystemFdw(
            options, columns("artist", "album", "track", "title", "path")
        )
        assert paths(table, Qual("track", "=", "02")) == [OGGS[1]]
        assert paths(table, Qual("track", "=", "2")) == []

    def test_known_directories_are_not_listed(self, root: Path, monkeypatch) -> None:
        listed: list[str] = []
        original = os.listdir

        def spy(path: str) -> list[str]:
            listed.append(os.path.relpath(path, root))
            return original(path)

        monkeypatch.setattr(os, "listdir", spy)
        pattern = parse_pattern(PATTERN)
        known = {"artist": "Bach", "album": "Fugues"}
        assert len(list(walk(str(root), pattern, known))) == 2
        assert listed == ["Bach/Fugues"]
        listed.clear()
        whole = pattern.parse(OGGS[0])
        assert whole is not None
        assert len(list(walk(str(root), pattern, whole))) == 1
        assert listed == []

    def test_contents_are_read_only_when_needed(
        self, music: FilesystemFdw, monkeypatch
    ) -> None:
        read: list[str] = []
        original = music._read
        monkeypatch.setattr(music, "_read", lambda p: read.append(p) or original(p))
        list(music.execute([], {"path"}))
        assert read == []
        list(music.execute([Qual("title", "=", "Air")], {"content"}))
        assert read == [OGGS[2]]

    def test_bytea_and_encodings(self, tmp_path: Path, columns: ColumnMaker) -> None:
        (tmp_path / "a.txt").write_bytes("é".encode("latin-1"))
        options = {
            "root_dir": str(tmp_path),
            "pattern": "{name}.txt",
            "content_column": "content",
        }
        raw = FilesystemFdw(options, columns("name", content="bytea"))
        assert [row["content"] for row in raw.execute([], {"content"})] == [b"\xe9"]
        table = FilesystemFdw(
            {**options, "encoding": "latin1"}, columns("name", "content")
        )
        assert [row["content"] for row in table.execute([], {"content"})] == ["é"]
        for encoding in ("utf-8", "no-such"):
            broken = FilesystemFdw(
                {**options, "encoding": encoding}, columns("name", "content")
            )
            with pytest.raises(MulticornException, match=r"'a\.txt' is not text"):
                list(broken.execute([], {"content"}))

    def test_a_name_that_is_no_text(
        self, tmp_path: Path, columns: ColumnMaker, messages: Messages
    ) -> None:
        (tmp_path / "good.txt").touch()
        with open(os.fsencode(tmp_path) + b"/\xff.txt", "wb"):
            pass
        options = {"root_dir": str(tmp_path), "pattern": "{name}.txt"}
        table = FilesystemFdw(options, columns("name"))
        assert list(table.execute([], {"name"})) == [{"name": "good"}]
        [warning] = messages.warnings()
        assert warning.endswith("its name is not valid UTF-8: b'\\xff.txt'")

    def test_directories_and_vanished_files(
        self, tmp_path: Path, columns: ColumnMaker
    ) -> None:
        (tmp_path / "dir.txt").mkdir()
        (tmp_path / "a.txt").touch()
        (tmp_path / "b.txt").touch()
        options = {
            "root_dir": str(tmp_path),
            "pattern": "{name}.txt",
            "content_column": "c",
        }
        scan = FilesystemFdw(options, columns("name", "c")).execute([], {"name", "c"})
        assert next(scan)["name"] == "a"
        (tmp_path / "b.txt").unlink()
        assert list(scan) == []

    def test_missing_root(self, tmp_path: Path, columns: ColumnMaker) -> None:
        options = {"root_dir": str(tmp_path / "no"), "pattern": "{a}"}
        table = FilesystemFdw(options, columns("a"))
        with pytest.raises(MulticornException, match='"root_dir" does not exist'):
            list(table.execute([], {"a"}))


class TestPlanning:
    def test_sizes(self, music: FilesystemFdw) -> None:
        assert music.get_rel_size([], {"path"}) == (10_000, 32)
        assert music.get_rel_size([Qual("artist", "=", "x")], {"path"}) == (100, 32)
        assert music.get_rel_size([Qual("path", "=", "x")], {"content"}) == (1, 8224)

    def test_keys(self, music: FilesystemFdw) -> None:
        assert music.get_path_keys() == [
            (("path",), 1),
            (("artist", "album", "track", "title"), 1),
        ]


def test_owners_need_the_right_to_read_files(
    root: Path, columns: ColumnMaker, messages: Messages
) -> None:
    messages.rights = (False, True, True, [])
    options = {"root_dir": str(root), "pattern": "{a}"}
    with pytest.raises(MulticornException, match="FilesystemFdw reads files"):
        FilesystemFdw(options, columns("a"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, 'FilesystemFdw needs the option "root_dir"'),
        ({"root_dir": "/"}, 'FilesystemFdw needs the option "pattern"'),
        ({"root_dir": "/", "patern": "{a}"}, 'has no option "patern"'),
        ({"root_dir": "/", "pattern": "{b}"}, 'column "a" is neither a field'),
        (
            {"root_dir": "/", "pattern": "{a}", "content_column": "c"},
            'names the column "c"',
        ),
        ({"root_dir": "/", "pattern": "{a}", "file_mode": "rw"}, '"file_mode" must be'),
        ({"root_dir": "/", "pattern": "{a}", "file_mode": "9"}, '"file_mode" must be'),
    ],
)
def test_bad_options(options, message, columns: ColumnMaker) -> None:
    with pytest.raises(MulticornException) as caught:
        FilesystemFdw(options, columns("a"))
    assert message in str(caught.value)
