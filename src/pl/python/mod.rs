//! `LANGUAGE python`: the body is a module, and `main` its entry. The danger is the module's own code,
//! which runs at the first call and may do anything that a function may.

mod messages;
mod sessions;
pub(super) mod source;
mod statements;
mod transaction;
pub(super) mod trigger;

use pyo3::prelude::*;

use crate::pg::call::Role;
use crate::pg::procedure::Procedure;

/// Adds what the package `Postgres` calls to `multicorn._native`.
pub(super) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    messages::extend(module)?;
    statements::extend(module)?;
    transaction::extend(module)?;
    sessions::extend(module)
}

const LOADER: &str = "Postgres._loader";

/// Imports the function's module, and returns its entry, or the module of a trigger's function.
pub(super) fn load<'py>(py: Python<'py>, procedure: &Procedure, role: Role) -> PyResult<Bound<'py, PyAny>> {
    let load = if role == Role::Function { "load" } else { "load_module" };
    py.import(LOADER)?.getattr(load)?.call1((procedure.oid.to_u32(), &procedure.signature, &procedure.source))
}

/// Lets go of the module of a function that was dropped.
pub(super) fn forget(py: Python<'_>, procedure: &Procedure) -> PyResult<()> {
    py.import(LOADER)?.getattr("forget")?.call1((procedure.oid.to_u32(),)).map(drop)
}

/// Whether the body can be compiled; a warning if it has no entry that fits.
pub(super) fn check(py: Python<'_>, procedure: &Procedure) -> PyResult<()> {
    let role = match procedure.role() {
        Role::Trigger => "trigger",
        Role::EventTrigger => "event trigger",
        Role::Function => "function",
    };
    let arguments = procedure.inputs().count();
    let of = (&procedure.signature, &procedure.source, role, arguments);
    py.import(LOADER)?.getattr("check")?.call1(of).map(drop)
}

/// Runs a DO block.
pub(super) fn run_block(py: Python<'_>, source: &str) -> PyResult<()> {
    py.import(LOADER)?.getattr("run_block")?.call1((source,)).map(drop)
}
