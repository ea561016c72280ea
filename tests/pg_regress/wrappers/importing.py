"""Wrappers with import_schema, good ones and bad ones."""

from multicorn import ColumnDefinition, ForeignDataWrapper, TableDefinition
from multicorn.utils import WARNING, log_to_postgres


class Base(ForeignDataWrapper):
    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.options = options
        self.columns = columns

    def execute(self, quals, columns):
        return [[f"{name} {sorted(self.columns[name].options.items())}" for name in self.columns]]


class Importer(Base):
    """Three tables with every kind of name; filters nothing, the server does."""

    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        told = (sorted(srv_options.items()), sorted(options.items()), restriction_type, sorted(restricts))
        log_to_postgres(f"{cls.__name__} {schema!r} {told} {type(restricts).__name__}")
        return [
            TableDefinition("plain", columns=[ColumnDefinition("a", type_name="text")]),
            TableDefinition(
                'Odd "Name"',
                schema=schema,
                columns=[
                    ColumnDefinition("select", type_name="varchar(40)"),
                    ColumnDefinition("Käse; DROP", type_name="text", options={"Opt": "it's", "b c": "\\"}),
                ],
                options={"table": "Odd", "Quoted Option": "va'lue"},
            ),
            TableDefinition("empty"),
        ]


class Worded(TableDefinition):
    def to_statement(self, schema_name, server_name):
        log_to_postgres(f"to_statement {schema_name!r} {server_name!r}")
        statement = super().to_statement(schema_name, server_name)
        return statement.replace("FOREIGN TABLE", "FOREIGN TABLE IF NOT EXISTS")


class Subclassed(Base):
    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        return [Worded(schema, columns=[ColumnDefinition("a", type_name="text")])]


class Generator(Base):
    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        for number in range(2):
            yield TableDefinition(f"generated_{number}", columns=[ColumnDefinition("a", type_name="text")])


class Old(Base):
    """Columns given by keyword and types by OID, as the first documentation shows."""

    @classmethod
    def import_schema(self, schema, srv_options, options, restriction_type, restricts):  # noqa: N804 - so it was
        column = ColumnDefinition(column_name="a", type_oid=25, typmod=0, type_name="text")
        return [TableDefinition(table_name="old", columns=[column], options=None)]


class Answers(Base):
    """Returns the value of the expression that names the remote schema."""

    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        return eval(schema, {"T": TableDefinition, "C": ColumnDefinition, "S": Statement})


class Statement:
    """Worded by hand."""

    def __init__(self, statement):
        self.statement = statement

    def to_statement(self, schema_name, server_name):
        return self.statement


class Failing(Base):
    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        log_to_postgres("about to fail", WARNING, hint="look away")
        raise ConnectionError("the remote side is asleep")


class InstanceMethod(Base):
    """Not a classmethod, by mistake."""

    def import_schema(self, schema, srv_options, options, restriction_type, restricts):
        return []
