//! Server calls whose error is caught and survived: they run in an internal subtransaction, which
//! releases what the failed calls held. The danger is parallel mode, in which older servers forbid
//! subtransactions: there the error has to propagate.

use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::raw;

/// Memory context and resource owner of before a subtransaction.
#[derive(Clone, Copy)]
pub(super) struct Place {
    context: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

impl Place {
    fn restore(self) {
        // SAFETY: variables of the backend; both outlive the subtransaction that began at them.
        unsafe {
            pg_sys::CurrentMemoryContext = self.context;
            pg_sys::CurrentResourceOwner = self.owner;
        }
    }
}

/// Begins one. The memory context stays the caller's; what is acquired belongs to the subtransaction.
pub(super) fn begin() -> Result<Place, Error> {
    // SAFETY: raw calls; the globals are put back by whoever ends it, since the server leaves them changed.
    unsafe {
        let place = Place { context: pg_sys::CurrentMemoryContext, owner: pg_sys::CurrentResourceOwner };
        pg_try(|| {
            raw::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::CurrentMemoryContext = place.context;
        })?;
        Ok(place)
    }
}

/// Ends it well; if that fails, it is rolled back.
pub(super) fn release(place: Place) -> Result<(), Error> {
    // SAFETY: raw call, by whoever began the innermost one.
    let released = unsafe { pg_try(|| raw::ReleaseCurrentSubTransaction()) };
    match released {
        Ok(()) => {
            place.restore();
            Ok(())
        }
        Err(error) => {
            roll_back(place)?;
            Err(error)
        }
    }
}

/// Undoes it.
pub(super) fn roll_back(place: Place) -> Result<(), Error> {
    // SAFETY: as above.
    let undone = unsafe { pg_try(|| raw::RollbackAndReleaseCurrentSubTransaction()) };
    place.restore();
    undone
}

/// Runs `work` in a subtransaction of its own, which is rolled back if `work` fails; memory context
/// and resource owner are the caller's inside and afterwards.
pub(super) fn in_subtransaction<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let place = begin()?;
    match work() {
        Ok(value) => release(place).map(|()| value),
        Err(error) => match roll_back(place) {
            Ok(()) => Err(error),
            Err(worse) => Err(worse),
        },
    }
}
