"""The server's types, statements and messages for functions of `LANGUAGE python`."""
