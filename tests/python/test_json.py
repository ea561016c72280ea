"""JSON that goes to Python and back."""

import copy
import json
import pickle
from decimal import Decimal

import pytest

from multicorn._json import JsonString, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("1.10", 1.1),
        ("0.1", 0.1),
        ("1e5", 1e5),
        ("0.12345678901234567890", Decimal("0.12345678901234567890")),
        ("1e400", Decimal("1e400")),
        ("1e-400", Decimal("1e-400")),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_a_number_keeps_its_value(text: str, value: object) -> None:
    found = loads(text)
    assert (found, type(found)) == (value, type(value))
    assert loads(f'{{"a": [{text}]}}') == {"a": [value]}


def test_a_text_by_itself_is_marked() -> None:
    found = loads('"5"')
    assert type(found) is JsonString
    assert (found, hash(found), json.dumps(found)) == ("5", hash("5"), '"5"')
    assert (
        type(copy.copy(found)) is type(pickle.loads(pickle.dumps(found))) is JsonString
    )
    assert [type(item) for item in loads('["5", {"a": "b"}]')] == [str, dict]


@pytest.mark.parametrize(
    ("text", "value"), [("null", None), ("true", True), ("[]", []), ("{}", {})]
)
def test_everything_else_is_as_ever(text: str, value: object) -> None:
    assert loads(text) == value
