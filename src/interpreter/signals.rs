//! Python's side of signals: which function of ours Python calls for a signal, and how a C signal
//! handler asks for that call. The danger is everything that is not async-signal-safe: `request`
//! is called from signal handlers and does one call that is.

use std::ffi::c_int;

use pyo3::prelude::*;
use pyo3::{Bound, ffi, types::PyAny};

/// Makes `handler` Python's handler for `signal`. Python installs a C handler of its own for it.
pub(crate) fn install<'py>(py: Python<'py>, signal: c_int, handler: Bound<'py, PyAny>) -> PyResult<()> {
    // The C module: `signal` itself imports enum, which this start does not need.
    py.import("_signal")?.call_method1("signal", (signal, handler))?;
    Ok(())
}

/// Makes Python's main thread call its handler for `signal` soon. Async-signal-safe.
pub(crate) fn request(signal: c_int) {
    // SAFETY: documented as callable without the lock and from a signal handler.
    unsafe {
        ffi::PyErr_SetInterruptEx(signal);
    }
}
