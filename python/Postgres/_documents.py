"""json, jsonb and hstore."""

from __future__ import annotations

from multicorn import _values
from Postgres._types import Value, types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Json(Value):
    """A JSON document as text: objects by key, arrays by index, numbers as numbers.

    `value["a"]` and `value[0]` are documents too (KeyError, IndexError);
    `to_python()` gives dicts, lists and what else the module `json` gives.
    """

    __slots__ = ()

    @property
    def _prefix(self) -> str:
        return "json"

    def _typeof(self) -> str:
        return str(_values.call(f"{self._prefix}_typeof", self))

    def to_python(self) -> Any:
        """Give the document in Python's own types."""
        return self._python()

    def keys(self) -> list[str]:
        """List an object's keys; TypeError for any other document."""
        found = self.to_python()
        if not isinstance(found, dict):
            message = f"a JSON {self._typeof()} has no keys"
            raise TypeError(message)
        return list(found)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]

    def values(self) -> list[Any]:
        """List an object's values, documents of the same type."""
        return [self[key] for key in self.keys()]

    def items(self) -> list[tuple[str, Any]]:
        """List an object's keys with their values."""
        return [(key, self[key]) for key in self.keys()]

    def get(self, key: Any, default: Any = None) -> Any:
        """Give an item, or `default` if there is none."""
        try:
            return self[key]
        except (KeyError, IndexError):
            return default

    def __getitem__(self, key: Any) -> Any:
        """Give the value of an object's key or of an array's index."""
        kind = self._typeof()
        if kind == "object":
            found = _values.call(f"{self._prefix}_object_field", self, str(key))
            if found is None:
                raise KeyError(key)
            return found
        if kind != "array":
            message = f"a JSON {kind} has no items"
            raise TypeError(message)
        if isinstance(key, slice):
            return [self[at] for at in range(*key.indices(len(self)))]
        found = _values.call(f"{self._prefix}_array_element", self, int(key))
        if found is None:
            message = f"index {int(key)} is out of range"
            raise IndexError(message)
        return found

    def __len__(self) -> int:
        """Count an object's keys, an array's elements or a string's characters."""
        kind = self._typeof()
        if kind == "array":
            return int(_values.call(f"{self._prefix}_array_length", self))
        found = self.to_python()
        if kind in {"object", "string"}:
            return len(found)
        message = f"a JSON {kind} has no length"
        raise TypeError(message)

    def __iter__(self) -> Iterator[Any]:
        """Give an object's keys as str, or an array's elements."""
        if self._typeof() == "object":
            return iter(self.keys())
        return (self[at] for at in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        """Tell whether an object has the key, or an array an equal element."""
        found = self.to_python()
        other = item._plain() if isinstance(item, Value) else item
        return other in found

    def __bool__(self) -> bool:
        """Tell whether Python finds the document true."""
        return bool(self.to_python())

    def _plain(self) -> Any:
        return self._python()


class Jsonb(Json):
    """A JSON document in binary form; documents compare, and equal Python's values.

    `|` joins two of them as the server's `||` does.
    """

    __slots__ = ()

    @property
    def _prefix(self) -> str:
        return "jsonb"

    def __or__(self, other: Any) -> Any:
        """Join two documents; the other's keys win."""
        return _values.operate("||", self, types.jsonb(other))


class Hstore(Value):
    """A mapping of text to text or None.

    `|` joins two of them as the server's `||` does.
    """

    __slots__ = ()

    def _call(self, function: str, *arguments: Any) -> Any:
        return _values.call_in(_base(self).nspname, function, self, *arguments)

    def to_python(self) -> dict[str, str | None]:
        """Give the dict."""
        return dict(self.items())

    def keys(self) -> list[str]:
        """List the keys."""
        return [str(key) for key in self._call("akeys")]

    def values(self) -> list[str | None]:
        """List the values; NULL is None."""
        found = self._call("avals")
        return [None if value is None else str(value) for value in found]

    def items(self) -> list[tuple[str, str | None]]:
        """List pairs of key and value."""
        return list(zip(self.keys(), self.values(), strict=True))

    def get(self, key: Any, default: Any = None) -> Any:
        """Give the value, or `default` if there is no such key."""
        try:
            return self[key]
        except KeyError:
            return default

    def __getitem__(self, key: Any) -> Any:
        """Give a value, a text of the server or None; KeyError without the key."""
        if key not in self:
            raise KeyError(key)
        return self._call("fetchval", str(key))

    def __contains__(self, key: Any) -> bool:
        """Tell whether there is the key."""
        return bool(self._call("exist", str(key)))

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._call("akeys"))

    def __iter__(self) -> Iterator[str]:
        """Give the keys."""
        return iter(self.keys())

    def __bool__(self) -> bool:
        """Tell whether there is a key."""
        return len(self) > 0

    def __or__(self, other: Any) -> Any:
        """Join two mappings; the other's keys win."""
        return self._call(
            "hs_concat", other if isinstance(other, Hstore) else _base(self)(other)
        )

    def _plain(self) -> Any:
        return self.to_python()


def _base(value: Value) -> Any:
    from Postgres._scalars import base_class

    return base_class(value)
