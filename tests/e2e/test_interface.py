"""The three descriptions of the interface agree: the SQL, the library, the stub of the native module."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import psycopg
from devkit.paths import CHECKOUT
from devkit.server import Installation

# What every library that pgrx builds exports besides the functions of our SQL.
NOT_SQL = re.compile(r"^(Pg_magic_func|_PG_init|pg_finfo_.*|__pgrx_.*)$")


def exported(library: Path) -> set[str]:
    """The names of the functions that a shared library defines for others."""
    command = ["nm", "--dynamic", "--defined-only", "--format=posix", str(library)]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in listing.splitlines() if line.split()[1] == "T"}


def named_in_sql() -> set[str]:
    """The C symbols that any of our SQL scripts asks for."""
    texts = [path.read_text() for path in (CHECKOUT / "sql").glob("*.sql")]
    return {name for text in texts for name in re.findall(r"'MODULE_PATHNAME'\s*,\s*'(\w+)'", text)}


def test_every_symbol_named_in_sql_is_exported_with_its_call_record(
    installation: Installation,
) -> None:
    symbols = exported(installation.directory("PKGLIBDIR") / "multicorn.so")
    wanted = named_in_sql()
    assert "multicorn_handler" in wanted
    assert wanted - symbols == set()
    assert {f"pg_finfo_{name}" for name in wanted} - symbols == set()


def test_every_exported_function_is_named_in_sql(installation: Installation) -> None:
    symbols = exported(installation.directory("PKGLIBDIR") / "multicorn.so")
    assert {name for name in symbols if not NOT_SQL.match(name)} - named_in_sql() == set()


def stub_members() -> set[tuple[str, str, str | None]]:
    """What the stub of the native module declares: name, first base or `function`, parameters."""
    tree = ast.parse((CHECKOUT / "python" / "multicorn" / "_native.pyi").read_text())
    members: set[tuple[str, str, str | None]] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            members.add((node.name, ast.unparse(node.bases[0]), None))
        elif isinstance(node, ast.FunctionDef):
            bare = [argument.arg for argument in node.args.args]
            defaults = [f"={ast.unparse(value)}" for value in node.args.defaults]
            padded = [""] * (len(bare) - len(defaults)) + defaults
            parameters = ", ".join(name + default for name, default in zip(bare, padded, strict=True))
            members.add((node.name, "function", parameters))
    return members


def test_the_stub_of_the_native_module_is_what_the_server_has(connection: psycopg.Connection) -> None:
    connection.execute(
        "CREATE SERVER native FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'native_view.NativeView');"
        "CREATE FOREIGN TABLE members (name text, kind text, parameters text) SERVER native"
    )
    assert set(connection.execute("SELECT * FROM members").fetchall()) == stub_members()
