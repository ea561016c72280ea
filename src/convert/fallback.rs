//! Every type without a path of its own, and every value that the type's own path does not know:
//! its text form through the type's input and output functions. The danger is doing so for a value
//! whose text form means something else; the families above catch those first.

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;

use super::text;
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::types::{Input, Output};

/// `object`'s text form, read by the type's input function.
///
/// # Safety
/// `object` is alive and not None; may raise.
pub(super) unsafe fn to_datum(input: &Input, object: *mut ffi::PyObject) -> Result<Datum, Error> {
    // SAFETY: the caller's promise; `of_object` gives NUL-terminated text.
    unsafe { text::of_object(object).map(|text| input.call(text.data.cast())) }
}

/// The output function's text, as the session's settings have it, as a str.
///
/// # Safety
/// As of `to_python`.
pub(super) unsafe fn shown<'py>(
    py: Python<'py>,
    output: &Output,
    datum: Datum,
) -> Result<Bound<'py, PyAny>, Error> {
    // SAFETY: raw call; it returns NUL-terminated text.
    unsafe {
        let shown = pg_try(|| output.call(datum))?;
        text::to_str(py, shown.cast(), libc::strlen(shown))
    }
}

/// The output function's text as a str.
///
/// # Safety
/// `datum` is a live value of the type; the thread holds the GIL.
pub(super) unsafe fn to_python<'py>(
    py: Python<'py>,
    output: &Output,
    datum: Datum,
) -> Result<Bound<'py, PyAny>, Error> {
    // SAFETY: raw call; it returns NUL-terminated text.
    unsafe {
        let shown = output.portable(datum)?;
        text::to_str(py, shown.cast(), libc::strlen(shown))
    }
}
