"""Tables of any database that SQLAlchemy has a dialect for.

The class is `SqlAlchemyFdw`; its options are described there. The package
`SQLAlchemy` 2 is needed when this module is imported, and not before.
"""

from multicorn.utils import ERROR, MulticornException

_HINT = "Install it for the server's Python: pip install 'SQLAlchemy>=2.0'"

try:
    import sqlalchemy
except ModuleNotFoundError as error:
    if error.name != "sqlalchemy":
        raise
    raise MulticornException(
        "SqlAlchemyFdw needs the Python package SQLAlchemy, which is not installed",
        ERROR,
        _HINT,
    ) from None

if sqlalchemy.__version__.startswith(("0.", "1.")):
    raise MulticornException(
        "SqlAlchemyFdw needs SQLAlchemy 2, but the server's Python has"
        f" {sqlalchemy.__version__}",
        ERROR,
        _HINT,
    )

from multicorn.sqlalchemyfdw._wrapper import SqlAlchemyFdw  # noqa: E402 - after the check

__all__ = ["SqlAlchemyFdw"]
