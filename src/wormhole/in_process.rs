//! Functions in the server's own process. The danger is whose: `wormhole_protocol::choose` has said before
//! that superusers vouch for every one that gets here.

use std::rc::Rc;

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::failure;
use super::queries::CALLER;
use super::registry::{self, Function, Modules};
use crate::bridge::sql::called_by;
use crate::bridge::{self, Failure, Origin};
use crate::error::Error;
use crate::gucs;
use crate::pg::memory::{Access, ForLife};

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

/// Calls a function: its value in tagged JSON.
pub(super) fn call(function: &Function, args: &str) -> Result<String, Error> {
    run(|py| Ok(ask(py, "call", function, args)?.extract()?))
}

/// What a function yields.
pub(super) struct Stream(Py<PyAny>);

/// Calls a function for what it yields.
pub(super) fn stream(function: &Function, args: &str) -> Result<Stream, Error> {
    run(|py| Ok(Stream(ask(py, "stream", function, args)?.unbind())))
}

impl Stream {
    /// The next value in tagged JSON.
    pub(super) fn next(&mut self) -> Result<Option<String>, Error> {
        run(|py| match self.0.bind(py).try_iter()?.next() {
            Some(value) => Ok(Some(value?.extract()?)),
            None => Ok(None),
        })
    }

    /// Ends it early: its `finally` blocks run, without SQL where the transaction is being undone.
    pub(super) fn close(self, undone: bool) -> Result<(), Error> {
        let close = |py: Python<'_>| {
            self.0.bind(py).call_method0("close")?;
            Ok::<(), Failure>(())
        };
        match undone {
            false => bridge::call_early_hook("the end of a stream", close),
            true => bridge::call_hook("the end of a stream", close),
        }
    }
}
