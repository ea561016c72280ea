"""Small wrappers, each for one point of the contract."""

from multicorn import ColumnDefinition, ForeignDataWrapper, TableDefinition
from multicorn.utils import log_to_postgres


class Teller(ForeignDataWrapper):
    """Tells its arguments when it is made and when it is executed."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        log_to_postgres(f"init {type(options).__name__} {sorted(options.items())}")
        for name, column in columns.items():
            kind = (column.column_name, column.typmod, column.type_name, column.base_type_name)
            oid = "oid" if isinstance(column.type_oid, int) else column.type_oid
            log_to_postgres(f"{name}: {kind} {oid} {column.options} str={column}")

    def execute(self, quals, columns):
        log_to_postgres("execute")
        return []


class Habits(ForeignDataWrapper):
    """Uses the columns as wrappers of 2014 do."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.first = columns.keys()[0]
        self.last = columns.keys()[-1]
        log_to_postgres(f"first {self.first}, last {self.last}, slice {columns.keys()[1:]}")
        log_to_postgres(f"{list(columns)} {len(columns)} {'a' in columns} {'z' in columns.keys()}")  # noqa: SIM118 - the old spelling
        log_to_postgres(", ".join(f"{name} {columns[name]}" for name in columns))
        log_to_postgres(f"{[str(column) for column in columns.values()]} {columns.get('nothing')}")
        log_to_postgres(f"{'timestamp' in str(columns['c'])} {dict(columns).keys() == columns.keys()}")

    def execute(self, quals, columns):
        return [{self.first: 1, self.last: "2024-02-29 12:00+00"}]


class BrokenInit(ForeignDataWrapper):
    """Fails while the option `fault` is there."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        log_to_postgres("init")
        if "fault" in options:
            raise ValueError(f"no good: {options['fault']}")

    def execute(self, quals, columns):
        return [[1]]


class Options(ForeignDataWrapper):
    """One row an option, so that a result shows them."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.options = options

    def execute(self, quals, columns):
        return sorted(self.options.items())

    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        names = [ColumnDefinition("name", type_name="text"), ColumnDefinition("value", type_name="text")]
        return [TableDefinition(schema, columns=names, options={"origin": "import"})]


class Other(Options):
    """Another class, for the same tables."""


class Greedy(ForeignDataWrapper):
    """Keeps and changes what execute() is given."""

    def execute(self, quals, columns):
        log_to_postgres(f"{type(quals).__name__} of {len(quals)}, {type(columns).__name__} {sorted(columns)}")
        quals.pop().field_name = "changed"
        columns.clear()
        columns.add("more")
        yield {"a": 1, "b": "one"}


class Exact(ForeignDataWrapper):
    """Applies `=` and IN itself, byte by byte."""

    def execute(self, quals, columns):
        for row in ({"a": "one", "b": "ONE"}, {"a": "ONE", "b": "one"}):
            if all(self.passes(row[qual.field_name], qual) for qual in quals):
                yield row

    @staticmethod
    def passes(value, qual):
        return value in qual.value if qual.is_list_operator else value == qual.value
