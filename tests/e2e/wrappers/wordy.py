"""Words, compared and sorted as Python does."""

from multicorn import ForeignDataWrapper


class Words(ForeignDataWrapper):
    def can_sort(self, sortkeys):
        return sortkeys

    def execute(self, quals, columns, sortkeys=None):
        wanted = [qual.value for qual in quals]
        words = [word for word in ("abc", "B", "c") if all(word in value for value in wanted)]
        return [(word,) for word in (sorted(words) if sortkeys else words)]
