//! The module `multicorn._native`: what Python code may ask of the library. The danger is the
//! thread and the process of the caller: only the main thread of the backend itself may reach the
//! server, so every function looks at both first.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::{errors, interrupts, logging, rights, secrets, transaction};
use crate::gucs;
use crate::interpreter::objects;
use crate::pg::memory::{Access, ForLife};

pub(super) const NAME: &str = "multicorn._native";

const ERROR: i64 = 40;

/// The module, which must have been made.
pub(super) fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    modules(py)?
        .get_item(NAME)?
        .ok_or_else(|| PyRuntimeError::new_err("multicorn._native was removed from sys.modules"))?
        .cast_into::<PyModule>()
        .map_err(PyErr::from)
}

fn modules(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    Ok(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?)
}

/// Makes the module and puts it into `sys.modules`; a second call changes nothing.
pub(super) fn create(py: Python<'_>) -> PyResult<()> {
    let modules = modules(py)?;
    if modules.contains(NAME)? {
        return Ok(());
    }
    let module = PyModule::new(py, NAME)?;
    module.add("QueryCancelled", py.get_type::<errors::QueryCancelled>())?;
    let server_error = py.get_type::<errors::ServerError>();
    server_error.setattr("sqlstate", "XX000")?;
    for name in ["detail", "hint", "context", "schema_name", "table_name", "column_name", "constraint_name"] {
        server_error.setattr(name, py.None())?;
    }
    module.add("ServerError", server_error)?;
    module.add("_server_errors", PyDict::new(py))?;
    module.add_function(wrap_pyfunction!(log, &module)?)?;
    module.add_function(wrap_pyfunction!(print_message, &module)?)?;
    module.add_function(wrap_pyfunction!(output_pending, &module)?)?;
    module.add_function(wrap_pyfunction!(check_interrupts, &module)?)?;
    module.add_function(wrap_pyfunction!(is_main_thread, &module)?)?;
    module.add_function(wrap_pyfunction!(rights::rights, &module)?)?;
    EXTENSIONS.read(Clone::clone).into_iter().try_for_each(|extend| extend(&module))?;
    modules.set_item(NAME, module)
}

type Extend = fn(&Bound<'_, PyModule>) -> PyResult<()>;

thread_local! {
    static EXTENSIONS: ForLife<Vec<Extend>> = ForLife::default();
}

/// Lets code that the bridge does not know add functions to the module; said while the library is loaded.
pub(crate) fn extend(extend: Extend) {
    EXTENSIONS.change(|all| all.push(extend));
}

/// `from multicorn import _native` needs the attribute too, once the package is there.
pub(super) fn attach_to_package(py: Python<'_>) -> PyResult<()> {
    py.import("multicorn")?.setattr("_native", module(py)?)
}

/// What Python calls for the interrupting signal.
pub(super) fn signal_handler(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    Ok(wrap_pyfunction!(on_signal, py)?.into_any())
}

/// What the package calls when a cancel was raised where Python cannot raise.
pub(super) fn cancel_again(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    Ok(wrap_pyfunction!(raise_again, py)?.into_any())
}

#[pyfunction]
fn raise_again() {
    if !super::in_child() && interrupts::on_main_thread() {
        interrupts::raise_again();
    }
}

#[pyfunction]
fn on_signal(py: Python<'_>, _signal: i32, _frame: Option<Bound<'_, PyAny>>) -> PyResult<()> {
    interrupts::acknowledge(py)
}

/// Sends one message; from `logging.ERROR` on it raises `MulticornException` instead.
#[pyfunction]
#[pyo3(signature = (level, message, hint=None, detail=None))]
fn log(
    py: Python<'_>,
    level: i64,
    message: &Bound<'_, PyString>,
    hint: Option<&Bound<'_, PyString>>,
    detail: Option<&Bound<'_, PyString>>,
) -> PyResult<()> {
    if level >= ERROR {
        let class = py.import("multicorn._exceptions")?.getattr("MulticornException")?;
        return Err(PyErr::from_value(class.call1((message, level, hint, detail))?));
    }
    let clean = |text: &Bound<'_, PyString>| secrets::redact(py, objects::readable(text));
    send(
        py,
        logging::Message {
            level: logging::level(level),
            text: clean(message),
            hint: hint.map(clean),
            detail: detail.map(clean),
        },
    )
}

/// Sends one message at the level of the setting multicorn.print_level.
#[pyfunction]
fn print_message(py: Python<'_>, text: &Bound<'_, PyString>) -> PyResult<()> {
    let text = secrets::redact(py, objects::readable(text));
    send(py, logging::Message { level: gucs::print_level(), text, hint: None, detail: None })
}

fn send(py: Python<'_>, message: logging::Message) -> PyResult<()> {
    // A child between fork and exec shares the client's socket: what it prints is lost.
    if super::in_child() {
        return Ok(());
    }
    logging::send(message).map_err(|error| errors::to_python(py, error))
}

/// Notes that a line was written without its end.
#[pyfunction]
fn output_pending() {
    if interrupts::on_main_thread() {
        transaction::note_output();
    }
}

/// Raises `QueryCancelled` if a cancel, timeout or terminate is pending.
#[pyfunction]
fn check_interrupts(py: Python<'_>) -> PyResult<()> {
    if super::in_child() || !interrupts::on_main_thread() {
        return Ok(());
    }
    logging::flush().map_err(|error| errors::to_python(py, error))?;
    interrupts::acknowledge(py)
}

/// Tells whether the caller runs on the backend's main thread.
#[pyfunction]
fn is_main_thread() -> bool {
    interrupts::on_main_thread()
}
