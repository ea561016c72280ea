//! Server calls whose error is caught and survived: they run in an internal subtransaction, which
//! releases what the failed calls held. The danger is parallel mode, in which older servers forbid
//! subtransactions: there the error has to propagate.

use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::raw;

/// Runs `work` in a subtransaction of its own, which is rolled back if `work` fails; memory context
/// and resource owner are the caller's inside and afterwards.
pub(crate) fn in_subtransaction<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: raw calls; the globals are put back on each way out, since the server leaves them
    // changed.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_try(|| {
            raw::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::CurrentMemoryContext = context;
        })?;
        // A release that fails halfway is rolled back as well.
        let result = work().and_then(|value| pg_try(|| raw::ReleaseCurrentSubTransaction()).map(|()| value));
        let result = match result {
            Ok(value) => Ok(value),
            Err(error) => match pg_try(|| raw::RollbackAndReleaseCurrentSubTransaction()) {
                Ok(()) => Err(error),
                Err(worse) => Err(worse),
            },
        };
        pg_sys::CurrentMemoryContext = context;
        pg_sys::CurrentResourceOwner = owner;
        result
    }
}
