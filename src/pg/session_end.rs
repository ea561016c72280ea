//! The last transaction of a session, begun when it ends. The danger is that there an error is FATAL and that
//! nothing interrupts a wait: what runs in it waits for nobody, and it is left out where a statement was
//! broken off, on a standby, and in a process that is no backend of its own.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pgrx::pg_sys;

use super::guard::pg_try;
use super::{caller, raw, raw_more};
use crate::error::Error;

/// What is to be done, and whether there is anything to do.
#[derive(Clone, Copy)]
pub(crate) struct Last {
    pub(crate) is_needed: fn() -> bool,
    pub(crate) work: fn() -> Result<(), Error>,
}

thread_local! {
    static LAST: Cell<Option<Last>> = const { Cell::new(None) };
}

/// Does it when the session ends. One at most is kept.
pub(crate) fn do_last(last: Last) -> Result<(), Error> {
    if LAST.replace(Some(last)).is_some() {
        return Ok(());
    }
    // SAFETY: raw call; the callback lives as long as the library.
    unsafe { pg_try(|| raw_more::before_shmem_exit(Some(ends), pg_sys::Datum::null())) }
}

unsafe extern "C-unwind" fn ends(code: c_int, _argument: pg_sys::Datum) {
    let Some(last) = LAST.take() else { return };
    // Nothing may leave from here; what failed is not done.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if is_possible(code) && (last.is_needed)() { in_transaction(last.work) } else { Ok(()) }
    }));
}

fn is_possible(code: c_int) -> bool {
    // SAFETY: cannot fail; variables of the backend, and raw calls that read its state.
    unsafe {
        let own = libc::getpid() == pg_sys::MyProcPid;
        // A client that just goes leaves its transaction open, and nothing of it is on the stack.
        let is_quiet = code == 0 || !raw_more::IsTransactionOrTransactionBlock();
        own && is_quiet && pg_sys::ParallelWorkerNumber < 0 && !raw_more::RecoveryInProgress()
    }
}

/// The commit waits for no standby.
const SETTING: (&CStr, &CStr) = (c"synchronous_commit", c"off");

fn in_transaction(work: fn() -> Result<(), Error>) -> Result<(), Error> {
    // SAFETY: raw calls in the order in which the server itself makes them when it removes temporary tables
    // at this point; the variable belongs to the transaction that has just begun.
    unsafe {
        pg_try(|| {
            raw_more::AbortOutOfAnyTransaction();
            raw_more::StartTransactionCommand();
            pg_sys::XactIsoLevel = pg_sys::XACT_READ_COMMITTED as c_int;
            raw::set_config_option(
                SETTING.0.as_ptr(),
                SETTING.1.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_LOCAL,
                true,
                0,
                false,
            );
        })?;
        let done = caller::with_snapshot(work);
        pg_try(|| match done {
            Ok(()) => raw_more::CommitTransactionCommand(),
            Err(_) => raw_more::AbortOutOfAnyTransaction(),
        })
    }
}
