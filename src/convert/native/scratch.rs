//! Memory for what the server allocates while Python asks it for something: one context for each level of
//! nesting, emptied afterwards. The danger is a result that is still needed: it is copied out inside.

use std::cell::Cell;

use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::memory::{Access, ForLife};
use crate::pg::raw;

thread_local! {
    static CONTEXTS: ForLife<Vec<usize>> = ForLife::default();
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Leaves the level also when a panic unwinds.
struct Level {
    old: pg_sys::MemoryContext,
    own: pg_sys::MemoryContext,
}

impl Level {
    #[inline]
    fn enter() -> Result<Self, Error> {
        let depth = DEPTH.get();
        let own = match CONTEXTS.read(|contexts| contexts.get(depth).copied()) {
            Some(own) => own as pg_sys::MemoryContext,
            None => create()?,
        };
        DEPTH.set(depth + 1);
        // SAFETY: variables of the backend; the context lives for the session.
        unsafe {
            let old = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = own;
            Ok(Level { old, own })
        }
    }
}

impl Drop for Level {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        // SAFETY: the context that was current before; resetting one does not raise.
        unsafe {
            pg_sys::CurrentMemoryContext = self.old;
            raw::MemoryContextReset(self.own);
        }
    }
}

#[cold]
fn create() -> Result<pg_sys::MemoryContext, Error> {
    // SAFETY: raw call; the top context is never deleted.
    let context = unsafe {
        pg_try(|| {
            raw::AllocSetContextCreateInternal(
                pg_sys::TopMemoryContext,
                c"multicorn values".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            )
        })?
    };
    CONTEXTS.change(|contexts| contexts.push(context as usize));
    Ok(context)
}

/// Runs `work` with everything that it allocates in a context that is emptied afterwards.
#[inline]
pub(super) fn scratch<T, E: From<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let _level = Level::enter()?;
    work()
}
