"""The law script finds each breach, and keeps quiet about what only looks like one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
laws = importlib.import_module("devkit.laws")
rust_source = importlib.import_module("devkit.rust_source")

Checker = Callable[..., list[str]]


@pytest.fixture
def check(tmp_path: Path) -> Checker:
    """Write files by path and return the findings; Rust gets its opening."""

    def run(files: dict[str, str], *, opening: str = "//! Its job.\n") -> list[str]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(opening + text if name.endswith(".rs") else text)
        return [str(finding) for finding in laws.check(tmp_path)]

    return run


@pytest.mark.parametrize(
    ("path", "code", "named"),
    [
        ("src/fdw/options.rs", "use crate::pl::cache;", "pl::cache"),
        (
            "src/pl/cache.rs",
            "fn f() { crate::fdw::options::read() }",
            "fdw::options::read",
        ),
        ("src/pg/list.rs", "use crate::interpreter::objects;", "interpreter::objects"),
        ("src/interpreter/site.rs", "use crate::{error::Error, pg::list};", "pg::list"),
        ("src/convert/row.rs", "use super::super::fdw::x;", "fdw::x"),
        (
            "src/bridge/sql.rs",
            "use crate::{\n  pg::{list, spi::{a, b}},\n  convert,\n};",
            "convert",
        ),
        ("src/pl/mod.rs", "use super::wormhole;", "wormhole"),
        ("src/error.rs", "use crate::bridge;", "bridge"),
        ("src/fdw/mod.rs", "use crate::*;", "*"),
    ],
)
def test_an_arrow_that_points_outward(
    check: Checker, path: str, code: str, named: str
) -> None:
    findings = check({path: code})
    assert len(findings) == 1
    assert f"may not name `{named}` [arrows]" in findings[0]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("src/lib.rs", "mod fdw; mod pl; use crate::fdw::x; use crate::pl::y;"),
        ("src/wormhole/execute.rs", "use crate::{pl::cache, convert::row};"),
        (
            "src/fdw/plan/limit.rs",
            "use super::quals; use super::super::options; use crate::bridge;",
        ),
        (
            "src/fdw/mod.rs",
            "// use crate::pl;\n/* crate::pl /**/ crate::pl */\nuse crate::pg;",
        ),
        (
            "src/fdw/mod.rs",
            'const A: &str = "crate::pl::x"; const B: &str = r#"crate::pl"#;',
        ),
        ("src/fdw/mod.rs", "fn f() { crate::raised!(); $crate::pl!() }"),
        (
            "src/fdw/mod.rs",
            "fn f<'a>(x: &'a str) -> char { let y = '\"'; '\\'' }\nuse crate::pg;",
        ),
    ],
)
def test_arrows_that_are_allowed(check: Checker, path: str, code: str) -> None:
    assert check({path: code}) == []


def test_a_module_without_a_row_in_the_table(check: Checker) -> None:
    assert check({"src/helpers.rs": ""}) == [
        "src/helpers.rs:1: module `helpers` has no row in the table of arrows [arrows]"
    ]


def test_the_planner_side_and_the_executor_side_do_not_meet(check: Checker) -> None:
    findings = check(
        {
            "src/fdw/plan/paths.rs": "use crate::fdw::exec::scan;",
            "src/fdw/exec/scan.rs": "use super::super::plan;",
            "src/fdw/exec/mod.rs": "use super::plan::state;",
            "src/fdw/mod.rs": "mod plan; use self::plan::a; use self::exec::b;",
        }
    )
    assert [finding.rpartition(" ")[0] for finding in findings] == [
        "src/fdw/exec/mod.rs:2: `fdw::exec` may not name `fdw::plan::state`",
        "src/fdw/exec/scan.rs:2: `fdw::exec` may not name `fdw::plan`",
        "src/fdw/plan/paths.rs:2: `fdw::plan` may not name `fdw::exec::scan`",
    ]


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        (
            "src/fdw/mod.rs",
            "fn f() { pg_sys::palloc(8); }",
            "calls the server's `palloc`",
        ),
        (
            "src/fdw/mod.rs",
            "use pgrx::pg_sys::{Oid, pfree};\nfn f() { pfree(p) }",
            "calls the server's `pfree`",
        ),
        ("src/pl/mod.rs", "use pgrx::pg_sys::*;", "imports all of `pg_sys`"),
        (
            "src/interpreter/site.rs",
            "use pgrx::pg_sys::Oid;",
            "the interpreter's side names `pgrx`",
        ),
        ("src/pg/list.rs", "use pyo3::Python;", "the server's side names `pyo3`"),
        ("src/fdw/mod.rs", "fn f() { pyo3::ffi::Py_None() }", "`pyo3::ffi` outside"),
        ("src/fdw/mod.rs", "use pyo3::{Python, ffi};", "`pyo3::ffi` outside"),
    ],
)
def test_a_hole_in_a_fence(check: Checker, path: str, code: str, text: str) -> None:
    findings = check({path: code})
    assert findings
    assert text in findings[0]
    assert findings[0].endswith("[fences]")


def test_what_passes_the_fences(check: Checker) -> None:
    files = {
        "src/pg/list.rs": "use pgrx::pg_sys::*;\nfn f() { pg_sys::palloc(8); }",
        "src/interpreter/site.rs": "use pyo3::ffi::*;",
        "src/convert/text.rs": "use pyo3::ffi; fn f() { pg_sys::palloc(8); ffi::x() }",
        "src/fdw/mod.rs": "use pgrx::pg_sys::{Oid};\nfn f(a: Oid, b: pg_sys::List) {}",
    }
    assert check(files) == []


def test_unsafe_outside_of_its_places(check: Checker) -> None:
    files = {
        "src/pg/node.rs": "unsafe fn f() {}",
        "src/fdw/mod.rs": '#[unsafe(no_mangle)]\nfn f() { "unsafe" } // unsafe',
        "src/fdw/options.rs": "fn f() {\n    unsafe { g() }\n}",
    }
    place = "src/fdw/options.rs:3"
    assert check(files) == [
        f"{place}: `unsafe` outside of fences, bridge and converters [unsafe]"
    ]


def test_an_exception_with_a_reason(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        laws.UNSAFE_EXCEPTIONS, "src/fdw/mod.rs", "the callbacks' entry"
    )
    assert check({"src/fdw/mod.rs": "unsafe fn f() {}"}) == []


def test_a_pure_crate_that_is_not(check: Checker) -> None:
    files = {
        "crates/p/src/lib.rs": "mod a;",
        "crates/p/src/a.rs": "use pgrx::pg_sys; // pyo3",
        "crates/q/src/lib.rs": "#![forbid(unsafe_code)]",
    }
    assert check(files) == [
        "crates/p/src/a.rs:2: a pure crate names `pgrx` [pure]",
        "crates/p/src/lib.rs:1: a pure crate says `#![forbid(unsafe_code)]` [pure]",
    ]


def test_a_process_of_its_own_starts_python_and_knows_no_server(check: Checker) -> None:
    path = "crates/wormhole-worker/src/main.rs"
    assert check({path: "use pyo3::prelude::*; unsafe {}"}) == []
    assert check({path: "use pgrx::pg_sys;"}) == [
        f"{path}:2: a process of its own names `pgrx` [pure]"
    ]


def test_files_that_are_too_long(check: Checker) -> None:
    files = {
        "src/pg/a.rs": "\n" * 600,
        "src/pg/b.rs": "\n" * 599,
        "python/m/c.py": "\n" * 601,
    }
    assert check(files) == [
        "src/pg/a.rs:601: 601 lines, more than 600 [length]",
        "python/m/c.py:601: 601 lines, more than 600 [length]",
    ]


def test_functions_that_are_too_long(check: Checker) -> None:
    body = "    x();\n"
    forbid = "#![forbid(unsafe_code)]"
    files = {
        "src/pg/a.rs": f"fn long<T: Fn() -> [u8; 4]>(a: T)\nwhere {{\n{body * 58}}}\n"
        f"fn fine() {{\n{body * 58}}}\ntrait T {{ fn declared(); }}\n",
        "crates/p/src/lib.rs": f'{forbid}\nfn g() {{ a("}}");\n{body * 60}}}',
        "python/m.py": "def long():\n"
        + "    pass\n" * 60
        + "def fine():\n"
        + "    pass\n" * 59,
    }
    assert check(files) == [
        "src/pg/a.rs:2: `long` has 61 lines, more than 60 [length]",
        "crates/p/src/lib.rs:3: `g` has 62 lines, more than 60 [length]",
        "python/m.py:1: `long` has 61 lines, more than 60 [length]",
    ]


def test_a_file_without_an_opening(check: Checker) -> None:
    assert check({"src/pg/a.rs": "// what\nfn f() {}"}, opening="") == [
        "src/pg/a.rs:1: opens without a `//!` paragraph [opening]"
    ]


def test_an_allow_without_a_reason(check: Checker) -> None:
    code = (
        "#[allow(dead_code)]\nfn a() {}\n"
        '#[allow(dead_code, reason = "why")]\nfn b() {}\n'
        "#[allow(dead_code)] // why\nfn c() {}\n"
        "// why\n#[expect(dead_code)]\nfn d() {}\n"
        "/// documentation\n#[expect(dead_code)]\nfn e() {}\n"
    )
    assert check({"src/pg/a.rs": code}) == [
        "src/pg/a.rs:2: `allow` without a reason [reasons]",
        "src/pg/a.rs:12: `expect` without a reason [reasons]",
    ]


def test_blanking_keeps_every_offset() -> None:
    text = 'a /* é */ "s\\"t" b\'x\' r##"q"#"## c // d\ne'
    code = rust_source.code_of(text)
    assert len(code) == len(text)
    assert code.split() == ["a", "c", "e"]
