"""A wrapper whose table options say, as Python expressions, what each of its methods does."""

from multicorn import ForeignDataWrapper, SortKey  # noqa: F401 - expressions name it


def fail(error):
    """Raise where only an expression can stand."""
    raise error


opened = closed = 0


def closing(rows, error=None):
    """Yield rows, then raise `error`; the generator's end is counted, whichever way it comes."""
    global opened, closed  # noqa: PLW0603 - a table shows them
    opened += 1
    try:
        yield from rows
        if error is not None:
            raise error
    finally:
        closed += 1


def failing_close(rows):
    """A generator whose clean-up raises."""
    try:
        yield from rows
    finally:
        raise ValueError("the clean-up failed")


class Forged(Exception):  # noqa: N818
    """An exception with the attributes that the server reads."""

    def __init__(self, text, **attributes):
        super().__init__(text)
        self.__dict__.update(attributes)


class NoText(Exception):  # noqa: N818
    def __str__(self):
        raise RuntimeError("no text")


class NotText(Exception):  # noqa: N818
    def __str__(self):
        return 42  # noqa: PLE0307 - that is the point


class Slotted(Exception):  # noqa: N818
    """Its attributes raise."""

    __slots__ = ()

    def __getattribute__(self, name):
        if name in ("sqlstate", "hint", "detail"):
            raise RuntimeError(f"no {name}")
        return super().__getattribute__(name)


class NoLength(list):
    def __len__(self):
        raise RuntimeError("no length")


class LyingLength:
    """A sequence that says it has two items and gives none."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise IndexError(index)


class Shrinking(list):
    """Loses its last item when its first is looked at."""

    def __init__(self, *items):
        super().__init__(items)
        self[0] = self._Guard(self)

    class _Guard:
        def __init__(self, row):
            self.row = row

        def __str__(self):
            self.row.clear()
            return "guarded"


class BadIterator:
    """Not an iterator, whatever `__iter__` says."""

    def __iter__(self):
        return 42


class Endless:
    """The sequence protocol only, and no end but an error."""

    def __getitem__(self, index):
        if index == 2:
            raise LookupError("row 2 is lost")
        return [index, str(index)]


def recurse(depth=0):
    return recurse(depth + 1)


class Hostile(ForeignDataWrapper):
    """Each method is the expression of the option of its name, or the base's."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.options = options
        self.columns = columns
        if "init" in options:
            self._do("init")

    def _do(self, method, **names):
        return eval(self.options[method], globals(), {"self": self, **names})

    def execute(self, quals, columns, sortkeys=None, limit=None, offset=None):
        return self._do("execute", quals=quals, columns=columns)

    def get_rel_size(self, quals, columns):
        if "get_rel_size" in self.options:
            return self._do("get_rel_size", quals=quals, columns=columns)
        return super().get_rel_size(quals, columns)

    def get_path_keys(self):
        return self._do("get_path_keys") if "get_path_keys" in self.options else []

    def can_sort(self, sortkeys):
        return self._do("can_sort", sortkeys=sortkeys) if "can_sort" in self.options else []

    def can_limit(self, limit, offset):
        return self._do("can_limit") if "can_limit" in self.options else False

    def explain(self, quals, columns, sortkeys=None, verbose=False, limit=None, offset=None):
        return self._do("explain") if "explain" in self.options else []

    def end_scan(self):
        if "end_scan" in self.options:
            self._do("end_scan")

    @classmethod
    def import_schema(cls, schema, srv_options, options, restriction_type, restricts):
        return eval(options["import_schema"])
