"""A wrapper that says when it is made and what it was told."""

from multicorn import ColumnDefinition, ForeignDataWrapper, TableDefinition
from multicorn.utils import log_to_postgres

print("the module is imported")


class Witness(ForeignDataWrapper):
    """One row: the user mapping's `user`, and whether a password came with it."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.options = options
        log_to_postgres("an instance is made for %s" % options.get("user", "nobody"))

    def execute(self, quals, columns):
        if "complaint" in self.options:
            raise ValueError(self.options["complaint"] % self.options)
        yield [self.options.get("user"), "yes" if "password" in self.options else "no"]

    def explain(self, quals, columns, **others):
        return ["connects with %s" % self.options.get("password")]

    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        log_to_postgres("imports %s for %s" % (schema, srv_options.get("user", "nobody")))
        columns = [ColumnDefinition("u", type_name="text"), ColumnDefinition("p", type_name="text")]
        return [TableDefinition("imported", columns=columns)]


class Other(Witness):
    pass
