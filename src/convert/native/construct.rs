//! `T(value, mod=…)`: a new instance from text, from a Python value, or from one of another type. The danger
//! is a value that its type forbids: text goes through the type's input function, the rest through the
//! conversion that results and assignments use.

use std::ffi::c_char;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::class::{InfoHolder, TypeInfo};
use super::object;
use super::operator;
use super::scratch::scratch;
use super::{fast, ready};
use crate::bridge::Failure;
use crate::convert::text;
use crate::pg::expression::Reach;
use crate::pg::guard::pg_try;
use crate::pg::type_entry;

/// # Safety
/// The arguments of `tp_new`.
pub(super) unsafe fn new<'py>(
    py: Python<'py>,
    class: *mut ffi::PyTypeObject,
    arguments: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> Result<Bound<'py, PyAny>, Failure> {
    // SAFETY: the caller's promise.
    let (holder, value, modifiers) = unsafe {
        let arguments =
            Bound::from_borrowed_ptr(py, arguments).cast_into::<PyTuple>().map_err(PyErr::from)?;
        let keywords = Bound::from_borrowed_ptr_or_opt(py, keywords);
        let holder = info_of(&Bound::from_borrowed_ptr(py, class.cast()))?;
        let (value, modifiers) = parse(&arguments, keywords)?;
        (holder, value, modifiers)
    };
    let info = holder.get().info();
    if value.is_none() {
        return Ok(value);
    }
    let typmod = match modifiers {
        Some(modifiers) => typmod(info, &modifiers)?,
        None => -1,
    };
    // SAFETY: the value is held; the class is the type's own or below it.
    unsafe {
        if typmod < 0 {
            if ffi::Py_TYPE(value.as_ptr()) == class {
                return Ok(value);
            }
            if class == info.class()
                && let Some(object) = fast::made(py, info, value.as_ptr())?
            {
                return Ok(object);
            }
        }
        ready()?;
        make(py, class, info, typmod, &value)
    }
}

/// The description that a class has, or a class above it.
pub(super) fn info_of<'py>(class: &Bound<'py, PyAny>) -> PyResult<Bound<'py, InfoHolder>> {
    let py = class.py();
    match class.getattr_opt(pyo3::intern!(py, "_info"))? {
        Some(holder) => Ok(holder.cast_into::<InfoHolder>()?),
        None => Err(PyTypeError::new_err("cannot make a value of no type: call a class of Postgres.types")),
    }
}

fn parse<'py>(
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
    let mut modifiers = None;
    if let Some(keywords) = keywords {
        for (name, value) in keywords.cast_into::<PyDict>()?.iter() {
            if name.cast::<PyString>()?.to_str()? != "mod" {
                return Err(PyTypeError::new_err(format!("unexpected keyword argument {}", name.repr()?)));
            }
            modifiers = (!value.is_none()).then_some(value);
        }
    }
    match arguments.len() {
        1 => Ok((arguments.get_item(0)?, modifiers)),
        2 if modifiers.is_none() => Ok((arguments.get_item(0)?, Some(arguments.get_item(1)?))),
        count => {
            Err(PyTypeError::new_err(format!("a value is made of one argument and mod, not of {count}")))
        }
    }
}

fn typmod(info: &TypeInfo, modifiers: &Bound<'_, PyAny>) -> Result<i32, Failure> {
    ready()?;
    let one = modifiers.is_instance_of::<PyString>() || modifiers.hasattr("__index__")?;
    let texts: Vec<String> = if one {
        vec![modifiers.str()?.to_string_lossy().into_owned()]
    } else {
        modifiers
            .try_iter()?
            .map(|item| Ok(item?.str()?.to_string_lossy().into_owned()))
            .collect::<PyResult<_>>()?
    };
    Ok(scratch(|| type_entry::typmod(&info.entry, &texts))?)
}

/// # Safety
/// `class` is the type's own or below it.
unsafe fn make<'py>(
    py: Python<'py>,
    class: *mut ffi::PyTypeObject,
    info: &TypeInfo,
    typmod: i32,
    value: &Bound<'py, PyAny>,
) -> Result<Bound<'py, PyAny>, Failure> {
    let column = info.column(typmod)?;
    // SAFETY: the caller's promise; the value is held, and nothing in `pg_try` needs dropping.
    unsafe {
        if object::of(value.as_ptr()).is_none() && operator::is_opaque(value.as_ptr()) {
            let message =
                format!("cannot make a value of type {} from {}", info.entry.name, value.get_type());
            return Err(PyTypeError::new_err(message).into());
        }
        scratch(|| {
            let datum = match object::of(value.as_ptr()) {
                Some(native) => pg_try(|| column.of_native(native, Reach::Explicit))??,
                None if value.is_instance_of::<PyString>() => {
                    let text = pg_try(|| text::of_object(value.as_ptr()))??;
                    Some(pg_try(|| column.of_text(text.data.cast::<c_char>()))?)
                }
                None => pg_try(|| column.to_datum(value.as_ptr()))??,
            };
            match datum {
                Some(datum) => Ok(Bound::from_owned_ptr(py, object::wrap_as(class, info, datum)?)),
                None => Ok(py.None().into_bound(py)),
            }
        })
    }
}
