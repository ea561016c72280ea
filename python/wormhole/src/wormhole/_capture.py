"""A function and everything that it uses, as one self-contained module text.

Plain constants and helper functions are sent in front of the function, whether they are globals or variables
of an enclosing function; modules and what comes from installed ones are imported there. Anything else is
refused by name, as it would be missing on the other side, or be a copy that nobody sees change.
"""

from __future__ import annotations

import builtins
import copy
import functools
import hashlib
import inspect
import json
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NoReturn, cast

from wormhole._api import API
from wormhole._errors import CaptureError, Frame
from wormhole._literal import IMMUTABLE, NotPlain, literal, modules_of
from wormhole._signature import of_node
from wormhole._text import FUTURE, Text, is_generator, text_of, text_of_source

OURS: dict[int, str] = {}
"""What this package has, by identity: `THERE` is on the other side too, the rest is not."""

THERE = frozenset({*API, "ServerError"})


@dataclass(frozen=True)
class Segment:
    """Some lines of a source, and where they stand in a file; lines count from 1."""

    line: int
    count: int
    file: str
    first: int


@dataclass(frozen=True)
class Shipped:
    """A function as it is sent. `id` is what the server gives it, too."""

    name: str
    source: str
    signature: str
    segments: tuple[Segment, ...]
    id: str

    @property
    def origin(self) -> str:
        """File and lines as JSON, which the server keeps for its readers."""
        file = self.segments[-1].file if self.segments else None
        lines = [[part.line, part.first, *([part.file] * (part.file != file))] for part in self.segments]
        return json.dumps({"file": file, "lines": lines})

    def locate(self, line: int, function: str, text: str) -> Frame | None:
        """The client's place of a line of the source, None if it has none."""
        for part in self.segments:
            if part.line <= line < part.line + part.count:
                there = self.source.split("\n")[line - 1]
                return Frame(part.file, part.first + line - part.line, function, text or there)
        return None


def shipped(name: str, source: str, signature: str, segments: tuple[Segment, ...]) -> Shipped:
    """Compute the id: the server computes the same from the same three texts."""
    content = json.dumps([name, source, signature], separators=(",", ":"), ensure_ascii=True)
    return Shipped(name, source, signature, segments, hashlib.sha256(content.encode("ascii")).hexdigest())


Getter = Callable[[], object]


SMALL = 1000
"""The longest expression of a constant that is written anew at each call to see whether it has changed."""


@dataclass(frozen=True)
class Used:
    """Something that a function uses: where it is found, what it was, how it was written if it may change."""

    get: Getter
    value: object
    expression: str | None = None
    copy: object = None

    def is_current(self) -> bool:
        """Whether it is the same still."""
        now = self.get()
        if now is not self.value:
            return False
        if self.expression is None:
            return True
        if len(self.expression) > SMALL:  # then 1 and 1.0 are not told apart
            return now == self.copy
        return _expression(now) == self.expression


def used(get: Getter, value: object, expression: str | None) -> Used:
    """Remember it; a copy of a large constant that may change, as to compare is quicker than to write."""
    large = expression is not None and len(expression) > SMALL
    return Used(get, value, expression, copy.deepcopy(value) if large else None)


@dataclass
class Capture:
    """A sent function, and what tells whether the things that it uses are still the same."""

    shipped: Shipped
    used: list[Used] = field(default_factory=list[Used])

    def is_current(self) -> bool:
        """False once a constant has another value or a helper was defined anew."""
        return all(item.is_current() for item in self.used)


def _expression(value: object) -> str | None:
    try:
        return literal(value)
    except NotPlain:
        return None


def capture(function: FunctionType, decorated: object = None) -> Capture:
    """Gather a function and what it uses. Raises `CaptureError`, a TypeError that names the culprit.

    `decorated` is what stands for the function on the client, if that is not the function itself.
    """
    bundle = _Bundle(function)
    text = bundle.add(function)
    check_layers(decorated, text)
    source, segments = bundle.compose()
    signature = signature_text(source, text.name)
    return Capture(shipped(text.name, source, signature, segments), bundle.used)


