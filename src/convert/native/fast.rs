//! What needs no call into the server: integers and floats, made, compared and calculated. The danger is
//! another answer than the server's: whatever could overflow, round or fail is left to it.

use std::cmp::Ordering;
use std::ffi::c_int;

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;

use super::class::{Kind, TypeInfo};
use super::object::{self, Object};
use super::operator::Op;
use crate::bridge::Failure;

/// The value of an instance of an integer type.
#[inline]
pub(super) fn integer(object: &Object) -> Option<i64> {
    let bits = object.datum().value();
    Some(match object.info().kind {
        Kind::Int2 => i64::from(bits as i16),
        Kind::Int4 => i64::from(bits as i32),
        Kind::Int8 => bits as i64,
        _ => return None,
    })
}

/// Bits of an integer type.
#[inline]
fn width(kind: Kind) -> u32 {
    match kind {
        Kind::Int2 => 16,
        Kind::Int4 => 32,
        Kind::Int8 => 64,
        _ => 0,
    }
}

#[inline]
fn fits(value: i64, width: u32) -> bool {
    let shift = 64 - width;
    (value << shift) >> shift == value
}

#[inline]
pub(super) fn integer_datum(kind: Kind, value: i64) -> Datum {
    match kind {
        Kind::Int2 => Datum::from(value as i16),
        Kind::Int4 => Datum::from(value as i32),
        _ => Datum::from(value),
    }
}

/// The value of a Python int, or how it lies beyond 64 bits; `None` for any other object.
#[inline]
unsafe fn python_integer(object: *mut ffi::PyObject) -> Option<Result<i64, c_int>> {
    let mut overflow: c_int = 0;
    // SAFETY: the caller holds the object; of an int no code runs.
    unsafe {
        if ffi::Py_TYPE(object) != &raw mut ffi::PyLong_Type {
            return None;
        }
        let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
        Some(if overflow == 0 { Ok(value) } else { Err(overflow) })
    }
}

/// One side of an operator: its value and the type that it has or takes.
struct Side<'a> {
    value: i64,
    info: Option<&'a TypeInfo>,
}

#[inline]
unsafe fn side<'a>(object: *mut ffi::PyObject) -> Option<Side<'a>> {
    // SAFETY: the caller holds the object.
    unsafe {
        if let Some(native) = object::of::<'a>(object) {
            // The result of a domain's operator is of its base type.
            let plain = native.info().entry.kind == b'b';
            return plain
                .then(|| integer(native))
                .flatten()
                .map(|value| Side { value, info: Some(native.info()) });
        }
        python_integer(object)?.ok().map(|value| Side { value, info: None })
    }
}

/// `left op right` of integers, or `None` if the server shall do it.
///
/// # Safety
/// The caller holds both.
#[inline]
pub(super) unsafe fn binary<'py>(
    py: Python<'py>,
    op: Op,
    left: *mut ffi::PyObject,
    right: *mut ffi::PyObject,
) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    // SAFETY: the caller's promise.
    unsafe {
        let (Some(left), Some(right)) = (side(left), side(right)) else { return Ok(None) };
        let info = match (left.info, right.info) {
            (Some(a), Some(b)) => {
                if width(a.kind) >= width(b.kind) {
                    a
                } else {
                    b
                }
            }
            (Some(info), None) | (None, Some(info)) => info,
            (None, None) => return Ok(None),
        };
        let bits = width(info.kind);
        // A Python int takes the other's type, or fails to.
        if !fits(left.value, bits) || !fits(right.value, bits) {
            return Ok(None);
        }
        let value = match op {
            Op::Add => left.value.checked_add(right.value),
            Op::Subtract => left.value.checked_sub(right.value),
            Op::Multiply => left.value.checked_mul(right.value),
            Op::Divide => left.value.checked_div(right.value),
            Op::Modulo => left.value.checked_rem(right.value),
            _ => None,
        };
        match value.filter(|&value| fits(value, bits)) {
            Some(value) => {
                let object = object::wrap(info, integer_datum(info.kind, value))?;
                Ok(Some(Bound::from_owned_ptr(py, object)))
            }
            None => Ok(None),
        }
    }
}

/// How two integers compare, of which at least one is an instance; `None` for other objects.
///
/// # Safety
/// The caller holds both.
#[inline]
pub(super) unsafe fn compare(left: &Object, right: *mut ffi::PyObject) -> Option<Ordering> {
    let value = integer(left)?;
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(native) = object::of(right) {
            return integer(native).map(|other| value.cmp(&other));
        }
        Some(match python_integer(right)? {
            Ok(other) => value.cmp(&other),
            Err(sign) => {
                if sign > 0 {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        })
    }
}

/// A Python int, float or bool as an instance of a type that takes it as it is.
///
/// # Safety
/// The caller holds the object.
#[inline]
pub(super) unsafe fn made<'py>(
    py: Python<'py>,
    info: &TypeInfo,
    object: *mut ffi::PyObject,
) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    if info.entry.kind != b'b' {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe {
        let datum = match info.kind {
            Kind::Int2 | Kind::Int4 | Kind::Int8 => match python_integer(object) {
                Some(Ok(value)) if fits(value, width(info.kind)) => integer_datum(info.kind, value),
                _ => return Ok(None),
            },
            Kind::Float8 if ffi::Py_TYPE(object) == &raw mut ffi::PyFloat_Type => {
                Datum::from(ffi::PyFloat_AS_DOUBLE(object).to_bits() as usize)
            }
            Kind::Bool if ffi::PyBool_Check(object) != 0 => Datum::from(object == ffi::Py_True()),
            _ => return Ok(None),
        };
        Ok(Some(Bound::from_owned_ptr(py, object::wrap(info, datum)?)))
    }
}
