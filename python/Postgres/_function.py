"""SQL functions and procedures, called from Python: `proc` and `Function`."""

from __future__ import annotations

from multicorn._typing import cast
from Postgres._server import native
from Postgres._statement import LazyStatement, Statement, described, types_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_VOID: Final = 2278
_RECORD: Final = 2249
_LOOK_UP: Final = LazyStatement(
    "SELECT pg_catalog.json_build_object("
    " 'oid', p.oid, 'name', p.proname, 'namespace', p.pronamespace,"
    " 'nspname', n.nspname, 'language', l.lanname, 'kind', p.prokind,"
    " 'returns_set', p.proretset, 'result', p.prorettype,"
    " 'signature', p.oid::pg_catalog.regprocedure::pg_catalog.text,"
    " 'arguments', p.proargtypes::pg_catalog.oid[],"
    " 'all_arguments', p.proallargtypes,"
    " 'modes', pg_catalog.array_to_string(p.proargmodes, ''),"
    " 'names', p.proargnames, 'variadic', p.provariadic, 'source', p.prosrc"
    ")::pg_catalog.text"
    " FROM pg_catalog.pg_proc AS p"
    " JOIN pg_catalog.pg_namespace AS n"
    "  ON n.oid OPERATOR(pg_catalog.=) p.pronamespace"
    " JOIN pg_catalog.pg_language AS l"
    "  ON l.oid OPERATOR(pg_catalog.=) p.prolang"
    " WHERE p.oid OPERATOR(pg_catalog.=) $1::pg_catalog.int8::pg_catalog.oid"
)
_POLYMORPHIC: Final = frozenset(
    {2276, 2277, 2283, 2776, 3500, 3831, 4537}  # any … anymultirange
    | {5077, 5078, 5079, 5080, 4538}  # the anycompatible family
)
"""The pseudo-types whose values show what they are."""


class _Entry:
    """A row of pg_proc."""

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)

    oid: int
    name: str
    namespace: int
    nspname: str
    language: str
    kind: str
    returns_set: bool
    result: int
    signature: str
    arguments: tuple[int, ...]
    all_arguments: tuple[int, ...]
    modes: str
    names: tuple[str, ...]
    variadic: int
    source: str

    @property
    def in_names(self) -> tuple[str, ...]:
        """The names of the parameters that a call gives, empty where there is none."""
        return self._chosen("ibv")

    @property
    def out_columns(self) -> list[tuple[str, int]]:
        """The names and types of OUT, INOUT and TABLE columns."""
        chosen = [at for at, mode in enumerate(self.modes) if mode in "obt"]
        return [(self.names[at], self.all_arguments[at]) for at in chosen]

    def _chosen(self, modes: str) -> tuple[str, ...]:
        if not self.modes:
            return self.names
        pairs = zip(self.names, self.modes, strict=False)
        return tuple(name for name, mode in pairs if mode in modes)


def _entry(oid: int) -> _Entry:
    import json

    text = _LOOK_UP.first(oid)
    if text is None:
        from Postgres._messages import error

        raise error("42883", f"function with OID {oid} does not exist")
    row: dict[str, Any] = json.loads(str(text))
    arguments = _oids(row["arguments"])
    every = _oids(row["all_arguments"]) or arguments
    return _Entry(
        oid=int(row["oid"]),
        name=row["name"],
        namespace=int(row["namespace"]),
        nspname=row["nspname"],
        language=row["language"],
        kind=row["kind"],
        returns_set=row["returns_set"],
        result=int(row["result"]),
        signature=row["signature"],
        arguments=arguments,
        all_arguments=every,
        modes=row["modes"] or "",
        names=tuple(row["names"] or ("",) * len(every)),
        variadic=int(row["variadic"]),
        source=row["source"],
    )


def _oids(values: list[Any] | None) -> tuple[int, ...]:
    return tuple(int(value) for value in values or ())


_PYTHON_TYPES: Final[dict[str, str]] = {
    "builtins.bool": "pg_catalog.bool",
    "builtins.float": "pg_catalog.float8",
    "builtins.str": "pg_catalog.text",
    "builtins.bytes": "pg_catalog.bytea",
    "builtins.bytearray": "pg_catalog.bytea",
    "builtins.dict": "pg_catalog.jsonb",
    "decimal.Decimal": "pg_catalog.numeric",
    "uuid.UUID": "pg_catalog.uuid",
    "datetime.date": "pg_catalog.date",
    "datetime.time": "pg_catalog.time",
    "datetime.timedelta": "pg_catalog.interval",
}
"""By qualified name: the modules are not imported for those who do not use them."""