def capture_source(
    source: str, name: str | None
) -> tuple[Capture, str, inspect.Signature, tuple[bool, bool]]:
    """The same for a module text that is given; also its name, its signature, and what kind of function.

    The kind is whether it is async, and whether it is a generator.
    """
    text, node = text_of_source(source, name)
    lines = "\n".join(text.lines)
    segment = Segment(1, len(text.lines), text.file, 1)
    signature = of_node(node)
    facts = (text.is_async, is_generator(node))
    return Capture(shipped(text.name, lines, str(signature), (segment,))), text.name, signature, facts


def signature_text(source: str, name: str) -> str:
    """The signature as it is written in what is sent: `(user_id: int, *, limit: int = 10) -> dict`."""
    # Not `inspect.signature` of the function: it shows annotations differently from version to version.
    return str(of_node(text_of_source(source, name)[1]))


def check_layers(value: object, text: Text) -> None:
    """Refuse a function that was wrapped by a call: only decorators in its text are sent."""
    if _layers(value) > text.decorators:
        raise CaptureError(
            f"{text.name} is wrapped by what is not sent with it: write that as a decorator between @remote"
            " and def, or above @remote if it is for the client"
        )


def _layers(value: Any) -> int:
    """How many decorators are around a function; those above `@remote` stay on the client."""
    count = 0
    while (inner := getattr(value, "__wrapped__", None)) is not None:
        kind = cast("type[object]", type(value))
        count = 0 if OURS.get(id(kind)) == "Remote" else count + 1
        value = inner
    return count


