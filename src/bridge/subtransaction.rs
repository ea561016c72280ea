//! Server calls whose error is caught and survived: they run in an internal subtransaction, which
//! releases what the failed calls held. The danger is parallel mode, in which older servers forbid
//! subtransactions: there the error has to propagate.

use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::raw;

/// Runs `calls` in a subtransaction of their own; memory context and resource owner are the
/// caller's inside and afterwards.
///
/// # Safety
/// As `pg_try`.
pub(super) unsafe fn in_subtransaction<T>(calls: impl FnOnce() -> T) -> Result<T, Error> {
    // SAFETY: the caller's promise for `calls`; the others are raw calls, and both globals are put
    // back on each way out, since the server leaves them changed.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        let restore = || {
            pg_sys::CurrentMemoryContext = context;
            pg_sys::CurrentResourceOwner = owner;
        };
        pg_try(|| {
            raw::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::CurrentMemoryContext = context;
        })?;
        let result = match pg_try(calls) {
            Ok(value) => pg_try(|| raw::ReleaseCurrentSubTransaction()).map(|()| value),
            Err(error) => Err(error),
        };
        let result = match result {
            Ok(value) => Ok(value),
            // A release that failed halfway is rolled back as well.
            Err(error) => match pg_try(|| raw::RollbackAndReleaseCurrentSubTransaction()) {
                Ok(()) => Err(error),
                Err(worse) => Err(worse),
            },
        };
        restore();
        result
    }
}
