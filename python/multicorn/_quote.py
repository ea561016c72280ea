"""Quoting of the pieces that an import statement is made of."""

from collections.abc import Mapping


def quote_identifier(identifier: object) -> str:
    """Return the name in double quotes, its own double quotes doubled."""
    text = str(identifier)
    _refuse_nul(text)
    return '"' + text.replace('"', '""') + '"'


def quote_option(option: object) -> str:
    """Return the value as an SQL string literal.

    A backslash makes it an `E''` literal, so that the meaning is the same
    whatever `standard_conforming_strings` says.
    """
    text = str(option)
    _refuse_nul(text)
    quoted = text.replace("'", "''")
    if "\\" in quoted:
        return "E'" + quoted.replace("\\", "\\\\") + "'"
    return "'" + quoted + "'"


def dict_to_optionstring(options: Mapping[str, object]) -> str:
    """Return the inside of an OPTIONS clause: `"a" 'x', "b" 'y'`."""
    return ", ".join(
        f"{quote_identifier(name)} {quote_option(value)}"
        for name, value in options.items()
    )


def _refuse_nul(text: str) -> None:
    # The server's parser stops at a NUL: the rest of the statement, closing
    # quote included, would be silently cut off.
    if "\0" in text:
        raise ValueError("names and options cannot contain NUL characters")
