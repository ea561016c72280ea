"""IMPORT FOREIGN SCHEMA: remote tables and views as definitions."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc, types
from sqlalchemy.engine import Connection
from sqlalchemy.engine.reflection import Inspector, ObjectKind

from multicorn._definitions import ColumnDefinition, TableDefinition
from multicorn._exceptions import MulticornException
from multicorn._loader import suggest
from multicorn._options import boolean
from multicorn.sqlalchemyfdw._access import permitted
from multicorn.sqlalchemyfdw._database import (
    Database,
    database_of,
    lock_timeout_of,
    url_of,
)
from multicorn.sqlalchemyfdw._types import local_type
from multicorn.utils import ERROR

#: Whether views are imported too; true unless it says otherwise.
VIEWS_OPTION: Final = "import_views"


def tables(
    schema: str,
    options: Mapping[str, str],
    restriction_type: str | None,
    restricts: Sequence[str],
) -> list[TableDefinition]:
    """Return the definitions, sorted by name.

    `options` are the server's and the statement's together.
    """
    url, needs_password = permitted(url_of(options), options)
    database = database_of(
        url, needs_password=needs_password, lock_timeout=lock_timeout_of(options)
    )
    views = boolean(VIEWS_OPTION, options.get(VIEWS_OPTION, "true"))
    connection = database.connect()
    try:
        with database.errors("read the schema of"), warnings.catch_warnings():
            # "Did not recognize type": such a column becomes text.
            warnings.simplefilter("ignore", exc.SAWarning)
            return _tables(
                connection, database, schema, views, restriction_type, restricts
            )
    finally:
        connection.close()


def _tables(
    connection: Connection,
    database: Database,
    schema: str,
    views: bool,  # noqa: FBT001
    restriction_type: str | None,
    restricts: Sequence[str],
) -> list[TableDefinition]:
    inspector = sa.inspect(connection)
    _check_schema(inspector, schema)
    kind = ObjectKind.ANY if views else ObjectKind.TABLE
    wanted = list(restricts) if restriction_type == "limit" else None
    if wanted == []:
        # An empty filter would mean "all" to SQLAlchemy.
        return []
    # One query for all tables, where the dialect can.
    columns = inspector.get_multi_columns(schema=schema, kind=kind, filter_names=wanted)
    keys = inspector.get_multi_pk_constraint(
        schema=schema, kind=kind, filter_names=wanted
    )
    left_out = set(restricts) if restriction_type == "except" else set[str]()
    definitions: list[TableDefinition] = []
    for key, reflected in sorted(columns.items(), key=lambda item: item[0][1]):
        name = key[1]
        if name in left_out:
            continue
        primary = keys.get(key)
        names = list(primary["constrained_columns"]) if primary else []
        definitions.append(
            _definition(
                database.dialect, schema, name, [dict(c) for c in reflected], names
            )
        )
    return definitions


def _check_schema(inspector: Inspector, schema: str) -> None:
    known = inspector.get_schema_names()
    if schema in known:
        return
    near = suggest(schema, known)
    raise MulticornException(
        f'the remote database has no schema "{schema}"',
        ERROR,
        hint=f'Did you mean "{near}"?'
        if near
        else f"Its schemas are: {', '.join(sorted(known))}.",
    )


def _definition(
    dialect: str,
    schema: str,
    name: str,
    columns: Sequence[Mapping[str, Any]],
    primary_key: Sequence[str],
) -> TableDefinition:
    options = {"schema": schema, "tablename": name}
    if primary_key:
        options["primary_key"] = ",".join(primary_key)
    return TableDefinition(
        name,
        schema=schema,
        columns=[_column(dialect, column) for column in columns],
        options=options,
    )


def _column(dialect: str, column: Mapping[str, Any]) -> ColumnDefinition:
    kind: types.TypeEngine[Any] = column["type"]
    return ColumnDefinition(str(column["name"]), type_name=local_type(kind, dialect))
