"""The example of README.md: an endless table of prime numbers."""

from multicorn import ForeignDataWrapper


class Primes(ForeignDataWrapper):
    """Prime numbers, without end unless the query has an upper bound."""

    def execute(self, quals, columns):
        bounds = (q.value for q in quals if q.operator in ("<", "<="))
        last = min(bounds, default=float("inf"))
        number, found = 2, []
        while number <= last:
            if all(number % prime for prime in found):
                found.append(number)
                yield {"n": number, "twin": number - 2 in found}
            number += 1
