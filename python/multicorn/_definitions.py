"""What a table, a column and a sort order look like to a wrapper."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from multicorn._quote import dict_to_optionstring, quote_identifier


class SortKey(NamedTuple):
    """One column of an ORDER BY that the wrapper may take over.

    `attnum` counts from 1; `collate` is the collation's name, or None if the
    type has none, or if query and column both use the database's own.
    """

    attname: str
    attnum: int
    is_reversed: bool
    nulls_first: bool
    collate: str | None


class ColumnDefinition:
    """One column: of a foreign table, or of a table to be imported.

    `typmod` is the server's raw type modifier, -1 for none. `type_name` is
    the type as SQL shows it, modifier included; `base_type_name` is without
    it. `str()` gives the type's name.
    """

    __slots__ = (
        "base_type_name",
        "column_name",
        "options",
        "type_name",
        "type_oid",
        "typmod",
    )

    def __init__(
        self,
        column_name: str,
        type_oid: int = 0,
        typmod: int = -1,
        type_name: str = "",
        base_type_name: str = "",
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.column_name = column_name
        self.type_oid = type_oid
        self.typmod = typmod
        self.type_name = type_name
        self.base_type_name = base_type_name
        self.options: dict[str, str] = dict(options) if options else {}

    def __str__(self) -> str:
        return self.type_name

    def __repr__(self) -> str:
        return (
            f"ColumnDefinition({self.column_name!r}, type_oid={self.type_oid!r},"
            f" typmod={self.typmod!r}, type_name={self.type_name!r},"
            f" base_type_name={self.base_type_name!r}, options={self.options!r})"
        )

    def to_statement(self) -> str:
        """Return the column as CREATE FOREIGN TABLE wants it.

        The type's name is SQL already (`numeric(10,2)[]`) and is not quoted.
        Raises ValueError for a column without one.
        """
        if not self.type_name:
            raise ValueError(f"column {self.column_name!r} has no type_name")
        clauses = [quote_identifier(self.column_name), self.type_name]
        if self.options:
            clauses.append(f"OPTIONS ({dict_to_optionstring(self.options)})")
        return " ".join(clauses)


class TableDefinition:
    """A table that IMPORT FOREIGN SCHEMA shall create."""

    __slots__ = ("columns", "options", "schema", "table_name")

    def __init__(
        self,
        table_name: str,
        schema: str | None = None,
        columns: Iterable[ColumnDefinition] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.table_name = table_name
        self.schema = schema
        self.columns: list[ColumnDefinition] = list(columns) if columns else []
        self.options: dict[str, str] = dict(options) if options else {}

    def __repr__(self) -> str:
        return (
            f"TableDefinition({self.table_name!r}, schema={self.schema!r},"
            f" columns={self.columns!r}, options={self.options!r})"
        )

    def to_statement(self, schema_name: str, server_name: str) -> str:
        """Return the CREATE FOREIGN TABLE statement for this table.

        `schema_name` is the local schema to create it in, `server_name` the
        foreign server; both are quoted here. `self.schema`, the remote
        schema, is of no consequence for the statement.
        """
        columns = ",\n".join(f"    {column.to_statement()}" for column in self.columns)
        body = f"(\n{columns}\n)" if columns else "()"
        statement = (
            f"CREATE FOREIGN TABLE {quote_identifier(schema_name)}"
            f".{quote_identifier(self.table_name)} {body}"
            f" SERVER {quote_identifier(server_name)}"
        )
        if self.options:
            statement += f" OPTIONS (\n    {dict_to_optionstring(self.options)}\n)"
        return statement
