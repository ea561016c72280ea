"""PL/Python's module `plpy`, for functions of `LANGUAGE plpy`."""
