//! Functions in the server's own process. The danger is whose: `wormhole_protocol::choose` has said before
//! that superusers vouch for every one that gets here.

use std::rc::Rc;

use pgrx::pg_sys::{self, Datum};
use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyTuple};

use super::failure;
use super::queries::CALLER;
use super::registry::{self, Function, Modules};
use crate::bridge::sql::called_by;
use crate::bridge::{self, Failure, Origin, errors};
use crate::convert::{Dialect, known};
use crate::error::Error;
use crate::gucs;
use crate::interpreter::objects;
use crate::pg::live::Ending;
use crate::pg::memory::{Access, ForLife};
use crate::pg::planner::Constant;

thread_local! {
    /// The list of modules that Python was told, and the room for code.
    static TOLD: ForLife<Option<(Rc<Modules>, u64)>> = ForLife::default();
}

/// The module that runs functions.
pub(super) fn server(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static SERVER: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let import = || py.import("wormhole._server").map(Bound::unbind);
    Ok(SERVER.get_or_try_init(py, import)?.bind(py))
}

/// Tells Python of the list of modules, if it has changed.
pub(super) fn prepare(py: Python<'_>, modules: &Rc<Modules>) -> PyResult<()> {
    let room = gucs::wormhole::code_cache();
    let is_told = TOLD.read(|told| {
        told.as_ref()
            .is_some_and(|(known, size)| *size == room && (Rc::ptr_eq(known, modules) || known == modules))
    });
    if !is_told {
        server(py)?.call_method1("allow", (modules.allowed.clone(), modules.refused.clone(), room))?;
        TOLD.change(|told| *told = Some((modules.clone(), room)));
    }
    Ok(())
}

fn run<T>(work: impl FnOnce(Python<'_>) -> Result<T, Failure>) -> Result<T, Error> {
    let modules = registry::modules()?;
    called_by(CALLER, || {
        bridge::call_as(Origin::Wrapper, |py| {
            prepare(py, &modules)?;
            work(py).map_err(|failed| shallow(py, failed))
        })
    })
    .map_err(failure::without_frames)
}

/// What functions raise is described by the module, unless the stack is too deep even for that.
#[cold]
fn shallow(py: Python<'_>, failed: Failure) -> Failure {
    match failed {
        Failure::Python(error) if error.is_instance_of::<PyRecursionError>(py) => {
            let detail =
                r#"{"class": "builtins.RecursionError", "args": [], "sqlstate": null, "traceback": []}"#;
            let message = "RecursionError: maximum recursion depth exceeded";
            Failure::Server(failure::raised(message.to_owned(), detail.to_owned()))
        }
        failed => failed,
    }
}

/// Looks at a source that superusers alone have brought.
pub(super) fn check(name: &str, source: &str) -> Result<(), Error> {
    run(|py| Ok(server(py)?.call_method1("check", (name, source)).map(|_| ())?))
}

/// Runs one of the Python functions that know functions by id; the code is brought if it is not there.
fn ask<'py>(py: Python<'py>, what: &str, function: &Function, args: &str) -> PyResult<Bound<'py, PyAny>> {
    let server = server(py)?;
    let answer = server.call_method1(what, (&function.key, args))?;
    if !answer.is_none() {
        return Ok(answer);
    }
    server.call_method1("load", (&function.key, &function.name, &function.source))?;
    server.call_method1(what, (&function.key, args))
}

/// A function that is there, ready to be called.
pub(super) struct Entry {
    /// What knows its source, for errors.
    remote: Py<PyAny>,
    name: String,
    function: Py<PyAny>,
    /// Calls it with tagged JSON, and gives that.
    by_text: Py<PyAny>,
}

/// The function as Python has it; its module runs now if it has not yet.
pub(super) fn entry(function: &Function) -> Result<Entry, Error> {
    run(|py| {
        let server = server(py)?;
        let find = || server.call_method1(pyo3::intern!(py, "entry"), (&function.key,));
        let mut found = find()?;
        if found.is_none() {
            server.call_method1("load", (&function.key, &function.name, &function.source))?;
            found = find()?;
        }
        let (remote, entry, by_text) = found.extract()?;
        Ok(Entry { remote, name: function.name.clone(), function: entry, by_text })
    })
}

