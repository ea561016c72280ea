"""From a row's columns to the path of its file, for writes."""

from collections.abc import Mapping
from typing import Any

from multicorn._exceptions import MulticornException
from multicorn.fsfdw._pattern import Pattern


class Paths:
    """Computes paths from columns, by one table's pattern.

    Every path that comes from here follows the pattern, lies below the root,
    and is read back as the very values that made it.
    """

    def __init__(self, pattern: Pattern, filename: str | None) -> None:
        self._pattern = pattern
        self._filename = filename

    def of(self, values: Mapping[str, Any]) -> str:
        """Return the path for a new row: by its file name, or by its fields."""
        given = None if self._filename is None else values.get(self._filename)
        fields = self._fields(values)
        if given is not None:
            return self._given(str(given), self._pattern.texts(fields))
        return self._made(fields)

    def moved(self, old: str, values: Mapping[str, Any]) -> str:
        """Return the path after an UPDATE.

        Where only fields were changed, the file name follows them; where only
        the file name was, the fields do.
        """
        before = self._pattern.parse(old) or {}
        name = None if self._filename is None else values.get(self._filename)
        given = None if name is None or str(name) == old else str(name)
        present = {key: values[key] for key in self._pattern.fields if key in values}
        texts = self._pattern.texts(present)
        changed = any(text != before.get(key) for key, text in texts.items())
        if given is not None:
            return self._given(given, texts if changed else {})
        return self._made({**before, **present}) if changed else old

    def _fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: values[name]
            for name in self._pattern.fields
            if values.get(name) is not None
        }

    def _given(self, path: str, texts: Mapping[str, str | None]) -> str:
        parsed = self._pattern.parse(path)
        if parsed is None:
            raise MulticornException(
                f"the file name {path!r} does not follow the pattern"
            )
        for name, text in texts.items():
            if parsed[name] != text:
                raise MulticornException(
                    f'the file name {path!r} and the column "{name}" disagree'
                )
        return path

    def _made(self, values: Mapping[str, Any]) -> str:
        texts: dict[str, str] = {}
        for name, field in self._pattern.fields.items():
            value = values.get(name)
            if value is None:
                raise MulticornException(f'the column "{name}" must not be NULL')
            text = field.text(value)
            if text is None:
                raise MulticornException(
                    f'the column "{name}" cannot be part of a path: {value!r}',
                    hint=field.hint,
                )
            texts[name] = text
        path = self._pattern.fill(texts)
        if path is None or self._pattern.parse(path) != texts:
            raise MulticornException(
                "the columns do not make a path that follows the pattern: it would"
                " be read back as other values",
                detail=None if path is None else f"The path would be {path!r}.",
            )
        return path
