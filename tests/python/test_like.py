"""LIKE patterns in other databases' terms."""

import fnmatch
import re

import pytest

from multicorn._like import parse, relax_case, to_glob, to_like


@pytest.mark.parametrize(
    ("pattern", "like", "glob"),
    [
        ("a%", "a%", "a*"),
        ("_b", "_b", "?b"),
        ("100\\%", "100!%", "100%"),
        ("a\\_b", "a!_b", "a_b"),
        ("\\\\", "\\", "\\"),
        ("\\x", "x", "x"),
        ("wow!", "wow!!", "wow!"),
        ("*?[", "*?[", "[*][?][[]"),
        ("", "", ""),
    ],
)
def test_patterns(pattern: str, like: str, glob: str) -> None:
    pieces = parse(pattern)
    assert pieces is not None
    assert to_like(pieces) == like
    assert to_glob(pieces) == glob


def test_brackets_are_escaped_for_sql_server() -> None:
    pieces = parse("a[b]%")
    assert pieces is not None
    assert to_like(pieces, brackets=True) == "a![b]%"


@pytest.mark.parametrize("pattern", ["\\", "a\\", "%\\\\\\"])
def test_a_lone_escape_is_left_to_the_server(pattern: str) -> None:
    assert parse(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "relaxed"),
    [
        ("ABC%", "abc%"),
        ("a_b", "a%b"),
        ("Été", "%t%"),
        ("milk", "m%l%"),
        ("\\%X", "!%x"),
    ],
)
def test_case_is_relaxed(pattern: str, relaxed: str) -> None:
    pieces = parse(pattern)
    assert pieces is not None
    assert to_like(relax_case(pieces)) == relaxed


WORDS = ["K", "k", "\u212a", "\u0130", "i", "I", "\u0131", "ß", "SS", "\u1e9e", "É"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("pattern", WORDS)
def test_relaxed_patterns_lose_nothing(word: str, pattern: str) -> None:
    """What any folding calls equal must match, with ASCII folding only."""
    pieces = parse(f"a{pattern}z")
    assert pieces is not None
    relaxed = to_glob(relax_case(pieces))
    text = f"A{word}Z"
    equal = any(
        fold(text) == fold(f"a{pattern}z")
        for fold in (str.lower, str.casefold, str.upper)
    )
    ascii_lower = re.sub("[A-Z]", lambda match: match.group().lower(), text)
    if equal and pattern.lower() == word.lower():
        assert fnmatch.fnmatchcase(ascii_lower, relaxed)
