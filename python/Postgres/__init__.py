"""PostgreSQL's own types and services, for functions of `LANGUAGE python`."""
