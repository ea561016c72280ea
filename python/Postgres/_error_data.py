"""Everything that the server says of an error, as a named tuple."""

from typing import NamedTuple


class ErrorData(NamedTuple):
    """Everything that the server says of an error.

    Texts that it does not say are None, positions that it does not know 0.
    `sqlerrcode` is the SQLSTATE packed into a number, as `make_sqlstate` packs
    it; `elevel` is the number of `severity` in `severities`; `filename`, `line`
    and `function` are the place in the server's source, `domain` its catalogue
    of translations, `saved_errno` the operating system's error number then.
    """

    message: str
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    code: str = "XX000"
    sqlerrcode: int = 0
    severity: str = "ERROR"
    elevel: int = 21
    domain: str | None = None
    filename: str | None = None
    function: str | None = None
    line: int = 0
    cursorpos: int = 0
    internal_position: int = 0
    internal_query: str | None = None
    saved_errno: int = 0
    schema_name: str | None = None
    table_name: str | None = None
    column_name: str | None = None
    datatype_name: str | None = None
    constraint_name: str | None = None
