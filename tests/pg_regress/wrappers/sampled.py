"""Tables that TRUNCATE empties and ANALYZE reads, well and badly."""

from multicorn import ForeignDataWrapper
from multicorn.utils import log_to_postgres


class Whole(ForeignDataWrapper):
    """`rows` rows of `id` and `grp`, all of which `analyze` gives."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.name = options.get("name", "table")
        self.count = int(options.get("rows", "1000"))
        self.answer = options.get("answer")

    def say(self, *told):
        log_to_postgres(" ".join([self.name, *map(str, told)]))

    def all_rows(self):
        try:
            for number in range(self.count):
                yield (number, number % 10)
        finally:
            self.say("closed")

    def execute(self, quals, columns):
        return self.all_rows()

    def analyze(self):
        self.say("analyze")
        if self.answer is not None:
            return eval(self.answer, {"self": self})
        return self.all_rows(), None

    def end_scan(self):
        self.say("end_scan")

    def begin(self, serializable):
        self.say("begin")

    def commit(self):
        self.say("commit")

    def truncate(self, restart_identity, cascade):
        self.say("truncate", restart_identity, cascade)
        self.count = 0


class Sampled(Whole):
    """Chooses rows itself, and says how many there are."""

    def get_rel_size(self, quals, columns):
        return (self.count, 100)

    def sample(self, n):
        self.say("sample", n)
        step = max(1, self.count // 100)
        return [(number, number % 10) for number in range(0, self.count, step)], self.count


class Fixed(ForeignDataWrapper):
    """Can neither be truncated nor analyzed."""

    def execute(self, quals, columns):
        return [(1, 1)]


class Raises(Whole):
    """Raises in the middle."""

    def all_rows(self):
        yield (1, 1)
        raise LookupError("no more")

    def truncate(self, restart_identity, cascade):
        raise LookupError("cannot")
