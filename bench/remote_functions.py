"""The remote functions that are measured; sent from this file, so they stand alone in it."""

from __future__ import annotations

from typing import Any

from wormhole import query, query_value, remote


@remote
def add(value: int) -> int:
    return value + 2


@remote
def add_any(value: Any) -> Any:
    return value + 2


@remote
def ask(count: int) -> None:
    for _ in range(count):
        query_value("SELECT 1")


@remote
def spin() -> None:
    while True:
        pass


@remote
def dashboard(user_id: int) -> dict[str, Any]:
    user = query("SELECT * FROM users WHERE id = $1", user_id)[0]
    orders = query("SELECT * FROM orders WHERE user_id = $1", user_id)
    total = query("SELECT sum(amount) FROM orders WHERE user_id = $1", user_id)[0]
    return {"user": user, "orders": orders, "total": total["sum"]}


def three_queries(connection: Any, user_id: int) -> dict[str, Any]:
    """The same by the client."""
    user = query("SELECT * FROM users WHERE id = $1", user_id, connection=connection)[0]
    orders = query("SELECT * FROM orders WHERE user_id = $1", user_id, connection=connection)
    total = query("SELECT sum(amount) FROM orders WHERE user_id = $1", user_id, connection=connection)[0]
    return {"user": user, "orders": orders, "total": total["sum"]}
