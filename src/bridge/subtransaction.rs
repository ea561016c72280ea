//! Server calls whose error is caught and survived: they run in an internal subtransaction, which
//! releases what the failed calls held. The danger is parallel mode, in which older servers forbid
//! subtransactions: there the error has to propagate.

use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::memory::{Access, ForLife};
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
pub(super) fn enter() -> Result<Place, Error> {
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
pub(crate) fn in_subtransaction<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let place = enter()?;
    match work() {
        Ok(value) => release(place).map(|()| value),
        Err(error) => match roll_back(place) {
            Ok(()) => Err(error),
            Err(worse) => Err(worse),
        },
    }
}

/// A subtransaction that Python code has begun and will end by itself.
struct Explicit {
    number: u64,
    context: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

#[derive(Default)]
struct Explicits {
    /// The innermost last.
    open: Vec<Explicit>,
    begun: u64,
}

thread_local! {
    static EXPLICIT: ForLife<Explicits> = ForLife::default();
}

/// How many subtransactions are open that Python code has begun. A function that finds more at its end than
/// at its begin has left some open: `abandon` ends them.
pub(crate) fn open_count() -> usize {
    EXPLICIT.read(|explicit| explicit.open.len())
}

/// The innermost of them.
pub(crate) fn innermost() -> Option<u64> {
    EXPLICIT.read(|explicit| explicit.open.last().map(|last| last.number))
}

/// Begins a subtransaction, and returns its number. What it is called from must not be one of
/// `in_subtransaction`: they are strictly nested.
pub(crate) fn begin() -> Result<u64, Error> {
    // SAFETY: raw calls; the memory context stays the caller's, whose values live on.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_try(|| {
            raw::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::CurrentMemoryContext = context;
        })?;
        Ok(EXPLICIT.change(|explicit| {
            explicit.begun += 1;
            explicit.open.push(Explicit { number: explicit.begun, context, owner });
            explicit.begun
        }))
    }
}

/// Ends the innermost subtransaction that `begin` began. A release that fails is a roll-back.
pub(crate) fn finish(commit: bool) -> Result<(), Error> {
    let Some(ended) = EXPLICIT.change(|explicit| explicit.open.pop()) else {
        return Err(Error::internal("multicorn: no subtransaction is open"));
    };
    // SAFETY: raw calls; the globals are put back on each way out.
    unsafe {
        let released = match commit {
            true => pg_try(|| raw::ReleaseCurrentSubTransaction()),
            false => Ok(()),
        };
        let outcome = match released {
            Ok(()) if commit => Ok(()),
            released => pg_try(|| raw::RollbackAndReleaseCurrentSubTransaction()).and(released),
        };
        pg_sys::CurrentMemoryContext = ended.context;
        pg_sys::CurrentResourceOwner = ended.owner;
        outcome
    }
}

/// Rolls back all but the first `count` that are open; tells how many that were.
pub(crate) fn abandon(count: usize) -> Result<usize, Error> {
    let mut abandoned = 0;
    while open_count() > count {
        finish(false)?;
        abandoned += 1;
    }
    Ok(abandoned)
}

/// The transaction has ended, and with it every subtransaction.
pub(super) fn forget() {
    EXPLICIT.change(|explicit| explicit.open.clear());
}
