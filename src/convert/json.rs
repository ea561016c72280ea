//! json and jsonb from Python. A str or bytes is JSON text, but for the `JsonString` that a JSON text became
//! on its way here; dict, list, numbers and so on are written as the values that they are. The danger is
//! depth and change: nesting is bounded by the server's stack check, and each container is held while user
//! code may run below it.

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;

use super::enumeration::ENUM;
use super::held::Held;
use super::json_sink::{Buffer, Sink};
use super::numeric;
use super::python::{self, Import, running};
use super::text::{self, Text};
use super::uuid::UUID;
use super::{fallback, row};
use crate::error::{Error, SqlState};
use crate::pg::raw;
use crate::pg::types::Input;

static LOADS: Import = Import::new("multicorn._json", "loads");
pub(super) static JSON_STRING: Import = Import::new("multicorn._json", "JsonString");
const INVALID_JSON: SqlState = SqlState::INVALID_TEXT_REPRESENTATION;

/// # Safety
/// `object` is alive and not None; may raise.
pub(super) unsafe fn to_datum<S: Sink>(object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        if is_text(object)? {
            return fallback::to_datum(input, object);
        }
        let mut sink = S::new();
        let written = Writer { sink: &mut sink, held: Held::new() }.write(object)?;
        if written { Ok(sink.finish()) } else { fallback::to_datum(input, object) }
    }
}

unsafe fn is_text(object: *mut ffi::PyObject) -> Result<bool, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        if ffi::PyUnicode_Check(object) != 0 {
            return Ok(ffi::PyUnicode_CheckExact(object) != 0 || !is_a(object, &JSON_STRING)?);
        }
        Ok(python::is_bytes(object))
    }
}

struct Writer<'a, S> {
    sink: &'a mut S,
    held: Held,
}

impl<S: Sink> Writer<'_, S> {
    /// Writes a value that the caller holds; `false` if its class has no JSON form.
    unsafe fn write(&mut self, object: *mut ffi::PyObject) -> Result<bool, Error> {
        // SAFETY: the caller holds the object.
        unsafe {
            if object == ffi::Py_None() {
                self.sink.null();
            } else if ffi::PyBool_Check(object) != 0 {
                self.sink.boolean(object == ffi::Py_True());
            } else if ffi::PyUnicode_Check(object) != 0 {
                self.sink.string(text::of_str(object)?)?;
            } else if ffi::PyLong_Check(object) != 0 {
                self.integer(object)?;
            } else if ffi::PyFloat_Check(object) != 0 {
                self.float(ffi::PyFloat_AS_DOUBLE(object))?;
            } else if ffi::PyDict_Check(object) != 0 {
                self.dict(object)?;
            } else if ffi::PyList_Check(object) != 0 || ffi::PyTuple_Check(object) != 0 {
                self.list(object)?;
            } else {
                return self.other(object);
            }
        }
        Ok(true)
    }

    unsafe fn integer(&mut self, object: *mut ffi::PyObject) -> Result<(), Error> {
        // SAFETY: `object` is an int.
        unsafe {
            let mut overflow = 0;
            let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
            if overflow == 0 {
                self.sink.integer(value);
                return Ok(());
            }
            let digits = numeric::decimal_digits(object)?;
            self.sink.number(digits);
        }
        Ok(())
    }

    unsafe fn float(&mut self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(not_a_number(&value.to_string()));
        }
        let mut buffer = Buffer::<32>::default();
        buffer.write(format_args!("{value:?}"));
        // SAFETY: the buffer outlives the call.
        unsafe { self.sink.number(buffer.text()) };
        Ok(())
    }

    unsafe fn list(&mut self, list: *mut ffi::PyObject) -> Result<(), Error> {
        // SAFETY: the caller holds the list; it is measured again before each access.
        unsafe {
            raw::check_stack_depth();
            self.sink.begin_array();
            let is_list = ffi::PyList_Check(list) != 0;
            let mut at = 0;
            while at < if is_list { ffi::PyList_GET_SIZE(list) } else { ffi::PyTuple_GET_SIZE(list) } {
                let item =
                    if is_list { ffi::PyList_GET_ITEM(list, at) } else { ffi::PyTuple_GET_ITEM(list, at) };
                self.item(item)?;
                at += 1;
            }
            self.sink.end_array();
        }
        Ok(())
    }

    /// A value inside another, held while it is written.
    unsafe fn item(&mut self, item: *mut ffi::PyObject) -> Result<(), Error> {
        // SAFETY: `item` is alive now, and from the push on whatever its container does.
        unsafe {
            if python::runs_no_code(item) {
                self.write(item)?;
                return Ok(());
            }
            self.held.push(item);
            if !self.write(item)? {
                return Err(no_json(item));
            }
            self.held.pop();
        }
        Ok(())
    }

    unsafe fn dict(&mut self, dict: *mut ffi::PyObject) -> Result<(), Error> {
        // SAFETY: the caller holds the dict; its size is compared before each step, since user code
        // that runs for a value may change it.
        unsafe {
            raw::check_stack_depth();
            self.sink.begin_object();
            let size = ffi::PyDict_Size(dict);
            let (mut at, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
            while ffi::PyDict_Next(dict, &raw mut at, &raw mut key, &raw mut value) != 0 {
                self.pair(key, value)?;
                if ffi::PyDict_Size(dict) != size {
                    return Err(Error::new(INVALID_JSON, "a dict changed its size while it was converted"));
                }
            }
            self.sink.end_object();
        }
        Ok(())
    }

    unsafe fn pair(&mut self, key: *mut ffi::PyObject, value: *mut ffi::PyObject) -> Result<(), Error> {
        // SAFETY: both are alive; only a key that is exactly a str or number runs no code.
        unsafe {
            if ffi::PyUnicode_Check(key) != 0 {
                self.sink.key(text::of_str(key)?)?;
                return self.item(value);
            }
            self.held.push(key);
            self.held.push(value);
            self.other_key(key)?;
            self.item(value)?;
            self.held.pop();
            self.held.pop();
        }
        Ok(())
    }

    /// Keys that Python's own json accepts: numbers, booleans and None.
    unsafe fn other_key(&mut self, key: *mut ffi::PyObject) -> Result<(), Error> {
        // SAFETY: the caller holds the key.
        unsafe {
            let word = if key == ffi::Py_None() {
                c"null"
            } else if key == ffi::Py_True() {
                c"true"
            } else if key == ffi::Py_False() {
                c"false"
            } else if ffi::PyLong_Check(key) != 0 || ffi::PyFloat_Check(key) != 0 {
                return self.sink.key(text::of_object(key)?);
            } else {
                return Err(Error::new(
                    INVALID_JSON,
                    format!("a JSON object's key cannot be of class {}", python::class_name(key)),
                ));
            };
            let length = word.count_bytes();
            self.sink.key(Text { data: word.as_ptr().cast(), length, characters: Some(length) })
        }
    }

    /// Classes beyond those that JSON itself names; `false` for one without a JSON form.
    unsafe fn other(&mut self, object: *mut ffi::PyObject) -> Result<bool, Error> {
        // SAFETY: the caller holds the object; what is made here is held as well.
        unsafe {
            python::prepare()?;
            if ffi::PyDate_Check(object) != 0 || ffi::PyTime_Check(object) != 0 || is_a(object, &UUID)? {
                self.sink.string(text::of_object(object)?)?;
                return Ok(true);
            }
            if numeric::is_decimal(object)? {
                let digits = text::of_object(object)?;
                if !numeric::is_finite(digits.bytes()) {
                    return Err(not_a_number(&python::shown(object)));
                }
                self.sink.number(digits);
                return Ok(true);
            }
            self.held.reserve();
            let Some(substitute) = substitute(object)? else { return Ok(false) };
            self.held.own(substitute);
            raw::check_stack_depth();
            let written = self.write(substitute)?;
            self.held.pop();
            Ok(written)
        }
    }
}

