//! Memory contexts: a scratch context around catalogue reading, and Rust values whose owner is a
//! context. The danger is a value that outlives its context, or a destructor that raises inside a
//! context's reset.

use std::cell::RefCell;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::LocalKey;

use pgrx::pg_sys;

use super::guard::pg_try;
use super::raw;
use crate::error::Error;

/// Runs `work` with everything that it allocates in a context of its own, deleted afterwards.
pub(crate) fn scratch<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: raw calls; the old context is put back before the new one is deleted, and `work`
    // returns its errors as values, so both always happen.
    unsafe {
        let old = pg_sys::CurrentMemoryContext;
        let temporary = pg_try(|| {
            raw::AllocSetContextCreateInternal(
                old,
                c"multicorn scratch".as_ptr(),
                pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            )
        })?;
        pg_sys::CurrentMemoryContext = temporary;
        let result = work();
        pg_sys::CurrentMemoryContext = old;
        pg_try(|| raw::MemoryContextDelete(temporary))?;
        result
    }
}

/// Gives `value` to `context`, which drops it when it is reset or deleted: at the normal end of a
/// query, after LIMIT, for a closed cursor and after an error alike.
pub(crate) fn own<T: 'static>(context: pg_sys::MemoryContext, value: T) -> Result<*mut T, Error> {
    unsafe extern "C-unwind" fn release<T>(place: *mut c_void) {
        // SAFETY: `place` came from Box::into_raw below, and a callback runs once.
        let value = unsafe { Box::from_raw(place.cast::<T>()) };
        // A panic must not unwind into the reset of a context.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
    // SAFETY: raw calls; the callback struct lives in the context that calls it.
    let callback =
        unsafe { pg_try(|| raw::MemoryContextAlloc(context, size_of::<pg_sys::MemoryContextCallback>()))? };
    let callback: *mut pg_sys::MemoryContextCallback = callback.cast();
    let place = Box::into_raw(Box::new(value));
    // SAFETY: fresh memory of the right size and alignment; registering only links it.
    unsafe {
        callback.write(pg_sys::MemoryContextCallback {
            func: Some(release::<T>),
            arg: place.cast(),
            next: std::ptr::null_mut(),
        });
        raw::MemoryContextRegisterResetCallback(context, callback);
    }
    Ok(place)
}

/// A context of the backend's life that a Rust value owns, for what the server keeps beside cached
/// plans (function look-ups and their caches).
pub(crate) struct OwnedContext(pg_sys::MemoryContext);

impl OwnedContext {
    pub(crate) fn new() -> Result<Self, Error> {
        // SAFETY: raw call; the top context is never deleted.
        let context = unsafe {
            pg_try(|| {
                raw::AllocSetContextCreateInternal(
                    pg_sys::TopMemoryContext,
                    c"multicorn cache".as_ptr(),
                    pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                    pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                    pg_sys::ALLOCSET_SMALL_MAXSIZE as usize,
                )
            })?
        };
        Ok(OwnedContext(context))
    }

    /// Runs `work` with everything that it allocates in this context.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        // SAFETY: `work` returns its errors as values, so the old context is always put back.
        unsafe {
            let old = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = self.0;
            let result = work();
            pg_sys::CurrentMemoryContext = old;
            result
        }
    }
}

impl OwnedContext {
    /// Frees everything in it.
    pub(crate) fn reset(&self) -> Result<(), Error> {
        // SAFETY: raw call; what is allocated in it is of no more use, says the caller.
        unsafe { pg_try(|| raw::MemoryContextReset(self.0)) }
    }
}

impl Drop for OwnedContext {
    fn drop(&mut self) {
        // SAFETY: made by `new`, deleted once; deleting an AllocSet does not raise.
        let _ = unsafe { pg_try(|| raw::MemoryContextDelete(self.0)) };
    }
}

/// Memory for one piece of work, used again by the next: making a context costs more than a small statement.
pub(crate) struct Scratch(Option<OwnedContext>);

thread_local! {
    static POOL: ForLife<Vec<OwnedContext>> = ForLife::default();
}

impl Scratch {
    pub(crate) fn take() -> Result<Self, Error> {
        let context = match POOL.change(Vec::pop) {
            Some(context) => context,
            None => OwnedContext::new()?,
        };
        Ok(Scratch(Some(context)))
    }

    /// Runs `work` with everything that it allocates in this memory.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        match &self.0 {
            Some(context) => context.within(work),
            None => work(),
        }
    }

    pub(crate) fn reset(&self) -> Result<(), Error> {
        self.0.as_ref().map_or(Ok(()), OwnedContext::reset)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        /// As deep as statements are nested in sessions that are not a test.
        const KEPT: usize = 4;
        let Some(context) = self.0.take() else { return };
        // Dropped otherwise, which frees it.
        if context.reset().is_ok() {
            POOL.change(|pool| {
                if pool.len() < KEPT {
                    pool.push(context);
                }
            });
        }
    }
}

/// A value of the backend's life, for `thread_local!`. It is never dropped: destructors at the
/// process's exit would run after the server and Python have shut down.
pub(crate) struct ForLife<T>(ManuallyDrop<RefCell<T>>);

impl<T: Default> Default for ForLife<T> {
    fn default() -> Self {
        ForLife(ManuallyDrop::new(RefCell::default()))
    }
}

/// Access to a `ForLife`, which must not be entered again meanwhile.
pub(crate) trait Access<T: 'static> {
    fn read<R>(&'static self, work: impl FnOnce(&T) -> R) -> R;
    fn change<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> R;
    /// As `change`, or `None` if somebody is inside: for callbacks that come at any time.
    fn try_change<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> Option<R>;
}

impl<T: 'static> Access<T> for LocalKey<ForLife<T>> {
    fn read<R>(&'static self, work: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| work(&cell.0.borrow()))
    }

    fn change<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| work(&mut cell.0.borrow_mut()))
    }

    fn try_change<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.with(|cell| cell.0.try_borrow_mut().ok().map(|mut value| work(&mut value)))
    }
}
