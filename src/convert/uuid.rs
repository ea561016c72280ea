//! uuid and `uuid.UUID`. The danger is byte order: both sides count from the most significant byte.

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::fallback;
use super::python::{self, Import, running};
use crate::error::Error;
use crate::pg::raw;
use crate::pg::types::Input;
use crate::pg::varlena;

pub(super) static UUID: Import = Import::new("uuid", "UUID");
const LENGTH: usize = 16;

/// # Safety
/// `object` is alive and not None; may raise.
pub(super) unsafe fn to_datum(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise; `bytes_of` has dropped everything when it returns.
    unsafe {
        if ffi::PyUnicode_Check(object) == 0
            && let Some(bytes) = bytes_of(object)?
        {
            let place = raw::palloc(LENGTH).cast::<u8>();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, LENGTH);
            return Ok(varlena::pointer(place.cast()));
        }
        // str in any of the forms that the server reads.
        fallback::to_datum(input, object)
    }
}

/// The bytes of a UUID, or `None` for another class.
unsafe fn bytes_of(object: *mut ffi::PyObject) -> Result<Option<[u8; LENGTH]>, Error> {
    Python::attach(|py| {
        // SAFETY: the caller holds the object.
        let object = unsafe { Bound::from_borrowed_ptr(py, object) };
        let class = UUID.get(py)?;
        let bytes = || -> PyResult<Option<[u8; LENGTH]>> {
            if !object.is_instance(class)? {
                return Ok(None);
            }
            let value: u128 = object.getattr(pyo3::intern!(py, "int"))?.extract()?;
            Ok(Some(value.to_be_bytes()))
        };
        // SAFETY: no server call inside.
        unsafe { running(bytes) }.map_err(|error| python::error(py, error))
    })
}

/// # Safety
/// `datum` is a live uuid.
pub(super) unsafe fn to_python(py: Python<'_>, datum: Datum) -> Result<Bound<'_, PyAny>, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(datum.cast_mut_ptr::<u8>(), LENGTH) };
    let class = UUID.get(py)?;
    let make = || -> PyResult<Bound<'_, PyAny>> {
        let arguments = PyDict::new(py);
        arguments.set_item(pyo3::intern!(py, "bytes"), PyBytes::new(py, bytes))?;
        class.call((), Some(&arguments))
    };
    // SAFETY: no server call inside.
    unsafe { running(make) }.map_err(|error| python::error(py, error))
}
