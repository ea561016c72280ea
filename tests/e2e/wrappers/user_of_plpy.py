"""A module of a user's, which functions of PL/Python and of plpy share."""

import plpy


def count() -> str:
    """Run SQL, and catch an error of it, through whatever `plpy` is for the caller."""
    rows = plpy.execute("SELECT 1")
    try:
        plpy.execute("SELECT 1 / 0")
    except plpy.SPIError as error:
        caught = type(error).__mro__[1].__name__
    return f"{rows.nrows()} row, caught {caught}"
