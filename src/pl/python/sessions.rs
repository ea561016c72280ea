//! The session's loaded functions, call sites and counts, for the package's own Python code. The danger is
//! loading a function from inside another: it runs in a frame of its own, as any load does.

use pgrx::pg_sys;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::bridge::state;
use crate::pg::call::Role;
use crate::pg::inval;
use crate::pl::{Language, frame, routine};

/// Adds the functions to `multicorn._native`.
pub(super) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pl_load, module)?)?;
    module.add_function(wrap_pyfunction!(pl_clear, module)?)?;
    module.add_function(wrap_pyfunction!(pl_procedures, module)?)?;
    module.add_function(wrap_pyfunction!(pl_era, module)?)?;
    module.add_function(wrap_pyfunction!(pl_call_site, module)?)
}

/// Loads a function of `LANGUAGE python` unless it is loaded; `role` is `trigger`, `event trigger` or empty.
#[pyfunction]
fn pl_load(py: Python<'_>, oid: u32, role: &str) -> PyResult<()> {
    let role = match role {
        "trigger" => Role::Trigger,
        "event trigger" => Role::EventTrigger,
        _ => Role::Function,
    };
    state::statement(py, |_| routine::routine(pg_sys::Oid::from(oid), Language::Python, role).map(drop))
}

/// Forgets every loaded function.
#[pyfunction]
fn pl_clear(py: Python<'_>) -> PyResult<()> {
    state::ready(py)?;
    routine::clear();
    Ok(())
}

/// Counts up whenever a function or procedure changed.
#[pyfunction]
fn pl_procedures() -> u64 {
    inval::procedures()
}

/// Counts up whenever a transaction ends or a subtransaction is rolled back.
#[pyfunction]
fn pl_era() -> u64 {
    state::era()
}

/// What the place that called the running function keeps from call to call, a dict; None if none did.
#[pyfunction]
fn pl_call_site(py: Python<'_>) -> Option<Bound<'_, PyDict>> {
    frame::current().and_then(|frame| frame.site).map(|site| site.kept(py))
}
