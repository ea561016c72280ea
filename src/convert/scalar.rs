//! bool, integers and floats. The danger is a value that fits Python but not the column: each width
//! is checked, and a fraction is never cut off silently.

use std::ffi::c_int;

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;

use super::fallback;
use super::python::{self, running};
use crate::error::{Error, SqlState};
use crate::pg::types::Input;

/// # Safety
/// `object` is alive and not None; may raise.
#[inline]
pub(super) unsafe fn bool_to_datum(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        match ffi::PyBool_Check(object) != 0 {
            true => Ok(Datum::from(object == ffi::Py_True())),
            false => fallback::to_datum(input, object),
        }
    }
}

/// Whether Python finds the object true.
///
/// # Safety
/// `object` is alive and not None.
#[inline]
pub(super) unsafe fn truth_to_datum(object: *mut ffi::PyObject) -> Result<Datum, Error> {
    // SAFETY: the caller's promise; no server call inside.
    match unsafe { running(|| ffi::PyObject_IsTrue(object)) } {
        -1 => Err(python::raised()),
        truth => Ok(Datum::from(truth != 0)),
    }
}

/// An integer of `T`'s width; `sql_name` is for messages.
///
/// # Safety
/// `object` is alive and not None; may raise.
#[inline]
pub(super) unsafe fn int_to_datum<T>(
    object: *mut ffi::PyObject,
    input: &Input,
    sql_name: &str,
) -> Result<Datum, Error>
where
    T: TryFrom<i64>,
    Datum: From<T>,
{
    // SAFETY: the caller's promise.
    unsafe {
        let value = if ffi::PyLong_Check(object) != 0 {
            of_long(object)?
        } else if ffi::PyUnicode_Check(object) != 0 || ffi::PyBytes_Check(object) != 0 {
            return fallback::to_datum(input, object);
        } else if ffi::PyFloat_Check(object) != 0 {
            Some(of_float(object, sql_name)?)
        } else if has_int(object) {
            of_number(object, sql_name)?
        } else {
            return fallback::to_datum(input, object);
        };
        match value.map(T::try_from) {
            Some(Ok(value)) => Ok(Datum::from(value)),
            _ => Err(out_of_range(object, sql_name)),
        }
    }
}

/// The value of an int, or `None` beyond 64 bits.
#[inline]
unsafe fn of_long(object: *mut ffi::PyObject) -> Result<Option<i64>, Error> {
    let mut overflow: c_int = 0;
    // SAFETY: `object` is an int, so that no other code runs.
    unsafe {
        let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
        if value == -1 && overflow == 0 && !ffi::PyErr_Occurred().is_null() {
            return Err(python::raised());
        }
        Ok((overflow == 0).then_some(value))
    }
}

unsafe fn of_float(object: *mut ffi::PyObject, sql_name: &str) -> Result<i64, Error> {
    // SAFETY: `object` is a float.
    unsafe {
        let value = ffi::PyFloat_AS_DOUBLE(object);
        // 2^63 as a float is exact, and the first that does not fit.
        if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
            return Err(out_of_range(object, sql_name));
        }
        if value.fract() != 0.0 {
            return Err(not_integral(object, sql_name));
        }
        Ok(value as i64)
    }
}

unsafe fn has_int(object: *mut ffi::PyObject) -> bool {
    // SAFETY: `object` is alive; number slots are part of its class.
    unsafe {
        let number = (*ffi::Py_TYPE(object)).tp_as_number;
        !number.is_null() && ((*number).nb_index.is_some() || (*number).nb_int.is_some())
    }
}

/// Decimal, Fraction, numpy scalars: `int(object)`, if that is equal to the object.
unsafe fn of_number(object: *mut ffi::PyObject, sql_name: &str) -> Result<Option<i64>, Error> {
    // SAFETY: `object` is alive; no call in between raises in the server.
    unsafe {
        if (*(*ffi::Py_TYPE(object)).tp_as_number).nb_float.is_some() && !is_near(object)? {
            return Err(out_of_range(object, sql_name));
        }
        let long = running(|| ffi::PyNumber_Long(object));
        if long.is_null() {
            // Decimal('NaN') and infinity have no int.
            let unfit = python::clear_if(ffi::PyExc_ValueError) || python::clear_if(ffi::PyExc_OverflowError);
            return Err(if unfit { out_of_range(object, sql_name) } else { python::raised() });
        }
        let equal = running(|| ffi::PyObject_RichCompareBool(long, object, ffi::Py_EQ));
        let value = if equal > 0 { of_long(long) } else { Ok(None) };
        python::release(long);
        match equal {
            0 => Err(not_integral(object, sql_name)),
            1.. => value,
            _ => Err(python::raised()),
        }
    }
}

