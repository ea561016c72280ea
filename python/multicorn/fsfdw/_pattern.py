"""Patterns of paths: `{artist}/{album}/{track:02d} - {title}.ogg`.

A pattern is a relative path whose directories and file name may contain
fields. A field matches one or more characters other than `/`, as few as the
rest allows. `{name:d}` matches a whole number without needless zeros,
`{name:03d}` one that is filled up with zeros to three digits. `{{` and `}}`
are braces. A field that occurs twice must have the same value.
"""

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from multicorn._exceptions import MulticornException

# No file's name is longer; int() refuses strings of thousands of digits.
_DIGITS: Final = re.compile("[0-9]{1,255}")

_INTEGER: Final = re.compile(r"(?:0(?P<width>[1-9]\d?))?d")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a pattern; `width` 0 or more: a number, None: any text."""

    name: str
    width: int | None = None

    def text(self, value: object) -> str | None:
        """Return how a value looks in a path; None if it cannot be there."""
        if self.width is not None:
            if isinstance(value, str):
                value = int(value) if _DIGITS.fullmatch(value) else None
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                return None
            return f"{value:0{self.width}d}" if self.width else str(value)
        if not isinstance(value, str):
            return None
        return value if value and "/" not in value and "\0" not in value else None

    def fits(self, text: str) -> bool:
        """Tell whether the text from a path is the one way to write its value."""
        return self.width is None or self.text(text) == text

    @property
    def hint(self) -> str:
        """What a value must be to stand in a path."""
        if self.width is None:
            return (
                "It must be text without slashes; a field of numbers is written"
                f" {{{self.name}:d}} in the pattern."
            )
        return "It must be a whole number that is not negative."

    @property
    def expression(self) -> str:
        """The regular expression for the field's text."""
        return "[^/]+?" if self.width is None else "[0-9]+"


@dataclass(frozen=True, slots=True)
class Segment:
    """One directory's or file's name: literal pieces and fields in turn."""

    pieces: tuple[str | Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields in order, a repeated one as often as it occurs."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Field))

    def fill(self, values: Mapping[str, str]) -> str | None:
        """Return the name that the texts make, or None if any is missing.

        Never a name that would leave the directory.
        """
        parts: list[str] = []
        for piece in self.pieces:
            text = values.get(piece.name) if isinstance(piece, Field) else piece
            if text is None:
                return None
            parts.append(text)
        name = "".join(parts)
        return None if name in {"", ".", ".."} or "/" in name else name

    def matcher(self, known: Mapping[str, str]) -> "Matcher":
        """Return a matcher of names that have the known texts."""
        return Matcher(self, known)


class Matcher:
    """Finds the fields' texts in names."""

    def __init__(self, segment: Segment, known: Mapping[str, str]) -> None:
        self._fields = {field.name: field for field in segment.fields}
        self._groups: list[str] = []
        self._known = known
        parts: list[str] = []
        for piece in segment.pieces:
            if isinstance(piece, str):
                parts.append(re.escape(piece))
            elif piece.name in known:
                parts.append(re.escape(known[piece.name]))
            elif piece.name in self._groups:
                parts.append(f"(?P=g{self._groups.index(piece.name)})")
            else:
                parts.append(f"(?P<g{len(self._groups)}>{piece.expression})")
                self._groups.append(piece.name)
        self._expression = re.compile("".join(parts), re.DOTALL)

    def match(self, name: str) -> dict[str, str] | None:
        """Return the texts of all fields known now, or None."""
        found = self._expression.fullmatch(name)
        if found is None:
            return None
        values = dict(self._known)
        for field, text in zip(self._groups, found.groups(), strict=True):
            if not self._fields[field].fits(text):
                return None
            values[field] = text
        return values


@dataclass(frozen=True, slots=True)
class Pattern:
    """A whole path: its segments, and its fields by name."""

    segments: tuple[Segment, ...]
    fields: Mapping[str, Field]

    def fill(self, values: Mapping[str, str]) -> str | None:
        """Return the relative path that the texts make, or None."""
        names = [segment.fill(values) for segment in self.segments]
        complete = [name for name in names if name is not None]
        return "/".join(complete) if len(complete) == len(names) else None

    def parse(self, path: str) -> dict[str, str] | None:
        """Return the texts of a relative path's fields, or None."""
        names = path.split("/")
        if len(names) != len(self.segments):
            return None
        values: dict[str, str] = {}
        for segment, name in zip(self.segments, names, strict=True):
            found = segment.matcher(values).match(name)
            if found is None or name in {"", ".", ".."}:
                return None
            values = found
        return values

    def texts(self, values: Mapping[str, object]) -> dict[str, str | None]:
        """Return the fields' texts for the values that are given for them."""
        return {
            name: field.text(values[name])
            for name, field in self.fields.items()
            if name in values
        }


def parse_pattern(text: str) -> Pattern:
    """Return the pattern; raises MulticornException for one that is none."""
    segments = tuple(_segment(part, text) for part in _split(text))
    fields = _by_name((f for segment in segments for f in segment.fields), text)
    for segment in segments:
        if segment.pieces in {(), (".",), ("..",)}:
            raise _wrong(text, "it must be a relative path without empty parts")
    return Pattern(segments, fields)


def _split(text: str) -> list[str]:
    if "\0" in text:
        raise _wrong(text, "it contains a NUL")
    return text.split("/")


def _segment(part: str, whole: str) -> Segment:
    pieces: list[str | Field] = []
    try:
        parsed = list(string.Formatter().parse(part))
    except ValueError as error:
        raise _wrong(whole, str(error)) from None
    for literal, name, spec, conversion in parsed:
        if literal:
            pieces.append(literal)
        if name is None:
            continue
        if pieces and isinstance(pieces[-1], Field):
            raise _wrong(whole, "two fields need something between them")
        pieces.append(_field(name, spec or "", conversion, whole))
    return Segment(tuple(pieces))


def _field(name: str, spec: str, conversion: str | None, whole: str) -> Field:
    if not name or conversion:
        raise _wrong(whole, "a field is written {name} or {name:03d}")
    if not spec:
        return Field(name)
    found = _INTEGER.fullmatch(spec)
    if found is None:
        raise _wrong(whole, f"{spec!r} is no format: there are d and, say, 03d")
    return Field(name, int(found["width"] or 0))


def _by_name(fields: Iterable[Field], whole: str) -> dict[str, Field]:
    known: dict[str, Field] = {}
    for field in fields:
        if known.setdefault(field.name, field) != field:
            raise _wrong(whole, f'the field "{field.name}" has two formats')
    return known


def _wrong(pattern: str, reason: str) -> MulticornException:
    return MulticornException(f'the option "pattern" is wrong: {reason}: {pattern!r}')
