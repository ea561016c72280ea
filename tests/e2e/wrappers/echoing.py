"""Wrappers for the tests of encodings: what arrives from the server, and what goes back, exactly."""

from collections.abc import Iterator, Sequence
from typing import Any

from multicorn import ColumnDefinition, ForeignDataWrapper, Qual, TableDefinition

SENT = {
    "ascii": "plain",
    "umlaut": "Grüße",
    "euro": "€",
    "escaped": "caf\udce9",
    "broken": b"caf\xe9",
    "utf8": "Grüße".encode(),
}


class Echo(ForeignDataWrapper):
    """Columns word, sent, seen: `sent` is SENT[word]; `seen` is the ASCII form of the quals' values."""

    def __init__(self, options: dict[str, str], columns: dict[str, ColumnDefinition]) -> None:
        super().__init__(options, columns)
        self.told = ascii((dict(options), list(columns)))
        self.words, self.sent, self.seen = columns

    def execute(self, quals: Sequence[Qual], columns: Any) -> Iterator[dict[str, Any]]:
        seen = ascii([(qual.field_name, qual.value) for qual in quals])
        wanted = {qual.value for qual in quals if qual.operator == "="}
        for word, value in SENT.items():
            if wanted and word not in wanted:
                continue
            yield {
                self.words: word,
                self.sent: value if self.sent in columns else None,
                self.seen: seen if self.seen in columns else None,
            }

    def explain(self, quals: Any, columns: Any, **keywords: Any) -> list[str]:
        return [self.told]


class Failing(Echo):
    """Raises the value of the qual, or of the option."""

    def execute(self, quals: Sequence[Qual], columns: Any) -> Iterator[dict[str, Any]]:
        for qual in quals:
            print(qual.value)
            raise ValueError(qual.value)
        return iter(())

    @classmethod
    def import_schema(
        cls,
        schema: str,
        srv_options: Any,
        options: dict[str, str],
        restriction_type: Any,
        restricts: list[str],
    ) -> list[TableDefinition]:
        name = options["name"].encode().decode("unicode_escape")
        columns = [ColumnDefinition(one, type_name="text") for one in (name, "b", "c")]
        return [TableDefinition(name, columns=columns, options={"schema": schema, "name": name})]
