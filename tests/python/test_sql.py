"""Cursors of `multicorn.sql`, as far as they need no server."""

import pytest

from multicorn import sql
from multicorn.sql import Cursor


def test_a_cursor_whose_making_was_interrupted_is_closed_silently() -> None:
    unmade = Cursor.__new__(Cursor)
    unmade.close()
    assert unmade._name is None


def test_rows_that_were_read_ahead_survive_a_failing_fetch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches = [[{"n": 1}, {"n": 2}, {"n": 3}], None, []]

    class Server:
        def sql_fetch(self, name: str, role: int, count: int) -> list[dict[str, int]]:
            batch = batches.pop(0)
            if batch is None:
                raise ValueError("lost")
            return batch

        def sql_close(self, name: str) -> None:
            pass

    monkeypatch.setattr(sql, "native", Server)
    cursor = Cursor("c", 10, 3)
    assert next(cursor) == {"n": 1}
    with pytest.raises(ValueError, match="lost"):
        cursor.fetch(5)
    assert cursor.fetch(5) == [{"n": 2}, {"n": 3}]
