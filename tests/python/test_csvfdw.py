"""CSV files as tables."""

from pathlib import Path

import pytest

from multicorn.csvfdw import CsvFdw
from multicorn.utils import MulticornException

from .conftest import ColumnMaker, Messages


@pytest.fixture
def table(tmp_path: Path, columns: ColumnMaker):
    def make(content: str | bytes, **options: str) -> CsvFdw:
        path = tmp_path / "data.csv"
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)
        return CsvFdw({"filename": str(path), **options}, columns("a", "b"))

    return make


def rows(wrapper: CsvFdw) -> list[list[str | None]]:
    return [list(row) for row in wrapper.execute([], {"a", "b"})]


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("1,x\n2,y\n", {}, [["1", "x"], ["2", "y"]]),
        ("h,h\n1,x", {"skip_header": "1"}, [["1", "x"]]),
        ("h,h\n", {"skip_header": "3"}, []),
        ("", {}, []),
        ("1|'x|y'\n", {"delimiter": "|", "quotechar": "'"}, [["1", "x|y"]]),
        ("1\tx\n", {"delimiter": "\\t"}, [["1", "x"]]),
        ('1,"a ""quoted""\r\nline"\r\n', {}, [["1", 'a "quoted"\r\nline']]),
        ("1\n\n2,y\n", {}, [["1", None], ["2", "y"]]),
        ("\ufeff1,é\n", {}, [["1", "é"]]),
        ("1,é\n".encode("latin-1"), {"encoding": "latin1"}, [["1", "é"]]),
        ("1,é\n".encode("utf-16"), {"encoding": "utf-16"}, [["1", "é"]]),
    ],
)
def test_reads(table, content, options, expected) -> None:
    assert rows(table(content, **options)) == expected


def test_a_field_may_be_large(table) -> None:
    assert rows(table("1," + "x" * 1_000_000)) == [["1", "x" * 1_000_000]]


def test_too_many_fields_warn_once(table, messages: Messages) -> None:
    wrapper = table("1,2,3\n4,5,6,7\n")
    assert rows(wrapper) == [["1", "2"], ["4", "5"]]
    [warning] = messages.warnings()
    assert "more fields than the table has columns (3, 2)" in warning
    rows(wrapper)
    assert len(messages.warnings()) == 2


def test_it_streams_and_closes_the_file(table) -> None:
    scan = table("1,x\n" * 100_000).execute([], {"a"})
    assert list(next(scan)) == ["1", "x"]
    file = scan.gi_frame.f_locals["file"]
    assert not file.closed
    assert file.buffer.tell() < 100_000
    scan.close()
    assert file.closed


def test_missing_file_is_met_at_execution_only(
    tmp_path: Path, columns: ColumnMaker
) -> None:
    path = tmp_path / "none.csv"
    wrapper = CsvFdw({"filename": str(path)}, columns("a"))
    assert wrapper.get_rel_size([], {"a"}) == (1, 80)
    with pytest.raises(MulticornException) as caught:
        list(wrapper.execute([], set()))
    assert str(caught.value) == (
        f'could not read the file "{path}": No such file or directory'
    )


def test_a_directory_is_an_error(tmp_path: Path, columns: ColumnMaker) -> None:
    wrapper = CsvFdw({"filename": str(tmp_path)}, columns("a"))
    with pytest.raises(MulticornException, match="Is a directory"):
        list(wrapper.execute([], set()))


def test_wrong_encoding_names_the_line(table) -> None:
    wrapper = table(b"1,x\n2,\xff\n")
    with pytest.raises(MulticornException, match=r"after line 0: not valid") as caught:
        rows(wrapper)
    assert caught.value.hint is not None
    assert '"encoding"' in caught.value.hint


def test_unfinished_quote_and_nul(table) -> None:
    assert rows(table('1,"never closed\n2,y\n')) == [["1", "never closed\n2,y\n"]]


def test_size_follows_the_file(table) -> None:
    small, large = table("1,x\n"), table("1,x\n" * 100_000)
    assert large.get_rel_size([], {"a", "b"}) == (5000, 80)
    assert large.get_rel_size([], {"a"}) == (5000, 40)
    assert large.get_rel_size([], set()) == (5000, 1)
    del small


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, 'CsvFdw needs the option "filename"'),
        ({"filename": ""}, 'CsvFdw needs the option "filename"'),
        ({"filename": "f", "delimiter": ",,"}, '"delimiter" must be one character'),
        ({"filename": "f", "quotechar": ""}, '"quotechar" must be one character'),
        ({"filename": "f", "delimiter": "\n"}, '"delimiter" must be one character'),
        ({"filename": "f", "skip_header": "yes"}, '"skip_header" must be an integer'),
        ({"filename": "f", "skip_header": "-1"}, "of at least 0, not '-1'"),
        ({"filename": "f", "encoding": "utf-9"}, "no text encoding: 'utf-9'"),
        ({"filename": "f", "encoding": "rot13"}, "no text encoding: 'rot13'"),
        ({"filename": "f", "encoding": "base64"}, "no text encoding: 'base64'"),
    ],
)
def test_bad_options(options, message, columns: ColumnMaker) -> None:
    with pytest.raises(MulticornException) as caught:
        CsvFdw(options, columns("a"))
    assert message in str(caught.value)


def test_misspelt_option_is_suggested(columns: ColumnMaker) -> None:
    with pytest.raises(MulticornException, match='no option "file_name"') as caught:
        CsvFdw({"file_name": "f"}, columns("a"))
    assert caught.value.hint == 'Did you mean "filename"?'


def test_foreign_option_is_a_warning(messages: Messages, columns: ColumnMaker) -> None:
    CsvFdw({"filename": "f", "owner_team": "x"}, columns("a"))
    [warning] = messages.warnings()
    assert warning == 'CsvFdw ignores the option "owner_team"'


def test_owners_need_the_right_to_read_files(
    messages: Messages, columns: ColumnMaker
) -> None:
    messages.rights = (False, True, True, [])
    with pytest.raises(MulticornException, match="CsvFdw reads files") as caught:
        CsvFdw({"filename": "f"}, columns("a"))
    assert caught.value.sqlstate == "42501"
    messages.rights = None
    with pytest.raises(MulticornException, match="CsvFdw reads files"):
        CsvFdw({"filename": "f"}, columns("a"))
