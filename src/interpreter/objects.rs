//! Small helpers over Python objects. The danger is user code: `str()` of an object, or an
//! attribute of it, may run anything and raise anything, so each helper says what it does then.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

/// `type(object).__name__`.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// `str(object)`. Lone surrogates come as U+FFFD. An ordinary exception in `__str__` gives a text
/// that says so; any other (a cancel) is returned.
pub(crate) fn text(object: &Bound<'_, PyAny>) -> PyResult<String> {
    match object.str() {
        Ok(text) => Ok(text.to_string_lossy().into_owned()),
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
    Ok(value
        .cast::<pyo3::types::PyString>()
        .ok()
        .map(|text| text.to_string_lossy().into_owned())
        .filter(|text| !text.is_empty()))
}
