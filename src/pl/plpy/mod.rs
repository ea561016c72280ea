//! PL/Python's dialect: the body is a function's body, the arguments are its names. The danger is what
//! existing code relies on: line numbers, `global`, and that SD lives as long as the session.

pub(super) mod api;
mod cursor;
mod plan;
mod result;
mod transform;
pub(super) mod trigger;

use pyo3::prelude::*;

use crate::pg::call::Role;
use crate::pg::procedure::Procedure;

const COMPILER: &str = "multicorn._plpy_compile";

/// The body as something to call with the arguments.
pub(super) fn compile<'py>(
    py: Python<'py>,
    procedure: &Procedure,
    role: Role,
) -> PyResult<Bound<'py, PyAny>> {
    let names: Vec<&str> = match role {
        Role::Function => procedure.inputs().map(|parameter| parameter.name.as_str()).collect(),
        Role::Trigger | Role::EventTrigger => vec!["TD"],
    };
    py.import(COMPILER)?.getattr("function")?.call1((
        &procedure.name,
        procedure.oid.to_u32(),
        names,
        &procedure.source,
    ))
}

/// Lets go of the source of a function that was dropped.
pub(super) fn forget(py: Python<'_>, procedure: &Procedure) -> PyResult<()> {
    py.import(COMPILER)?.getattr("forget")?.call1((procedure.oid.to_u32(),)).map(drop)
}

/// Whether the body can be compiled.
pub(super) fn check(py: Python<'_>, procedure: &Procedure) -> PyResult<()> {
    compile(py, procedure, procedure.role()).map(drop)
}

/// Runs a DO block.
pub(super) fn run_block(py: Python<'_>, source: &str) -> PyResult<()> {
    py.import(COMPILER)?.getattr("block")?.call1((source,)).map(drop)
}
