"""Reading files as rows: options, what the planner asks, scans."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from multicorn import _like
from multicorn._base import ForeignDataWrapper, PathKey, Sample
from multicorn._columns import Columns
from multicorn._exceptions import MulticornException
from multicorn._options import check_names, required
from multicorn._qual import Qual
from multicorn._rights import check_read_files
from multicorn.fsfdw._pattern import Pattern, parse_pattern
from multicorn.fsfdw._walk import Found, walk
from multicorn.utils import WARNING, log_to_postgres

# Guesses for the planner: files below a root, values of one field, bytes of a
# name and of a content.
_FILES: Final = 10_000
_VALUES: Final = 100
_NAME_BYTES: Final = 32
_CONTENT_BYTES: Final = 8192

# Types whose equality is that of the characters in the path.
_TEXT_TYPES: Final = frozenset({"text", "character varying"})
_INTEGER_TYPES: Final = frozenset({"smallint", "integer", "bigint"})


class FileReader(ForeignDataWrapper):
    """What all wrappers of this package have in common.

    A subclass with transactions tells by `_overlay` which files look different
    inside them, and by `_knows` which columns it fills.
    """

    _options: tuple[str, ...] = (
        "root_dir",
        "pattern",
        "content_column",
        "filename_column",
        "encoding",
    )

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        name = type(self).__name__
        check_names(name, fdw_options, self._options)
        check_read_files(name)
        self._root = required(name, fdw_options, "root_dir")
        self._pattern: Pattern = parse_pattern(required(name, fdw_options, "pattern"))
        self._content = fdw_options.get("content_column")
        self._filename = fdw_options.get("filename_column")
        self._encoding = fdw_options.get("encoding", "utf-8")
        self._columns = fdw_columns
        self._types = {
            column: (definition.base_type_name or definition.type_name).partition("(")[
                0
            ]
            for column, definition in fdw_columns.items()
        }
        self._check_columns()

    def _check_columns(self) -> None:
        for option, name in (
            ("content_column", self._content),
            ("filename_column", self._filename),
        ):
            if name is not None and name not in self._columns:
                raise MulticornException(
                    f'the option "{option}" names the column "{name}",'
                    " which the table does not have"
                )
        fields = ", ".join(self._pattern.fields)
        for name in self._columns:
            if not self._knows(name):
                raise MulticornException(
                    f'the column "{name}" is neither a field of the pattern nor'
                    " the content nor the file name",
                    hint=f"The pattern's fields are: {fields}.",
                )

    def _knows(self, column: str) -> bool:
        """Tell whether there is something to put into the column."""
        return column in self._pattern.fields or column in {
            self._content,
            self._filename,
        }

    def _overlay(self) -> Mapping[str, bytes | None]:
        """Return contents that differ from the disk's; None for no file."""
        return {}

    # Planning

    def get_rel_size(self, quals: Sequence[Qual], columns: set[str]) -> tuple[int, int]:
        """Guess by the number of fields that the query fixes."""
        fixed = {qual.field_name for qual in quals if qual.operator == "="}
        rows = _FILES
        for name in self._pattern.fields:
            rows //= _VALUES if name in fixed else 1
        if self._filename in fixed:
            rows = 1
        width = len(columns) * _NAME_BYTES
        return (max(1, rows), width + _CONTENT_BYTES * (self._content in columns))

    def get_path_keys(self) -> Sequence[PathKey]:
        """Return the keys of one file: its name, and all its fields."""
        keys: list[PathKey] = []
        if self._filename is not None:
            keys.append(((self._filename,), 1))
        fields = tuple(self._pattern.fields)
        if fields and all(name in self._columns for name in fields):
            keys.append((fields, 1))
        return keys

    # Scans

    def execute(
        self, quals: Sequence[Qual], columns: set[str]
    ) -> Iterator[dict[str, Any]]:
        """Yield the needed columns of the files that may match."""
        tests = [test for qual in quals if (test := self._test(qual)) is not None]
        for found in self._candidates(quals):
            if all(test(found) for test in tests):
                row = self._row(found, columns)
                if row is not None:
                    yield row

    def analyze(self) -> Sample:
        """Return the rows of all files."""
        return self.execute([], set(self._columns)), None

    def _candidates(self, quals: Sequence[Qual]) -> Iterator[Found]:
        known = self._known(quals)
        if known is None:
            return
        # The files as this transaction sees them: first those on disk.
        changed = self._overlay()
        for found in walk(self._root, self._pattern, known):
            if found.path not in changed and self._is_readable(found):
                yield found
        for path, content in changed.items():
            fields = None if content is None else self._pattern.parse(path)
            if fields is not None and known.items() <= fields.items():
                yield Found(path, fields)

    def _is_readable(self, found: Found) -> bool:
        try:
            found.path.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(found.path)
            log_to_postgres(
                f"a file is left out, its name is not valid UTF-8: {shown!r}", WARNING
            )
            return False
        return True

    def _known(self, quals: Sequence[Qual]) -> dict[str, str] | None:
        """Return the texts that the conditions fix; None if nothing can match."""
        known: dict[str, str] = {}
        for qual in quals:
            if qual.operator != "=" or qual.value is None:
                continue
            fixed = self._fixed(qual.field_name, qual.value)
            if fixed is None:
                continue
            for name, text in fixed.items():
                if text is None or known.setdefault(name, text) != text:
                    return None
        return known

    def _fixed(self, column: str, value: Any) -> Mapping[str, str | None] | None:
        """Return what `column = value` says of fields; None if nothing.

        A field's text is None if no path can have the value.
        """
        kind = self._types.get(column)
        if column == self._filename and kind in _TEXT_TYPES and isinstance(value, str):
            return self._pattern.parse(value) or dict.fromkeys(self._pattern.fields)
        field = self._pattern.fields.get(column)
        if field is None:
            return None
        as_text = kind in _TEXT_TYPES and isinstance(value, str)
        if as_text and field.width is not None:
            # The text must be the canonical one; '7' is not '07'.
            return {column: value if field.fits(value) else None}
        as_number = (
            field.width is not None
            and kind in _INTEGER_TYPES
            and isinstance(value, int)
        )
        return {column: field.text(value)} if as_text or as_number else None

    def _test(self, qual: Qual) -> "_Test | None":
        """Return a test of a path, to avoid opening files for nothing."""
        name = qual.field_name
        is_path = name == self._filename
        if not (is_path or name in self._pattern.fields):
            return None
        if self._types[name] not in _TEXT_TYPES:
            return None
        return _test_of(qual, None if is_path else name)

    def _row(self, found: Found, columns: set[str]) -> dict[str, Any] | None:
        """Return the row; None if the file vanished since it was listed."""
        row: dict[str, Any] = {
            name: text for name, text in found.fields.items() if name in columns
        }
        if self._filename in columns:
            row[str(self._filename)] = found.path
        if self._content in columns:
            data = self._read(found.path)
            if data is None:
                return None
            row[str(self._content)] = self._decoded(found.path, data)
        return row

    def _read(self, path: str) -> bytes | None:
        changed = self._overlay()
        if path in changed:
            return changed[path]
        try:
            with open(os.path.join(self._root, path), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MulticornException(
                f"could not read the file {path!r}: {error.strerror}"
            ) from error

    def _decoded(self, path: str, data: bytes) -> bytes | str:
        is_bytes = self._types[str(self._content)] == "bytea"
        return data if is_bytes else self._text(path, data)

    def _text(self, path: str, data: bytes) -> str:
        try:
            return data.decode(self._encoding)
        except (UnicodeDecodeError, LookupError) as error:
            raise MulticornException(
                f"the content of the file {path!r} is not text: {error}",
                hint='Make the column bytea, or set the option "encoding".',
            ) from None


_Test = Callable[[Found], bool]


def _test_of(qual: Qual, field: str | None) -> _Test | None:
    """Return a test of a field's text, or of the path for None."""

    def text_of(found: Found) -> str:
        return found.path if field is None else found.fields[field]

    value = qual.value
    if qual.operator == ("=", True) and isinstance(value, list):
        texts = frozenset(
            item for item in cast("list[Any]", value) if isinstance(item, str)
        )
        return lambda found: text_of(found) in texts
    if not isinstance(value, str):
        return None
    if qual.operator == "=":
        return lambda found: text_of(found) == value
    if qual.operator == "<>":
        return lambda found: text_of(found) != value
    if qual.operator not in {"~~", "!~~"}:
        return None
    pieces = _like.parse(value)
    if pieces is None:
        return None
    wanted, expression = qual.operator == "~~", _like.to_regex(pieces)
    return lambda found: (expression.fullmatch(text_of(found)) is not None) is wanted
