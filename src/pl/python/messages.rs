//! `Postgres.NOTICE`, `Postgres.ERROR` and the others, with everything that `ereport` takes. The danger is an
//! error that is sent instead of raised: it would jump over Python's frames, so it becomes an exception.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::bridge::{exceptions, logging, secrets, state};
use crate::error::{Error, Level, Report, SqlState};
use crate::interpreter::objects;

/// Adds the functions to `multicorn._native`.
pub(super) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pl_report, module)?)?;
    module.add_function(wrap_pyfunction!(pl_exception, module)?)
}

/// Sends a message of the server's level `level`; from ERROR on it is raised as `Postgres.Exception`.
///
/// `fields` holds `message` and `code`, and what there is of `detail`, `hint`, `context`, `schema_name`,
/// `table_name`, `column_name`, `datatype_name` and `constraint_name`.
#[pyfunction]
fn pl_report(py: Python<'_>, level: i32, fields: &Bound<'_, PyDict>, inhibit: bool) -> PyResult<()> {
    let mut report = report(py, fields)?;
    report.bare = inhibit;
    if level >= Level::Error as i32 {
        let fatal = level >= Level::Fatal as i32;
        let error = if fatal { Error::Fatal(Box::new(report)) } else { Error::Ours(Box::new(report)) };
        return Err(state::fail(py, error));
    }
    logging::send_report(level, report).map_err(|error| exceptions::to_python(py, error))
}

/// The error that `fields` describe as an exception to be raised by somebody else; nothing has failed yet.
#[pyfunction]
fn pl_exception<'py>(py: Python<'py>, fields: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let error = Error::Ours(Box::new(report(py, fields)?));
    Ok(exceptions::to_python(py, error).into_value(py).into_bound(py).into_any())
}

fn report(py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<Report> {
    let text = |name: &str| -> PyResult<Option<String>> {
        let Some(value) = fields.get_item(name)?.filter(|value| !value.is_none()) else { return Ok(None) };
        let text = value.cast_into::<PyString>()?;
        Ok(Some(secrets::redact(py, objects::readable(&text))))
    };
    let code = text("code")?.unwrap_or_default();
    let sqlstate = SqlState::parse(&code)
        .ok_or_else(|| pyo3::exceptions::PyValueError::new_err(format!("{code:?} is not an SQLSTATE")))?;
    let mut report = Report::new(sqlstate, text("message")?.unwrap_or_default());
    report.detail = text("detail")?;
    report.hint = text("hint")?;
    report.context = text("context")?;
    report.name_objects(text)?;
    Ok(report)
}
