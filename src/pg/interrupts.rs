//! The server's interrupt flags, and the mark that Python is on top of the stack. The danger is a
//! flag that a signal handler writes between two of our instructions: everything here is a plain
//! load or store, and what is read twice is read volatile.

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering, compiler_fence};

use pgrx::pg_sys;

use super::guard::pg_try;
use super::raw;
use crate::error::Error;

/// True exactly while our own Python code is on top of the stack: a signal may then raise in
/// Python. `guard::pg_try` clears it for the time of its calls into the server.
pub(crate) static IN_PYTHON: AtomicBool = AtomicBool::new(false);

/// How many times Python has called the server on this stack: nested, each below the last.
static SUSPENDED: AtomicU32 = AtomicU32::new(0);

/// What tells Python that something is pending; set once, when Python starts.
static WAKE: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Why Python must, or must not, stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// Nothing, or nothing that this frame may act on.
    Nothing,
    /// The server holds interrupts: only it knows when they may be served.
    Held,
    /// A cancel, timeout or terminate: the statement ends.
    Stop,
    /// Anything else (a barrier, a message of a parallel worker, a recovery conflict, a client
    /// that is gone): only `ProcessInterrupts` knows whether it ends the statement.
    Serve,
}

/// Names the function that makes Python run its signal handlers.
pub(crate) fn set_wake(wake: fn()) {
    WAKE.store(wake as *mut (), Ordering::Relaxed);
}

#[cold]
fn wake() {
    let wake = WAKE.load(Ordering::Relaxed);
    if !wake.is_null() {
        // SAFETY: only `set_wake` stores here, always a `fn()`.
        let wake: fn() = unsafe { std::mem::transmute(wake) };
        wake();
    }
}

/// Whether the server has anything pending at all.
#[inline(always)]
pub(crate) fn any_pending() -> bool {
    // SAFETY: a `sig_atomic_t` of the backend, written by its signal handlers.
    unsafe { (&raw const pg_sys::InterruptPending).read_volatile() != 0 }
}

/// Whether the session is to end.
pub(crate) fn die_pending() -> bool {
    // SAFETY: as in `any_pending`.
    unsafe { (&raw const pg_sys::ProcDiePending).read_volatile() != 0 }
}

/// Marks Python as the top of the stack. The flag is written before the pending ones are read: a
/// signal between the two is seen by one side or the other.
#[inline(always)]
pub(crate) fn enter_python() {
    IN_PYTHON.store(true, Ordering::Relaxed);
    compiler_fence(Ordering::SeqCst);
    if any_pending() {
        wake();
    }
}

/// Marks the server or Rust as the top of the stack.
#[inline(always)]
pub(crate) fn leave_python() {
    IN_PYTHON.store(false, Ordering::Relaxed);
    compiler_fence(Ordering::SeqCst);
}

/// As `leave_python`; returns what `restore` needs.
#[inline(always)]
pub(crate) fn suspend() -> bool {
    let was = IN_PYTHON.load(Ordering::Relaxed);
    if was {
        leave_python();
        // No locked addition: the main thread alone writes it.
        SUSPENDED.store(SUSPENDED.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
    was
}

/// Undoes `suspend`.
#[inline(always)]
pub(crate) fn restore(was: bool) {
    if was {
        SUSPENDED.store(SUSPENDED.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Relaxed);
        enter_python();
    }
}

/// Whether the session ends by a FATAL error inside a call that Python made: its frames are still on
/// the stack and never return, so their objects must not be touched any more.
pub(crate) fn exiting_below_python() -> bool {
    // SAFETY: a variable of the backend, set once, when it begins to exit.
    SUSPENDED.load(Ordering::Relaxed) > 0 && unsafe { pg_sys::proc_exit_inprogress }
}

/// Runs `calls` while the server holds interrupts: what is pending stays so.
pub(crate) fn held<T>(calls: impl FnOnce() -> T) -> T {
    // SAFETY: a counter of the backend; `calls` hands errors back as values, so it returns here.
    unsafe { pg_sys::InterruptHoldoffCount += 1 };
    let result = calls();
    // SAFETY: as above; `pg_try` puts the count back to what it was when it began.
    unsafe { pg_sys::InterruptHoldoffCount -= 1 };
    result
}

/// What is pending, and whether it may be acted on here.
pub(crate) fn pending() -> Pending {
    if !any_pending() {
        return Pending::Nothing;
    }
    // SAFETY: plain variables of the backend, read on its main thread.
    unsafe {
        if pg_sys::InterruptHoldoffCount != 0 || pg_sys::CritSectionCount != 0 {
            return Pending::Held;
        }
        if die_pending() {
            return Pending::Stop;
        }
        // It ends the session too; named here, because `finally` blocks shall run before it does.
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        if (&raw const pg_sys::TransactionTimeoutPending).read_volatile() != 0 {
            return Pending::Stop;
        }
        if (&raw const pg_sys::QueryCancelPending).read_volatile() != 0 {
            // While a message is read from the client a cancel would lose the protocol's place.
            return if pg_sys::QueryCancelHoldoffCount == 0 { Pending::Stop } else { Pending::Held };
        }
    }
    Pending::Serve
}

/// Lets the server serve what is pending, and hands back the error by which it ends the statement.
pub(crate) fn serve() -> Result<(), Error> {
    // SAFETY: one raw call.
    unsafe { pg_try(|| raw::ProcessInterrupts()) }
}
