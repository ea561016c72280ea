"""Wrappers that raise, and one that tells the order of things."""

from multicorn import ForeignDataWrapper
from multicorn.utils import log_to_postgres


class OwnError(Exception):
    pass


class BadTextError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class WithFieldsError(Exception):
    sqlstate = "22012"
    detail = "a detail of its own"
    hint = "a hint of its own"


class Raiser(ForeignDataWrapper):
    """Raises `what` in `place`."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.what = options["what"]
        self.place = options.get("place", "execute")
        self.at("init")

    def at(self, place):
        if place == self.place:
            raise eval(self.what)

    def get_rel_size(self, quals, columns):
        self.at("get_rel_size")
        return 2, 4

    def get_path_keys(self):
        self.at("get_path_keys")
        return []

    def can_sort(self, sortkeys):
        self.at("can_sort")
        return sortkeys

    def can_limit(self, limit, offset):
        self.at("can_limit")
        return False

    def explain(self, quals, columns, sortkeys=None, verbose=False):
        self.at("explain")
        return []

    def execute(self, quals, columns, sortkeys=None):
        self.at("execute")
        return self.rows()

    def rows(self):
        try:
            yield (1,)
            self.at("rows")
            yield (2,)
        finally:
            self.at("close")

    def end_scan(self):
        self.at("end_scan")


class Ordered(ForeignDataWrapper):
    def __init__(self, options, columns):
        super().__init__(options, columns)
        log_to_postgres("init")

    def execute(self, quals, columns):
        log_to_postgres("execute")
        return self.rows()

    def rows(self):
        for number in range(3):
            log_to_postgres(f"making {number}")
            yield (number,)
        log_to_postgres("no more")

    def end_scan(self):
        log_to_postgres("end_scan")