class _Bundle:
    """What is gathered for one function, in the order in which it has to be defined."""

    def __init__(self, function: FunctionType) -> None:
        self.root = function
        self.package = _project(function.__module__, function.__globals__)
        self.taken: dict[str, object] = {}
        self.imports: list[str] = []
        self.constants: list[str] = []
        self.texts: list[Text] = []
        self.done: dict[int, Text] = {}
        self.used: list[Used] = []

    def add(self, function: FunctionType) -> Text:
        """Add a function after everything that it uses; a second time it is there already."""
        if id(function) in self.done:
            return self.done[id(function)]
        scope = _Scope(function)
        text = text_of(function, scope.is_ours)
        self.done[id(function)] = text
        self.claim(text.name, function, text.name)
        for module in sorted(text.modules):
            self.import_line(f"import {module} as _{module}")
        for name in sorted(text.names - {text.name}):
            self.use(name, scope, text)
        if text.name in text.names:
            self.check_itself(text.name, scope, function)
        self.texts.append(text)
        return text

    def check_itself(self, name: str, scope: _Scope, function: FunctionType) -> None:
        """A function's own name means the function, unless something else has it by now."""
        found, value = scope.find(name)
        if found and _base(value) is not function:
            self.refuse(name, value, scope.function)

    def claim(self, name: str, value: object, by: str) -> bool:
        """Take a name of the module; False if it is there already. Two meanings of a name cannot be sent."""
        if name in self.taken:
            other = self.taken[name]
            if other is value or (type(other) in IMMUTABLE and type(other) is type(value) and other == value):
                return False
            raise CaptureError(f"{by} uses {name}, which means something else in another function sent along")
        self.taken[name] = value
        return True

    def use(self, name: str, scope: _Scope, text: Text) -> None:
        """Bring along what one name stands for."""
        found, value = scope.find(name)
        if not found:
            if name in THERE:
                self.claim(name, name, text.name)
                return
            raise CaptureError(f"{text.name} uses {name}, which is not defined")
        if value is getattr(builtins, name, self):
            self.claim(name, value, text.name)  # another function's own `sorted` would be meant by all
            return
        ours = OURS.get(id(value))
        if ours is not None:
            self.use_ours(name, ours, text)
        elif isinstance(value, ModuleType):
            self.use_module(name, value, text)
        elif (helper := self.helper(value)) is not None:
            self.use_helper(name, value, helper, scope, text)
        elif (line := _import_of(name, value)) is not None:
            if self.claim(name, value, text.name):
                self.import_line(line)
        else:
            self.use_constant(name, value, scope, text)
            return
        self.used.append(used(scope.getter(name), value, None))

    def use_ours(self, name: str, ours: str, text: Text) -> None:
        """Use a function of this package: some are on the other side, by their own names."""
        if ours not in THERE:
            raise CaptureError(
                f"{text.name} uses {ours}, which is for the client: remote code has no connection"
            )
        if self.claim(name, ours, text.name) and name != ours:
            self.constants.append(f"{name} = {ours}")

    def use_module(self, name: str, module: ModuleType, text: Text) -> None:
        """Import a module under its name there, and the submodules that are used through it."""
        if module.__name__ in {"wormhole", "wormhole.aio"}:
            self.check_module(name, module, text)
            if self.claim(name, module, text.name):
                self.import_line("import wormhole" if name == "wormhole" else f"import wormhole as {name}")
            return
        if not _is_installed(module):
            raise CaptureError(
                f"{text.name} uses {name}, a module of this project; import the functions from it"
            )
        if not self.claim(name, module, text.name):
            return
        self.import_line(f"import {module.__name__}" if name == module.__name__ else _aliased(name, module))
        for chain in sorted(text.chains):
            parts = chain.split(".")
            for end in range(2, len(parts)):
                full = ".".join([module.__name__, *parts[1:end]])
                if parts[0] == name and full in sys.modules:
                    self.import_line(f"import {full}")

    def check_module(self, name: str, module: ModuleType, text: Text) -> None:
        """Refuse what is asked of this package and is not there on the other side."""
        for chain in text.chains:
            first, *rest = chain.split(".")
            value: object = module
            for part in rest if first == name else ():
                value = getattr(value, part, None)
                ours = OURS.get(id(value), part)
                if not isinstance(value, ModuleType):
                    if ours not in THERE:
                        self.use_ours(part, ours, text)
                    break

    def helper(self, value: object) -> FunctionType | None:
        """The function behind a value if it is one of the project's own, or decorated by such."""
        base = _base(value)
        if not isinstance(base, FunctionType) or isinstance(value, type):
            return None
        module = sys.modules.get(base.__module__)
        if (
            module is not None
            and _is_installed(module)
            and _project(base.__module__, base.__globals__) != self.package
        ):
            return None
        return base

    def use_helper(self, name: str, value: object, helper: FunctionType, scope: _Scope, text: Text) -> None:
        """Send a function along, and give it the name under which it is used."""
        if isinstance(value, MethodType):
            self.refuse(name, value, scope.function)
        added = self.add(helper)
        check_layers(value, added)
        if added.name != name and self.claim(name, helper, text.name):
            self.texts.append(Text(name, [f"{name} = {added.name}"], "", 0, is_async=False, annotated=False))

    def use_constant(self, name: str, value: object, scope: _Scope, text: Text) -> None:
        """Send a plain value along."""
        try:
            expression = literal(value)
        except NotPlain as error:
            self.refuse(name, value, scope.function, error.args[0])
        if self.claim(name, value, text.name):
            for module in modules_of(expression):
                self.import_line(f"import {module} as _{module}")
            self.constants.append(f"{name} = {expression}")
        remembered = None if isinstance(value, IMMUTABLE) else expression
        self.used.append(used(scope.getter(name), value, remembered))

    def refuse(self, name: str, value: object, function: FunctionType, part: object = None) -> NoReturn:
        """Say what cannot be sent, by its name."""
        kind = "a class" if isinstance(value, type) else f"a {type(value).__qualname__}"
        inside = "" if part is None or part is value else f" with a {type(part).__qualname__} in it"
        raise CaptureError(
            f"{function.__qualname__} uses {name}, {kind}{inside}, which cannot be sent; only plain"
            " constants, functions and modules are: pass it as an argument, or make it inside the function"
        )

    def import_line(self, line: str) -> None:
        """Add an import once."""
        if line not in self.imports:
            self.imports.append(line)

    def compose(self) -> tuple[str, tuple[Segment, ...]]:
        """The module text, and where its functions come from."""
        head = [FUTURE] if any(text.annotated for text in self.texts) else []
        lines = [*head, *sorted(self.imports), *self.constants]
        segments: list[Segment] = []
        for text in self.texts:
            if text.file:
                segments.append(Segment(len(lines) + 1, len(text.lines), text.file, text.first))
            lines += text.lines
        return "\n".join(lines) + "\n", tuple(segments)


