//! Errors both ways: an exception becomes an `Error`, an `Error` an exception that remembers it, so
//! that a server error which travels through Python arrives with every field. The danger is the
//! exception itself: its `__str__`, its attributes and its chain are user code of any size.

use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::exceptions::{PyBaseException, PyException};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::{exceptions, interrupts, native, secrets};
use crate::error::{Error, Report, SqlState};
use crate::interpreter::{lifecycle, objects};
use crate::pg::interrupts::{Pending, pending};

pyo3::create_exception!(
    multicorn._native,
    QueryCancelled,
    PyBaseException,
    "The server asks the running statement to end."
);
pyo3::create_exception!(
    multicorn._native,
    ServerError,
    PyException,
    "An error that the server raised below a call made from Python."
);

/// Whose code raised: it decides the wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A wrapper class: `Error in python: <class>` with DETAIL, the traceback only in the log.
    Wrapper,
    /// A function of `LANGUAGE python`: `<class>: <text>`, the traceback in CONTEXT.
    Python,
    /// The same of `LANGUAGE plpy`, with PL/Python's SQLSTATE.
    Plpy,
}

/// Whose code runs now, as a number: the converters ask.
static ORIGIN: AtomicU8 = AtomicU8::new(Origin::Wrapper as u8);

/// Exceptions are worded for this origin for its lifetime.
pub(super) struct Speaking(u8);

impl Speaking {
    #[inline]
    pub(super) fn enter(origin: Origin) -> Self {
        // No swap: the main thread alone writes it, and that would lock the bus for each call.
        let before = ORIGIN.load(Ordering::Relaxed);
        ORIGIN.store(origin as u8, Ordering::Relaxed);
        Speaking(before)
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        ORIGIN.store(self.0, Ordering::Relaxed);
    }
}

impl Origin {
    /// Whose code runs now.
    pub(crate) fn current() -> Self {
        match ORIGIN.load(Ordering::Relaxed) {
            number if number == Origin::Python as u8 => Origin::Python,
            number if number == Origin::Plpy as u8 => Origin::Plpy,
            _ => Origin::Wrapper,
        }
    }

    /// Of an exception that names none.
    fn sqlstate(self) -> SqlState {
        match self {
            Origin::Wrapper => SqlState::FDW_ERROR,
            Origin::Python => SqlState::PYTHON_EXCEPTION,
            Origin::Plpy => SqlState::EXTERNAL_ROUTINE_EXCEPTION,
        }
    }
}

/// Bytes of one part of an error. A library that puts a whole response body into its exception
/// would otherwise send megabytes to client and log.
const LONGEST: usize = 8 * 1024;
const LONGEST_TRACEBACK: usize = 32 * 1024;
/// Links of an exception chain, and frames of each, that the log shows.
const CHAIN: usize = 8;
const FRAMES: i32 = 50;

/// The attribute of an exception that holds the error it was made from.
const CARRIED: &str = "_multicorn_error";

/// An `Error` on its way through Python.
#[pyclass(frozen, module = "multicorn._native", name = "_Carried")]
struct Carried(Error);

pub(super) fn copy(error: &Error) -> Error {
    match error {
        Error::Ours(report) => Error::Ours(report.clone()),
        Error::Server(report) => Error::Server(report.clone()),
        Error::Fatal(report) => Error::Fatal(report.clone()),
        Error::Interrupted => Error::Interrupted,
    }
}

/// The exception as an error for the server. It never fails: what cannot be found out is left out.
pub(crate) fn to_error(py: Python<'_>, exception: PyErr, origin: Origin) -> Error {
    // Wording runs user code, and so does dropping the frames that the traceback holds.
    let _inside = interrupts::Inside::enter();
    let value = exception.value(py);
    // Before Python 3.12 an exception that was fetched keeps its traceback beside it.
    if let Some(trace) = exception.traceback(py) {
        let _ = value.setattr("__traceback__", trace);
    }
    // Code in C may put its own error in the place of a cancel (an import that was interrupted), and a
    // `finally` block may raise: the statement ends by the cancel all the same.
    let cancelled = interrupts::in_grace() && !interrupts::in_late_hook() && pending() == Pending::Stop;
    // If a cancel ends the wording, the cancel is the error.
    let error = match describe(py, value, origin) {
        _ if cancelled => Error::Interrupted,
        Ok(error) => error,
        Err(second) => describe(py, second.value(py), origin).unwrap_or_else(|_| {
            Error::new(SqlState::FDW_ERROR, "Error in python: the exception cannot be described")
        }),
    };
    let _ = py.import("multicorn._output").and_then(|module| module.call_method0("flush"));
    drop(exception);
    error
}

