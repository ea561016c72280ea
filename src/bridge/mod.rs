//! The only code that uses both fences for control: it starts Python, calls it, ends it when the
//! server asks, and carries errors and messages both ways. The danger is the border itself: a
//! Python exception never crosses a server frame, and a server error never crosses a Python frame.

pub(crate) mod errors;
pub(crate) mod exceptions;
pub(crate) mod interrupts;
pub(crate) mod logging;
pub(crate) mod native;
pub(crate) mod pinned;
pub(crate) mod rights;
pub(crate) mod secrets;
pub(crate) mod sql;
mod start;
pub(crate) mod state;
pub(crate) mod subtransaction;
mod transaction;
mod uncaught;

use std::sync::atomic::{AtomicU32, Ordering};

use pgrx::pg_sys;
use pyo3::prelude::*;

use crate::error::Error;
use crate::interpreter::lifecycle;
use crate::pg::interrupts::{Pending, exiting_below_python, pending};
use crate::pg::live::Ending;
pub(crate) use errors::Origin;

pub(crate) use start::{ensure, python_directories};
pub(crate) use subtransaction::in_subtransaction as survive;
pub(crate) use uncaught::uncaught;

/// What ends a piece of Python work: `?` takes both kinds.
pub(crate) enum Failure {
    Python(PyErr),
    Server(Error),
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure::Python(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Server(error)
    }
}

impl Failure {
    /// The error for the server, worded for a wrapper.
    pub(crate) fn into_error(self, py: Python<'_>, origin: Origin) -> Error {
        match self {
            Failure::Python(error) => errors::to_error(py, error, origin),
            Failure::Server(error) => error,
        }
    }
}

/// Runs Python code, starting Python first if need be; its steps fail in Python or in the server.
///
/// An exception comes back as an error in the wording of `origin`. If a cancel, timeout or terminate
/// became pending meanwhile, the result is `Error::Interrupted`, whatever `run` returned.
pub(crate) fn call_as<T>(
    origin: Origin,
    run: impl FnOnce(Python<'_>) -> Result<T, Failure>,
) -> Result<T, Error> {
    ensure()?;
    finish(inside(origin, run)?)
}

/// Whatever else has come up while Python ran.
fn finish<T>(value: T) -> Result<T, Error> {
    logging::flush()?;
    uncaught()?;
    check_interrupts()?;
    Ok(value)
}

/// `Error::Interrupted` if a cancel, timeout or terminate is pending.
#[inline]
pub(crate) fn check_interrupts() -> Result<(), Error> {
    if pending() == Pending::Stop { Err(Error::Interrupted) } else { Ok(()) }
}

/// As `call_as` for a wrapper's hook or clean-up that runs where the statement can still fail.
///
/// What a hook may do does not depend on how the statement went: SQL is refused and
/// multicorn.hook_timeout ends it, here too. The server's timeouts would not do: the end of a scan may come
/// with that of its portal, after the statement's own has been switched off.
pub(crate) fn call_early_hook<T>(
    name: &str,
    run: impl FnOnce(Python<'_>) -> Result<T, Failure>,
) -> Result<T, Error> {
    call_early_hook_as(Origin::Wrapper, name, run)
}

/// The same in the wording of `origin`.
fn call_early_hook_as<T>(
    origin: Origin,
    name: &str,
    run: impl FnOnce(Python<'_>) -> Result<T, Failure>,
) -> Result<T, Error> {
    ensure()?;
    let hook = interrupts::Hook::enter(true);
    let result = inside(origin, run).map_err(|error| hook.name_timeout(error, name));
    drop(hook);
    finish(result?)
}

/// Runs a transaction hook or a clean-up: while the server holds interrupts, so that no timeout of
/// its own applies. The setting multicorn.hook_timeout and a terminate end it; SQL is refused.
///
/// The caller turns an error into a WARNING, or raises it where the server allows that. Never
/// starts Python: what needs cleaning up was made by a running one.
pub(crate) fn call_hook<T>(
    name: &str,
    run: impl FnOnce(Python<'_>) -> Result<T, Failure>,
) -> Result<T, Error> {
    call_hook_as(Origin::Wrapper, name, run)
}

/// The same in the wording of `origin`.
fn call_hook_as<T>(
    origin: Origin,
    name: &str,
    run: impl FnOnce(Python<'_>) -> Result<T, Failure>,
) -> Result<T, Error> {
    if !start::is_started() {
        return Err(Error::internal(format!("{name}: Python does not run")));
    }
    if exiting_below_python() {
        // What `run` owns may be executing on the stack below, a generator for one, and dropping it
        // would run its code again. The process is gone before any of it could matter.
        std::mem::forget(run);
        return Err(Error::Interrupted);
    }
    let hook = interrupts::Hook::enter(false);
    let result = inside(origin, run).map_err(|error| hook.name_timeout(error, name));
    drop(hook);
    // A message that cannot be sent must not fail a commit.
    let _ = logging::flush();
    result
}

/// Runs what ends a node's value, in the wording of `origin`: as an early hook where the statement can still fail.
pub(crate) fn call_end<T>(
    origin: Origin,
    ending: Ending,
    name: &str,
    run: impl FnOnce(Python<'_>) -> Result<T, Failure>,
) -> Result<T, Error> {
    match ending {
        Ending::Normal => call_early_hook_as(origin, name, run),
        Ending::Abort => call_hook_as(origin, name, run),
    }
}

fn inside<T>(origin: Origin, run: impl FnOnce(Python<'_>) -> Result<T, Failure>) -> Result<T, Error> {
    stay_one_process();
    let _inside = interrupts::Inside::enter();
    let _origin = errors::Speaking::enter(origin);
    Python::attach(|py| run(py).map_err(|failure| failure.into_error(py, origin)))
}

/// Ends a forked child that got here: it would go on as a second backend on the same connection.
#[inline]
pub(crate) fn stay_one_process() {
    if is_child() {
        // SAFETY: ends the process without running any of the server's exit code.
        unsafe { libc::_exit(1) }
    }
}

/// The same as `in_child`, which is a system call, at the price of a load.
#[inline]
pub(crate) fn is_child() -> bool {
    lifecycle::was_forked() && in_child()
}

fn in_child() -> bool {
    // SAFETY: cannot fail; MyProcPid is set once, at the start of the backend.
    unsafe { libc::getpid() != pg_sys::MyProcPid }
}

static NO_SQL: AtomicU32 = AtomicU32::new(0);

/// SQL is refused for its lifetime.
struct WithoutSql;

impl WithoutSql {
    fn enter() -> Self {
        NO_SQL.fetch_add(1, Ordering::Relaxed);
        WithoutSql
    }
}

impl Drop for WithoutSql {
    fn drop(&mut self) {
        NO_SQL.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether Python code may run SQL now: not in hooks and clean-ups, where the server is ending a
/// transaction and would lose what such SQL queues.
pub(crate) fn sql_allowed() -> bool {
    NO_SQL.load(Ordering::Relaxed) == 0
}
