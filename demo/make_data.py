"""Makes demo/data: the CSV file and the SQLite database of a small coffee roaster.

    /usr/bin/python3 demo/make_data.py

The numbers come from a fixed seed, so that a second run changes nothing.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import sqlite3
from pathlib import Path

DATA = Path(__file__).parent / "data"

ORIGINS = {
    "Ethiopia": ["Guji", "Yirgacheffe", "Sidama"],
    "Kenya": ["Nyeri", "Kirinyaga"],
    "Colombia": ["Huila", "Nariño"],
    "Brazil": ["Cerrado", "Mogiana"],
    "Guatemala": ["Antigua", "Huehuetenango"],
}
PROCESSES = ["washed", "natural", "honey"]
CUSTOMERS = [
    ("Café Møller", "Oslo", "NO"),
    ("Fjordkaffe", "Bergen", "NO"),
    ("Zum Röster", "Leipzig", "DE"),
    ("Kaffeehaus Lenz", "Hamburg", "DE"),
    ("Brûlerie du Port", "Nantes", "FR"),
    ("Le Petit Noir", "Lyon", "FR"),
    ("The Daily Grind", "Leeds", "GB"),
    ("Bar Sport", "Trieste", "IT"),
    ("Torrefazione Neri", "Bologna", "IT"),
    ("Kofi & Søn", "Aarhus", "DK"),
]
SHOP = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name VARCHAR(60) NOT NULL,
    city VARCHAR(60) NOT NULL,
    country CHAR(2) NOT NULL
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    lot VARCHAR(8) NOT NULL,
    kilos NUMERIC(8, 2) NOT NULL,
    price NUMERIC(8, 2) NOT NULL,
    ordered_on DATE NOT NULL,
    note TEXT
);
CREATE VIEW order_list AS
    SELECT o.id, o.ordered_on, c.name AS customer, c.country, o.lot, o.kilos
    FROM orders o JOIN customers c ON c.id = o.customer_id;
"""


def make_lots(dice: random.Random) -> list[str]:
    """Write lots.csv, 50 lots of green coffee, and return their names."""
    arrived = dt.date(2026, 1, 5)
    names: list[str] = []
    with (DATA / "lots.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["lot", "country", "region", "process", "kilos", "cost", "arrived"])
        for number in range(1, 51):
            country = dice.choice(list(ORIGINS))
            name = f"{country[:2].upper()}-{number:03}"
            names.append(name)
            arrived += dt.timedelta(days=dice.randint(1, 5))
            kilos = dice.randint(2, 40) * 30
            cost = f"{dice.randint(480, 1250) / 100:.2f}"
            place = [country, dice.choice(ORIGINS[country]), dice.choice(PROCESSES)]
            writer.writerow([name, *place, kilos, cost, arrived.isoformat()])
    return names


def make_shop(dice: random.Random, lots: list[str]) -> None:
    """Write shop.sqlite: ten customers, 60 orders, a view."""
    path = DATA / "shop.sqlite"
    path.unlink(missing_ok=True)
    shop = sqlite3.connect(path)
    shop.executescript(SHOP)
    shop.executemany("INSERT INTO customers (name, city, country) VALUES (?, ?, ?)", CUSTOMERS)
    ordered = dt.date(2026, 3, 1)
    for _ in range(60):
        ordered += dt.timedelta(days=dice.randint(0, 3))
        order = (
            dice.randint(1, len(CUSTOMERS)),
            dice.choice(lots),
            dice.randint(2, 60) * 2.5,
            dice.randint(1150, 2400) / 100,
            ordered.isoformat(),
            dice.choice([None, None, None, "whole bean", "espresso grind", "gift"]),
        )
        row = "customer_id, lot, kilos, price, ordered_on, note"
        shop.execute(f"INSERT INTO orders ({row}) VALUES (?, ?, ?, ?, ?, ?)", order)  # noqa: S608
    shop.commit()
    shop.execute("VACUUM")
    shop.close()


def main() -> None:
    """Make both files."""
    dice = random.Random(1998)  # noqa: S311 - nothing secret
    DATA.mkdir(exist_ok=True)
    make_shop(dice, make_lots(dice))


if __name__ == "__main__":
    main()