fn describe(py: Python<'_>, value: &Bound<'_, PyBaseException>, origin: Origin) -> PyResult<Error> {
    if let Some(mut error) = carried(value) {
        return Ok(match (origin, error.report_mut()) {
            (Origin::Plpy, _) if !value.is_instance_of::<QueryCancelled>() => renamed(py, value, error)?,
            (Origin::Python, Some(report)) if !report.bare => {
                add_traceback(py, value, report);
                error
            }
            _ => error,
        });
    }
    if value.is_instance_of::<QueryCancelled>() {
        let stopping = interrupts::in_hook() || pending() == Pending::Stop;
        return Ok(if stopping {
            Error::Interrupted
        } else {
            Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")
        });
    }
    let mut error =
        if is_multicorn_exception(py, value)? { from_multicorn(value)? } else { worded(value, origin)? };
    if let Some(report) = error.report_mut() {
        finish(py, value, report, origin);
    }
    exceptions::relay(value, &mut error);
    Ok(error)
}

/// Says below the error's own CONTEXT which of the function's lines it went through.
fn add_traceback(py: Python<'_>, value: &Bound<'_, PyBaseException>, report: &mut Report) {
    let Ok(frames) = own_traceback(py, value, true) else { return };
    if frames.is_empty() {
        return;
    }
    let frames = bounded(secrets::redact(py, frames), LONGEST_TRACEBACK);
    report.context = Some(match report.context.take() {
        Some(context) if !context.is_empty() => format!("{context}\n{frames}"),
        _ => frames,
    });
}

/// The server's error as PL/Python shows one that nobody caught: by the name of its exception, and with the
/// traceback in CONTEXT, below what the statement had there (its attribute `context`).
fn renamed(py: Python<'_>, value: &Bound<'_, PyBaseException>, error: Error) -> PyResult<Error> {
    let (Error::Ours(mut report) | Error::Server(mut report)) = error else { return Ok(error) };
    report.message = qualified(value)?;
    let inner = objects::text_attribute(value, "context")?;
    let frames = traceback(py, value, Origin::Plpy);
    report.context = match inner {
        Some(inner) if frames.is_empty() => Some(inner),
        Some(inner) => Some(format!("{inner}\n{frames}")),
        None => Some(frames).filter(|frames| !frames.is_empty()),
    };
    Ok(Error::Ours(report))
}

/// Lets the exception become the same error again when it leaves Python.
pub(super) fn carry(value: &Bound<'_, PyAny>, error: &Error) -> PyResult<()> {
    value.setattr(CARRIED, Carried(copy(error)))
}

fn carried(value: &Bound<'_, PyBaseException>) -> Option<Error> {
    let attribute = value.getattr_opt(CARRIED).ok().flatten()?;
    Some(copy(&attribute.cast::<Carried>().ok()?.get().0))
}

/// `MulticornException` is Python's own class; if its module was never imported, nobody raised it.
fn is_multicorn_exception(py: Python<'_>, value: &Bound<'_, PyBaseException>) -> PyResult<bool> {
    Ok(match multicorn_exception(py)? {
        Some(class) => value.is_instance(&class)?,
        None => false,
    })
}

fn multicorn_exception(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(module) = modules.get_item("multicorn._exceptions")? else { return Ok(None) };
    module.getattr_opt("MulticornException")
}

/// The author's own words: message, HINT and DETAIL as given; CRITICAL ends the session.
fn from_multicorn(value: &Bound<'_, PyBaseException>) -> PyResult<Error> {
    const CRITICAL: i64 = 50;
    let message = match objects::text_attribute(value, "message")? {
        Some(message) => message,
        None => objects::text(value)?,
    };
    let mut report = Report::new(sqlstate(value, SqlState::FDW_ERROR)?, message);
    report.detail = objects::text_attribute(value, "detail")?;
    let level = value.getattr_opt("code")?.and_then(|code| code.extract::<i64>().ok());
    Ok(if level.is_some_and(|level| level >= CRITICAL) {
        Error::Fatal(Box::new(report))
    } else {
        Error::Ours(Box::new(report))
    })
}

fn worded(value: &Bound<'_, PyBaseException>, origin: Origin) -> PyResult<Error> {
    let class = objects::type_name(value);
    let text = objects::text(value)?;
    let more = objects::text_attribute(value, "detail")?.filter(|more| !text.contains(more.as_str()));
    let mut report = match origin {
        Origin::Wrapper => {
            let mut report =
                Report::new(sqlstate(value, origin.sqlstate())?, format!("Error in python: {class}"));
            // Always there, empty too: what an existing client shows keeps its form.
            report.detail = Some(match more {
                Some(more) => format!("{text}\n{more}"),
                None => text,
            });
            report
        }
        Origin::Python => {
            // An exception of `Postgres` that a function has made says what the server would.
            let plain = value.hasattr("pg_errordata")? && !text.is_empty();
            let message = match text.is_empty() {
                true => class,
                false if plain => text.clone(),
                false => format!("{class}: {text}"),
            };
            let mut report = Report::new(sqlstate(value, origin.sqlstate())?, message);
            report.detail = more;
            report
        }
        Origin::Plpy => return worded_as_plpython(value),
    };
    if is_refused_fork(value) {
        report.hint = Some(lifecycle::FORK_HINT.to_owned());
    }
    Ok(Error::Ours(Box::new(report)))
}

