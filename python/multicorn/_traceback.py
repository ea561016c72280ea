"""Tracebacks of functions, as the CONTEXT of their errors shows them.

Frames of the language's own machinery are left out, and so is what differs
between Python's versions: carets below the source.
"""

from __future__ import annotations

import sys

from multicorn._imports import after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, ModuleType, TracebackType

_MOST_FRAMES = 50
_OWN = ("multicorn", "Postgres")
_labels: dict[str, str] = {}
_sources: dict[str, str] = {}


def label(file: str, text: str, source: str) -> None:
    """Show frames of the code compiled as `file` as those of `text`."""
    _labels[file] = text
    _sources[file] = source
    lines = sys.modules.get("linecache")
    if lines is not None:
        _show_to(lines)


def source_of(file: str) -> str | None:
    """Return the source that was given for the code compiled as `file`."""
    return _sources.get(file)


def forget(file: str) -> None:
    """Let go of the source of code that is no more."""
    _labels.pop(file, None)
    _sources.pop(file, None)
    lines = sys.modules.get("linecache")
    if lines is not None:
        lines.cache.pop(file, None)


def _show_to(lines: ModuleType) -> None:
    """Let `traceback` and the like find the sources."""
    for file, source in _sources.items():
        lines.cache[file] = (len(source), None, source.splitlines(keepends=True), file)


after("linecache", _show_to)


def frames(trace: TracebackType | None) -> str:
    """Return the frames of a traceback, the outermost first; empty if there is none.

    At most the innermost fifty are shown.
    """
    lines = [
        _line(frame, number) for frame, number in _walk(trace) if not _is_own(frame)
    ]
    if not lines:
        return ""
    left_out = len(lines) - _MOST_FRAMES
    if left_out > 0:
        lines = [f"  … {left_out} frames are left out", *lines[left_out:]]
    return "\n".join(["Traceback (most recent call last):", *lines])


def _walk(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _is_own(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__")
    if not isinstance(module, str) or frame.f_code.co_filename in _labels:
        return False
    package, _, rest = module.partition(".")
    return package in _OWN and (rest.startswith("_") or rest in {"", "plpy"})


def _line(frame: FrameType, number: int) -> str:
    code = frame.f_code
    place = _labels.get(code.co_filename, f'File "{code.co_filename}"')
    shown = f"  {place}, line {number}, in {code.co_name}"
    import linecache

    source = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    return f"{shown}\n    {source}" if source else shown
