//! Server calls whose error is caught and survived: they run in an internal subtransaction, which
//! releases what the failed calls held. The danger is parallel mode, in which older servers forbid
//! subtransactions: there the error has to propagate.

use pgrx::pg_sys;

use super::state;
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::memory::{Access, ForLife};
use crate::pg::{raw, xact};

/// A subtransaction that was begun: its level, and the resource owner of before.
#[derive(Clone, Copy)]
pub(super) struct Place {
    owner: pg_sys::ResourceOwner,
    level: i32,
}

impl Place {
    /// Whether it is the one that would be ended now. Python code that runs while a statement of its own is
    /// prepared or read is inside of that one's.
    pub(super) fn is_innermost(self) -> bool {
        xact::nesting_level() == self.level
    }

    /// Runs `end`, which ends the subtransaction. The memory context stays that of whoever ends it: the one
    /// of its beginning may be gone, if a generator began it and something else ends it.
    fn ending(self, end: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        // SAFETY: variables of the backend; the owner outlives the subtransaction that began at it.
        unsafe {
            let context = pg_sys::CurrentMemoryContext;
            let ended = end();
            pg_sys::CurrentMemoryContext = context;
            pg_sys::CurrentResourceOwner = self.owner;
            ended
        }
    }
}

/// Begins one. The memory context stays the caller's; what is acquired belongs to the subtransaction.
pub(super) fn enter() -> Result<Place, Error> {
    // SAFETY: raw calls; the globals are put back by whoever ends it, since the server leaves them changed.
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_try(|| {
            raw::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::CurrentMemoryContext = context;
        })?;
        Ok(Place { owner, level: xact::nesting_level() })
    }
}

/// Ends it well; if that fails, it is rolled back.
pub(super) fn release(place: Place) -> Result<(), Error> {
    abandon_inner(place)?;
    if !place.is_innermost() {
        return Err(Error::internal("multicorn: the subtransaction has ended already"));
    }
    // SAFETY: raw call, by whoever began the innermost one.
    place.ending(|| unsafe { pg_try(|| raw::ReleaseCurrentSubTransaction()) }).or_else(|error| {
        roll_back(place)?;
        Err(error)
    })
}

/// Undoes it.
pub(super) fn roll_back(place: Place) -> Result<(), Error> {
    abandon_inner(place)?;
    if !place.is_innermost() {
        return Ok(()); // one around it was rolled back
    }
    // SAFETY: as above.
    place.ending(|| unsafe { pg_try(|| raw::RollbackAndReleaseCurrentSubTransaction()) })
}

/// Undoes what was begun inside of it and not ended: by Python code that ran meanwhile.
fn abandon_inner(place: Place) -> Result<(), Error> {
    while xact::nesting_level() > place.level {
        // SAFETY: as above: an internal subtransaction, since only those are begun inside of one.
        place.ending(|| unsafe { pg_try(|| raw::RollbackAndReleaseCurrentSubTransaction()) })?;
    }
    Ok(())
}

/// Runs `work` in a subtransaction of its own, which is rolled back if `work` fails; memory context
/// and resource owner are the caller's inside and afterwards.
pub(crate) fn in_subtransaction<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: a variable of the backend; the context lives as long as this frame.
    let context = unsafe { pg_sys::CurrentMemoryContext };
    let place = enter()?;
    let outcome = work();
    // Work that failed may have left a connection of its own, whose memory goes with the subtransaction.
    // SAFETY: as above.
    unsafe { pg_sys::CurrentMemoryContext = context };
    match outcome {
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
    place: Place,
    /// The call that began it, by the depth of calls.
    call: usize,
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

/// The innermost of them, if the running call may end it now.
pub(crate) fn innermost() -> Option<u64> {
    EXPLICIT.read(|explicit| {
        let last = explicit.open.last()?;
        (last.place.is_innermost() && last.call == state::calls()).then_some(last.number)
    })
}

/// Begins a subtransaction, and returns its number. What it is called from must not be one of
/// `in_subtransaction`: they are strictly nested.
pub(crate) fn begin() -> Result<u64, Error> {
    let place = enter()?;
    Ok(EXPLICIT.change(|explicit| {
        explicit.begun += 1;
        explicit.open.push(Explicit { number: explicit.begun, place, call: state::calls() });
        explicit.begun
    }))
}

/// Ends the innermost subtransaction that `begin` began. A release that fails is a roll-back.
pub(crate) fn finish(commit: bool) -> Result<(), Error> {
    let Some(ended) = EXPLICIT.change(|explicit| explicit.open.pop()) else {
        return Err(Error::internal("multicorn: no subtransaction is open"));
    };
    if commit { release(ended.place) } else { roll_back(ended.place) }
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