_INT4: Final = 2**31
_INT8: Final = 2**63


def _type_name(value: Any) -> str:
    """Return the SQL type that a value has by itself, for a polymorphic argument."""
    oid = _own_type(value)
    if oid is not None:
        return _format_type(oid)
    if isinstance(value, int) and not isinstance(value, bool):
        if -_INT4 <= value < _INT4:
            return "pg_catalog.int4"
        fits = -_INT8 <= value < _INT8
        return "pg_catalog.int8" if fits else "pg_catalog.numeric"
    if isinstance(value, list | tuple):
        return _element_name(value) + "[]"
    kind = cast("type[Any]", type(value))
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name == "datetime.datetime":
        zoned = getattr(value, "tzinfo", None) is not None
        return "pg_catalog.timestamptz" if zoned else "pg_catalog.timestamp"
    return _PYTHON_TYPES.get(name, "pg_catalog.text")


def _own_type(value: Any) -> int | None:
    """Return the OID of the type of a PostgreSQL value, None for any other."""
    import Postgres

    if not isinstance(value, Postgres.Object):
        return None
    return int(cast("Any", type(value)).oid)


def _element_name(values: Any) -> str:
    for value in values:
        if isinstance(value, list | tuple):
            return _element_name(value)
        if value is not None:
            return _type_name(value)
    return "pg_catalog.text"


_FORMAT: Final = LazyStatement(
    "SELECT pg_catalog.format('%I.%I', n.nspname, t.typname)"
    " FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n"
    " ON n.oid OPERATOR(pg_catalog.=) t.typnamespace"
    " WHERE t.oid OPERATOR(pg_catalog.=) $1::pg_catalog.int8::pg_catalog.oid"
)


def _format_type(oid: int) -> str:
    return str(_FORMAT.first(int(oid)))


