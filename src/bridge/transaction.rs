//! What the ends of transactions mean to the bridge. The danger is the callback's place: at an abort
//! nothing may be raised any more, so there only marks are taken back.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::pg_sys;
use pyo3::prelude::*;

use super::{Failure, sql, state, subtransaction, uncaught};
use crate::error::Error;
use crate::pg::guard::{boundary, pg_try};
use crate::pg::{interrupts, raw};

/// Whether Python wrote a line without its end in this transaction.
static UNFINISHED: AtomicBool = AtomicBool::new(false);

/// The end of the transaction has output to send.
pub(super) fn note_output() {
    UNFINISHED.store(true, Ordering::Relaxed);
}

/// Registers the callbacks, for the life of the backend; the caller does it once.
pub(super) fn register() -> Result<(), Error> {
    // SAFETY: raw calls; the callbacks are static functions.
    unsafe {
        pg_try(|| {
            raw::RegisterXactCallback(Some(at_event), std::ptr::null_mut());
            raw::RegisterSubXactCallback(Some(at_subtransaction_event), std::ptr::null_mut());
        })
    }
}

unsafe extern "C-unwind" fn at_event(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    use pg_sys::XactEvent as Event;
    match event {
        Event::XACT_EVENT_PRE_COMMIT
        | Event::XACT_EVENT_PARALLEL_PRE_COMMIT
        | Event::XACT_EVENT_PRE_PREPARE => boundary(|| {
            finish_output();
            uncaught::uncaught()
        }),
        Event::XACT_EVENT_ABORT | Event::XACT_EVENT_PARALLEL_ABORT => forget(),
        Event::XACT_EVENT_COMMIT | Event::XACT_EVENT_PARALLEL_COMMIT | Event::XACT_EVENT_PREPARE => {
            subtransaction::forget();
            sql::transaction_ended();
            state::transaction_ended();
        }
        _ => {}
    }
}

unsafe extern "C-unwind" fn at_subtransaction_event(
    event: pg_sys::SubXactEvent::Type,
    _id: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _arg: *mut c_void,
) {
    use pg_sys::SubXactEvent as Event;
    match event {
        Event::SUBXACT_EVENT_START_SUB => sql::subtransaction_began(),
        Event::SUBXACT_EVENT_COMMIT_SUB => sql::subtransaction_ended(false),
        Event::SUBXACT_EVENT_ABORT_SUB => {
            interrupts::leave_python();
            // Parallel mode begins and ends inside one: it has released what the statement held.
            uncaught::forget();
            sql::subtransaction_ended(true);
            state::era_ended();
        }
        _ => {}
    }
}

/// An error ended the transaction: no Python frame of ours is on the stack.
fn forget() {
    super::interrupts::forget();
    uncaught::forget();
    subtransaction::forget();
    sql::transaction_ended();
    state::transaction_ended();
}

/// Sends what was printed without a line end. Output is a courtesy: it fails no commit.
fn finish_output() {
    if UNFINISHED.swap(false, Ordering::Relaxed) {
        let _ = super::call_hook("the end of Python's output", |py| {
            py.import("multicorn._output")?.call_method0("flush")?;
            Ok::<(), Failure>(())
        });
    }
}
