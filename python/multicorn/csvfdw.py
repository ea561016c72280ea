"""CSV files as tables.

The fields of a line go to the table's columns by position, whatever the
columns are called. Nothing is converted here: fields are text, and the server
turns them into the columns' types.
"""

import codecs
import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from multicorn._base import ForeignDataWrapper, Sample
from multicorn._columns import Columns
from multicorn._exceptions import MulticornException
from multicorn._options import check_names, integer, required
from multicorn._qual import Qual
from multicorn._rights import check_read_files
from multicorn.utils import ERROR, WARNING, log_to_postgres

# The csv module refuses a field above 128 KiB by default; a text column may
# hold far more. The limit is the module's, not a reader's: it only ever grows.
_LARGEST_FIELD: Final = 1 << 30

# Mean length of a line, as good a guess as any without opening the file; only
# the planner's estimate depends on it.
_LINE_BYTES: Final = 80


class CsvFdw(ForeignDataWrapper):
    """Reads one CSV file.

    Options: `filename`; `delimiter` (default `,`); `quotechar` (default `"`);
    `skip_header`, the number of lines to leave out (default 0); `encoding`
    (default UTF-8; a byte order mark is dropped).

    A line that is too short leaves the remaining columns NULL; one that is
    too long loses its last fields, with one warning per scan. Empty lines are
    left out.
    """

    _options: Final = ("filename", "delimiter", "quotechar", "skip_header", "encoding")

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        check_names("CsvFdw", fdw_options, self._options)
        check_read_files("CsvFdw")
        self._path = required("CsvFdw", fdw_options, "filename")
        self._delimiter = _one_character("delimiter", fdw_options.get("delimiter", ","))
        self._quotechar = _one_character("quotechar", fdw_options.get("quotechar", '"'))
        self._skip = integer("skip_header", fdw_options.get("skip_header", "0"))
        self._encoding = _text_encoding(fdw_options.get("encoding", "utf-8"))
        self._width = len(fdw_columns)

    def get_rel_size(self, quals: Sequence[Qual], columns: set[str]) -> tuple[int, int]:
        """Return lines and bytes a line, judged by the file's size."""
        del quals
        try:
            size = os.stat(self._path).st_size
        except OSError:
            size = 0
        share = len(columns) / self._width if self._width else 0.0
        rows = size // _LINE_BYTES - self._skip
        return (max(1, rows), max(1, round(_LINE_BYTES * share)))

    def execute(
        self, quals: Sequence[Qual], columns: set[str]
    ) -> Iterator[Sequence[Any]]:
        """Read the file line by line."""
        del quals, columns
        csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_FIELD))
        lines_read = 0
        try:
            # The csv module does its own line splitting: newline="" keeps line
            # ends inside quoted fields as they are.
            with open(self._path, encoding=self._encoding, newline="") as file:
                reader = csv.reader(
                    file, delimiter=self._delimiter, quotechar=self._quotechar
                )
                try:
                    yield from self._fitted(reader)
                finally:
                    lines_read = reader.line_num
        except OSError as error:
            raise MulticornException(
                f'could not read the file "{self._path}": {error.strerror}', ERROR
            ) from error
        except csv.Error as error:
            raise self._bad_line(lines_read, str(error)) from error
        except UnicodeDecodeError as error:
            reason = f"not valid {self._encoding} ({error.reason})"
            hint = 'Set the option "encoding" to the encoding of the file.'
            raise self._bad_line(lines_read, reason, hint) from error

    def analyze(self) -> Sample:
        """Return all rows of the file."""
        return self.execute([], set()), None

    def _fitted(self, reader: Iterator[list[str]]) -> Iterator[Sequence[Any]]:
        """Yield the rows after the header, made as wide as the table."""
        for _ in range(self._skip):
            if next(reader, None) is None:
                return
        width, warned = self._width, False
        for row in reader:
            surplus = len(row) - width
            if surplus == 0:
                yield row
            elif surplus < 0:
                if row:
                    yield [*row, *([None] * -surplus)]
            else:
                if not warned:
                    warned = True
                    self._warn_of_surplus(len(row))
                yield row[:width]

    def _warn_of_surplus(self, found: int) -> None:
        log_to_postgres(
            f'the file "{self._path}" has lines with more fields than the table'
            f" has columns ({found}, {self._width}): the last ones are left out",
            WARNING,
        )

    def _bad_line(
        self, lines_read: int, reason: str, hint: str | None = None
    ) -> MulticornException:
        # The decoder works on blocks ahead of the reader: the trouble is
        # within some lines after the last one that was read, not always the
        # very next.
        return MulticornException(
            f'could not read the file "{self._path}" after line {lines_read}: {reason}',
            ERROR,
            hint,
        )


def _one_character(name: str, value: str) -> str:
    # The name of a tab cannot be typed into a plain SQL literal.
    value = "\t" if value == r"\t" else value
    if len(value) == 1 and value not in "\r\n\0":
        return value
    raise MulticornException(
        f'the option "{name}" must be one character, not {value!r}', ERROR
    )


def _text_encoding(name: str) -> str:
    try:
        # Unlike codecs.lookup this refuses codecs that do not make text of
        # bytes, as base64 and rot13.
        io.TextIOWrapper(io.BytesIO(), encoding=name).close()
    except (LookupError, ValueError) as error:
        raise _unknown_encoding(name) from error
    found = codecs.lookup(name).name
    return "utf-8-sig" if found == "utf-8" else found


def _unknown_encoding(name: str) -> MulticornException:
    return MulticornException(
        f'the option "encoding" names no text encoding: {name!r}',
        ERROR,
        hint="Use a name that Python knows, as utf-8, latin-1, cp1252 or utf-16.",
    )