/// `<module>.<class>: <text>`, and what `plpy.error` was given beside the text.
fn worded_as_plpython(value: &Bound<'_, PyBaseException>) -> PyResult<Error> {
    let mut report = Report::new(sqlstate(value, Origin::Plpy.sqlstate())?, qualified(value)?);
    report.detail = objects::text_attribute(value, "detail")?;
    report.name_objects(|name| objects::text_attribute(value, name))?;
    if is_refused_fork(value) {
        report.hint = Some(lifecycle::FORK_HINT.to_owned());
    }
    let ends_session = class_is(value, "plpy", "Fatal");
    Ok(if ends_session { Error::Fatal(Box::new(report)) } else { Error::Ours(Box::new(report)) })
}

fn class_is(value: &Bound<'_, PyBaseException>, module: &str, name: &str) -> bool {
    let is = |attribute, text: &str| {
        value
            .get_type()
            .getattr(attribute)
            .is_ok_and(|found| found.extract::<String>().is_ok_and(|found| found == text))
    };
    is("__name__", name) && is("__module__", module)
}

/// The text of an exception with its class's full name, unless that is one of Python's own or of the body.
fn qualified(value: &Bound<'_, PyBaseException>) -> PyResult<String> {
    let class = objects::type_name(value);
    let module = value.get_type().getattr("__module__").and_then(|module| module.extract::<String>());
    let class = match module {
        Ok(module) if !["builtins", "__main__"].contains(&module.as_str()) => format!("{module}.{class}"),
        _ => class,
    };
    Ok(format!("{class}: {}", objects::text(value)?))
}

fn is_refused_fork(value: &Bound<'_, PyBaseException>) -> bool {
    value
        .getattr("args")
        .ok()
        .and_then(|args| args.cast_into::<PyTuple>().ok())
        .and_then(|args| args.get_item(0).ok()?.extract::<String>().ok())
        .is_some_and(|text| text.as_bytes() == lifecycle::FORK_REFUSED.to_bytes())
}

/// The attribute `sqlstate` if it is one of an error: classes 00 to 02 are success and warnings.
fn sqlstate(value: &Bound<'_, PyBaseException>, default: SqlState) -> PyResult<SqlState> {
    Ok(objects::text_attribute(value, "sqlstate")?
        .filter(|code| !["00", "01", "02"].iter().any(|class| code.starts_with(class)))
        .and_then(|code| SqlState::parse(&code))
        .unwrap_or(default))
}

/// HINT and traceback; bounds; secrets.
fn finish(py: Python<'_>, value: &Bound<'_, PyBaseException>, report: &mut Report, origin: Origin) {
    if report.hint.is_none() {
        report.hint = objects::text_attribute(value, "hint").ok().flatten();
    }
    let traceback = traceback(py, value, origin);
    let clean = |text: String, longest: usize| bounded(secrets::redact(py, text), longest);
    report.message = clean(std::mem::take(&mut report.message), LONGEST);
    report.detail = report.detail.take().map(|text| clean(text, LONGEST));
    report.hint = report.hint.take().map(|text| clean(text, LONGEST));
    let traceback = clean(traceback, LONGEST_TRACEBACK);
    if traceback.is_empty() {
        return;
    }
    match origin {
        // In the log this takes the place of DETAIL, so it repeats it.
        Origin::Wrapper => {
            report.detail_log = Some(match report.detail.as_deref() {
                None | Some("") => traceback,
                Some(detail) => format!("{detail}\n{traceback}"),
            });
        }
        Origin::Python | Origin::Plpy => report.context = Some(traceback),
    }
}

/// The first `longest` bytes, and a mark if there was more. A NUL, at which the server's text would
/// end, is shown.
pub(super) fn bounded(text: String, longest: usize) -> String {
    let mut text = if text.contains('\0') { text.replace('\0', "\\x00") } else { text };
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push_str(" …");
    }
    text
}

/// The traceback of the exception and of those that led to it, the oldest first, as Python prints
/// them. Empty if anything in it raises.
fn traceback(py: Python<'_>, value: &Bound<'_, PyBaseException>, origin: Origin) -> String {
    let (mut parts, mut seen) = (Vec::new(), Vec::new());
    let mut next = Some(value.clone());
    while let Some(exception) = next.take().filter(|_| parts.len() < CHAIN) {
        let is_last = parts.is_empty();
        seen.push(exception.as_ptr());
        let part = match origin {
            Origin::Wrapper => one_traceback(py, &exception),
            Origin::Python | Origin::Plpy => own_traceback(py, &exception, is_last),
        };
        let Ok(part) = part else { break };
        parts.push(part);
        // A chain may lead back to where it began.
        next = cause(&exception).filter(|cause| !seen.contains(&cause.as_ptr()));
    }
    parts.reverse();
    parts.join("\nwhich led to:\n")
}

