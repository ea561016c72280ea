//! What call sites kept for Python code that will not be called there again: generators, whose end is code of
//! the user's. The danger is the place where a site ends, in the middle of freeing its query's memory:
//! nothing is dropped there, but at the next call of a function, or at the end of the transaction.

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::bridge::{self, Failure};
use crate::error::Error;
use crate::pg::guard;
use crate::pg::memory::{Access, ForLife};
use crate::pg::xact::{self, Event};

thread_local! {
    static ENDED: ForLife<Vec<Py<PyDict>>> = ForLife::default();
    static LISTENS: Cell<bool> = const { Cell::new(false) };
}

/// Keeps it until its end may run.
pub(super) fn bury(kept: Py<PyDict>) {
    ENDED.change(|ended| ended.push(kept));
}

/// Lets what has ended go. Called where Python code may run.
#[inline]
pub(super) fn sweep() {
    if !ENDED.read(Vec::is_empty) {
        drop_all();
    }
}

#[cold]
fn drop_all() {
    if !LISTENS.replace(true)
        && let Err(error) = xact::listen(listener)
    {
        guard::warn(error);
    }
    let ended = ENDED.change(std::mem::take);
    let end = |_: Python<'_>| {
        drop(ended);
        Ok::<(), Failure>(())
    };
    if let Err(error) = bridge::call_hook("the end of a stateful function", end) {
        guard::warn(error);
    }
}

fn listener(event: Event) -> Result<(), Error> {
    if matches!(event, Event::PreCommit | Event::Abort) {
        sweep();
    }
    Ok(())
}
