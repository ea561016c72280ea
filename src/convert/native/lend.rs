//! Operations that only some classes have, put into their slots: the memory of bytea, subscripts of arrays
//! and records, columns as attributes. The danger is the buffer: whoever has it reads the value's own bytes,
//! so they must not move while it is lent, and they do not.

use std::ffi::c_int;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::class::Kind;
use super::slots::{reference, slot, this};
use super::{array, record, scalar};
use crate::pg::varlena::Bytes;

/// Fills the slots of a new class.
///
/// # Safety
/// `class` is a new heap type, which nobody uses yet.
pub(super) unsafe fn fill(class: *mut ffi::PyTypeObject, kind: Kind) {
    // SAFETY: the caller's promise; a heap type has tables of its own.
    unsafe {
        match kind {
            Kind::Bytea if !(*class).tp_as_buffer.is_null() => {
                (*(*class).tp_as_buffer).bf_getbuffer = Some(lend);
            }
            Kind::Text if !(*class).tp_as_sequence.is_null() => {
                (*(*class).tp_as_sequence).sq_length = Some(text_length);
            }
            Kind::Array if !(*class).tp_as_mapping.is_null() => {
                (*(*class).tp_as_mapping).mp_subscript = Some(array_item);
            }
            Kind::Record if !(*class).tp_as_mapping.is_null() => {
                (*(*class).tp_as_mapping).mp_subscript = Some(record_item);
                (*class).tp_getattro = Some(record_attribute);
                (*class).tp_iter = Some(record_values);
            }
            _ => {}
        }
    }
}

unsafe extern "C" fn lend(object: *mut ffi::PyObject, view: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    slot(-1, |_py| {
        // SAFETY: the slot's own arguments. What was unpacked is never moved again.
        unsafe {
            let this = this(object)?;
            if this.info().kind != Kind::Bytea {
                return Err(PyBufferError::new_err("only bytea lends its bytes").into());
            }
            let start = this.unpacked()?;
            let Some(bytes) = Bytes::plain(crate::pg::varlena::pointer(start.cast())) else {
                return Err(PyBufferError::new_err("the value has no bytes").into());
            };
            let (data, length) = (bytes.data.cast_mut().cast(), bytes.length as isize);
            Ok(ffi::PyBuffer_FillInfo(view, object, data, length, 1, flags))
        }
    })
}

unsafe extern "C" fn text_length(object: *mut ffi::PyObject) -> ffi::Py_ssize_t {
    // SAFETY: the slot's own argument.
    slot(-1, |py| scalar::length(py, unsafe { this(object)? }))
}

unsafe extern "C" fn array_item(object: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the slot's own arguments.
    reference(|py| unsafe { array::item(py, this(object)?, &Bound::from_borrowed_ptr(py, key)) })
}

unsafe extern "C" fn record_item(object: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the slot's own arguments.
    reference(|py| unsafe { record::item(py, this(object)?, &Bound::from_borrowed_ptr(py, key)) })
}

unsafe extern "C" fn record_values(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the slot's own argument.
    reference(|py| unsafe { Ok(record::values(py, this(object)?)?.try_iter()?.into_any()) })
}

unsafe extern "C" fn record_attribute(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    reference(|py| {
        // SAFETY: the slot's own arguments.
        unsafe {
            let value = record::attribute(py, this(object)?, &Bound::from_borrowed_ptr(py, name))?;
            match value {
                Some(value) => Ok(value),
                None => Ok(Bound::from_owned_ptr_or_err(py, ffi::PyObject_GenericGetAttr(object, name))?),
            }
        }
    })
}
