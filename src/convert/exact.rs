//! Python's values as values of a type that holds exactly them: an int of an integer's width, a float, a
//! Decimal with all of its digits, and so on. The danger is a value that comes back as another one: what is
//! of another class, a subclass even, or would be rounded, is left to the caller.

use std::rc::Rc;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;

use super::python::{self, running};
use super::uuid::UUID;
use super::{Dialect, decimal, known, numeric};
use crate::error::Error;

/// How to tell whether a value is exactly one of a type.
pub(crate) struct ExactPlan(Kind);

enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// A class to be checked, and the conversion of its instances.
    Of(Class, Rc<known::Parameter>),
    /// A type that Python has no exact counterpart for.
    None,
}

#[derive(Clone, Copy)]
enum Class {
    Text,
    Bytes,
    Decimal,
    Uuid,
    Date,
    Timestamp,
    Interval,
}

/// What a value is to the type.
pub(crate) enum Exact {
    Null,
    Value(Datum),
    /// Not exactly one of the type.
    Unfit,
}

/// Digits of a numeric before its point, and after it (NUMERIC_MAX_PRECISION and so on, numeric.h).
const MOST_WHOLE: usize = 131_072;
const MOST_FRACTION: usize = 16_383;

impl ExactPlan {
    pub(crate) fn resolve(type_oid: Oid) -> Result<Self, Error> {
        let class = match type_oid {
            pg_sys::BOOLOID => return Ok(ExactPlan(Kind::Bool)),
            pg_sys::INT2OID => return Ok(ExactPlan(Kind::Int2)),
            pg_sys::INT4OID => return Ok(ExactPlan(Kind::Int4)),
            pg_sys::INT8OID => return Ok(ExactPlan(Kind::Int8)),
            pg_sys::FLOAT4OID => return Ok(ExactPlan(Kind::Float4)),
            pg_sys::FLOAT8OID => return Ok(ExactPlan(Kind::Float8)),
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Class::Text,
            pg_sys::BYTEAOID => Class::Bytes,
            pg_sys::NUMERICOID => Class::Decimal,
            pg_sys::UUIDOID => Class::Uuid,
            pg_sys::DATEOID => Class::Date,
            pg_sys::TIMESTAMPOID => Class::Timestamp,
            pg_sys::INTERVALOID => Class::Interval,
            _ => return Ok(ExactPlan(Kind::None)),
        };
        Ok(ExactPlan(Kind::Of(class, known::parameter(type_oid.to_u32(), Dialect::Wrapper)?)))
    }

    /// The value as one of the type, in the current memory context.
    #[inline]
    pub(crate) fn datum(&self, object: &Bound<'_, PyAny>) -> Result<Exact, Error> {
        let pointer = object.as_ptr();
        // SAFETY: the caller holds the object; none of these calls runs code or reaches the server.
        let direct = unsafe {
            if pointer == ffi::Py_None() {
                return Ok(Exact::Null);
            }
            match &self.0 {
                Kind::Bool => {
                    (ffi::PyBool_Check(pointer) != 0).then(|| Datum::from(pointer == ffi::Py_True()))
                }
                Kind::Int2 => int::<i16>(pointer).map(Datum::from),
                Kind::Int4 => int::<i32>(pointer).map(Datum::from),
                Kind::Int8 => int::<i64>(pointer).map(Datum::from),
                Kind::Float4 => float(pointer).and_then(single),
                Kind::Float8 => float(pointer).map(|value| Datum::from(value.to_bits() as usize)),
                Kind::Of(class, plan) => {
                    return match class.takes(pointer)? {
                        true => Ok(Exact::Value(plan.constant(object)?.datum)),
                        false => Ok(Exact::Unfit),
                    };
                }
                Kind::None => None,
            }
        };
        Ok(direct.map_or(Exact::Unfit, Exact::Value))
    }
}

