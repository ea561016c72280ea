"""LIKE patterns of PostgreSQL, rewritten for other databases.

PostgreSQL's LIKE is case-sensitive and escapes by a backslash. Elsewhere the
escape must be declared, `[` may be special, or case may not count.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

ESCAPE: Final = "!"

# Special in some dialect's LIKE; a needless escape is an error in Oracle, so
# that only these are escaped. `[` opens a set of characters in SQL Server.
_SPECIAL: Final = frozenset("%_" + ESCAPE)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`%` if `many`, else `_`."""

    many: bool


MANY: Final = Wildcard(many=True)
_ONE: Final = Wildcard(many=False)

Piece = str | Wildcard


def parse(pattern: str) -> list[Piece] | None:
    """Split a pattern into characters and wildcards.

    Returns None if it ends with a lone backslash, which the server reports as
    an error of its own.
    """
    pieces: list[Piece] = []
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            pieces.append(MANY)
        elif character == "_":
            pieces.append(_ONE)
        elif character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                return None
            pieces.append(escaped)
        else:
            pieces.append(character)
    return pieces


def _written(
    pieces: Sequence[Piece], many: str, one: str, escape: Callable[[str], str]
) -> str:
    """Write the wildcards as `many` and `one`, other pieces as `escape` does."""
    return "".join(
        (many if piece.many else one) if isinstance(piece, Wildcard) else escape(piece)
        for piece in pieces
    )


def to_like(pieces: Sequence[Piece], *, brackets: bool = False) -> str:
    """Return a pattern for `LIKE ... ESCAPE '!'`."""
    special = _SPECIAL | {"["} if brackets else _SPECIAL

    def escape(piece: str) -> str:
        return ESCAPE + piece if piece in special else piece

    return _written(pieces, "%", "_", escape)


def to_glob(pieces: Sequence[Piece]) -> str:
    """Return a pattern for SQLite's GLOB, which minds case."""

    def escape(piece: str) -> str:
        return f"[{piece}]" if piece in "*?[" else piece

    return _written(pieces, "*", "?", escape)


def relax_case(pieces: Sequence[Piece]) -> list[Piece]:
    """Return lower-case pieces that match whatever ILIKE could match.

    How letters beyond ASCII are folded differs between databases and locales,
    and a folded letter may become two. `i` and `k` have partners outside
    ASCII (the dotless i, the Kelvin sign). All these become `%`.
    """
    relaxed: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Wildcard):
            # One character there may be two here after folding.
            relaxed.append(MANY if not piece.many else piece)
        elif piece.isascii() and piece not in "iIkK":
            relaxed.append(piece.lower())
        else:
            relaxed.append(MANY)
    return relaxed


def to_regex(pieces: Sequence[Piece]) -> re.Pattern[str]:
    """Return an expression to use with `fullmatch`, which minds case."""
    return re.compile(_written(pieces, ".*", ".", re.escape), re.DOTALL)
