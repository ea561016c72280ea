"""PostgreSQL's own types and services, for functions of `LANGUAGE python`."""

from Postgres._trigger import StopEvent

__all__ = ["StopEvent"]
