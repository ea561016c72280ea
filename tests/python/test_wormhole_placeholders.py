"""Placeholders: which are some, and what a statement is turned into."""

from __future__ import annotations

import pytest

from wormhole._names import distinct
from wormhole._placeholders import numbered, parse


@pytest.mark.parametrize(
    ("sql", "count", "text"),
    [
        ("SELECT 1", 0, "SELECT 1"),
        ("SELECT %s, %s", 2, "SELECT $1, $2"),
        ("SELECT $2, $1, $2", 2, "SELECT $2, $1, $2"),
        ("SELECT $1::int+$11", 11, "SELECT $1::int+$11"),
        ("SELECT 7 %% 4, %s", 1, "SELECT 7 % 4, $1"),
        ("SELECT 7 % 4 + $1", 1, "SELECT 7 % 4 + $1"),
        ("SELECT 7 %salary FROM t", 0, "SELECT 7 %salary FROM t"),
        ("SELECT '%s $1 %%', %s", 1, "SELECT '%s $1 %%', $1"),
        ("SELECT 'it''s %s', %s", 1, "SELECT 'it''s %s', $1"),
        (r"SELECT 'a\', %s", 1, r"SELECT 'a\', $1"),
        (r"SELECT E'a\'%s', %s", 1, r"SELECT E'a\'%s', $1"),
        (r"SELECT e'a\\', %s", 1, r"SELECT e'a\\', $1"),
        (r"SELECT typE'a\', %s", 1, r"SELECT typE'a\', $1"),
        (r"SELECT U&'\0061 %s', %s", 1, r"SELECT U&'\0061 %s', $1"),
        ('SELECT "a""%s" FROM t WHERE x=%s', 1, 'SELECT "a""%s" FROM t WHERE x=$1'),
        ("SELECT $$ %s $1 $a$ $$, %s", 1, "SELECT $$ %s $1 $a$ $$, $1"),
        ("SELECT $ä1$ $$ %s $ä1$, %s", 1, "SELECT $ä1$ $$ %s $ä1$, $1"),
        ("SELECT price$1, a$b$c, %s", 1, "SELECT price$1, a$b$c, $1"),
        ("SELECT 1 -- %s ' \n, %s", 1, "SELECT 1 -- %s ' \n, $1"),
        ("SELECT 1 /* %s /* ' */ %s */ , %s", 1, "SELECT 1 /* %s /* ' */ %s */ , $1"),
        ("SELECT 1 /* never closed %s", 0, "SELECT 1 /* never closed %s"),
        ("SELECT 'never closed %s", 0, "SELECT 'never closed %s"),
        ("SELECT $a$ never closed %s", 0, "SELECT $a$ never closed %s"),
        ("SELECT x::text LIKE '%' || %s", 1, "SELECT x::text LIKE '%' || $1"),
        ("SELECT a[$1:$2]", 2, "SELECT a[$1:$2]"),
        ("", 0, ""),
    ],
)
def test_placeholders_are_found(sql, count, text) -> None:
    statement = parse(sql)
    assert (statement.count, statement.numbered()) == (count, text)


def test_the_form_for_drivers_that_interpolate() -> None:
    statement = parse("SELECT $2, $1, $2, 'a%', 7 % 3 -- 100%")
    assert statement.formatted() == "SELECT %s, %s, %s, 'a%%', 7 %% 3 -- 100%%"
    assert statement.in_order(["a", "b"]) == ["b", "a", "b"]
    assert parse("SELECT %s, 7 %% 3").formatted() == "SELECT %s, 7 %% 3"


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (
            "SELECT $1, %s",
            "the statement has both $1 and %s; use one kind of placeholder",
        ),
        ("SELECT %(id)s", "named placeholders are not supported: %(id)s; use $1 or %s"),
        ("SELECT $0", "there is no parameter $0; they are numbered from 1 to 65535"),
        (
            "SELECT $65536",
            "there is no parameter $65536; they are numbered from 1 to 65535",
        ),
        (
            "SELECT $9999999",
            "there is no parameter $9999999; they are numbered from 1 to 65535",
        ),
    ],
)
def test_what_cannot_be_is_refused(sql, text) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared below
        parse(sql)
    assert str(caught.value) == text


def test_the_number_of_arguments_is_checked() -> None:
    assert numbered("SELECT %s", [1]) == "SELECT $1"
    with pytest.raises(TypeError, match=r"^the statement takes 1 argument, 2 given$"):
        numbered("SELECT %s", [1, 2])
    with pytest.raises(TypeError, match=r"^the statement takes 3 arguments, 0 given$"):
        numbered("SELECT $3", [])


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        ("a b", "a b"),
        ("a a a", "a a_2 a_3"),
        ("a a a_2", "a a_3 a_2"),
        ("a_2 a a", "a_2 a a_3"),
        ("a a a_2 a_2", "a a_3 a_2 a_2_2"),
        ("", ""),
    ],
)
def test_columns_of_one_name_are_kept_apart(names, keys) -> None:
    assert distinct(names.split()) == tuple(keys.split())
