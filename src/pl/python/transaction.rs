//! What `Postgres.xact()` and the module's own Python code ask about the running call. The danger is asking
//! for nothing: all of it is refused off the session's thread.

use pyo3::prelude::*;

use crate::bridge::{exceptions, state};
use crate::pg::session;

/// Adds the functions to `multicorn._native`.
pub(super) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pl_begin, module)?)?;
    module.add_function(wrap_pyfunction!(pl_end, module)?)?;
    module.add_function(wrap_pyfunction!(pl_ready, module)?)?;
    module.add_function(wrap_pyfunction!(pl_is_ready, module)?)?;
    module.add_function(wrap_pyfunction!(pl_read_only, module)?)?;
    module.add_function(wrap_pyfunction!(pl_in_function, module)?)?;
    module.add_function(wrap_pyfunction!(pl_quote_ident, module)?)
}

/// Opens a subtransaction and returns its number.
#[pyfunction]
fn pl_begin(py: Python<'_>) -> PyResult<u64> {
    state::begin(py)
}

/// Closes the subtransaction: `keep` releases it, otherwise it is rolled back.
#[pyfunction]
fn pl_end(py: Python<'_>, number: u64, keep: bool) -> PyResult<()> {
    state::end(py, number, keep)
}

/// Raises what forbids an action on the database now.
#[pyfunction]
fn pl_ready(py: Python<'_>) -> PyResult<()> {
    state::ready(py).map(drop)
}

/// Whether an action on the database would be let pass now.
#[pyfunction]
fn pl_is_ready() -> bool {
    state::is_ready()
}

/// Whether the running function is STABLE or IMMUTABLE and so may not write.
#[pyfunction]
fn pl_read_only(py: Python<'_>) -> PyResult<bool> {
    Ok(state::ready(py)?.read_only)
}

/// Whether a function of `LANGUAGE python` is what runs now.
#[pyfunction]
fn pl_in_function() -> bool {
    state::in_function()
}

/// The name as an SQL identifier, in quotes if need be.
#[pyfunction]
fn pl_quote_ident(py: Python<'_>, name: &str) -> PyResult<String> {
    session::quote_identifier(name).map_err(|error| exceptions::to_python(py, error))
}