/// A new object of a class that JSON knows in place of `object`: an Enum's value, a dict of a Mapping,
/// a list of a set or of numpy's array, an int or float of a number.
unsafe fn substitute(object: *mut ffi::PyObject) -> Result<Option<*mut ffi::PyObject>, Error> {
    // SAFETY: the caller holds the object; each call returns a new reference or null.
    unsafe {
        let made = if is_a(object, &ENUM)? {
            running(|| ffi::PyObject_GetAttrString(object, c"value".as_ptr()))
        } else if row::is_mapping(object)? {
            running(|| {
                let dict = ffi::PyDict_New();
                if !dict.is_null() && ffi::PyDict_Update(dict, object) != 0 {
                    ffi::Py_DECREF(dict);
                    return std::ptr::null_mut();
                }
                dict
            })
        } else if running(|| ffi::PyObject_HasAttrString(object, c"tolist".as_ptr())) != 0 {
            running(|| ffi::PyObject_CallMethod(object, c"tolist".as_ptr(), std::ptr::null()))
        } else if ffi::PyAnySet_Check(object) != 0 || ffi::PyIter_Check(object) != 0 {
            running(|| python::new_list(object))
        } else if ffi::PyIndex_Check(object) != 0 {
            running(|| ffi::PyNumber_Index(object))
        } else {
            return Ok(None);
        };
        if made.is_null() { Err(python::raised()) } else { Ok(Some(made)) }
    }
}

unsafe fn is_a(object: *mut ffi::PyObject, class: &'static Import) -> Result<bool, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        let class = class.pointer()?;
        match running(|| ffi::PyObject_IsInstance(object, class)) {
            -1 => Err(python::raised()),
            is => Ok(is != 0),
        }
    }
}

#[cold]
unsafe fn no_json(object: *mut ffi::PyObject) -> Error {
    // SAFETY: the caller holds the object.
    let class = unsafe { python::class_name(object) };
    Error::new(INVALID_JSON, format!("an object of class {class} has no JSON form"))
        .hint("Convert it to a dict, list, str or number first.")
}

#[cold]
fn not_a_number(shown: &str) -> Error {
    Error::new(INVALID_JSON, format!("JSON cannot hold the number {shown}"))
}

/// The value of a JSON text.
pub(super) fn parse<'py>(py: Python<'py>, text: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>, Error> {
    let loads = LOADS.get(py)?;
    // SAFETY: no server call inside.
    unsafe { running(|| loads.call1((text,))) }.map_err(|error| python::error(py, error))
}
