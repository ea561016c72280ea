//! hstore from a mapping, by way of its text form. The danger is quoting: every key and value is
//! quoted, so that neither a comma nor the word NULL is read as syntax.

use pgrx::pg_sys::Datum;
use pyo3::ffi;

use super::held::Held;
use super::json_sink::{Sink, TextSink};
use super::python::{self, running};
use super::{fallback, row, text};
use crate::error::Error;
use crate::pg::types::Input;

/// # Safety
/// `object` is alive and not None; may raise.
pub(super) unsafe fn to_datum(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise; the list of pairs is ours alone, so that it does not change.
    unsafe {
        if ffi::PyUnicode_Check(object) != 0 || !row::is_mapping(object)? {
            return fallback::to_datum(input, object);
        }
        let held = Held::new();
        let pairs = running(|| ffi::PyMapping_Items(object));
        if pairs.is_null() {
            return Err(python::raised());
        }
        held.own(pairs);
        let mut literal = TextSink::new();
        for at in 0..ffi::PyList_GET_SIZE(pairs) {
            let pair = ffi::PyList_GET_ITEM(pairs, at);
            if ffi::PyTuple_Check(pair) == 0 || ffi::PyTuple_GET_SIZE(pair) != 2 {
                continue;
            }
            if at > 0 {
                literal.literal(b", ");
            }
            quote(&mut literal, ffi::PyTuple_GET_ITEM(pair, 0))?;
            literal.literal(b"=>");
            let value = ffi::PyTuple_GET_ITEM(pair, 1);
            match value == ffi::Py_None() {
                true => literal.literal(b"NULL"),
                false => quote(&mut literal, value)?,
            }
        }
        literal.literal(b"\0");
        let datum = input.call(literal.written().cast());
        held.clear();
        Ok(datum)
    }
}

unsafe fn quote(literal: &mut TextSink, object: *mut ffi::PyObject) -> Result<(), Error> {
    // SAFETY: the pair, which is held, owns the object.
    unsafe {
        let text = text::of_object(object)?;
        literal.literal(b"\"");
        for byte in text.bytes() {
            if matches!(byte, b'"' | b'\\') {
                literal.literal(b"\\");
            }
            literal.literal(&[*byte]);
        }
        literal.literal(b"\"");
    }
    Ok(())
}