class _Scope:
    """The names that a function sees: its enclosing functions' variables, its globals, the builtins."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function
        self.cells: dict[str, CellType] = dict(
            zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        )

    def find(self, name: str) -> tuple[bool, object]:
        """Whether there is such a name, and what it stands for."""
        if name in self.cells:
            try:
                return True, self.cells[name].cell_contents
            except ValueError:
                return False, None
        places: tuple[Mapping[str, object], ...] = (self.function.__globals__, vars(builtins))
        for place in places:
            if name in place:
                return True, place[name]
        return False, None

    def getter(self, name: str) -> Getter:
        """What looks the name up again."""
        return lambda: self.find(name)[1]

    def is_ours(self, dotted: str) -> bool:
        """Whether a decorator's name leads to this package, or to what uses the client's part of it."""
        first, *rest = dotted.split(".")
        _, value = self.find(first)
        for name in rest:
            if isinstance(value, ModuleType) or id(value) not in OURS:
                value = getattr(value, name, None)
        # `reading = remote(read_only=True)`
        made = value.func if isinstance(value, functools.partial) else value
        return id(made) in OURS or (isinstance(value, FunctionType) and _Scope(value).is_for_client())

    def is_for_client(self) -> bool:
        """Whether the function itself uses what only the client has, as a decorator that calls `remote`."""
        names: set[str] = set()
        codes = [self.function.__code__]
        while codes:
            code = codes.pop()
            names.update(code.co_names, code.co_freevars)
            codes += [part for part in code.co_consts if isinstance(part, CodeType)]
        found = [self.find(name)[1] for name in names]
        marks = {OURS.get(id(value), "query") for value in found}
        if any(isinstance(value, ModuleType) and value.__name__ == "wormhole" for value in found):
            marks |= names & set(OURS.values())
        return not marks <= THERE


def _base(value: object) -> object:
    """The function under all decorators that say what they wrap."""
    if isinstance(value, MethodType | BuiltinFunctionType) or not callable(value) or isinstance(value, type):
        return value
    try:
        return inspect.unwrap(value)
    except ValueError:
        return value


def _import_of(name: str, value: Any) -> str | None:
    """The import that gives this very object, None if there is none."""
    own = getattr(value, "__qualname__", None)
    if not isinstance(own, str):
        return None
    for module in _modules_of(value):
        home = sys.modules.get(module)
        if home is None or module == "builtins" or not _is_installed(home):
            continue
        for there in (own, getattr(value, "__name__", own), name):
            if there.isidentifier() and getattr(home, there, None) is value:
                return f"from {module} import {there}" + (f" as {name}" if name != there else "")
    return None


def _modules_of(value: Any) -> Iterator[str]:
    """Where an object may be imported from; first where that is documented, as accelerators are not."""
    module: Any = getattr(value, "__module__", None)
    if not isinstance(module, str):
        # `random.random` is a method of an object that the module keeps to itself.
        module = cast("type[object]", type(getattr(value, "__self__", None))).__module__
    if module.startswith("_"):
        yield PUBLIC.get(module, module.lstrip("_"))
    yield module


HASHES = ("_blake2", "_md5", "_sha1", "_sha2", "_sha256", "_sha3", "_sha512")
PUBLIC: dict[str, str] = dict.fromkeys(HASHES, "hashlib")
"""Accelerators that are not named after the module that has their objects."""


def _aliased(name: str, module: ModuleType) -> str:
    return f"import {module.__name__} as {name}"


def _project(module: str, scope: Mapping[str, object]) -> str:
    """What tells functions of one project from those of another: the first part of the module's name."""
    return str(scope.get("__package__") or module).split(".")[0]


@functools.cache
def _library_paths() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({Path(sysconfig.get_path(name)).resolve() for name in names})


def _is_installed(module: ModuleType) -> bool:
    """Whether a module belongs to Python or to an installed package, so that the server may have it too."""
    top = module.__name__.partition(".")[0]
    if top == "__main__":
        return False  # though its file may be: that of Python's prompt, or of a tool that runs the program
    if top in sys.stdlib_module_names:
        return True
    file = getattr(module, "__file__", None)
    if file is None:
        return False
    places = Path(file).resolve().parents
    # Also those of the user and of the distribution, which `sysconfig` does not name.
    return any(path in _library_paths() or path.name in {"site-packages", "dist-packages"} for path in places)
