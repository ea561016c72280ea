"""A foreign table that is one step of a chain: it calls the next one by SQL of its own."""

from collections.abc import Iterator, Sequence
from typing import Any

from multicorn import ForeignDataWrapper, Qual, sql


class Step(ForeignDataWrapper):
    """One row: the plan as it was asked for, and what came of it."""

    def execute(self, quals: Sequence[Qual], columns: object) -> Iterator[dict[str, Any]]:
        plan = next(qual.value for qual in quals if qual.field_name == "plan")
        yield {"plan": plan, "result": self.step(plan)}

    def step(self, plan: str) -> str:
        """Do what the plan says for this depth."""
        own, _, rest = plan.partition(" ")
        name, does = own.split(":")
        sql.execute("INSERT INTO public.log (entry) VALUES ($1)", name)
        if does == "value":
            raise ValueError(name)
        if does == "server":
            sql.execute("SELECT 1 / 0")
        if not rest:
            return name
        following = rest.partition(":")[0]
        query = f"SELECT public.step_{following}($1) AS result"
        if does == "catch":
            try:
                return f"{name}>{sql.execute(query, rest)[0]['result']}"
            except Exception as error:  # noqa: BLE001 - as a class of a user may
                return f"{name} caught {type(error).__name__.partition('_')[0]}"
        return f"{name}>{sql.execute(query, rest)[0]['result']}"
