"""What the helper imports before anything is confined: a worker cannot read a file any more.

The standard library loads parts of itself when they are first needed: codecs, `_strptime`, the data of time
zones, what words an exception. They are loaded here.
"""

from __future__ import annotations

import codecs
import gc
import importlib
import traceback
import zoneinfo
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

LAZY = """
    _colorize _pydatetime _pylong _strptime abc annotationlib ast calendar contextlib copyreg dataclasses
    decimal enum fractions inspect json keyword
    linecache locale numbers reprlib string stringprep struct textwrap
    tokenize traceback types typing unicodedata uuid warnings weakref
"""
CODECS = """
    ascii base64 big5 charmap cp1250 cp1251 cp1252 cp437 euc_jp gb18030 gbk hex idna iso8859_1 iso8859_15
    iso8859_2 koi8_r latin_1 punycode quopri raw_unicode_escape rot13 shift_jis unicode_escape utf_16
    utf_16_be utf_16_le utf_32 utf_7 utf_8 utf_8_sig uu zlib
"""

ZONES: list[zoneinfo.ZoneInfo] = []
"""Kept, since the module itself remembers only a few."""


def load(allowed: Sequence[str], refused: Sequence[str]) -> list[tuple[str, str]]:
    """Import everything; return the allowed modules that cannot be imported, with the reason."""
    missing = [(name, why) for name in allowed if (why := _import(name))]
    for name in LAZY.split():
        with suppress(ImportError):
            importlib.import_module(name)
    for name in CODECS.split():
        with suppress(LookupError):
            codecs.lookup(name)
    for name in zoneinfo.available_timezones():
        with suppress(Exception):
            ZONES.append(zoneinfo.ZoneInfo(name))
    _exercise()
    from wormhole import _engine, _worker

    _worker.ENGINE.allow(_engine.Modules(allowed, refused))
    _worker.start()
    gc.collect()
    # What is there now is shared by all workers, as long as nobody touches its counts for collection.
    gc.freeze()
    return missing


def _import(name: str) -> str | None:
    try:
        importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - a module may raise anything
        return f"{type(error).__name__}: {error}"
    return None


def _exercise() -> None:
    """Words an exception and reads a date: both import on the way."""
    datetime.strptime("2026-01-01 Mon", "%Y-%m-%d %a")  # noqa: DTZ007 - only to load the module
    try:
        raise ValueError("x")  # noqa: TRY301
    except ValueError as error:
        traceback.format_exception(error)