/// The value of an int, and of no subclass, that fits.
#[inline]
unsafe fn int<T: TryFrom<i64>>(object: *mut ffi::PyObject) -> Option<T> {
    // SAFETY: the caller holds the object; an int's value is read without running code.
    unsafe {
        if ffi::PyLong_CheckExact(object) == 0 {
            return None;
        }
        let mut overflow = 0;
        let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
        if overflow == 0 { T::try_from(value).ok() } else { None }
    }
}

#[inline]
unsafe fn float(object: *mut ffi::PyObject) -> Option<f64> {
    // SAFETY: the caller holds the object.
    unsafe { (ffi::PyFloat_CheckExact(object) != 0).then(|| ffi::PyFloat_AS_DOUBLE(object)) }
}

fn single(value: f64) -> Option<Datum> {
    let narrow = value as f32;
    let same = f64::from(narrow).to_bits() == value.to_bits() || value.is_nan();
    same.then(|| Datum::from(narrow.to_bits() as i32))
}

impl Class {
    /// Whether the object is an instance of the class itself, and the type holds all of it.
    ///
    /// # Safety
    /// The thread holds the GIL, no exception is set, and `object` is alive.
    unsafe fn takes(self, object: *mut ffi::PyObject) -> Result<bool, Error> {
        // SAFETY: the caller's promise; where code may run, it is said so.
        unsafe {
            Ok(match self {
                Class::Text => ffi::PyUnicode_CheckExact(object) != 0 && is_storable(object),
                Class::Bytes => ffi::PyBytes_CheckExact(object) != 0,
                Class::Decimal => is_of(object, numeric::decimal()?) && is_numeric(object)?,
                Class::Uuid => is_of(object, UUID.pointer()?),
                Class::Date => ffi::PyDate_CheckExact(object) != 0,
                Class::Timestamp => {
                    ffi::PyDateTime_CheckExact(object) != 0
                        && ffi::PyDateTime_DATE_GET_TZINFO(object) == ffi::Py_None()
                        && ffi::PyDateTime_DATE_GET_FOLD(object) == 0
                }
                Class::Interval => ffi::PyDelta_CheckExact(object) != 0,
            })
        }
    }
}

unsafe fn is_of(object: *mut ffi::PyObject, class: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller holds the object.
    unsafe { std::ptr::eq(ffi::Py_TYPE(object).cast(), class) }
}

/// Whether a str has neither NUL nor surrogates.
unsafe fn is_storable(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller holds the str; its UTF-8 is kept by it.
    unsafe {
        let mut length = 0;
        let data = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut length);
        if data.is_null() {
            ffi::PyErr_Clear();
            return false;
        }
        libc::memchr(data.cast(), 0, length as usize).is_null()
    }
}

/// Whether numeric keeps a Decimal as it is: it knows no exponents above zero, no negative zero, and one NaN.
unsafe fn is_numeric(object: *mut ffi::PyObject) -> Result<bool, Error> {
    // SAFETY: the caller holds the object, which is of the class itself.
    unsafe {
        if let Some(parts) = decimal::parts(object) {
            return Ok(parts.exponent <= 0 && !(parts.negative && parts.words == [0, 0]));
        }
        let text = running(|| ffi::PyObject_Str(object));
        if text.is_null() {
            return Err(python::raised());
        }
        let mut length = 0;
        let data = ffi::PyUnicode_AsUTF8AndSize(text, &raw mut length);
        let kept = match data.is_null() {
            true => {
                ffi::PyErr_Clear();
                false
            }
            false => is_kept(std::slice::from_raw_parts(data.cast(), length as usize)),
        };
        python::release(text);
        Ok(kept)
    }
}

/// The same of a Decimal's text.
fn is_kept(text: &[u8]) -> bool {
    if matches!(text, b"NaN" | b"Infinity" | b"-Infinity") {
        return true;
    }
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let whole = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let fraction = digits.len().saturating_sub(whole + 1);
    digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && (!negative || digits.iter().any(|byte| (b'1'..=b'9').contains(byte)))
        && whole <= MOST_WHOLE
        && fraction <= MOST_FRACTION
}
