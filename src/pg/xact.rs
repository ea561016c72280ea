//! The ends of transactions and subtransactions. The danger is raising there: after a commit it is a
//! PANIC, so what listens returns nothing and deals with its own errors.

use std::cell::Cell;
use std::ffi::c_void;

use pgrx::pg_sys;

use super::guard::pg_try;
use super::raw;
use crate::error::Error;

/// What listeners are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The transaction ends without its work, in a parallel worker too.
    Abort,
    /// The subtransaction with this id is rolled back.
    AbortSub(u32),
    /// The subtransaction with this id becomes part of its parent.
    CommitSub { id: u32, parent: u32 },
}

thread_local! {
    static LISTENER: Cell<Option<fn(Event)>> = const { Cell::new(None) };
}

/// Calls `listener` at the end of every transaction from now on; one per backend.
pub(crate) fn listen(listener: fn(Event)) -> Result<(), Error> {
    if LISTENER.replace(Some(listener)).is_some() {
        return Ok(());
    }
    // SAFETY: raw calls; the callbacks live as long as the library.
    unsafe {
        pg_try(|| {
            raw::RegisterXactCallback(Some(transaction), std::ptr::null_mut());
            raw::RegisterSubXactCallback(Some(subtransaction), std::ptr::null_mut());
        })
    }
}

/// The server's TopSubTransactionId: the transaction itself counts as the outermost subtransaction.
pub(crate) const TOP: u32 = 1;

/// The innermost open subtransaction.
pub(crate) fn current_subtransaction() -> u32 {
    // SAFETY: reads the transaction state.
    unsafe { raw::GetCurrentSubTransactionId() }
}

fn tell(event: Event) {
    if let Some(listener) = LISTENER.get() {
        // A panic must not cross the server's frames in the middle of an abort.
        let _ = std::panic::catch_unwind(|| listener(event));
    }
}

unsafe extern "C-unwind" fn transaction(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_PARALLEL_ABORT};
    if matches!(event, XACT_EVENT_ABORT | XACT_EVENT_PARALLEL_ABORT) {
        tell(Event::Abort);
    }
}

unsafe extern "C-unwind" fn subtransaction(
    event: pg_sys::SubXactEvent::Type,
    id: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    match event {
        pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB => tell(Event::AbortSub(id)),
        pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => tell(Event::CommitSub { id, parent }),
        _ => {}
    }
}