/// The exception's `__cause__`, else its `__context__` unless that was suppressed.
fn cause<'py>(exception: &Bound<'py, PyBaseException>) -> Option<Bound<'py, PyBaseException>> {
    let attribute = |name| exception.getattr(name).ok()?.cast_into::<PyBaseException>().ok();
    attribute("__cause__").or_else(|| {
        let suppressed = exception.getattr("__suppress_context__").ok()?.is_truthy().ok()?;
        (!suppressed).then(|| attribute("__context__"))?
    })
}

/// The frames of a function's exception, and what it says unless the message does.
fn own_traceback(
    py: Python<'_>,
    exception: &Bound<'_, PyBaseException>,
    is_message: bool,
) -> PyResult<String> {
    let trace = exception.getattr("__traceback__")?;
    let mut frames: String =
        py.import("multicorn._traceback")?.call_method1("frames", (trace,))?.extract()?;
    if !is_message {
        let text = format!("{}: {}", objects::type_name(exception), objects::text(exception)?);
        frames = if frames.is_empty() { text } else { format!("{frames}\n{text}") };
    }
    Ok(frames)
}

fn one_traceback(py: Python<'_>, exception: &Bound<'_, PyBaseException>) -> PyResult<String> {
    let options = PyDict::new(py);
    options.set_item("chain", false)?;
    // Negative: the innermost frames, where the error is.
    options.set_item("limit", -FRAMES)?;
    let trace = exception.getattr("__traceback__")?;
    let lines = py.import("traceback")?.call_method(
        "format_exception",
        (exception.get_type(), exception, trace),
        Some(&options),
    )?;
    let lines: Vec<String> = lines.extract()?;
    Ok(lines.concat().trim_end().to_owned())
}

/// The error as a `ServerError`. It becomes the same error again if it leaves Python.
///
/// A cancel, a terminate and what comes of them become `QueryCancelled`, which `except Exception`
/// does not catch.
pub(crate) fn to_python(py: Python<'_>, error: Error) -> PyErr {
    to_python_as(py, error, server_error)
}

/// The same as an exception that `make` makes.
pub(crate) fn to_python_as(
    py: Python<'_>,
    error: Error,
    make: impl FnOnce(Python<'_>, &Report) -> PyResult<PyErr>,
) -> PyErr {
    let Some(report) = error.report() else { return cancelled(py, None) };
    if report.sqlstate.is_cancel() {
        return cancelled(py, Some(error));
    }
    let made = make(py, report).and_then(|exception| {
        carry(exception.value(py).as_any(), &error)?;
        Ok(exception)
    });
    made.unwrap_or_else(|other| other)
}

fn server_error(py: Python<'_>, report: &Report) -> PyResult<PyErr> {
    let exception = PyErr::from_type(class_for(py, report.sqlstate)?, report.message.clone());
    let value = exception.value(py);
    for (name, text) in report.texts() {
        if let Some(text) = text {
            value.setattr(name, text)?;
        }
    }
    Ok(exception)
}

/// `QueryCancelled`, with the error that it stands for if the server has already worded it.
pub(super) fn cancelled(py: Python<'_>, error: Option<Error>) -> PyErr {
    let text = error.as_ref().map_or_else(|| "canceling statement".to_owned(), ToString::to_string);
    let exception = QueryCancelled::new_err(text);
    if let Some(error) = error.filter(|error| !matches!(error, Error::Interrupted)) {
        // Without it the cancel is worded anew at the boundary.
        let _ = exception.value(py).setattr(CARRIED, Carried(error));
    }
    exception
}

/// The subclass of `ServerError` for the SQLSTATE, made when it is first met.
fn class_for(py: Python<'_>, sqlstate: SqlState) -> PyResult<Bound<'_, PyType>> {
    let code = sqlstate.text();
    let module = native::module(py)?;
    let classes = module.getattr("_server_errors")?.cast_into::<PyDict>()?;
    if let Some(class) = classes.get_item(&code)? {
        return Ok(class.cast_into()?);
    }
    let attributes = PyDict::new(py);
    attributes.set_item("sqlstate", &code)?;
    attributes.set_item("__module__", native::NAME)?;
    let bases = (py.get_type::<ServerError>(),);
    let class =
        py.get_type::<PyType>().call1((format!("ServerError_{code}"), bases, attributes))?.cast_into()?;
    classes.set_item(code, &class)?;
    Ok(class)
}
