"""The exceptions of `plpy`: its own three, and one for each condition of the server.

`plpy.spiexceptions.UniqueViolation` and its like are made when somebody first
asks for one: most sessions need none of the two hundred.
"""

from __future__ import annotations

from multicorn._typing import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Final, TypeVar

    _Raised = TypeVar("_Raised", "Error", "Fatal")

    _Module = ModuleType
else:
    _Module = type(__import__("sys"))


class _Details:
    """What the server says, or shall say, beside an exception's text."""

    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    query: str | None = None
    schema_name: str | None = None
    table_name: str | None = None
    column_name: str | None = None
    datatype_name: str | None = None
    constraint_name: str | None = None

    def _set(self, details: Iterable[tuple[str, str | None]]) -> None:
        for name, value in details:
            if value is not None:
                setattr(self, name, value)


class Error(Exception, _Details):
    """Raised by `plpy.error`. Uncaught, it ends the statement with its text.

    `sqlstate`, `detail`, `hint`, `schema_name`, `table_name`, `column_name`,
    `datatype_name` and `constraint_name` are what `plpy.error` was given.
    """


class Fatal(Exception, _Details):  # noqa: N818 - PL/Python's name
    """Raised by `plpy.fatal`. Uncaught, it ends the session."""


class SPIError(Exception, _Details):
    """An error that the server raised below a call of `plpy`.

    `sqlstate` is its five-character code; `detail`, `hint`, `query`,
    `schema_name`, `table_name`, `column_name`, `datatype_name`,
    `constraint_name` and `context` are what the server said, or None.
    `spidata` is the tuple that PL/Python keeps them in.
    """

    context: str | None = None
    spidata: tuple[object, ...] | None = None


Error.__module__ = Fatal.__module__ = SPIError.__module__ = "plpy"


#: The first code of each name, which is the class that `except` names, and the
#: name of each code; filled when somebody asks for one.
_CODES: Final[dict[str, str]] = {}
_NAMES: Final[dict[str, str]] = {}


def _fill() -> None:
    if _NAMES:
        return
    from multicorn._conditions import CONDITIONS, class_name

    for code, condition in CONDITIONS:
        _NAMES[code] = class_name(condition)
        _CODES.setdefault(_NAMES[code], code)


_classes: Final[dict[str, type[SPIError]]] = {}


def class_for(sqlstate: str) -> type[SPIError]:
    """Return the class of a SQLSTATE; SPIError itself for one without a name."""
    found = _classes.get(sqlstate)
    if found is None:
        found = _classes[sqlstate] = _make(sqlstate)
    return found


def _make(sqlstate: str) -> type[SPIError]:
    _fill()
    name = _NAMES.get(sqlstate)
    if name is None:
        return SPIError
    first = _CODES[name]
    # `except` of a name that stands for several codes catches all of them.
    base = SPIError if first == sqlstate else class_for(first)
    members = {"sqlstate": sqlstate, "__module__": "spiexceptions"}
    return cast("type[SPIError]", type(name, (base,), members))


_FIELDS: Final = (
    "detail",
    "hint",
    "query",
    "schema_name",
    "table_name",
    "column_name",
    "datatype_name",
    "constraint_name",
    "context",
)


def spi_error(
    sqlstate: str,
    packed: int,
    message: str,
    position: int,
    fields: tuple[str | None, ...],
) -> SPIError:
    """Make the exception for an error of the server's."""
    made = class_for(sqlstate)(message)
    if type(made) is SPIError:
        made.sqlstate = sqlstate
    made._set(zip(_FIELDS, fields, strict=True))
    detail, hint, query, *names = fields[:-1]
    made.spidata = (packed, detail, hint, query, position, *names)
    return made


class _Exceptions(_Module):
    """`plpy.spiexceptions`: a class for each condition, made when it is named."""

    def __getattr__(self, name: str) -> type[SPIError]:
        if not name.startswith("_"):
            _fill()
        code = _CODES.get(name)
        if code is None:
            raise AttributeError(
                f"module 'plpy.spiexceptions' has no attribute {name!r}"
            )
        found = class_for(code)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        _fill()
        return sorted({*super().__dir__(), *_CODES})


spiexceptions: Final = _Exceptions(
    "plpy.spiexceptions",
    "One class for each of the server's conditions, all of them `plpy.SPIError`.",
)


def make(kind: type[_Raised], text: str, details: dict[str, str | None]) -> _Raised:
    """Make an exception with what the server shall show beside its text."""
    made = kind(text)
    made._set(details.items())
    return made
