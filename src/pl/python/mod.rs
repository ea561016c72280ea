//! x
mod messages;
mod statements;
mod transaction;
use pyo3::prelude::*;
pub(crate) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    messages::extend(module)?;
    statements::extend(module)?;
    transaction::extend(module)
}
