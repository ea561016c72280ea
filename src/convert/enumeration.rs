//! Enum columns: a str, or a member of `enum.Enum` by its value if that is a str, else by its name.
//! The danger is `str()` of a member, which is neither.

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;

use super::fallback;
use super::held::Held;
use super::python::{self, Import, running};
use crate::error::Error;
use crate::pg::types::Input;

pub(super) static ENUM: Import = Import::new("enum", "Enum");

/// # Safety
/// `object` is alive and not None; may raise.
pub(super) unsafe fn to_datum(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        if ffi::PyUnicode_Check(object) != 0 {
            return fallback::to_datum(input, object);
        }
        let held = Held::new();
        match label(object)? {
            Some(label) => {
                held.own(label);
                let datum = fallback::to_datum(input, label);
                held.pop();
                datum
            }
            None => fallback::to_datum(input, object),
        }
    }
}

/// The label of an Enum member, a new reference; `None` for another class.
unsafe fn label(object: *mut ffi::PyObject) -> Result<Option<*mut ffi::PyObject>, Error> {
    Python::attach(|py| {
        // SAFETY: the caller holds the object.
        let object = unsafe { Bound::from_borrowed_ptr(py, object) };
        let class = ENUM.get(py)?;
        let label = || -> PyResult<Option<*mut ffi::PyObject>> {
            if !object.is_instance(class)? {
                return Ok(None);
            }
            let value = object.getattr(pyo3::intern!(py, "value"))?;
            if value.is_instance_of::<pyo3::types::PyString>() {
                return Ok(Some(value.into_ptr()));
            }
            Ok(Some(object.getattr(pyo3::intern!(py, "name"))?.into_ptr()))
        };
        // SAFETY: no server call inside.
        unsafe { running(label) }.map_err(|error| python::error(py, error))
    })
}
