"""Wrappers over `bench_rows`: whole tables, look-ups by id, and a schema of many tables to import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench_rows import by_id, find, find_dict, generate, generate_dicts, ready

from multicorn import ColumnDefinition, ForeignDataWrapper, TableDefinition


class Whole(ForeignDataWrapper):
    """`shape`, `count`, and how rows come: `style` dict, tuple (both generators) or prebuilt (a list)."""

    def __init__(self, options: Mapping[str, str], columns: Mapping[str, Any]) -> None:
        super().__init__(options, columns)
        self.shape, self.count, self.style = options["shape"], int(options["count"]), options["style"]

    def get_rel_size(self, quals: Any, columns: Any) -> tuple[int, int]:
        return (self.count, 100)

    def execute(self, quals: Any, columns: Any) -> Iterable[Any]:
        match self.style:
            case "dict":
                return generate_dicts(self.shape, self.count)
            case "tuple":
                return generate(self.shape, self.count)
            case _:
                return ready(self.shape, self.count)


class Lookup(ForeignDataWrapper):
    """A key-value store: asked by `id`, it gives one row."""

    def __init__(self, options: Mapping[str, str], columns: Mapping[str, Any]) -> None:
        super().__init__(options, columns)
        self.shape, self.count, self.style = options["shape"], int(options["count"]), options["style"]
        self.rows = by_id(self.shape, self.count)

    def get_rel_size(self, quals: Any, columns: Any) -> tuple[int, int]:
        return (self.count, 40)

    def get_path_keys(self) -> list[Any]:
        return [(("id",), 1)]

    def execute(self, quals: Any, columns: Any) -> Iterable[Any]:
        for qual in quals:
            if qual.field_name == "id" and qual.operator == "=":
                return self.answer(qual.value)
        return ready(self.shape, self.count)

    def answer(self, wanted: int) -> Iterable[Any]:
        if self.style == "tuple":
            return find(self.shape, self.count, wanted)
        if self.style == "dict":
            return find_dict(self.shape, self.count, wanted)
        row = self.rows.get(wanted)
        return [] if row is None else [row]


class Many(ForeignDataWrapper):
    """A schema of `count` tables with five columns each."""

    @classmethod
    def import_schema(
        cls, schema: str, srv_options: Any, options: Mapping[str, str], restriction_type: Any, restricts: Any
    ) -> list[TableDefinition]:
        return [
            TableDefinition(name, columns=[ColumnDefinition(name, type_name=kind) for name, kind in columns])
            for name, columns in tables(int(options["count"]))
        ]


def tables(count: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Name and columns of each table of the schema; also what the PL/Python function creates."""
    columns = [("id", "int8"), ("a", "text"), ("b", "numeric(10,2)"), ("c", "timestamptz"), ("d", "jsonb")]
    return [(f"imported_{number}", columns) for number in range(count)]