class Function:
    """A function or procedure of the database, as a callable.

    `Function(oid)`, or `proc("name(argument types)")`. Arguments are converted
    to the parameters' types; they may be given by name, those with defaults may
    be left out, and a VARIADIC one takes any number. `None` is NULL.

    Calling returns the value; a row for several OUT parameters; for a set an
    iterator (`Cursor`); None for a procedure without OUT parameters, which is
    run by CALL. Polymorphic parameters take the types of the values given.
    The rights of the role that runs the calling function are checked.
    """

    def __init__(self, oid: int) -> None:
        self._oid = int(oid)
        self._statements: dict[Any, Statement] = {}
        self._known: _Entry | None = None

    @property
    def _entry(self) -> _Entry:
        known = self._known
        if known is None or self._changes != native().pl_procedures():
            self._changes = native().pl_procedures()
            self._statements.clear()
            known = self._known = _entry(self._oid)
        return known

    def __repr__(self) -> str:
        return f"<Postgres.Function {self._oid}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and other._oid == self._oid

    def __hash__(self) -> int:
        return hash(self._oid)

    @property
    def oid(self) -> int:
        """The function's OID."""
        return self._oid

    @property
    def oidstr(self) -> str:
        """The OID as text: the name of a Python function's module."""
        return str(self._oid)

    @property
    def namespace(self) -> int:
        """The OID of its schema."""
        return self._entry.namespace

    @property
    def nspname(self) -> str:
        """The name of its schema."""
        return self._entry.nspname

    @property
    def name(self) -> str:
        """Its name, without schema and arguments."""
        return self._entry.name

    @property
    def filename(self) -> str:
        """The text form of its `regprocedure`, the file name in tracebacks."""
        return self._entry.signature

    @property
    def language(self) -> str:
        """The name of its language."""
        return self._entry.language

    @property
    def source(self) -> str:
        """Its body, as the catalogue has it."""
        return self._entry.source

    @property
    def input(self) -> Any:
        """A TupleDesc of the parameters that a call gives."""
        entry = self._entry
        names = entry.in_names or ("",) * len(entry.arguments)
        pairs = zip(names, entry.arguments, strict=False)
        return described((name, oid, -1) for name, oid in pairs)

    @property
    def output(self) -> Any:
        """The class of the result's type; a TupleDesc for several OUT columns."""
        entry = self._entry
        columns = entry.out_columns
        if len(columns) > 1 or (columns and entry.result == _RECORD):
            return described((name, oid, -1) for name, oid in columns)
        return types_of([entry.result])[0]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call it."""
        entry = self._entry
        values = [*arguments, *named.values()]
        types = self._types(arguments, named)
        statement = self._statement(types, tuple(named))
        if entry.kind == "p":
            row = next(statement.rows(*values), None) if entry.out_columns else None
            if not entry.out_columns:
                statement(*values)
            return row
        if entry.returns_set:
            return statement.column(*values)
        value = statement.first(*values)
        return None if entry.result == _VOID else value

    def _types(
        self, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[str | None, ...]:
        """Return the casts of the arguments: only polymorphic ones need one."""
        entry = self._entry
        if not _POLYMORPHIC.intersection(entry.arguments):
            return (None,) * (len(arguments) + len(named))
        by_name = dict(zip(entry.in_names, entry.arguments, strict=False))
        fixed = len(entry.arguments) - (1 if entry.variadic else 0)
        declared = [
            entry.arguments[at] if at < fixed else entry.variadic
            for at in range(len(arguments))
        ]
        declared += [by_name.get(name, 0) for name in named]
        pairs = zip(declared, [*arguments, *named.values()], strict=True)
        return tuple(
            _type_name(value) if oid in _POLYMORPHIC and value is not None else None
            for oid, value in pairs
        )

    def _statement(
        self, types: tuple[str | None, ...], names: tuple[str, ...]
    ) -> Statement:
        key = (types, names)
        known = self._statements.get(key)
        if known is None:
            known = self._statements[key] = Statement(self._text(types, names))
        return known

    _changes: int = 0

    def _text(self, types: tuple[str | None, ...], names: tuple[str, ...]) -> str:
        entry, quote = self._entry, native().quote_identifier
        parameters = [
            f"${at}" + (f"::{name}" if name is not None else "")
            for at, name in enumerate(self._casts(types, names), 1)
        ]
        given = len(parameters) - len(names)
        named = [
            f"{quote(name)} => {parameter}"
            for name, parameter in zip(names, parameters[given:], strict=True)
        ]
        positional = parameters[:given]
        if entry.kind == "p":
            positional, more = self._with_out(positional)
            named += more
        text = ", ".join([*positional, *named])
        call = f"{quote(entry.nspname)}.{quote(entry.name)}({text})"
        return ("CALL " if entry.kind == "p" else "SELECT ") + call

    def _with_out(self, positional: list[str]) -> tuple[list[str], list[str]]:
        """Return the arguments of a CALL, which wants those of OUT parameters too."""
        entry, quote = self._entry, native().quote_identifier
        rest = iter(positional)
        written: list[str] = []
        named: list[str] = []
        is_over = False
        for at, mode in enumerate(entry.modes):
            if mode == "o" and is_over:
                named.append(f"{quote(entry.names[at])} => NULL")
            elif mode == "o":
                written.append("NULL")
            else:
                one = next(rest, None)
                is_over = is_over or one is None
                written += [] if one is None else [one]
        return [*written, *rest], named

    def _casts(
        self, types: tuple[str | None, ...], names: tuple[str, ...]
    ) -> tuple[str | None, ...]:
        """Return the type of each argument, as SQL: overloading must not choose."""
        entry = self._entry
        positional = len(types) - len(names)
        fixed = len(entry.arguments) - (1 if entry.variadic else 0)
        by_name = dict(zip(entry.in_names, entry.arguments, strict=False))
        oids = [
            entry.arguments[at] if at < fixed else entry.variadic
            for at in range(positional)
            if at < fixed or entry.variadic
        ]
        oids += [by_name.get(name, 0) for name in names]
        if len(oids) != len(types):
            raise TypeError(
                f"{entry.signature} takes {len(entry.arguments)} arguments,"
                f" {len(types)} were given"
            )
        return tuple(
            given
            if given is not None or oid in _POLYMORPHIC or oid == 0
            else _format_type(oid)
            for given, oid in zip(types, oids, strict=True)
        )


_RESOLVE: Final = LazyStatement(
    "SELECT $1::pg_catalog.text::pg_catalog.regprocedure"
    "::pg_catalog.oid::pg_catalog.int8"
)


def proc(signature: str) -> Function:
    """Return the function that `signature` names, as `regprocedure` reads it.

    `proc("lower(text)")`, `proc("schema.name(int, text)")`; an unknown one is
    an error of the database.
    """
    return Function(int(_RESOLVE.first(str(signature))))
