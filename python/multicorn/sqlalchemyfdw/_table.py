"""A remote table as reflected: columns, how they compare, how they are read."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc, types
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from multicorn._columns import Columns
from multicorn._definitions import ColumnDefinition
from multicorn._exceptions import MulticornException
from multicorn._loader import suggest
from multicorn.sqlalchemyfdw import _facts
from multicorn.sqlalchemyfdw._compare import Target
from multicorn.sqlalchemyfdw._facts import Facts
from multicorn.sqlalchemyfdw._kinds import POSTGRESQL, SQLITE, comparison
from multicorn.utils import ERROR

# Types whose values the PostgreSQL drivers deliver without loss. All others
# (a date of infinity, an interval with months, ranges, json with big numbers)
# are fetched as text, which the local server reads as its own.
_POSTGRESQL_NATIVE: Final = (
    types.Integer,
    types.Numeric,
    types.Boolean,
    types.LargeBinary,
    types.Uuid,
)


@dataclass(frozen=True, slots=True)
class RemoteColumn:
    """One column: where to compare it, and the expression that reads it."""

    definition: ColumnDefinition
    target: Target
    reader: ColumnElement[Any]

    @property
    def name(self) -> str:
        """The remote name."""
        return self.column.name

    @property
    def column(self) -> sa.Column[Any]:
        """The remote column itself."""
        return self.target.column


@dataclass(frozen=True, slots=True)
class RemoteTable:
    """The remote table, and its columns by their local names, in local order.

    `names` are the columns' remote names; `filled` those columns that the remote
    database fills in by itself.
    """

    table: sa.Table
    columns: Mapping[str, RemoteColumn]
    dialect: str
    facts: Facts
    names: Mapping[str, str]
    filled: frozenset[str]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The local names of the primary key's columns; () if any is missing."""
        remote = [column.name for column in self.table.primary_key.columns]
        local = {there: here for here, there in self.names.items()}
        known = all(name in local for name in remote)
        return tuple(local[name] for name in remote) if known else ()


def reflect(
    connection: Connection, name: str, schema: str | None, columns: Columns
) -> RemoteTable:
    """Ask the remote database about the table and match the local columns."""
    dialect = connection.dialect.name
    table = _reflect_table(connection, name, schema)
    for column in table.columns:
        if isinstance(column.type, types.JSON):
            # A None that is written means NULL, not JSON's null.
            column.type.none_as_null = True
    facts = _facts.known(connection, table)
    matched = {
        local: _match(table, definition, dialect, facts)
        for local, definition in columns.items()
    }
    names = {name: each.name for name, each in matched.items()}
    filled = frozenset(
        name for name, each in matched.items() if _is_filled(each.column)
    )
    return RemoteTable(table, matched, dialect, facts, names, filled)


def _is_filled(column: sa.Column[Any]) -> bool:
    """Tell whether NULL in an INSERT means: the next number, or what is computed."""
    if column.primary_key or column.identity is not None or column.computed is not None:
        return True
    default: object = getattr(column.server_default, "arg", None)
    return not column.nullable and "nextval(" in str(default)


def _reflect_table(connection: Connection, name: str, schema: str | None) -> sa.Table:
    with warnings.catch_warnings():
        # "Did not recognize type": such a column is read as it comes.
        warnings.simplefilter("ignore", exc.SAWarning)
        try:
            return sa.Table(
                name,
                sa.MetaData(),
                schema=schema,
                autoload_with=connection,
                resolve_fks=False,
            )
        except exc.NoSuchTableError:
            raise _no_table(connection, name, schema) from None


def _no_table(
    connection: Connection, name: str, schema: str | None
) -> MulticornException:
    inspector = sa.inspect(connection)
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    near = suggest(name, names)
    where = f' in the schema "{schema}"' if schema else ""
    return MulticornException(
        f'the remote database has no table "{name}"{where}',
        ERROR,
        hint=f'Did you mean "{near}"?' if near else None,
    )


def _match(
    table: sa.Table, definition: ColumnDefinition, dialect: str, facts: Facts
) -> RemoteColumn:
    wanted = definition.options.get("column_name", definition.column_name)
    column = table.columns.get(wanted)
    if column is None:
        column = _ignoring_case(table.columns, wanted)
    if column is None:
        near = suggest(wanted, table.columns.keys())
        raise MulticornException(
            f'the remote table "{table.fullname}" has no column "{wanted}"',
            ERROR,
            hint=f'Did you mean "{near}"? A column\'s option "column_name" gives'
            " its remote name."
            if near
            else f"Its columns are: {', '.join(table.columns.keys())}.",
        )
    how = comparison(definition, column.type, dialect)
    target = Target(column, how, dialect, facts.equality(column))
    return RemoteColumn(definition, target, reader(column, dialect))


def _ignoring_case(
    columns: Iterable[sa.Column[Any]], wanted: str
) -> sa.Column[Any] | None:
    """Return the only column of that name when case is ignored.

    SQL folds unquoted names, one way here, another way or not at all there.
    """
    same = [each for each in columns if each.name.lower() == wanted.lower()]
    return same[0] if len(same) == 1 else None


def reader(column: sa.ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Return the expression by which the column's values are fetched unharmed."""
    kind = column.type
    if dialect == POSTGRESQL:
        direct = isinstance(kind, _POSTGRESQL_NATIVE) or (
            isinstance(kind, types.String) and not isinstance(kind, types.Enum)
        )
        return column if direct else sa.cast(column, types.Text())
    if isinstance(kind, types.Boolean):
        return column
    if dialect == SQLITE or isinstance(kind, (types.JSON, types.Enum)):
        # SQLAlchemy would parse dates in one form only, turn numbers into
        # Decimals of ten digits, and JSON's null into NULL.
        return sa.type_coerce(column, types.NullType())
    if isinstance(kind, types.Float):
        return sa.type_coerce(column, types.Double())
    return column
