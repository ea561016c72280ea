"""The examples that Wormhole set out with, as they were written down; in process, and confined."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

import wormhole
from wormhole import query, remote, set_connection, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

TABLES = """
DROP TABLE IF EXISTS users, orders, accounts, transactions, products;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE orders (user_id int, amount numeric(10, 2));
CREATE TABLE accounts (id int PRIMARY KEY, balance numeric(10, 2));
CREATE TABLE transactions (from_id int, to_id int, amount numeric(10, 2));
CREATE TABLE products (name text, sku text, price numeric(10, 2));
INSERT INTO users VALUES (123, 'Ada'), (124, 'Bob');
INSERT INTO orders VALUES (123, 10.50), (123, 2), (124, 7);
INSERT INTO accounts VALUES (1, 150), (2, 0);
INSERT INTO products VALUES ('old', 'A1', 5);
GRANT ALL ON ALL TABLES IN SCHEMA public TO wormhole_app;
"""


@pytest.fixture(params=["postgres", "wormhole_app"])
def conn(request: pytest.FixtureRequest, shop: Database) -> Iterator[Any]:
    """A connection of psycopg2 as its defaults are: not in autocommit mode."""
    shop.sql(TABLES)
    connection = psycopg2.connect(shop.conninfo.replace("user=postgres", f"user={request.param}"))
    with set_connection(connection):
        yield connection
    connection.close()


@remote
def count_users():
    result = query("SELECT COUNT(*) as count FROM users")
    return result[0]['count']  # fmt: skip


@remote
def get_user_dashboard(user_id):
    user = query("SELECT * FROM users WHERE id = $1", user_id)[0]
    orders = query("SELECT * FROM orders WHERE user_id = $1", user_id)
    total = query("SELECT SUM(amount) FROM orders WHERE user_id = $1", user_id)[0]
    return {"user": user, "orders": orders, "total": total['sum']}  # fmt: skip


@remote
def transfer_funds(from_account, to_account, amount):
    # Check balance
    balance = query(
        "SELECT balance FROM accounts WHERE id = $1",
        from_account
    )[0]['balance']  # fmt: skip

    if balance < amount:
        raise Exception("Insufficient funds")

    # Transfer
    query("UPDATE accounts SET balance = balance - $1 WHERE id = $2", amount, from_account)
    query("UPDATE accounts SET balance = balance + $1 WHERE id = $2", amount, to_account)
    query("INSERT INTO transactions (from_id, to_id, amount) VALUES ($1, $2, $3)",
          from_account, to_account, amount)  # fmt: skip

    return {"success": True}


@remote
def validate_and_import_data(csv_data):
    import json

    valid_rows = []
    invalid_rows = []

    for row in json.loads(csv_data):
        # Validate against database constraints
        exists = query(
            "SELECT 1 FROM products WHERE sku = $1",
            row['sku']
        )  # fmt: skip

        if exists:
            invalid_rows.append(row)
        else:
            valid_rows.append(row)
            query(
                "INSERT INTO products (sku, name, price) VALUES ($1, $2, $3)",
                row['sku'], row['name'], row['price']
            )  # fmt: skip

    return {
        "imported": len(valid_rows),
        "rejected": len(invalid_rows),
        "invalid": invalid_rows
    }  # fmt: skip


def test_your_first_wormhole_function(conn, capsys) -> None:
    with transaction():
        count = count_users()
        print(f"Users: {count}")
    assert capsys.readouterr().out == "Users: 2\n"


def test_same_api_everywhere(conn) -> None:
    @remote
    def there(user_id):
        return query("SELECT * FROM users WHERE id = $1", user_id)

    user_id = 123
    assert query("SELECT * FROM users WHERE id = $1", user_id) == [{"id": 123, "name": "Ada"}]
    assert there(user_id) == [{"id": 123, "name": "Ada"}]


def test_transaction_management(conn) -> None:
    with transaction(max_retries=5):
        result = count_users()
    assert result == 2


def test_complex_aggregations(conn) -> None:
    dashboard = get_user_dashboard(123)
    user_id = 123
    user = query("SELECT * FROM users WHERE id = $1", user_id)
    orders = query("SELECT * FROM orders WHERE user_id = $1", user_id)
    total = query("SELECT SUM(amount) FROM orders WHERE user_id = $1", user_id)
    assert dashboard == {"user": user[0], "orders": orders, "total": total[0]["sum"]}
    assert dashboard == {
        "user": {"id": 123, "name": "Ada"},
        "orders": [
            {"user_id": 123, "amount": Decimal("10.50")},
            {"user_id": 123, "amount": Decimal("2.00")},
        ],
        "total": Decimal("12.50"),
    }


def test_transactional_workflows(conn, shop) -> None:
    with transaction():
        transfer_funds(1, 2, 100.00)
    balances = "SELECT string_agg(balance::text, ' ' ORDER BY id) FROM accounts"
    assert shop.sql(balances).strip() == "50.00 100.00"
    with pytest.raises(Exception, match=r"^Insufficient funds") as caught, transaction():
        transfer_funds(1, 2, 100.00)
    assert type(caught.value) is Exception
    assert shop.sql(balances).strip() == "50.00 100.00"
    assert shop.sql("SELECT count(*) FROM transactions").strip() == "1"


def test_data_validation_and_processing(conn) -> None:
    rows = [{"sku": "A1", "name": "again", "price": 1.5}, {"sku": "B2", "name": "new", "price": 2.25}]
    with transaction():
        assert validate_and_import_data(json.dumps(rows)) == {
            "imported": 1,
            "rejected": 1,
            "invalid": [rows[0]],
        }
    assert query("SELECT name, price FROM products WHERE sku = $1", "B2") == [
        {"name": "new", "price": Decimal("2.25")}
    ]


def test_administration(shop) -> None:
    shop.sql(TABLES)
    connection = psycopg2.connect(shop.conninfo)
    with set_connection(connection), transaction():
        count_users()
    connection.close()
    assert shop.sql(
        """
        SELECT func_name, created_by, created_at, execution_count
        FROM wormhole_functions
        ORDER BY execution_count DESC;
        """
    ).startswith("count_users|postgres|")
    assert "json" in shop.sql("SELECT * FROM wormhole_allowed_modules WHERE allowed = true;")
    assert (
        shop.sql(
            """
            INSERT INTO wormhole_allowed_modules (module_name, allowed, notes)
            VALUES ('requests', true, 'HTTP client library');
            UPDATE wormhole_allowed_modules
            SET allowed = false
            WHERE module_name = 'os';
            SELECT allowed FROM wormhole_allowed_modules WHERE module_name IN ('os', 'requests') ORDER BY 1;
            """
        )
        == "f\nt\n"
    )
    assert shop.sql("DELETE FROM wormhole_functions WHERE func_name = 'old_function';") == ""
    assert shop.sql("DELETE FROM wormhole_functions WHERE created_by = 'testuser';") == ""
    shop.sql("TRUNCATE wormhole_functions;")
    assert shop.sql("SELECT count(*) FROM wormhole_functions") == "0\n"
    shop.sql("UPDATE wormhole_allowed_modules SET allowed = false WHERE module_name = 'requests'")


def test_troubleshooting(conn) -> None:
    @remote
    def uses_colours():
        import colorsys

        return colorsys.rgb_to_hsv(0, 0, 1)

    with (
        pytest.raises(wormhole.RemoteError, match='module "colorsys" is not allowed') as caught,
        transaction(),
    ):
        uses_colours()
    assert caught.value.sqlstate == "WH001"
    assert "INSERT INTO wormhole_allowed_modules" in (caught.value.hint or "")
    set_connection(None)
    with pytest.raises(RuntimeError, match=r"^No database connection set; call set_connection"):
        count_users()
    space: dict[str, Any] = {}
    exec("def my_func():\n    pass", space)
    with pytest.raises(TypeError, match=r"^Cannot get source for function my_func"):
        remote(space["my_func"])()
