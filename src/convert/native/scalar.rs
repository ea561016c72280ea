//! An instance as a plain Python value: its text, its number, its truth, its hash. The danger is a hash
//! that disagrees with `==`: what equals an int, a str or another Python value has that value's hash.

use pgrx::pg_sys;
use pyo3::ffi;
use pyo3::prelude::*;

use super::class::{self, Kind};
use super::object::Object;
use super::scratch::scratch;
use super::{fast, ready};
use crate::bridge::Failure;
use crate::convert::{Dialect, fallback, known, text};
use crate::pg::varlena::Bytes;

/// The value in Python's own types, as wrappers see it.
pub(super) fn python<'py>(py: Python<'py>, object: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    ready()?;
    let info = object.info();
    let plan = known::value(info.base.to_u32(), Dialect::Wrapper)?;
    // SAFETY: the caller holds the instance, and with it the value.
    scratch(|| unsafe { plan.to_python(py, object.datum(), false).map_err(Failure::Server) })
}

/// The output function's text.
pub(super) fn text_of<'py>(py: Python<'py>, object: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    if let Some(value) = fast::integer(object) {
        let long = long(py, value)?;
        return Ok(long.str()?.into_any());
    }
    ready()?;
    let info = object.info();
    if matches!(info.kind, Kind::Text) {
        // SAFETY: the caller holds the instance.
        return scratch(|| unsafe { text::to_python(py, object.datum(), false).map_err(Failure::Server) });
    }
    let output = info.output()?;
    // SAFETY: the caller holds the instance.
    scratch(|| unsafe { fallback::shown(py, output, object.datum()).map_err(Failure::Server) })
}

/// How many characters `str()` of a text has.
pub(super) fn length(py: Python<'_>, object: &Object) -> Result<isize, Failure> {
    // SAFETY: the instance holds its value; the bytes are only counted.
    let plain = unsafe { Bytes::plain(object.datum()).map(|bytes| bytes.slice()) };
    match plain.filter(|bytes| bytes.is_ascii()) {
        Some(bytes) => Ok(bytes.len() as isize),
        None => Ok(text_of(py, object)?.len()? as isize),
    }
}

/// How Python code would make the value.
pub(super) fn repr<'py>(py: Python<'py>, object: &Object) -> Result<String, Failure> {
    let entry = &object.info().entry;
    let text = text_of(py, object)?.repr()?.to_string_lossy().into_owned();
    Ok(match entry.namespace_name.as_str() {
        "pg_catalog" => format!("Postgres.types.{}({text})", entry.name),
        schema => format!("Postgres.Type('{schema}.{}')({text})", entry.name),
    })
}

pub(super) fn long(py: Python<'_>, value: i64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromLongLong(value)) }
}

/// The value of an integer type or an OID.
pub(super) fn index(object: &Object) -> Option<i64> {
    match object.info().kind {
        Kind::Oid => Some(i64::from(object.datum().value() as u32)),
        _ => fast::integer(object),
    }
}

/// `int(object)`: of numbers, and of what Python makes one of.
pub(super) fn int<'py>(py: Python<'py>, object: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    if let Some(value) = index(object) {
        return Ok(long(py, value)?);
    }
    let value = python(py, object)?;
    // SAFETY: a live object; a new reference, or null with an exception set.
    Ok(unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Long(value.as_ptr())) }?)
}

/// `float(object)`.
pub(super) fn float<'py>(py: Python<'py>, object: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    let value = match index(object) {
        Some(value) => long(py, value)?,
        None => python(py, object)?,
    };
    // SAFETY: as above.
    Ok(unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Float(value.as_ptr())) }?)
}

/// `bool(object)`: zero, an empty string and an empty array are false, and so is false.
pub(super) fn truth(py: Python<'_>, object: &Object) -> Result<bool, Failure> {
    if let Some(value) = index(object) {
        return Ok(value != 0);
    }
    match object.info().kind {
        Kind::Bool => Ok(object.datum().value() as u8 != 0),
        Kind::Float4 | Kind::Float8 | Kind::Numeric | Kind::Text | Kind::Padded | Kind::Bytea => {
            Ok(python(py, object)?.is_truthy()?)
        }
        Kind::Array => Ok(python(py, object)?.is_truthy()?),
        _ => Ok(true),
    }
}

/// `hash(object)`.
pub(super) fn hash(py: Python<'_>, object: &Object) -> Result<isize, Failure> {
    if let Some(value) = index(object) {
        return Ok(long(py, value)?.hash()?);
    }
    let info = object.info();
    if hashes_as_python(object) {
        return Ok(python(py, object)?.hash()?);
    }
    ready()?;
    let Some(function) = info.hash()? else {
        let message = format!("unhashable type: '{}', which has no hash function", info.entry.name);
        return Err(Failure::Python(pyo3::exceptions::PyTypeError::new_err(message)));
    };
    // The value `-1` is how Python marks an error.
    // SAFETY: the caller holds the instance.
    scratch(|| unsafe {
        let hash = class::hashed(function, info.entry.collation, object.datum())?;
        Ok::<_, Failure>(hash as isize)
    })
}

/// Whether the value equals one of Python's own, and must hash as that.
fn hashes_as_python(object: &Object) -> bool {
    let info = object.info();
    let plain = matches!(
        info.kind,
        Kind::Bool | Kind::Float4 | Kind::Float8 | Kind::Numeric | Kind::Text | Kind::Padded | Kind::Bytea
    );
    plain
        || matches!(
            info.base,
            pg_sys::DATEOID
                | pg_sys::TIMEOID
                | pg_sys::TIMETZOID
                | pg_sys::TIMESTAMPOID
                | pg_sys::TIMESTAMPTZOID
                | pg_sys::UUIDOID
        )
        || info.entry.kind == b'e'
}

/// `format(object, spec)`: of the number where there is one, else of the text.
pub(super) fn format<'py>(
    py: Python<'py>,
    object: &Object,
    spec: &Bound<'py, PyAny>,
) -> Result<Bound<'py, PyAny>, Failure> {
    let value = if spec.len()? == 0 { text_of(py, object)? } else { plain(py, object)? };
    Ok(value.call_method1(pyo3::intern!(py, "__format__"), (spec,))?)
}

/// The Python value whose own formatting suits the type.
fn plain<'py>(py: Python<'py>, object: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    if let Some(value) = index(object) {
        return Ok(long(py, value)?);
    }
    match object.info().kind {
        Kind::Array | Kind::Record | Kind::Multirange | Kind::Other if !hashes_as_python(object) => {
            text_of(py, object)
        }
        _ => python(py, object),
    }
}

/// An error of the server as an exception, with an exception of Python as it is.
pub(super) fn exception(py: Python<'_>, failure: Failure) -> PyErr {
    match failure {
        Failure::Python(error) => error,
        Failure::Server(error) => crate::bridge::state::fail(py, error),
    }
}
