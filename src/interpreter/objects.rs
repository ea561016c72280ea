//! Small helpers over Python objects. The danger is user code: `str()` of an object, or an
//! attribute of it, may run anything and raise anything, so each helper says what it does then.

use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// `type(object).__name__`.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The text; what is no character, a lone surrogate, is shown as Python writes it: `\\udce4`.
pub(crate) fn readable(text: &Bound<'_, PyString>) -> String {
    if let Ok(text) = text.to_str() {
        return text.to_owned();
    }
    text.call_method1("encode", ("utf-8", "backslashreplace"))
        .and_then(|bytes| bytes.extract::<Vec<u8>>())
        .map_or_else(
            |_| text.to_string_lossy().into_owned(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
}

/// `str(object)`, readable. An ordinary exception in `__str__` gives a text
/// that says so; any other (a cancel) is returned.
pub(crate) fn text(object: &Bound<'_, PyAny>) -> PyResult<String> {
    match object.str() {
        Ok(text) => Ok(readable(&text)),
        Err(error) if error.is_instance_of::<PyException>(object.py()) => Ok(format!(
            "<the text of this {} is not available: its __str__ raised {}>",
            type_name(object),
            type_name(error.value(object.py()))
        )),
        Err(error) => Err(error),
    }
}

/// The attribute if it is there, is a `str` and is not empty. A property that raises an ordinary
/// exception counts as absent; any other exception (a cancel) is returned.
pub(crate) fn text_attribute(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<String>> {
    let value = match object.getattr(name) {
        Ok(value) => value,
        Err(error) if error.is_instance_of::<PyException>(object.py()) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(value.cast::<PyString>().ok().map(readable).filter(|text| !text.is_empty()))
}

/// Calls `callable` with positional arguments, without a tuple for them.
pub(crate) fn call<'py>(
    callable: &Bound<'py, PyAny>,
    arguments: &[Bound<'py, PyAny>],
) -> PyResult<Bound<'py, PyAny>> {
    const FEW: usize = 8;
    let mut few = [std::ptr::null_mut(); FEW];
    let many: Vec<*mut ffi::PyObject>;
    let pointers: &[*mut ffi::PyObject] = if arguments.len() <= FEW {
        for (place, argument) in few.iter_mut().zip(arguments) {
            *place = argument.as_ptr();
        }
        &few[..arguments.len()]
    } else {
        many = arguments.iter().map(Bound::as_ptr).collect();
        &many
    };
    // SAFETY: borrowed references that the caller holds; the result is new, or null with an exception set.
    unsafe {
        let result = ffi::PyObject_Vectorcall(
            callable.as_ptr(),
            pointers.as_ptr(),
            pointers.len(),
            std::ptr::null_mut(),
        );
        Bound::from_owned_ptr_or_err(callable.py(), result)
    }
}

/// Whether it is a generator or a coroutine, of these classes themselves: what has not run yet.
#[inline]
pub(crate) fn is_suspended(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is alive.
    unsafe { ffi::PyGen_CheckExact(object.as_ptr()) != 0 || ffi::PyCoro_CheckExact(object.as_ptr()) != 0 }
}