/// Runs Python code of a function that is known.
#[inline]
fn within<T>(work: impl FnOnce(Python<'_>) -> Result<T, Failure>) -> Result<T, Error> {
    let shallow = |py: Python<'_>| work(py).map_err(|failed| shallow(py, failed));
    called_by(CALLER, || bridge::call_as(Origin::Wrapper, shallow)).map_err(failure::without_frames)
}

impl Entry {
    /// Calls the function with Python objects, and hands what it returns to `take`.
    #[inline]
    pub(super) fn invoke<T>(
        &self,
        arguments: impl for<'py> FnOnce(Python<'py>) -> Result<Vec<Bound<'py, PyAny>>, Error>,
        take: impl for<'py> FnOnce(Python<'py>, Bound<'py, PyAny>) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        within(|py| {
            let arguments = arguments(py)?;
            match objects::call(self.function.bind(py), &arguments) {
                Ok(value) => take(py, value),
                Err(error) => Err(self.failed(py, error)),
            }
        })
    }

    /// Calls it with tagged JSON.
    pub(super) fn json(&self, args: Constant) -> Result<Datum, Error> {
        within(|py| {
            let args = known::value(TEXT, Dialect::Wrapper)?.to_object(py, args)?;
            match objects::call(self.by_text.bind(py), &[args]) {
                // The text of our own codec is JSON.
                Ok(value) => text_datum(&value),
                Err(error) => Err(self.failed(py, error)),
            }
        })
    }

    /// The same as text.
    pub(super) fn text(&self, args: &str) -> Result<String, Error> {
        within(|py| match self.by_text.bind(py).call1((args,)) {
            Ok(value) => Ok(value.extract()?),
            Err(error) => Err(self.failed(py, error)),
        })
    }

    /// What a generator or a coroutine comes to; any other value as it is.
    pub(super) fn finished<'py>(
        &self,
        py: Python<'py>,
        value: Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>, Failure> {
        match objects::is_suspended(&value) {
            true => server(py)?
                .call_method1("finished", (value, &self.remote))
                .map_err(|error| located(py, error, &self.name)),
            false => Ok(value),
        }
    }

    /// A value in tagged JSON, of type json.
    pub(super) fn tagged(&self, py: Python<'_>, value: Bound<'_, PyAny>) -> Result<Datum, Failure> {
        text_datum(&server(py)?.call_method1("tagged", (value, &self.remote))?)
    }

    /// What an exception of the function is for the client.
    #[cold]
    fn failed(&self, py: Python<'_>, error: PyErr) -> Failure {
        let made =
            server(py).and_then(|server| server.call_method1("failed", (error.into_value(py), &self.remote)));
        located(py, made.map_or_else(|error| error, PyErr::from_value), &self.name)
    }
}

/// An error of the server's with the lines of the function that led there, which Python has noted at it.
#[cold]
fn located(py: Python<'_>, error: PyErr, name: &str) -> Failure {
    match objects::text_attribute(error.value(py), "_wormhole_place") {
        Ok(Some(place)) => {
            Failure::Server(failure::at(bridge::errors::to_error(py, error, Origin::Wrapper), name, &place))
        }
        _ => Failure::Python(error),
    }
}

const TEXT: u32 = pg_sys::TEXTOID.to_u32();

/// A str as a value of type text, or json.
fn text_datum(value: &Bound<'_, PyAny>) -> Result<Datum, Failure> {
    Ok(known::parameter(TEXT, Dialect::Wrapper)?.constant(value)?.datum)
}

/// The arguments of which the last is a list of them, or None.
pub(super) fn spread(mut objects: Vec<Bound<'_, PyAny>>) -> Result<Vec<Bound<'_, PyAny>>, Error> {
    let Some(last) = objects.pop().filter(|last| !last.is_none()) else { return Ok(objects) };
    let list = last.cast::<PyList>().map_err(|_| Error::internal("multicorn: an array is no list"))?;
    objects.extend(list.iter());
    Ok(objects)
}

/// Makes plain strings of those that were JSON in rows: a client, and a confined function, know no difference.
/// `whole` tells of each column whether all of it is JSON.
pub(super) fn unmarked(py: Python<'_>, rows: &Bound<'_, PyList>, whole: &[bool]) -> Result<(), Error> {
    let done = server(py).and_then(|server| server.call_method1("unmarked", (rows, whole.to_vec())));
    done.map(drop).map_err(|error| errors::to_error(py, error, Origin::Wrapper))
}

/// Arguments for a worker, in tagged JSON.
pub(super) fn pack(
    arguments: impl for<'py> FnOnce(Python<'py>) -> Result<Vec<Bound<'py, PyAny>>, Error>,
) -> Result<String, Error> {
    let modules = registry::modules()?;
    within(|py| {
        prepare(py, &modules)?;
        let arguments = PyTuple::new(py, arguments(py)?)?;
        Ok(server(py)?.call_method1("packed", (arguments,))?.extract()?)
    })
}

/// What is done with a worker's value.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// It is looked at.
    Look,
    /// It is converted, so that a few bytes must not stand for any number of elements.
    Convert,
}

/// Hands a worker's value, in tagged JSON, to `take`.
pub(super) fn unpack<T>(
    text: &str,
    purpose: Purpose,
    take: impl for<'py> FnOnce(Python<'py>, Bound<'py, PyAny>) -> Result<T, Failure>,
) -> Result<T, Error> {
    within(|py| {
        let name = match purpose {
            Purpose::Look => "unpacked",
            Purpose::Convert => "bounded",
        };
        let value = server(py)?.call_method1(name, (text,))?;
        take(py, value)
    })
}

/// What a function yields.
pub(super) struct Stream {
    values: Py<PyAny>,
    /// The function's, for errors.
    name: String,
}

/// Calls a function for what it yields.
pub(super) fn stream(function: &Function, args: &str) -> Result<Stream, Error> {
    run(|py| {
        let values = ask(py, "stream", function, args)?.unbind();
        Ok(Stream { values, name: function.name.clone() })
    })
}

impl Stream {
    /// The next value in tagged JSON.
    pub(super) fn next(&mut self) -> Result<Option<String>, Error> {
        run(|py| match self.values.bind(py).try_iter()?.next() {
            Some(Err(error)) => Err(located(py, error, &self.name)),
            Some(value) => Ok(Some(value?.extract()?)),
            None => Ok(None),
        })
    }

    /// Ends it early: its `finally` blocks run, without SQL where the transaction is being undone.
    pub(super) fn close(self, ending: Ending) -> Result<(), Error> {
        bridge::call_end(Origin::Wrapper, ending, "the end of a stream", |py| {
            self.values.bind(py).call_method0("close")?;
            Ok(())
        })
    }
}
