"""Finding the files that match a pattern, without listing needless directories.

Where the query fixes all fields of a name, that name is looked up; where it
fixes some, only matching names of the listed directory are followed.

A name may be read in two ways (`a - b - c` as `{x} - {y}`). What a file's
fields are must not depend on the query, so each candidate is read once more
without the query's values, and must then have them.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from multicorn._exceptions import MulticornException
from multicorn.fsfdw._pattern import Pattern


@dataclass(frozen=True, slots=True)
class Found:
    """A file: its path below the root, and its fields' texts."""

    path: str
    fields: Mapping[str, str]


def walk(root: str, pattern: Pattern, known: Mapping[str, str]) -> Iterator[Found]:
    """Yield the files with the known fields, in the order of their names."""
    if not os.path.isdir(root):
        raise MulticornException(
            f'the directory of the option "root_dir" does not exist: {root!r}'
        )
    yield from _Walk(root, pattern, known).below(Found("", {}), 0)


@dataclass(frozen=True, slots=True)
class _Walk:
    root: str
    pattern: Pattern
    known: Mapping[str, str]

    def below(self, above: Found, depth: int) -> Iterator[Found]:
        last = depth + 1 == len(self.pattern.segments)
        for found in self._entries(above, depth):
            full = os.path.join(self.root, found.path)
            if last:
                if os.path.isfile(full):
                    yield found
            elif os.path.isdir(full):
                yield from self.below(found, depth + 1)

    def _entries(self, above: Found, depth: int) -> Iterator[Found]:
        segment = self.pattern.segments[depth]
        narrow = segment.matcher({**self.known, **above.fields})
        read = segment.matcher(above.fields)
        for name in self._names(above, depth):
            if narrow.match(name) is None:
                continue
            fields = read.match(name)
            if fields is not None and self._has_known(fields):
                path = f"{above.path}/{name}" if above.path else name
                yield Found(path, fields)

    def _has_known(self, fields: Mapping[str, str]) -> bool:
        known = self.known
        return all(known.get(name, text) == text for name, text in fields.items())

    def _names(self, above: Found, depth: int) -> list[str]:
        segment = self.pattern.segments[depth]
        known = {**self.known, **above.fields}
        if all(field.name in known for field in segment.fields):
            # A value such as `..` makes no name.
            only = segment.fill(known)
            return [] if only is None else [only]
        directory = os.path.join(self.root, above.path)
        try:
            return sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            # Removed or replaced since its parent was listed.
            return []
        except OSError as error:
            raise MulticornException(
                f"could not list the directory {directory!r}: {error.strerror}"
            ) from error
