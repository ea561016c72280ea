"""The base class of wrappers: every member of the contract, with its default.

A default that stands means that the class lacks the capability. The server
side therefore never calls a default for its effect; it asks `_inspect` which
members a class has replaced.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from multicorn._columns import Columns
from multicorn._definitions import SortKey, TableDefinition
from multicorn._qual import Qual
from multicorn._request import Accepted, Request
from multicorn._sentinels import Sentinel

#: A row: one item a column in table order, or a mapping (missing key = NULL).
Row = Sequence[Any] | Mapping[str, Any]
#: What `get_path_keys` returns: column names, and the rows that one value of
#: them selects. The tutorial's form has one bare name in place of the tuple.
PathKey = tuple[Sequence[str] | str, int]
#: What ANALYZE gets: rows, and how many the table has (None: as many as these).
Sample = tuple[Iterable[Row], float | None]


class _Undefined:
    """Stands for an attribute that only some classes have; it can be assigned."""

    def __get__(
        self,
        instance: "ForeignDataWrapper | None",
        owner: type["ForeignDataWrapper"],
    ) -> "_Undefined":
        if instance is None:
            return self
        raise NotImplementedError(_no_writes(instance))


class ForeignDataWrapper:
    """A class whose instances answer queries on one foreign table.

    `fdw_options` maps the options' names to values, all `str`: those of the
    table, then the server, then the user mapping, later ones winning, without
    `wrapper`. `fdw_columns` is ordered as the table is.

    An instance lives as long as the session, or until its options or columns
    change. Inheriting from this class is a convenience, not a need.
    """

    #: Planner cost of beginning a scan, in the server's cost units.
    _startup_cost: ClassVar[float] = 20

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        pass

    # Reading

    def execute(
        self,
        quals: Sequence[Qual],
        columns: set[str],
    ) -> Iterable[Row | None] | None:
        """Return the rows, best as a generator; None stands for no rows.

        `columns` are the names that the query needs. Rows that do not match
        `quals` do no harm, the server checks again; a missing row is lost. A
        class that has `can_sort` also takes the keyword `sortkeys`, a list of
        `SortKey`; one that has `can_limit` takes `limit` and `offset`, ints.
        They are passed only when they are set.
        """
        raise NotImplementedError(
            f"{type(self).__name__} cannot be queried: it has no execute method"
        )

    def end_scan(self) -> None:
        """Clean up after a scan; called after an error as well."""

    def get_rel_size(
        self,
        quals: Sequence[Qual],
        columns: set[str],
    ) -> tuple[int, int]:
        """Return the expected number of rows, and a row's width in bytes.

        Called while planning; `quals` are those whose values are known.
        """
        del quals
        return (100_000_000, len(columns) * 100)

    def get_path_keys(self) -> Sequence[PathKey]:
        """Return the column sets by which a look-up is cheap.

        Each item is `((column, ...), rows)`: how many rows one value of these
        columns selects. Lets the planner join by repeated look-ups.
        """
        return []

    def can_sort(self, sortkeys: Sequence[SortKey]) -> Sequence[SortKey]:
        """Return the leading part of `sortkeys` that `execute` will enforce.

        It must be the server's own order: its collation, its place for NULL.
        """
        del sortkeys
        return []

    def can_limit(self, limit: int | None, offset: int | None) -> bool:
        """Tell whether `execute` will apply LIMIT and OFFSET, both exactly.

        A class that has `can_filter` may also be asked about a parameter of a
        prepared statement that is not known yet: its value is `UNBOUND`.
        """
        del limit, offset
        return False

    def can_filter(self, quals: Sequence[Qual]) -> Sequence[Qual]:
        """Return those of `quals` that `execute` will apply exactly.

        Exactly means: `execute` then gives each row for which the condition is
        true in SQL, and no other. The server does not check these again, and
        LIMIT can be handed over below them. Asked while planning: a value that
        is not known yet (a parameter, a column of a joined table) is
        `UNBOUND`, and the answer holds for whatever it will be.
        """
        del quals
        return []

    def accept(self, request: Request) -> Accepted:
        """Answer `can_filter`, `can_sort` and `can_limit` in one.

        A class that has this method is asked by it alone, for what depends on
        the whole: an order that is only kept without a filter, and the like.
        It is asked up to three times while one query is planned, each time
        about more; the last answer is what `execute` has to keep.
        """
        del request
        return Accepted()

    def explain(
        self,
        quals: Sequence[Qual],
        columns: set[str],
        sortkeys: Sequence[SortKey] | None = None,
        verbose: bool = False,  # noqa: FBT001, FBT002 - the contract's signature
        limit: int | None = None,
        offset: int | None = None,
    ) -> Iterable[str]:
        """Return the lines that EXPLAIN shows below the scan."""
        del quals, columns, sortkeys, verbose, limit, offset
        return []

    # Writing

    #: The name of the column that identifies a row to change. A class defines it
    #: as an attribute, as a property, or sets it in `__init__`.
    if TYPE_CHECKING:
        rowid_column: Any
    else:
        rowid_column = _Undefined()

    #: The columns that identify a row together, in place of `rowid_column`;
    #: `update` and `delete` then get a tuple. Empty: `rowid_column` counts.
    rowid_columns: Sequence[str] = ()

    #: Which columns `update` is given: "all", or "changed", those that the
    #: statement sets. The others are then not even fetched.
    update_columns: ClassVar[Literal["all", "changed"]] = "all"

    #: How many rows an INSERT hands to `bulk_insert` at a time, an int. Defined in
    #: whatever way, as `rowid_column`.
    modify_batch_size: Any = 1

    def insert(self, values: dict[str, Any]) -> Row | Sentinel | None:
        """Insert one row; return it as stored, or None for "as given".

        A class whose method also takes the keyword `on_conflict` supports
        INSERT ... ON CONFLICT DO NOTHING: it is then given "nothing", and
        returns `SKIPPED` for a row that exists already.
        """
        raise NotImplementedError(_no_writes(self))

    def bulk_insert(
        self,
        all_values: list[dict[str, Any]],
    ) -> Sequence[Row | Sentinel | None] | None:
        """Insert several rows; return as many as stored, or None.

        The keyword `on_conflict` is as in `insert`.
        """
        raise NotImplementedError(_no_writes(self))

    def update(
        self,
        rowid: Any,
        newvalues: dict[str, Any],
    ) -> Row | Sentinel | None:
        """Change the row that `rowid` names; return it as stored, or None.

        Return `SKIPPED` if the row is gone: it is not counted. Name the first
        parameter `old_values` to receive a dict of the old row in place of the
        row id.
        """
        raise NotImplementedError(_no_writes(self))

    def delete(self, rowid: Any) -> Row | Sentinel | None:
        """Remove the row that `rowid` names (`old_values`: as in `update`).

        What is returned is shown by RETURNING in place of the old row; with
        `SKIPPED` the row is not counted.
        """
        raise NotImplementedError(_no_writes(self))

    def update_where(self, quals: Sequence[Qual], assignments: dict[str, Any]) -> int:
        """Change all rows that match at once; return how many.

        Called in place of `execute` and `update` where the class applies each
        condition of the UPDATE exactly (`can_filter`), what is assigned does
        not depend on the row, and nothing reads the changed rows.
        """
        raise NotImplementedError(_no_writes(self))

    def delete_where(self, quals: Sequence[Qual]) -> int:
        """Remove all rows that match at once; return how many.

        Called as `update_where` is, for DELETE.
        """
        raise NotImplementedError(_no_writes(self))

    def truncate(self, restart_identity: bool, cascade: bool) -> None:  # noqa: FBT001 - the server's own two options
        """Remove all rows, for TRUNCATE."""
        raise NotImplementedError(_no_writes(self))

    def end_modify(self) -> None:
        """Clean up after a modification; called after an error as well."""

    # Statistics

    def sample(self, n: int) -> Sample:
        """Return at most `n` rows chosen at random, and the number of all rows.

        For ANALYZE. Of more rows than `n` a part is taken.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be analyzed")

    def analyze(self) -> Sample:
        """Return all rows, or enough of them, and the number of all rows.

        For ANALYZE, of a class without `sample`; a part of them is taken.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be analyzed")

    # Transactions

    def begin(self, serializable: int) -> None:
        """Enter a transaction, at its first use; 1 under SERIALIZABLE, else 0."""

    def pre_commit(self) -> None:
        """Prepare for the local commit, which an exception here prevents."""

    def commit(self) -> None:
        """Follow the local commit; an exception becomes a warning."""

    def rollback(self) -> None:
        """Follow the local rollback; an exception becomes a warning."""

    def sub_begin(self, level: int) -> None:
        """Enter an open savepoint level; levels count from 2."""

    def sub_commit(self, level: int) -> None:
        """Follow the release of this level's savepoint."""

    def sub_rollback(self, level: int) -> None:
        """Follow the rollback to this level's savepoint."""

    # IMPORT FOREIGN SCHEMA

    @classmethod
    def import_schema(
        cls,
        schema: str,
        srv_options: Mapping[str, str],
        options: Mapping[str, str],
        restriction_type: str | None,
        restricts: Sequence[str],
    ) -> Iterable[TableDefinition]:
        """Return the tables of a remote schema.

        `restriction_type` is None, `'limit'` (only those in `restricts`) or
        `'except'` (all but those).
        """
        raise NotImplementedError(
            f"{cls.__name__} cannot import a schema: it has no import_schema method"
        )


def _no_writes(instance: ForeignDataWrapper) -> str:
    return f"{type(instance).__name__} is a read-only foreign data wrapper"
