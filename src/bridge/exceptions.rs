//! The server's errors as `Postgres.Exception`, and Python's own exceptions on their way through the
//! server. The danger is an exception that comes back for another error than the one it became: it is
//! given back for the SQLSTATE that marks it and for nothing else.

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors;
use crate::error::{Error, Level, Report, SqlState};
use crate::pg::encoding;
use crate::pg::memory::{Access, ForLife};

/// Marks an error that is an exception passing through the server, from one function to another.
const RELAY: SqlState = SqlState::new(b"PY999");

thread_local! {
    /// The exception that the latest error so marked stands for, with the error's text.
    static PASSING: ForLife<Option<(String, Py<PyBaseException>)>> = ForLife::default();
    /// Whether values are being converted for whoever gets their exceptions.
    static AWAITED: Cell<bool> = const { Cell::new(false) };
}

/// Whether there is one.
static IS_PASSING: AtomicBool = AtomicBool::new(false);

/// Nobody waits for the exception any more.
#[inline]
pub(super) fn forget() {
    if IS_PASSING.swap(false, Ordering::Relaxed) {
        drop(PASSING.change(Option::take));
    }
}

/// Runs `work`, which converts values for Python code: an exception in it comes back as itself.
pub(crate) fn awaiting<T>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    let before = AWAITED.replace(true);
    let outcome = work();
    AWAITED.set(before);
    outcome.map_err(|error| match error.report() {
        // Nothing has happened in the database.
        Some(report) if report.sqlstate == RELAY => to_python(py, error),
        _ => super::state::fail(py, error),
    })
}

/// Lets the exception that became `error` come back as itself, if a function of ours waits for it below.
pub(crate) fn relay(value: &Bound<'_, PyBaseException>, error: &mut Error) {
    let Error::Ours(report) = error else { return };
    let awaited = AWAITED.get() || super::state::depth() > 1;
    if report.sqlstate != SqlState::PYTHON_EXCEPTION || !awaited {
        return;
    }
    report.sqlstate = RELAY;
    let now = (report.message.clone(), value.clone().unbind());
    IS_PASSING.store(true, Ordering::Relaxed);
    let old = PASSING.change(|passing| passing.replace(now));
    drop(old);
}

/// The error as it goes on below a function: with its own SQLSTATE, where no function waits for the exception.
pub(super) fn leaving(mut error: Error) -> Error {
    if super::state::depth() == 0
        && let Some(report) = error.report_mut()
        && report.sqlstate == RELAY
    {
        report.sqlstate = SqlState::PYTHON_EXCEPTION;
    }
    error
}

/// The error as an exception: `Postgres.Exception`, the exception that it was, or a cancel.
pub(crate) fn to_python(py: Python<'_>, mut error: Error) -> PyErr {
    let Some(report) = error.report_mut() else { return errors::to_python(py, error) };
    if report.sqlstate.is_cancel() {
        return errors::to_python(py, error);
    }
    if report.sqlstate == RELAY {
        // Another text: somebody between has caught it, and raised an error of his own with its SQLSTATE.
        let passing = PASSING.change(|passing| passing.take_if(|(text, _)| *text == report.message));
        if let Some((_, exception)) = passing {
            return PyErr::from_value(exception.into_bound(py).into_any());
        }
        report.sqlstate = SqlState::PYTHON_EXCEPTION;
    }
    made(py, error).unwrap_or_else(|other| other)
}

fn made(py: Python<'_>, error: Error) -> PyResult<PyErr> {
    let Some(report) = error.report() else { return Ok(errors::to_python(py, error)) };
    let fatal = matches!(error, Error::Fatal(_));
    let level = if fatal { Level::Fatal } else { Level::Error } as i32;
    let fields = fields(py, report, level)?;
    let value = py.import("Postgres._errors")?.call_method1("from_fields", (fields,))?;
    errors::carry(&value, &error)?;
    Ok(PyErr::from_value(value))
}

/// Everything that the server says of an error, by the names of `pg_errordata`.
fn fields<'py>(py: Python<'py>, report: &Report, level: i32) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    let literal = |text: Option<&'static CStr>| text.map(encoding::from_server);
    let more = [
        ("datatype_name", &report.datatype_name),
        ("internal_query", &report.internal_query),
        ("domain", &literal(report.location.domain)),
        ("filename", &literal(report.location.file)),
        ("function", &literal(report.location.function)),
    ];
    for (name, text) in report.texts().into_iter().chain(more) {
        fields.set_item(name, text)?;
    }
    fields.set_item("message", &report.message)?;
    fields.set_item("code", report.sqlstate.text())?;
    for (name, number) in [
        ("sqlerrcode", report.sqlstate.0),
        ("elevel", level),
        ("line", report.location.line),
        ("cursorpos", report.cursor_position),
        ("internal_position", report.internal_position),
        ("saved_errno", report.location.saved_errno),
    ] {
        fields.set_item(name, number)?;
    }
    Ok(fields)
}
