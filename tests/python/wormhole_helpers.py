"""A module of the same project as the tests of what is sent."""

RATE = 7


def doubled(x: int) -> int:
    return 2 * x


def rate() -> int:
    return RATE


def sorted(values: list[int]) -> list[int]:  # noqa: A001 - a project may
    return values[::-1]


def query(text: str) -> str:
    return text


def backwards(values: list[int]) -> list[int]:
    return sorted(values)


def asked() -> str:
    return query("x")
