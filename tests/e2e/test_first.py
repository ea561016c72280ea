"""The extension as a user first meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg


def test_the_extension_is_there_with_its_wrapper(
    connection: psycopg.Connection,
) -> None:
    row = connection.execute(
        "SELECT extversion, fdwname, fdwhandler::regproc::text, fdwvalidator::regproc::text"
        " FROM pg_extension, pg_foreign_data_wrapper WHERE extname = 'multicorn'"
    ).fetchone()
    assert row == ("4.0.0", "multicorn", "multicorn_handler", "multicorn_validator")
