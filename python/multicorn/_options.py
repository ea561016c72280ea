"""Reading a wrapper's options: all are strings, and people misspell them."""

from collections.abc import Iterable, Mapping
from logging import ERROR, WARNING

from multicorn._exceptions import MulticornException
from multicorn._loader import suggest
from multicorn.utils import log_to_postgres

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0", ""})


def check_names(wrapper: str, options: Mapping[str, str], known: Iterable[str]) -> None:
    """Refuse a misspelt option; warn of one that means nothing here.

    A strange name may be meant for a program of the user's own that reads the
    catalogue, so it is no error unless it nearly is a name that we know.
    """
    names = sorted(known)
    for name in options:
        if name in names:
            continue
        near = suggest(name, names)
        if near is not None and near not in options:
            raise MulticornException(
                f'{wrapper} has no option "{name}"',
                ERROR,
                hint=f'Did you mean "{near}"?',
            )
        log_to_postgres(
            f'{wrapper} ignores the option "{name}"',
            WARNING,
            hint=f"Its options are: {', '.join(names)}.",
        )


def required(wrapper: str, options: Mapping[str, str], name: str) -> str:
    """Return the option's value; an absent or empty one is an error."""
    value = options.get(name)
    if value:
        return value
    raise MulticornException(
        f'{wrapper} needs the option "{name}"',
        ERROR,
        hint=f"Add it to the table or the server: OPTIONS ({name} '...').",
    )


def boolean(name: str, value: str) -> bool:
    """Return the truth of `true`, `off`, `1` and the like."""
    folded = value.strip().lower()
    if folded in _TRUE:
        return True
    if folded in _FALSE:
        return False
    raise MulticornException(
        f'the option "{name}" must be true or false, not {value!r}', ERROR
    )


def integer(name: str, value: str, *, at_least: int = 0) -> int:
    """Return the value as an int that is no less than `at_least`."""
    try:
        number = int(value)
    except ValueError:
        number = at_least - 1
    if number < at_least:
        raise MulticornException(
            f'the option "{name}" must be an integer of at least {at_least},'
            f" not {value!r}",
            ERROR,
        )
    return number
