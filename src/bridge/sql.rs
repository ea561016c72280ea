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
use crate::pg::{raw, role};

/// As whom the Python code that runs now may run SQL; `InvalidOid` for nobody.
static ACTING: AtomicU32 = AtomicU32::new(0);

/// From now on SQL runs as `role`: said whenever Python code is called for somebody, and so it holds until
/// it is called for somebody else. SQL itself puts it back.
#[inline]
pub(crate) fn act_as(role: pg_sys::Oid) {
    ACTING.store(role.to_u32(), Ordering::Relaxed);
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
    if let Some(refusal) = refusal() {
        return Err(PyRuntimeError::new_err(refusal));
    }
    let acting = ACTING.load(Ordering::Relaxed);
    // SAFETY: reads a variable of the backend.
    let alone = unsafe { raw::IsInParallelMode() };
    let work = || role::acting_as(pg_sys::Oid::from(acting), work);
    let outcome = if alone { work() } else { in_subtransaction(work) };
    // The statement may have called Python for others.
    ACTING.store(acting, Ordering::Relaxed);
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
