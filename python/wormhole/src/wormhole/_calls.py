"""A call on its way: the statement that makes it, its arguments, and what its answer says.

With values of SQL where the function says what they are and they fit, else in tagged JSON.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wormhole import _codec, _typed
from wormhole._typed import KINDS, Types


@dataclass
class Answer:
    """What a call came to."""

    value: Any
    state: str
    is_installed: bool = False
    """Whether the same statement has installed the function, so that it wrote in any case."""

    @property
    def is_unknown(self) -> bool:
        """Whether the server does not know the function."""
        return self.state == "unknown"

    @property
    def wrote(self) -> bool:
        """Whether the call wrote."""
        return self.state != "read"


class Call(ABC):
    """One call of a function."""

    arguments: Sequence[str | None]
    """Texts, as many as parameters."""
    columns: str

    @abstractmethod
    def source(self, function: str, first: int) -> str:
        """What stands in FROM; the parameters of the call begin with `$first`."""

    @abstractmethod
    def answer(self, row: Sequence[Any]) -> Answer:
        """What a row says."""


class Tagged(Call):
    """A call in tagged JSON."""

    columns = "state, value::text"

    def __init__(self, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        self.text = _codec.dumps_call(args, kwargs)
        self.arguments = [self.text]

    def source(self, function: str, first: int) -> str:
        return f"wormhole_call({function}, ${first}::text::json)"

    def answer(self, row: Sequence[Any]) -> Answer:
        state, value = row[:2]
        return Answer(None if value is None else _codec.loads(value), state)


class Typed(Call):
    """A call with values of SQL."""

    def __init__(self, kinds: tuple[type, ...], texts: list[str | None], result: type) -> None:
        self.kinds = kinds
        self.arguments = texts
        self.result = result
        self.columns = _typed.columns(result)

    def source(self, function: str, first: int) -> str:
        return _typed.source(self.kinds, self.result, function, first)

    def answer(self, row: Sequence[Any]) -> Answer:
        state, tagged, value = row[:3]
        if tagged is not None:
            return Answer(_codec.loads(tagged), state)
        return Answer(None if value is None else KINDS[self.result].read(value), state)


def call_of(found: Types | None, args: Sequence[object], kwargs: Mapping[str, object]) -> Call:
    """The call with these arguments, in the form that they allow."""
    if found is not None and not kwargs:
        given = found.arguments(args)
        if given is not None:
            return Typed(*given, found.result)
    return Tagged(args, kwargs)
