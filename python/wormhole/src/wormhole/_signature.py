"""The signature of a function of which only the text is there."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from typing import Any

Def = ast.FunctionDef | ast.AsyncFunctionDef


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """A function's signature; from Python 3.14 on without a look at what its annotations stand for."""
    if sys.version_info >= (3, 14):
        import annotationlib  # pyright: ignore[reportUnreachable]

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's annotations; from Python 3.14 on, names that are not there stand for themselves."""
    if sys.version_info >= (3, 14):
        import annotationlib  # pyright: ignore[reportUnreachable]

        return annotationlib.get_annotations(function, format=annotationlib.Format.FORWARDREF)
    return dict(function.__annotations__)


class Written:
    """A default or annotation that is known as text only."""

    def __init__(self, node: ast.expr) -> None:
        self.text = ast.unparse(node)

    def __repr__(self) -> str:
        return self.text


def of_node(node: Def) -> inspect.Signature:
    """The signature as `inspect.signature` would give it, with texts for what it would evaluate."""
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    missing = [None] * (len(positional) - len(args.defaults))
    found: list[inspect.Parameter] = []
    for at, (arg, default) in enumerate(zip(positional, [*missing, *args.defaults], strict=True)):
        only = at < len(args.posonlyargs)
        kind = inspect.Parameter.POSITIONAL_ONLY if only else inspect.Parameter.POSITIONAL_OR_KEYWORD
        found.append(_parameter(arg, kind, default))
    if args.vararg:
        found.append(_parameter(args.vararg, inspect.Parameter.VAR_POSITIONAL, None))
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        found.append(_parameter(arg, inspect.Parameter.KEYWORD_ONLY, default))
    if args.kwarg:
        found.append(_parameter(args.kwarg, inspect.Parameter.VAR_KEYWORD, None))
    empty: Any = inspect.Signature.empty
    return inspect.Signature(found, return_annotation=Written(node.returns) if node.returns else empty)


def _parameter(arg: ast.arg, kind: Any, default: ast.expr | None) -> inspect.Parameter:
    empty: Any = inspect.Parameter.empty
    return inspect.Parameter(
        arg.arg,
        kind,
        default=Written(default) if default is not None else empty,
        annotation=Written(arg.annotation) if arg.annotation else empty,
    )