/// Whether a number is not far beyond 64 bits. `int(Decimal('1E+999999999'))` would make an int of a
/// billion digits, which nothing could interrupt.
unsafe fn is_near(object: *mut ffi::PyObject) -> Result<bool, Error> {
    // SAFETY: the caller holds the object; no server call inside.
    unsafe {
        let value = running(|| ffi::PyFloat_AsDouble(object));
        if value == -1.0 && !ffi::PyErr_Occurred().is_null() {
            // A signalling NaN, and an int or Fraction beyond floats.
            let unfit = python::clear_if(ffi::PyExc_ValueError) || python::clear_if(ffi::PyExc_OverflowError);
            return if unfit { Ok(false) } else { Err(python::raised()) };
        }
        Ok(value.abs() < 1e19)
    }
}

#[cold]
unsafe fn out_of_range(object: *mut ffi::PyObject, sql_name: &str) -> Error {
    // SAFETY: the caller holds the object.
    let value = unsafe { python::shown(object) };
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("value {value} is out of range for type {sql_name}"),
    )
}

#[cold]
unsafe fn not_integral(object: *mut ffi::PyObject, sql_name: &str) -> Error {
    // SAFETY: the caller holds the object.
    let value = unsafe { python::shown(object) };
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!("value {value} has a fraction, which type {sql_name} cannot hold"),
    )
}

/// # Safety
/// `object` is alive and not None; may raise.
#[inline]
pub(super) unsafe fn float8_to_datum(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        match to_f64(object, "double precision")? {
            Some(value) => Ok(Datum::from(value.to_bits() as usize)),
            None => fallback::to_datum(input, object),
        }
    }
}

/// # Safety
/// `object` is alive and not None; may raise.
pub(super) unsafe fn float4_to_datum(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(wide) = to_f64(object, "real")? else { return fallback::to_datum(input, object) };
        let value = wide as f32;
        // As the server's own cast: what became infinite or zero by the narrowing does not fit.
        if (value.is_infinite() && wide.is_finite()) || (value == 0.0 && wide != 0.0) {
            return Err(out_of_range(object, "real"));
        }
        Ok(Datum::from(value.to_bits() as i32))
    }
}

/// `None` for what is better read from its text form: str, and Decimal, whose digits count.
#[inline]
unsafe fn to_f64(object: *mut ffi::PyObject, sql_name: &str) -> Result<Option<f64>, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        if ffi::PyFloat_Check(object) != 0 {
            return Ok(Some(ffi::PyFloat_AS_DOUBLE(object)));
        }
        let number = (*ffi::Py_TYPE(object)).tp_as_number;
        let numeric = !number.is_null() && ((*number).nb_float.is_some() || (*number).nb_index.is_some());
        if !numeric {
            return Ok(None);
        }
        let value = running(|| ffi::PyFloat_AsDouble(object));
        if value == -1.0 && !ffi::PyErr_Occurred().is_null() {
            let unfit = python::clear_if(ffi::PyExc_OverflowError);
            return Err(if unfit { out_of_range(object, sql_name) } else { python::raised() });
        }
        // Decimal goes to infinity and to zero without an exception.
        if (value.is_infinite() || value == 0.0) && ffi::PyLong_Check(object) == 0 && !equals(object, value)?
        {
            return Err(out_of_range(object, sql_name));
        }
        Ok(Some(value))
    }
}

/// Whether Python finds the two equal.
#[cold]
unsafe fn equals(object: *mut ffi::PyObject, value: f64) -> Result<bool, Error> {
    // SAFETY: the caller holds the object; no server call inside.
    unsafe {
        let float = ffi::PyFloat_FromDouble(value);
        if float.is_null() {
            return Err(python::raised());
        }
        let equal = running(|| ffi::PyObject_RichCompareBool(object, float, ffi::Py_EQ));
        ffi::Py_DECREF(float);
        if equal < 0 { Err(python::raised()) } else { Ok(equal != 0) }
    }
}

/// # Safety
/// The datum is a bool.
pub(super) unsafe fn bool_to_python(py: Python<'_>, datum: Datum) -> Bound<'_, PyAny> {
    // SAFETY: a new reference to an immortal.
    unsafe {
        Bound::from_owned_ptr(py, ffi::PyBool_FromLong(std::ffi::c_long::from(datum.value() as u8 != 0)))
    }
}

/// An int of the value, already widened with its sign.
pub(super) fn int_to_python(py: Python<'_>, value: i64) -> Result<Bound<'_, PyAny>, Error> {
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyLong_FromLongLong(value)) }.ok_or_else(python::raised)
}

pub(super) fn float_to_python(py: Python<'_>, value: f64) -> Result<Bound<'_, PyAny>, Error> {
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyFloat_FromDouble(value)) }.ok_or_else(python::raised)
}
