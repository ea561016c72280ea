//! What lives as long as a plan node: scans and modifications. The danger is an end that comes twice or
//! never: a cell is owned by the query's memory context, listed while its value lives, and emptied once,
//! by the executor or by the abort of the (sub)transaction that it began in.

use std::ffi::c_void;

use pgrx::pg_sys;

use super::memory::{Access, ForLife};
use super::xact::Event;
use super::{guard, memory};
use crate::error::Error;

/// Why a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The executor shuts the node down.
    Normal,
    /// An error unwound the query: nothing may raise.
    Abort,
}

pub(crate) trait Ends: 'static {
    /// An error fails the statement if the executor ends the value, and is a warning otherwise.
    fn end(self, ending: Ending) -> Result<(), Error>;
}

pub(super) struct Cell<T: Ends> {
    value: Option<T>,
}

impl<T: Ends> Cell<T> {
    pub(super) fn get(&mut self) -> Result<&mut T, Error> {
        self.value.as_mut().ok_or_else(|| Error::internal("multicorn: a node is used after its end"))
    }

    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.end_as(Ending::Normal)
    }

    fn abort(&mut self) {
        if let Err(error) = self.end_as(Ending::Abort) {
            guard::warn(error);
        }
    }

    fn end_as(&mut self, ending: Ending) -> Result<(), Error> {
        let Some(value) = self.value.take() else { return Ok(()) };
        forget((&raw mut *self).cast());
        value.end(ending)
    }
}

impl<T: Ends> Drop for Cell<T> {
    fn drop(&mut self) {
        self.abort();
    }
}

struct Live {
    cell: *mut c_void,
    abort: unsafe fn(*mut c_void),
    subtransaction: u32,
}

thread_local! {
    static LIVE: ForLife<Vec<Live>> = ForLife::default();
}

/// Gives `value` to `context` and to the subtransaction whose abort ends it.
pub(super) fn own<T: Ends>(
    context: pg_sys::MemoryContext,
    subtransaction: u32,
    value: T,
) -> Result<*mut Cell<T>, Error> {
    let cell = memory::own(context, Cell { value: None })?;
    // SAFETY: just made.
    unsafe { fill(cell, subtransaction, value) };
    Ok(cell)
}

/// Gives `value` to a cell whose earlier one has ended.
///
/// # Safety
/// The cell's memory context has not been reset.
pub(super) unsafe fn fill<T: Ends>(cell: *mut Cell<T>, subtransaction: u32, value: T) {
    // SAFETY: the caller's promise.
    unsafe { (*cell).value = Some(value) };
    LIVE.change(|live| live.push(Live { cell: cell.cast(), abort: abort::<T>, subtransaction }));
}

/// Ends the value of the cell that a node keeps as its state; null where nothing began.
///
/// # Safety
/// `state` is null or points to a `Cell<T>` of a node that lives.
pub(super) unsafe fn end<T: Ends>(state: *mut c_void) -> Result<(), Error> {
    // SAFETY: the caller's promise.
    match unsafe { state.cast::<Cell<T>>().as_mut() } {
        Some(cell) => cell.end(),
        None => Ok(()),
    }
}

fn forget(cell: *mut c_void) {
    LIVE.change(|live| {
        if let Some(at) = live.iter().rposition(|entry| entry.cell == cell) {
            live.remove(at);
        }
    });
}

/// Ends what the aborting (sub)transaction began, and hands what a committing one leaves to its parent.
pub(super) fn listener(event: Event) -> Result<(), Error> {
    let ends = |entry: &Live| match event {
        Event::Abort => true,
        Event::AbortSub(id, _) => entry.subtransaction == id,
        _ => false,
    };
    if let Event::CommitSub { id, parent } = event {
        LIVE.change(|live| {
            live.iter_mut()
                .filter(|entry| entry.subtransaction == id)
                .for_each(|entry| entry.subtransaction = parent);
        });
    }
    // The last begun first: its query may run inside the generator of one before it.
    while let Some(entry) = LIVE.change(|live| live.iter().rposition(ends).map(|at| live.remove(at))) {
        // SAFETY: a listed cell is alive; ending it takes it off the list.
        unsafe { (entry.abort)(entry.cell) };
    }
    Ok(())
}

unsafe fn abort<T: Ends>(cell: *mut c_void) {
    // SAFETY: the caller's promise: the cell that was listed.
    unsafe { (*cell.cast::<Cell<T>>()).abort() }
}
