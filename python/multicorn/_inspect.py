"""What a wrapper class can do, found out once per class.

The planner asks for capabilities on every query; looking at signatures there
would cost more than the query. The server side keeps the description beside
the class and reads plain attributes.

Classes that do not inherit from `ForeignDataWrapper` are judged in the same
way: a method counts if any class but the base defines it.
"""

from collections.abc import Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from weakref import WeakKeyDictionary

from multicorn._base import ForeignDataWrapper

if TYPE_CHECKING:
    from collections.abc import Callable

_MISSING: Final = object()

# Flags of a code object: takes *args, takes **kwargs.
_VARARGS: Final = 0x04
_VARKEYWORDS: Final = 0x08


class CallShape(NamedTuple):
    """How a method may be called.

    `positional` is how many positional arguments it takes without `self`
    (a large number for `*args`); `first` is the first one's name, or ''.
    """

    positional: int
    first: str
    sortkeys: bool
    limit: bool
    offset: bool
    verbose: bool
    on_conflict: bool


#: A method written in C, or with a signature that cannot be read: called in
#: the plainest form of the contract.
_OPAQUE: Final = CallShape(
    positional=2,
    first="",
    sortkeys=False,
    limit=False,
    offset=False,
    verbose=False,
    on_conflict=False,
)
_MANY: Final = 1 << 16


class ClassDescription(NamedTuple):
    """The capabilities of one class; `has_x` means that it replaces `x`."""

    #: `module.Class`, for messages.
    name: str
    startup_cost: float
    execute: CallShape
    explain: CallShape
    #: False for a class that takes only quals.
    rel_size_takes_columns: bool
    #: The first parameter is named `old_values`: pass a dict of the old row.
    update_takes_old_row: bool
    delete_takes_old_row: bool
    #: Whether ON CONFLICT DO NOTHING can be told to the method.
    insert_takes_conflict: bool
    bulk_insert_takes_conflict: bool
    #: `update` is given only the columns that the statement sets.
    updates_changed_only: bool
    has_execute: bool
    has_explain: bool
    has_get_rel_size: bool
    has_get_path_keys: bool
    has_can_sort: bool
    has_can_limit: bool
    has_can_filter: bool
    has_accept: bool
    has_insert: bool
    has_bulk_insert: bool
    has_update: bool
    has_delete: bool
    has_update_where: bool
    has_delete_where: bool
    has_truncate: bool
    has_sample: bool
    has_analyze: bool
    has_begin: bool
    has_pre_commit: bool
    has_commit: bool
    has_rollback: bool
    has_sub_begin: bool
    has_sub_commit: bool
    has_sub_rollback: bool
    has_end_scan: bool
    has_end_modify: bool
    has_import_schema: bool


_FLAGS: Final = tuple(
    name.removeprefix("has_")
    for name in ClassDescription._fields
    if name.startswith("has_")
)

_known: Final[WeakKeyDictionary[type, ClassDescription]] = WeakKeyDictionary()


def describe(cls: type) -> ClassDescription:
    """Return the class's capabilities; computed at the first call only."""
    found = _known.get(cls)
    if found is None:
        found = _known[cls] = _describe(cls)
    return found


def _describe(cls: type) -> ClassDescription:
    flags = {f"has_{name}": overrides(cls, name) for name in _FLAGS}
    rel_size = _shape(cls, "get_rel_size")
    return ClassDescription(
        name=f"{cls.__module__}.{cls.__qualname__}",
        startup_cost=_startup_cost(cls),
        execute=_shape(cls, "execute"),
        explain=_shape(cls, "explain"),
        rel_size_takes_columns=rel_size.positional > 1,
        update_takes_old_row=_shape(cls, "update").first == "old_values",
        delete_takes_old_row=_shape(cls, "delete").first == "old_values",
        insert_takes_conflict=_takes_conflict(cls, "insert"),
        bulk_insert_takes_conflict=_takes_conflict(cls, "bulk_insert"),
        updates_changed_only=_updates_changed_only(cls),
        **flags,
    )


def overrides(cls: type, name: str) -> bool:
    """Tell whether the class has a member of that name that is not the base's."""
    for owner in cls.__mro__:
        if name in vars(owner):
            # Setting a method to None is how a subclass takes one away.
            return owner is not ForeignDataWrapper and vars(owner)[name] is not None
    return False


def _startup_cost(cls: type) -> float:
    value: object = getattr(cls, "_startup_cost", ForeignDataWrapper._startup_cost)
    if isinstance(value, (int, float)):
        return float(value)
    raise TypeError(
        f"{cls.__module__}.{cls.__qualname__}._startup_cost must be a number,"
        f" not {value!r}"
    )


def _takes_conflict(cls: type, name: str) -> bool:
    return overrides(cls, name) and _shape(cls, name, by_position=1).on_conflict


