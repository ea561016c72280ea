"""The classes of the server's errors by their names in CamelCase.

`exceptions.UniqueViolation` is the subclass of `Postgres.Exception` for the
SQLSTATE 23505, the condition `unique_violation` of the server's manual
(appendix A). The class of a whole class of SQLSTATEs is the base of theirs:
`exceptions.IntegrityConstraintViolation` catches every 23xxx.
"""

from Postgres._errors import NAMES, Exception, class_for, class_name  # noqa: A004

__all__ = ["for_sqlstate"]


def for_sqlstate(code: str) -> type[Exception]:
    """Return the class of a SQLSTATE, also of one that the server does not know.

    ValueError if `code` is not five of 0-9 and A-Z.
    """
    return class_for(code)


def __getattr__(name: str) -> type[Exception]:
    for code in NAMES:
        if class_name(code) == name:
            found = class_for(code)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *(class_name(code) for code in NAMES)]
