//! PL/Python's way from Python: what is not exactly the type's own counterpart goes by `str()` and the type's
//! input function. The danger is the shortcut that the text would not have taken: only objects of the very
//! class take it, and `True` is no integer.

use std::ffi::c_int;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;

use super::bytea;
use super::held::Held;
use super::numeric::NumericPlan;
use super::python::{self, running};
use super::text::{self, TextPlan};
use crate::error::{Error, SqlState};
use crate::pg::types::{self, Input};

/// How values of one type come from Python.
pub(super) enum Plain {
    Int2,
    Int4,
    Int8,
    Float8,
    Numeric(NumericPlan),
    Text(TextPlan),
    Bytea,
    ByText,
}

impl Plain {
    /// `None` for arrays, composites and domains, which have their own ways in every dialect.
    pub(super) fn resolve(type_oid: Oid, typmod: i32) -> Result<Option<Self>, Error> {
        Ok(Some(match type_oid {
            pg_sys::INT2OID => Plain::Int2,
            pg_sys::INT4OID => Plain::Int4,
            pg_sys::INT8OID => Plain::Int8,
            pg_sys::FLOAT8OID => Plain::Float8,
            pg_sys::NUMERICOID => Plain::Numeric(NumericPlan::resolve(typmod)?),
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => {
                Plain::Text(TextPlan::resolve(type_oid, typmod)?)
            }
            pg_sys::BYTEAOID => Plain::Bytea,
            pg_sys::RECORDOID => return Ok(None),
            _ if types::element_type(type_oid)?.is_some() => return Ok(None),
            _ if matches!(types::kind(type_oid)?, b'd' | b'c') => return Ok(None),
            _ => Plain::ByText,
        }))
    }

    /// # Safety
    /// `object` is alive and not None; may raise.
    #[inline]
    pub(super) unsafe fn to_datum(&self, object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Plain::Int2 => int::<i16>(object, input),
                Plain::Int4 => int::<i32>(object, input),
                Plain::Int8 => int::<i64>(object, input),
                Plain::Float8 if ffi::PyFloat_CheckExact(object) != 0 => {
                    Ok(Datum::from(ffi::PyFloat_AS_DOUBLE(object).to_bits() as usize))
                }
                Plain::Numeric(plan) if is_number(object)? => plan.to_datum(object, input),
                Plain::Text(plan) if ffi::PyUnicode_Check(object) != 0 => plan.to_datum(object),
                Plain::Bytea => bytes(object, input),
                _ => by_text(object, input),
            }
        }
    }
}

/// # Safety
/// As of `Plain::to_datum`.
unsafe fn by_text(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise; `of_any` gives NUL-terminated text.
    unsafe { text::of_any(object).map(|text| input.call(text.data.cast())) }
}

/// # Safety
/// As of `Plain::to_datum`.
#[inline]
unsafe fn int<T>(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error>
where
    T: TryFrom<i64>,
    Datum: From<T>,
{
    // SAFETY: the caller's promise; an int runs no code of others.
    unsafe {
        if ffi::PyLong_CheckExact(object) != 0 {
            let mut overflow: c_int = 0;
            let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
            if overflow == 0
                && let Ok(value) = T::try_from(value)
            {
                return Ok(Datum::from(value));
            }
        }
        by_text(object, input)
    }
}

/// Exactly an int, or a Decimal.
unsafe fn is_number(object: *mut ffi::PyObject) -> Result<bool, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        Ok(ffi::PyLong_CheckExact(object) != 0
            || std::ptr::eq(ffi::Py_TYPE(object).cast(), super::numeric::decimal()?))
    }
}

/// What `bytes()` makes of an object.
unsafe fn bytes(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller holds the object; the new one is held until it is copied.
    unsafe {
        if ffi::PyBytes_Check(object) != 0 {
            return bytea::to_datum(object, input);
        }
        let held = Held::new();
        let made = running(|| ffi::PyObject_Bytes(object));
        if made.is_null() {
            let error = python::raised();
            let why = error.report().map(|report| report.message.clone()).unwrap_or_default();
            return Err(match error {
                Error::Ours(_) => Error::new(
                    SqlState::EXTERNAL_ROUTINE_EXCEPTION,
                    "could not create bytes representation of Python object",
                )
                .detail(why),
                other => other,
            });
        }
        held.own(made);
        let datum = bytea::to_datum(made, input)?;
        held.clear();
        Ok(datum)
    }
}
