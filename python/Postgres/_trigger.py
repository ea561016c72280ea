"""Triggers of functions in `LANGUAGE python`: what their entries are called with."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


class StopEvent(Exception):  # noqa: N818 - the name that functions written for pg-python raise
    """Raised by an entry of a BEFORE or INSTEAD OF row trigger to pass over the row.

    Elsewhere it is an error: an event that has occurred cannot be stopped.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerData:
    """What a trigger is called for.

    `args` are the texts of CREATE TRIGGER; `manipulation` is INSERT, UPDATE,
    DELETE or TRUNCATE, `orientation` ROW or STATEMENT, `timing` BEFORE, AFTER or
    INSTEAD OF; `columns` are the names after UPDATE OF.
    """

    args: list[str]
    relation_id: int
    table_catalog: str
    table_schema: str
    table_name: str
    trigger_catalog: str
    trigger_schema: str
    trigger_name: str
    manipulation: str
    orientation: str
    timing: str
    columns: list[str]

    @property
    def type(self) -> object:
        """The row type of the table, a `Postgres.Type`."""
        from Postgres._types import Type

        return Type.from_relation_id(self.relation_id)


@dataclass(frozen=True, slots=True)
class EventData:
    """What an event trigger is called for.

    `event` is its name, as `ddl_command_end`; `tag` is that of the command.
    """

    event: str
    tag: str


def entry(module: ModuleType, name: str) -> tuple[Callable[..., object], int] | None:
    """Return the entry of that name and how many rows or tables it takes beside `td`.

    None if the module has none that can be called.
    """
    found: object = getattr(module, name, None)
    if not callable(found):
        return None
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return found, 2
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return found, 2
    named = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    return found, max(sum(kind in named for kind in kinds) - 1, 0)
