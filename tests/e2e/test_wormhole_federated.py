"""A remote function that joins a local table with a table of another database, through a foreign table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from far import far_database

from wormhole import execute, query, remote, set_connection, transaction

if TYPE_CHECKING:
    from conftest import Database

ELSEWHERE = """
CREATE TABLE customers (id int PRIMARY KEY, name text, city text);
INSERT INTO customers VALUES (1, 'Ada', 'Oslo'), (2, 'Bob', 'Rome'), (3, 'Cleo', 'Oslo');
"""
HERE = """
CREATE TABLE orders (customer_id int, amount numeric(10, 2));
INSERT INTO orders VALUES (1, 10.50), (1, 2), (2, 7), (3, 1);
CREATE FOREIGN TABLE customers (id int, name text, city text) SERVER far
    OPTIONS (tablename 'customers', primary_key 'id');
"""


@remote
def sales_by_city(least: Decimal) -> dict[str, Decimal]:
    """Join here what is here with what is there; one round trip for the caller."""
    rows = query(
        "SELECT c.city, sum(o.amount) AS total FROM orders o JOIN customers c ON c.id = o.customer_id"
        " GROUP BY c.city HAVING sum(o.amount) >= $1",
        least,
    )
    return {row["city"]: row["total"] for row in rows}


@remote
def move(customer: int, city: str) -> int:
    """Change what is there, in the transaction of the caller."""
    return execute("UPDATE customers SET city = $1 WHERE id = $2", city, customer)


def test_a_join_across_databases(database: Database) -> None:
    with far_database(database, ELSEWHERE) as elsewhere:
        database.sql(HERE)
        with database.connect() as connection, set_connection(connection):
            assert sales_by_city(Decimal(0)) == {"Oslo": Decimal("13.50"), "Rome": Decimal("7.00")}
            assert sales_by_city(Decimal(10)) == {"Oslo": Decimal("13.50")}
            with pytest.raises(LookupError), transaction():
                assert move(1, "Rome") == 1
                assert sales_by_city(Decimal(0)) == {"Oslo": Decimal("1.00"), "Rome": Decimal("19.50")}
                raise LookupError
            assert elsewhere.sql("SELECT city FROM customers WHERE id = 1") == "Oslo\n"
            with transaction():
                move(1, "Rome")
            assert elsewhere.sql("SELECT city FROM customers WHERE id = 1") == "Rome\n"
