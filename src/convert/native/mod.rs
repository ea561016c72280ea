//! The values of `LANGUAGE python`: instances of the server's types, which Python calculates with by the
//! server's own operators, without a detour through text. The danger is the same as everywhere here, with
//! one more: these objects outlive the call that made them, so each owns what it holds.

mod array;
mod class;
mod column;
mod construct;
mod fast;
mod lend;
mod looking;
mod module;
mod object;
mod operator;
mod record;
mod scalar;
mod scratch;
mod slots;

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

pub(crate) use self::class::NativeValue;
pub(crate) use self::column::NativeColumn;
pub(crate) use self::module::extend;
pub(crate) use self::object::settle;
pub(in crate::convert) use self::record::{Parts, value_of};
use crate::bridge::{self, Failure, state};
use crate::pg::raw;

thread_local! {
    /// Its address tells the thread, quicker than a system call.
    static MARK: u8 = const { 0 };
}

static MAIN: AtomicUsize = AtomicUsize::new(0);

fn mark() -> usize {
    MARK.with(|mark| std::ptr::from_ref(mark) as usize)
}

/// Notes the thread that may reach the server.
fn note_main_thread() {
    MAIN.store(mark(), Ordering::Relaxed);
}

#[inline]
fn on_main_thread() -> bool {
    MAIN.load(Ordering::Relaxed) == mark()
}

/// Whether the server may be asked for something now.
#[inline]
fn ready() -> Result<(), Failure> {
    bridge::stay_one_process();
    // SAFETY: reads a variable of the backend.
    if on_main_thread() && !state::has_failed() && unsafe { raw::IsTransactionState() } {
        return Ok(());
    }
    Err(refused())
}

#[cold]
fn refused() -> Failure {
    if on_main_thread() && state::has_failed() {
        return Failure::Python(Python::attach(state::failed));
    }
    let reason = match on_main_thread() {
        false => "values of the server can be used only on the session's own thread",
        true => "values of the server cannot be used while no transaction is open",
    };
    Failure::Python(PyRuntimeError::new_err(reason))
}
