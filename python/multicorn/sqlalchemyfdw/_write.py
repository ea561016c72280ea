"""INSERT, UPDATE and DELETE of single rows by their key.

A statement is made once for each set of columns and run with other values
then: making it takes longer than its way to the remote database and back.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc

from multicorn._exceptions import MulticornException
from multicorn._sentinels import SKIPPED, Sentinel
from multicorn.sqlalchemyfdw import _bulk, _conflict
from multicorn.sqlalchemyfdw._kinds import SQLITE
from multicorn.sqlalchemyfdw._part import Part
from multicorn.sqlalchemyfdw._table import RemoteTable
from multicorn.utils import ERROR

Stored = dict[str, Any] | Sentinel | None

_CARDINALITY_VIOLATION: Final = "21000"


class Writer:
    """Changes one remote table; `key` has the columns that identify a row."""

    def __init__(self, part: Part, remote: RemoteTable, key: Sequence[str]) -> None:
        self._part = part
        self._remote = remote
        self._key = tuple(key)
        self._dialect = part.database.engine.dialect
        self._prefix = _unused_prefix(remote)
        self._made: dict[object, Any] = {}
        # None where no statement skips rows: the failure of a plain one tells.
        self._skipping = _conflict.insert(remote.table, remote.dialect)
        self._readers = [column.reader for column in remote.columns.values()]

    def _returns(self, what: str) -> bool:
        return bool(self._readers and getattr(self._dialect, f"{what}_returning"))

    # INSERT

    def insert(self, values: Mapping[str, Any], on_conflict: str | None) -> Stored:
        """Insert one row; return it as stored where the dialect can tell."""
        _conflict.check(self._remote.dialect, on_conflict)
        given = _bulk.given(self._remote, values)
        skips = on_conflict is not None and self._skipping is not None
        statement = self._insert_statement(skips=skips)
        connection = self._part.writing()
        with self._part.database.errors("insert into"):
            try:
                result = connection.execute(statement, given)
            except exc.IntegrityError as error:
                told = on_conflict is not None and not skips
                if told and _conflict.is_duplicate(error):
                    return SKIPPED
                raise
            if self._returns("insert"):
                row = result.first()
                return SKIPPED if row is None else self._named(row)
            skipped = on_conflict is not None and result.rowcount == 0
        return SKIPPED if skipped else None

    def _insert_statement(self, *, skips: bool) -> sa.Insert:
        made = self._made.get(skips)
        if made is None:
            skipping = self._skipping if skips else None
            plain = self._remote.table.insert() if skipping is None else skipping
            returns = self._returns("insert")
            made = plain.returning(*self._readers) if returns else plain.inline()
            self._made[skips] = made
        return made

    def insert_many(
        self, rows: Sequence[Mapping[str, Any]], on_conflict: str | None
    ) -> list[Stored] | None:
        """Insert rows; None, or as many SKIPPED as there are that existed."""
        _conflict.check(self._remote.dialect, on_conflict)
        if on_conflict is None:
            given = [_bulk.given(self._remote, values) for values in rows]
            connection = self._part.writing()
            with self._part.database.errors("insert into"):
                _bulk.insert(connection, self._remote, given)
            return None
        statement = self._skipping
        if statement is None or not _bulk.counts_rows(self._dialect):
            return [self.insert(values, on_conflict) for values in rows]
        given = [_bulk.given(self._remote, values) for values in rows]
        connection = self._part.writing()
        with self._part.database.errors("insert into"):
            stored = _bulk.insert_counting(connection, statement, given)
        return [*[None] * stored, *[SKIPPED] * (len(rows) - stored)]

    # UPDATE and DELETE

    def update(self, rowid: Any, values: Mapping[str, Any]) -> Stored:
        """Change the row of this key; return it as stored, SKIPPED if it is gone."""
        names = [name for name in values if name in self._remote.columns]
        if not names:
            return None
        key, parameters = self._key_of(rowid)
        statement = self._update_statement(tuple(names), key)
        for place, name in enumerate(names):
            parameters[f"{self._prefix}_new_{place}"] = values[name]
        return self._changed("update", statement, parameters)

    def _update_statement(
        self, names: tuple[str, ...], key: tuple[bool, ...]
    ) -> sa.Update:
        made = self._made.get((names, key))
        if made is None:
            columns = [self._remote.columns[name].column for name in names]
            values = {
                column: sa.bindparam(f"{self._prefix}_new_{place}", type_=column.type)
                for place, column in enumerate(columns)
            }
            made = self._remote.table.update().where(*self._conditions(key))
            made = made.values(values)
            if self._returns("update"):
                made = made.returning(*self._readers)
            self._made[names, key] = made
        return made

    def delete(self, rowid: Any) -> Stored:
        """Remove the row of this key; return it as it was, SKIPPED if it is gone."""
        key, parameters = self._key_of(rowid)
        made = self._made.get(key)
        if made is None:
            made = self._remote.table.delete().where(*self._conditions(key))
            if self._returns("delete"):
                made = made.returning(*self._readers)
            self._made[key] = made
        return self._changed("delete", made, parameters)

    def _key_of(self, rowid: Any) -> tuple[tuple[bool, ...], dict[str, Any]]:
        """Return which of the key's columns are NULL, and the others' values."""
        values = tuple(rowid) if len(self._key) > 1 else (rowid,)
        parameters = {
            f"{self._prefix}_key_{place}": value
            for place, value in enumerate(values)
            if value is not None
        }
        return tuple(value is None for value in values), parameters

    def _conditions(self, nulls: tuple[bool, ...]) -> list[sa.ColumnElement[bool]]:
        conditions: list[sa.ColumnElement[bool]] = []
        for place, (name, null) in enumerate(zip(self._key, nulls, strict=True)):
            column = self._remote.columns[name].column
            value = sa.bindparam(f"{self._prefix}_key_{place}", type_=column.type)
            if null:
                conditions.append(column.is_(None))
            elif self._remote.dialect == SQLITE and isinstance(column.type, sa.String):
                # A text in SQLite may be stored as a BLOB.
                conditions.append(column.in_([value, sa.cast(value, sa.BLOB())]))
            else:
                conditions.append(column == value)
        return conditions

    def _changed(
        self, what: str, statement: sa.Update | sa.Delete, parameters: dict[str, Any]
    ) -> Stored:
        connection = self._part.writing()
        doing = "update rows of" if what == "update" else "delete from"
        with self._part.database.errors(doing):
            result = connection.execute(statement, parameters)
            if self._returns(what):
                rows = result.all()
                count, stored = len(rows), self._named(rows[0]) if rows else None
            else:
                count, stored = result.rowcount, None
        if count > 1:
            raise self._ambiguous(count)
        return self._gone() if count == 0 else stored

    def _named(self, row: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self._remote.columns, row, strict=True))

    def _ambiguous(self, count: int) -> MulticornException:
        """Return the error; the statement's failure undoes the change."""
        return MulticornException(
            f'{count} rows of "{self._remote.table.fullname}" have the same'
            f" {', '.join(self._key)}, by which one row was to be changed",
            ERROR,
            hint='The table\'s option "primary_key" must name columns that'
            " identify a row.",
            sqlstate=_CARDINALITY_VIOLATION,
        )

    def _gone(self) -> Sentinel:
        """Return SKIPPED, if it is sure that the row was looked for rightly."""
        for name in self._key:
            how = self._remote.columns[name].target.comparison
            if how is not None and not how.is_exact:
                raise MulticornException(
                    f'no row of "{self._remote.table.fullname}" has the'
                    f" {name} that was read: it is gone, or the column's type"
                    " changes the value",
                    ERROR,
                    hint=f'Give "{name}" the type that it has in the remote table.',
                )
        return SKIPPED


def _unused_prefix(remote: RemoteTable) -> str:
    """Return a beginning of parameter names that no column's name has.

    SQLAlchemy keeps the columns' own names for itself.
    """
    prefix = "given"
    while any(column.name.startswith(prefix) for column in remote.table.columns):
        prefix += "_"
    return prefix
