"""Types that compare otherwise than their operators' names say."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql

if TYPE_CHECKING:
    from conftest import Database

SETUP = """
CREATE EXTENSION citext;
CREATE SERVER words FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'wordy.Words');
CREATE FOREIGN TABLE words (word citext) SERVER words;
"""


@pytest.mark.needs("citext")
class TestCitext:
    @pytest.mark.parametrize("condition", ["word = 'ABC'", "word IN ('ABC', 'x')", "word LIKE 'AB_'"])
    def test_loses_no_row(self, database: Database, condition: LiteralString) -> None:
        with database.connect() as connection:
            connection.execute(SETUP)
            query = sql.SQL("SELECT word FROM words WHERE {}").format(sql.SQL(condition))
            rows = connection.execute(query).fetchall()
            assert rows == [("abc",)]

    def test_is_sorted_by_its_own_order(self, database: Database) -> None:
        with database.connect() as connection:
            connection.execute(SETUP)
            rows = connection.execute("SELECT word FROM words ORDER BY word").fetchall()
            assert [word for (word,) in rows] == ["abc", "B", "c"]
