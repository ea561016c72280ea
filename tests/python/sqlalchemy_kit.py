"""What the tests of SqlAlchemyFdw share: a SQLite file, and its columns."""

import sqlite3
from pathlib import Path

from multicorn import ColumnDefinition, Columns
from multicorn.sqlalchemyfdw import SqlAlchemyFdw

TYPES = {
    "id": "bigint",
    "name": "text",
    "price": "numeric",
    "day": "date",
    "at": "timestamp without time zone",
    "ok": "boolean",
    "data": "bytea",
    "ratio": "double precision",
}

SCHEMA = """
    CREATE TABLE things (
        id INTEGER PRIMARY KEY, name VARCHAR(20) COLLATE NOCASE,
        price NUMERIC(10, 2), day DATE, at TIMESTAMP, ok BOOLEAN, data BLOB,
        ratio DOUBLE
    );
    INSERT INTO things VALUES
        (1, 'Abc', 1.5, '2020-01-01', '2020-01-01 10:00:00', 1, x'00ff', 0.1),
        (2, 'abc', 0.1, '2020-01-02', '2020-01-02T10:00:00.5', 0, NULL, 1e300),
        (3, NULL, 3, NULL, NULL, NULL, NULL, NULL),
        (4, 'été [x] 100%', 2.25, '20200103', 'Jan 3 2020', 1, x'', -1),
        (5, 'a_c\\d', NULL, '0044-03-15 BC', '2020-01-02', 0, NULL, 0);
    CREATE VIEW names AS SELECT id, name FROM things;
    CREATE TABLE pairs (a INTEGER, b TEXT, note ODDTYPE, PRIMARY KEY (a, b));
"""


def make_database(path: Path) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    connection.close()
    return path


def definitions(**types: str) -> Columns:
    return Columns(
        (name, ColumnDefinition(name, type_name=kind, base_type_name=kind))
        for name, kind in types.items()
    )


def wrapper(
    path: Path, columns: Columns | None = None, **options: str
) -> SqlAlchemyFdw:
    table = {"tablename": "things", "db_url": f"sqlite:///{path}", **options}
    return SqlAlchemyFdw(table, definitions(**TYPES) if columns is None else columns)
