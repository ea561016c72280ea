//! bytea and Python's bytes-like objects. The danger is a buffer whose owner is user code: it is
//! copied and given back before the server is called again.

use std::mem::MaybeUninit;

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;

use super::{fallback, python};
use crate::error::{Error, SqlState};
use crate::pg::guard::pg_try;
use crate::pg::types::Input;
use crate::pg::varlena::{self, Bytes};

/// # Safety
/// `object` is alive and not None; may raise.
pub(super) unsafe fn to_datum(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        if ffi::PyBytes_Check(object) != 0 {
            let length = ffi::PyBytes_Size(object) as usize;
            return Ok(varlena::from_bytes(ffi::PyBytes_AsString(object).cast(), length));
        }
        if ffi::PyObject_CheckBuffer(object) != 0 {
            return of_buffer(object);
        }
        // A str is bytea's input syntax: \x and hexadecimal digits, or escapes.
        fallback::to_datum(input, object)
    }
}

/// bytearray, memoryview, array, mmap: whatever lends its memory, in C order.
unsafe fn of_buffer(object: *mut ffi::PyObject) -> Result<Datum, Error> {
    // SAFETY: the buffer is released on each path, and nothing in between raises.
    unsafe {
        let mut view = MaybeUninit::<ffi::Py_buffer>::zeroed();
        let lent = python::running(|| ffi::PyObject_GetBuffer(object, view.as_mut_ptr(), ffi::PyBUF_FULL_RO));
        if lent != 0 {
            return Err(python::raised());
        }
        let view = view.assume_init_mut();
        let length = view.len as usize;
        let Some((datum, target)) = varlena::try_new(length) else {
            python::running(|| ffi::PyBuffer_Release(view));
            return Err(too_long(length));
        };
        let order = std::ffi::c_char::from_ne_bytes(*b"C");
        let copied = ffi::PyBuffer_ToContiguous(target.cast(), view, view.len, order);
        // The exception of a failed copy, if any, is taken before user code runs.
        let result = if copied == 0 { Ok(datum) } else { Err(python::raised()) };
        python::running(|| ffi::PyBuffer_Release(view));
        result
    }
}

#[cold]
fn too_long(length: usize) -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("{length} bytes are more than a value can be"))
}

/// # Safety
/// `datum` is a live bytea.
pub(super) unsafe fn to_python(py: Python<'_>, datum: Datum) -> Result<Bound<'_, PyAny>, Error> {
    // SAFETY: the caller's promise; the bytes are copied at once.
    unsafe {
        let bytes = match Bytes::plain(datum) {
            Some(bytes) => bytes,
            None => pg_try(|| Bytes::fetch(datum))?,
        };
        let object = ffi::PyBytes_FromStringAndSize(bytes.data.cast(), bytes.length as isize);
        Bound::from_owned_ptr_or_opt(py, object).ok_or_else(python::raised)
    }
}
