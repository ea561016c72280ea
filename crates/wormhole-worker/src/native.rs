//! What Python in a worker may ask of its backend: queries and messages. The danger is that user code
//! calls these functions with whatever it likes; all that it can do is send a frame, which the backend
//! judges.

use std::cell::RefCell;

use pyo3::exceptions::{PyEOFError, PyOSError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use wormhole_protocol::{Frame, Mode, QueryFailure, Reply, Request};

use crate::channel::Channel;

thread_local! {
    static CHANNEL: RefCell<Option<Channel>> = const { RefCell::new(None) };
}

/// The module's name in `sys.modules`.
const NAME: &str = "wormhole._backend";

/// Makes the module, before the package that imports it.
pub(crate) fn create(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    let module = PyModule::new(py, NAME)?;
    module.add_function(wrap_pyfunction!(query, &module)?)?;
    module.add_function(wrap_pyfunction!(fetch, &module)?)?;
    module.add_function(wrap_pyfunction!(close, &module)?)?;
    module.add_function(wrap_pyfunction!(show, &module)?)?;
    module.add_function(wrap_pyfunction!(give, &module)?)?;
    py.import("sys")?.getattr("modules")?.set_item(NAME, &module)?;
    Ok(module)
}

/// From now on the module talks over `channel`.
pub(crate) fn use_channel(channel: Channel) {
    CHANNEL.with(|place| *place.borrow_mut() = Some(channel));
}

/// The next frame for this worker; `None` when the backend has closed.
pub(crate) fn receive() -> std::io::Result<Option<Frame>> {
    CHANNEL.with(|place| place.borrow_mut().as_mut().map_or(Ok(None), Channel::receive))
}

/// Sends a reply.
pub(crate) fn send(reply: &Reply, body: &str) -> std::io::Result<()> {
    let frame = Frame::encode(reply, body);
    CHANNEL.with(|place| place.borrow().as_ref().map_or(Ok(()), |channel| channel.send(&frame)))
}

fn ask(reply: &Reply, body: &str) -> PyResult<(Request, Frame)> {
    send(reply, body).map_err(PyOSError::new_err)?;
    let frame =
        receive().map_err(PyOSError::new_err)?.ok_or_else(|| PyEOFError::new_err("the session has ended"))?;
    let head = frame.head().map_err(|error| PyOSError::new_err(error.to_string()))?;
    Ok((head, frame))
}

/// An answer of the backend: rows as text, the number of a cursor, or why the query failed as a dict.
fn answer(py: Python<'_>, (request, frame): (Request, Frame)) -> PyResult<Py<PyAny>> {
    Ok(match request {
        Request::Rows => {
            let body = frame.into_body().map_err(|error| PyOSError::new_err(error.to_string()))?;
            body.into_pyobject(py)?.into_any().unbind()
        }
        Request::Done { cursor } => cursor.into_pyobject(py)?.into_any().unbind(),
        Request::Failed(failure) => failed(py, &failure)?.into_any().unbind(),
        Request::Run { .. } | Request::More => return Err(PyOSError::new_err("an answer was expected")),
    })
}

fn failed<'py>(py: Python<'py>, failure: &QueryFailure) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("number", failure.number)?;
    dict.set_item("sqlstate", &failure.sqlstate)?;
    dict.set_item("message", &failure.message)?;
    for (name, text) in [
        ("detail", &failure.detail),
        ("hint", &failure.hint),
        ("context", &failure.context),
        ("schema_name", &failure.schema_name),
        ("table_name", &failure.table_name),
        ("column_name", &failure.column_name),
        ("constraint_name", &failure.constraint_name),
    ] {
        dict.set_item(name, text)?;
    }
    Ok(dict)
}

/// Runs a query, or opens a cursor on it.
#[pyfunction]
fn query(py: Python<'_>, sql: String, args: &str, cursor: bool) -> PyResult<Py<PyAny>> {
    let mode = if cursor { Mode::Cursor } else { Mode::All };
    answer(py, ask(&Reply::Query { sql, mode }, args)?)
}

/// The next rows of a cursor.
#[pyfunction]
fn fetch(py: Python<'_>, cursor: u32, count: u32) -> PyResult<Py<PyAny>> {
    answer(py, ask(&Reply::Fetch { cursor, count }, "")?)
}

/// Closes a cursor.
#[pyfunction]
fn close(py: Python<'_>, cursor: u32) -> PyResult<Py<PyAny>> {
    answer(py, ask(&Reply::Close { cursor }, "")?)
}

/// Shows a text to the client.
#[pyfunction]
fn show(text: &str) -> PyResult<()> {
    send(&Reply::Print, text).map_err(PyOSError::new_err)
}

/// Gives one value of a stream, and returns when the next is wanted.
#[pyfunction]
fn give(value: &str) -> PyResult<()> {
    match ask(&Reply::Yielded, value)? {
        (Request::More, _) => Ok(()),
        _ => Err(PyOSError::new_err("an answer was expected")),
    }
}
