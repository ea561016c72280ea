//! The error of a statement that ran without a subtransaction, where the server forbids those: it has to
//! reach the server, whatever Python does with its exception. The danger is losing it, since what the
//! failed statement held is released by nothing but an abort.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::errors;
use crate::error::Error;

/// Kept until an abort has released what the statement held: a warning may swallow it on the way.
static UNCAUGHT: Mutex<Option<Error>> = Mutex::new(None);
/// Whether there is one: the row loop asks for each row.
static IS_UNCAUGHT: AtomicBool = AtomicBool::new(false);

/// The error that Python code caught but may not keep.
#[inline]
pub(crate) fn uncaught() -> Result<(), Error> {
    if IS_UNCAUGHT.load(Ordering::Relaxed) { copy() } else { Ok(()) }
}

#[cold]
fn copy() -> Result<(), Error> {
    let kept = UNCAUGHT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.as_ref().map_or(Ok(()), |error| Err(errors::copy(error)))
}

/// Notes an error that must not be caught; the first one counts.
pub(super) fn keep(error: &Error) {
    let copy = errors::copy(error);
    UNCAUGHT.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(copy);
    IS_UNCAUGHT.store(true, Ordering::Relaxed);
}

/// An abort has released everything.
pub(super) fn forget() {
    if IS_UNCAUGHT.swap(false, Ordering::Relaxed) {
        UNCAUGHT.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
