//! The frame around SQL that Python asks for: whether it may run now, and what becomes of its error. The
//! danger is what a failed statement leaves behind: it runs in an internal subtransaction, so that Python
//! may catch the error and go on; where the server forbids that, the error ends the statement whatever
//! Python does with it.

use std::sync::atomic::{AtomicU32, Ordering};

use pgrx::pg_sys;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::subtransaction::in_subtransaction;
use super::{errors, interrupts, uncaught};
use crate::error::Error;
use crate::pg::memory::{Access, ForLife};
use crate::pg::{raw, role};

/// As whom the Python code that runs now may run SQL; `InvalidOid` for nobody.
static ACTING: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// Who acted when each of the open subtransactions began.
    static OUTER: ForLife<Vec<u32>> = ForLife::default();
}

/// Runs `work`, in which Python code is called for `role`, with whose rights its SQL runs.
///
/// The server may raise through this from the row loop: then the subtransaction's end puts it back.
#[inline]
pub(crate) fn acting_for<T>(role: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let before = ACTING.swap(role.to_u32(), Ordering::Relaxed);
    let result = work();
    ACTING.store(before, Ordering::Relaxed);
    result
}

pub(super) fn subtransaction_began() {
    OUTER.change(|outer| outer.push(ACTING.load(Ordering::Relaxed)));
}

/// An error may have skipped whatever puts it back.
pub(super) fn subtransaction_ended(undone: bool) {
    // One that began before somebody listened was of no use to Python.
    let before = OUTER.change(Vec::pop).unwrap_or_default();
    if undone {
        ACTING.store(before, Ordering::Relaxed);
    }
}

pub(super) fn transaction_ended() {
    OUTER.change(Vec::clear);
    ACTING.store(0, Ordering::Relaxed);
}

/// Why SQL cannot be run now.
fn refusal() -> Option<&'static str> {
    if super::in_child() || !interrupts::on_main_thread() {
        return Some("SQL can be run only on the session's own thread");
    }
    if !super::sql_allowed() {
        return Some("SQL cannot be run in a transaction hook or a clean-up");
    }
    // SAFETY: reads a variable of the backend.
    if !unsafe { raw::IsTransactionState() } {
        // The end of an object may come with the memory of an aborted transaction.
        return Some("SQL cannot be run while a transaction ends");
    }
    if ACTING.load(Ordering::Relaxed) == 0 || !interrupts::is_inside() {
        return Some("SQL can be run only where the server calls Python");
    }
    None
}

/// Runs `work`, which runs SQL, as the role that Python acts for. Raises RuntimeError where SQL cannot be
/// run, and `ServerError` for what the server raises.
pub(crate) fn run<T>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    run_as(py, acting(), work)
}

/// The role that Python acts for.
pub(crate) fn acting() -> pg_sys::Oid {
    pg_sys::Oid::from(ACTING.load(Ordering::Relaxed))
}

/// As `run`, as another role: the one that began what goes on now.
pub(crate) fn run_as<T>(
    py: Python<'_>,
    role: pg_sys::Oid,
    work: impl FnOnce() -> Result<T, Error>,
) -> PyResult<T> {
    if let Some(refusal) = refusal() {
        return Err(PyRuntimeError::new_err(refusal));
    }
    // SAFETY: reads a variable of the backend.
    let alone = unsafe { raw::IsInParallelMode() };
    let work = || role::acting_as(role, work);
    // A foreign table's rows are read by a loop that does not say whose they are.
    let _origin = errors::Speaking::enter(errors::Origin::Wrapper);
    // The statement may call Python for others, and fail.
    let outcome = acting_for(acting(), || if alone { work() } else { in_subtransaction(work) });
    outcome.map_err(|error| {
        if alone {
            uncaught::keep(&error);
        }
        errors::to_python(py, error)
    })
}

/// Whether `run` would refuse: asked by what cleans up, and rather leaves it.
pub(crate) fn is_possible() -> bool {
    refusal().is_none()
}
