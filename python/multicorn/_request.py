"""What the planner asks of a class in one question, and the answer."""

from collections.abc import Sequence
from typing import NamedTuple

from multicorn._definitions import SortKey
from multicorn._qual import Qual
from multicorn._sentinels import Sentinel


class Request(NamedTuple):
    """A scan that is being planned.

    `limit` and `offset` are None where they are not to be applied, and
    `UNBOUND` for a parameter that is not known yet; so is a qual's value.
    """

    quals: Sequence[Qual]
    columns: frozenset[str]
    sortkeys: Sequence[SortKey] = ()
    limit: int | Sentinel | None = None
    offset: int | Sentinel | None = None


class Accepted(NamedTuple):
    """What `execute` will apply exactly.

    `quals` are those of the request's; `sortkeys` its leading part; `limit`
    says that it will apply LIMIT and OFFSET, which counts only if all quals
    are applied too.
    """

    quals: Sequence[Qual] = ()
    sortkeys: Sequence[SortKey] = ()
    limit: bool = False