def _updates_changed_only(cls: type) -> bool:
    value: object = getattr(cls, "update_columns", "all")
    if value in {"all", "changed"}:
        return value == "changed"
    raise ValueError(
        f"{cls.__module__}.{cls.__qualname__}.update_columns must be 'all' or"
        f" 'changed', not {value!r}"
    )


def rowid_columns(instance: object) -> tuple[str, ...] | str:
    """Return the columns that identify a row of this instance.

    A `str` for a class that names one column, a tuple for one that has
    `rowid_columns`. The tutorial sets `self.row_id_column` in `__init__`, so
    that the class alone does not tell. Raises NotImplementedError if there is
    none.
    """
    cls = type(instance)
    several: object = getattr(instance, "rowid_columns", ())
    if isinstance(several, str) or not isinstance(several, Sequence):
        raise _no_name(cls, "rowid_columns", "a tuple of column names", several)
    if several:
        names = tuple(cast("Sequence[object]", several))
        for name in names:
            if not isinstance(name, str):
                raise _no_name(cls, "rowid_columns", "a tuple of column names", name)
        return cast("tuple[str, ...]", names)
    own = getattr(instance, "__dict__", {})
    for name in ("rowid_column", "row_id_column"):
        if name in own or overrides(cls, name):
            value: object = getattr(instance, name)
            if isinstance(value, str):
                return value
            raise _no_name(cls, name, "a column's name", value)
    raise NotImplementedError(
        f"{cls.__name__} is a read-only foreign data wrapper:"
        " it does not name a rowid_column"
    )


def _no_name(cls: type, attribute: str, expected: str, value: object) -> TypeError:
    return TypeError(
        f"{cls.__name__}.{attribute} must be {expected}, not {type(value).__name__}"
    )


def _shape(cls: type, name: str, by_position: int = 2) -> CallShape:
    """Look at a method whose first `by_position` arguments are given without name."""
    raw = _static(cls, name)
    if raw is _MISSING or raw is None:
        return _OPAQUE
    # Seen from the class, a plain function still has its `self`.
    skip = 1 if hasattr(type(raw), "__get__") else 0
    method = cast("object", getattr(cls, name))
    if isinstance(raw, staticmethod):
        skip = 0
    elif isinstance(raw, classmethod):
        method = cast("classmethod[object, ..., object]", raw).__func__
    # Almost every method: reading its code object spares the session the
    # import of `inspect`, a tenth of what the start of Python costs. Attributes
    # are how decorators tell that the code is not the method's own.
    if type(method) is FunctionType and not method.__dict__:
        return _shape_of_function(method, skip, by_position)
    return _shape_by_signature(method, skip, by_position)


def _static(cls: type, name: str) -> object:
    """Return the member as its class holds it, not bound to anything."""
    for owner in cls.__mro__:
        if name in vars(owner):
            return vars(owner)[name]
    return _MISSING


def _shape_of_function(
    function: FunctionType, skip: int, by_position: int
) -> CallShape:
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    only_positional = positional[: code.co_posonlyargcount]
    end = code.co_argcount + code.co_kwonlyargcount
    return _made(
        positional[skip:],
        [name for name in code.co_varnames[:end] if name not in only_positional],
        by_position,
        any_count=bool(code.co_flags & _VARARGS),
        any_name=bool(code.co_flags & _VARKEYWORDS),
    )


def _shape_by_signature(method: object, skip: int, by_position: int) -> CallShape:
    import inspect

    try:
        signature = inspect.signature(cast("Callable[..., object]", method))
    except (TypeError, ValueError):
        return _OPAQUE
    parameters = list(signature.parameters.values())
    kinds = {parameter.kind for parameter in parameters}
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return _made(
        [
            parameter.name
            for parameter in parameters
            if parameter.kind in {inspect.Parameter.POSITIONAL_ONLY, either}
        ][skip:],
        [
            parameter.name
            for parameter in parameters
            if parameter.kind in {either, inspect.Parameter.KEYWORD_ONLY}
        ],
        by_position,
        any_count=inspect.Parameter.VAR_POSITIONAL in kinds,
        any_name=inspect.Parameter.VAR_KEYWORD in kinds,
    )


def _made(
    positional: Sequence[str],
    keywords: Sequence[str],
    by_position: int,
    *,
    any_count: bool,
    any_name: bool,
) -> CallShape:
    # What is passed by position cannot be given by name again.
    named = set(keywords).difference(positional[:by_position])
    return CallShape(
        positional=_MANY if any_count else len(positional),
        first=positional[0] if positional else "",
        sortkeys=any_name or "sortkeys" in named,
        limit=any_name or "limit" in named,
        offset=any_name or "offset" in named,
        verbose=any_name or "verbose" in named,
        # A promise, which **keywords alone do not make.
        on_conflict="on_conflict" in named,
    )
