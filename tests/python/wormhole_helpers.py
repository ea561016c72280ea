"""A module of the same project as the tests of what is sent."""

RATE = 7


def doubled(x: int) -> int:
    return 2 * x


def rate() -> int:
    return RATE
