//! The ends of transactions and subtransactions. The danger is raising there: before a commit an error
//! aborts, after it the server would PANIC, so what listens then deals with its own errors.

use std::ffi::c_void;

use pgrx::pg_sys;

use super::guard::{boundary, pg_try};
use super::memory::{Access, ForLife};
use super::raw;
use crate::error::Error;

/// What listeners are told, of parallel workers' transactions too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// An error returned here aborts the transaction.
    PreCommit,
    /// PREPARE TRANSACTION; an error returned here aborts it.
    PrePrepare,
    Commit,
    Abort,
    /// RELEASE of the savepoint at this nesting level; an error returned here rolls it back.
    PreCommitSub(i32),
    /// ROLLBACK TO, of the subtransaction with this id at this level.
    AbortSub(u32, i32),
    /// The subtransaction with this id has become part of its parent.
    CommitSub {
        id: u32,
        parent: u32,
    },
}

type Listener = fn(Event) -> Result<(), Error>;

thread_local! {
    static LISTENERS: ForLife<Vec<Listener>> = ForLife::default();
}

/// Calls `listener` at each event from now on, after those who listen already.
pub(crate) fn listen(listener: Listener) -> Result<(), Error> {
    let first = LISTENERS.read(Vec::is_empty);
    if first {
        // SAFETY: raw calls; the callbacks live as long as the library.
        unsafe {
            pg_try(|| {
                raw::RegisterXactCallback(Some(transaction), std::ptr::null_mut());
                raw::RegisterSubXactCallback(Some(subtransaction), std::ptr::null_mut());
            })?;
        }
    }
    LISTENERS.change(|listeners| {
        if !listeners.iter().any(|known| std::ptr::fn_addr_eq(*known, listener)) {
            listeners.push(listener);
        }
    });
    Ok(())
}

/// The server's TopSubTransactionId: the transaction itself counts as the outermost subtransaction.
pub(crate) const TOP: u32 = 1;

/// The innermost open subtransaction.
pub(crate) fn current_subtransaction() -> u32 {
    // SAFETY: reads the transaction state.
    unsafe { raw::GetCurrentSubTransactionId() }
}

/// 1 for the transaction itself, 2 for the first savepoint.
pub(crate) fn nesting_level() -> i32 {
    // SAFETY: reads the transaction state.
    unsafe { raw::GetCurrentTransactionNestLevel() }
}

pub(crate) fn is_serializable() -> bool {
    // SAFETY: reads the transaction state.
    unsafe { pg_sys::XactIsoLevel == pg_sys::XACT_SERIALIZABLE as i32 }
}

fn tell(event: Event) -> Result<(), Error> {
    LISTENERS.read(Clone::clone).into_iter().try_for_each(|listener| listener(event))
}

/// Where nothing may be raised: every listener is told, and an error or a panic is a warning.
fn tell_all(event: Event) {
    for listener in LISTENERS.read(Clone::clone) {
        if let Ok(Err(error)) = std::panic::catch_unwind(|| listener(event)) {
            super::guard::warn(error);
        }
    }
}

unsafe extern "C-unwind" fn transaction(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    use pg_sys::XactEvent::*;
    match event {
        XACT_EVENT_PRE_COMMIT | XACT_EVENT_PARALLEL_PRE_COMMIT => boundary(|| tell(Event::PreCommit)),
        XACT_EVENT_PRE_PREPARE => boundary(|| tell(Event::PrePrepare)),
        XACT_EVENT_COMMIT | XACT_EVENT_PARALLEL_COMMIT => tell_all(Event::Commit),
        XACT_EVENT_ABORT | XACT_EVENT_PARALLEL_ABORT => tell_all(Event::Abort),
        _ => {}
    }
}

unsafe extern "C-unwind" fn subtransaction(
    event: pg_sys::SubXactEvent::Type,
    id: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    use pg_sys::SubXactEvent::*;
    match event {
        SUBXACT_EVENT_PRE_COMMIT_SUB => boundary(|| tell(Event::PreCommitSub(nesting_level()))),
        SUBXACT_EVENT_ABORT_SUB => tell_all(Event::AbortSub(id, nesting_level())),
        SUBXACT_EVENT_COMMIT_SUB => tell_all(Event::CommitSub { id, parent }),
        _ => {}
    }
}
