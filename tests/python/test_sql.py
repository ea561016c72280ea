"""Cursors of `multicorn.sql`, as far as they need no server."""

from multicorn.sql import Cursor


def test_a_cursor_whose_making_was_interrupted_is_closed_silently() -> None:
    unmade = Cursor.__new__(Cursor)
    unmade.close()
    assert unmade._name is None
