//! What `Postgres.xact()` and the module's own Python code ask about the running call. The danger is asking
//! for nothing: all of it is refused off the session's thread.

use pyo3::prelude::*;

use crate::bridge::{sql, state};
use crate::convert::native;
use crate::pg::spi;

/// Adds the functions to `multicorn._native`.
pub(super) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pl_begin, module)?)?;
    module.add_function(wrap_pyfunction!(pl_end, module)?)?;
    module.add_function(wrap_pyfunction!(pl_end_transaction, module)?)?;
    module.add_function(wrap_pyfunction!(pl_is_ready, module)?)?;
    module.add_function(wrap_pyfunction!(pl_read_only, module)?)?;
    module.add_function(wrap_pyfunction!(pl_in_function, module)?)
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

/// Commits or rolls back, where the server allows it, and begins the next transaction.
#[pyfunction]
fn pl_end_transaction(py: Python<'_>, commit: bool) -> PyResult<()> {
    let terms = state::terms(py, commit)?;
    // Values that lie in a table's own storage are fetched while they are there.
    native::settle().map_err(|error| state::fail(py, error))?;
    sql::ending(|| spi::end_transaction(commit, terms.atomic)).map_err(|error| state::fail(py, error))?;
    state::renewed();
    Ok(())
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
