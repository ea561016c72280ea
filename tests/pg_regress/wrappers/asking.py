"""A wrapper whose options are Python expressions that run SQL, at whatever time."""

from multicorn import ForeignDataWrapper, sql
from multicorn.utils import log_to_postgres


class Asking(ForeignDataWrapper):
    """Each option but `name` is evaluated when the method of its name is called, and told."""

    rowid_column = "told"

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.options = options
        self.kept = None
        self.ask("init")

    def ask(self, when):
        source = self.options.get(when)
        if source is None:
            return None
        names = {"sql": sql, "self": self, "log": log_to_postgres}
        try:
            told = eval(source, names)
        except (sql.ServerError, RuntimeError, ValueError) as error:
            told = f"{type(error).__name__}: {error}"
        if when != "execute":
            log_to_postgres(f"{when}: {told}")
        return told

    def get_rel_size(self, quals, columns):
        self.ask("size")
        return (1, 8)

    def execute(self, quals, columns):
        try:
            yield [str(self.ask("execute"))]
            yield [str(self.ask("second"))]
        finally:
            self.ask("finally")

    def explain(self, quals, columns, verbose=False):
        return [str(self.ask("explain"))]

    def insert(self, values):
        self.ask("insert")

    def end_scan(self):
        self.ask("end_scan")

    def end_modify(self):
        self.ask("end_modify")

    def begin(self, serializable):
        self.ask("begin")

    def sub_begin(self, level):
        self.ask("sub_begin")

    def sub_commit(self, level):
        self.ask("sub_commit")

    def sub_rollback(self, level):
        self.ask("sub_rollback")

    def pre_commit(self):
        self.ask("pre_commit")

    def commit(self):
        self.ask("commit")

    def rollback(self):
        self.ask("rollback")

    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        log_to_postgres(str(sql.execute("SELECT current_user::text AS who")))
        return []


class Later:
    """A value that is asked for when it is converted."""

    def __init__(self, wrapper):
        self.wrapper = wrapper

    def __str__(self):
        return str(self.wrapper.ask("execute"))


class Lazy(Asking):
    """One row of a number and a text that is not made yet."""

    def execute(self, quals, columns):
        yield 1, Later(self)


class Writing(Asking):
    """Can be written to in every way."""

    def update(self, rowid, newvalues):
        self.ask("update")

    def delete(self, rowid):
        self.ask("delete")

    def truncate(self, restart_identity, cascade):
        self.ask("truncate")
