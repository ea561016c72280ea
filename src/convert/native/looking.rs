//! The part of `multicorn._values` that looks into values: arrays, records, ranges, and whatever a function
//! of the server tells of them. The danger is an argument that is no value: each is checked to be one.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};

use pgrx::pg_sys;

use super::class::{self, Kind};
use super::object::{self, Object};
use super::operator::{Argument, Named};
use super::{array, construct, operator, ready, record, scalar};
use crate::bridge::Failure;
use crate::pg::guard::pg_try;
use crate::pg::raw;

pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(call, module)?)?;
    module.add_function(wrap_pyfunction!(call_in, module)?)?;
    module.add_function(wrap_pyfunction!(operate, module)?)?;
    module.add_function(wrap_pyfunction!(contains, module)?)?;
    module.add_function(wrap_pyfunction!(array_shape, module)?)?;
    module.add_function(wrap_pyfunction!(array_elements, module)?)?;
    module.add_function(wrap_pyfunction!(array_element, module)?)?;
    module.add_function(wrap_pyfunction!(array_sql_element, module)?)?;
    module.add_function(wrap_pyfunction!(array_item, module)?)?;
    module.add_function(wrap_pyfunction!(array_of, module)?)?;
    module.add_function(wrap_pyfunction!(multirange_ranges, module)?)?;
    module.add_function(wrap_pyfunction!(record_item, module)?)?;
    module.add_function(wrap_pyfunction!(record_values, module)?)?;
    module.add_function(wrap_pyfunction!(record_columns, module)?)?;
    module.add_function(wrap_pyfunction!(record_replace, module)?)?;
    module.add_function(wrap_pyfunction!(record_transform, module)?)?;
    module.add_function(wrap_pyfunction!(transaction_id, module)?)
}

type Any<'py> = PyResult<Bound<'py, PyAny>>;

fn raised<T>(py: Python<'_>, result: Result<T, Failure>) -> PyResult<T> {
    result.map_err(|failure| scalar::exception(py, failure))
}

/// The argument as a value of that kind.
fn value<'a>(argument: &'a Bound<'_, PyAny>, kind: Option<Kind>) -> PyResult<&'a Object> {
    // SAFETY: the argument is held.
    let found = unsafe { object::of(argument.as_ptr()) };
    match found {
        Some(object) if kind.is_none_or(|kind| base_kind(object) == kind) => Ok(object),
        _ => Err(PyTypeError::new_err(format!("a {} is no such value", argument.get_type()))),
    }
}

fn base_kind(object: &Object) -> Kind {
    object.info().kind
}

fn called<'py>(py: Python<'py>, name: Named<'_>, arguments: &Bound<'py, PyTuple>) -> Any<'py> {
    let values: Vec<Bound<'py, PyAny>> =
        arguments.iter().map(|value| instance(py, value)).collect::<PyResult<_>>()?;
    let arguments: Vec<Argument<'_>> = values.iter().map(argument).collect::<PyResult<_>>()?;
    raised(py, operator::call_named(py, name, &arguments))
}

/// A value, None as a NULL of type text, or a class as one of its type.
fn argument<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Argument<'a>> {
    // SAFETY: the value is held.
    match unsafe { object::of(value.as_ptr()) } {
        Some(object) => Ok(Argument::Value(object)),
        None if value.is_none() => Ok(Argument::Null(pg_sys::TEXTOID)),
        None => Ok(Argument::Null(construct::info_of(value)?.get().info().entry.oid)),
    }
}

/// The argument as an instance: text of a str, a number of an int or float, a boolean.
fn instance<'py>(py: Python<'py>, value: Bound<'py, PyAny>) -> Any<'py> {
    use pgrx::pg_sys::{BOOLOID, FLOAT8OID, INT4OID, TEXTOID};
    // SAFETY: `value` is held.
    if value.is_none() || value.is_instance_of::<PyType>() || unsafe { object::of(value.as_ptr()) }.is_some()
    {
        return Ok(value);
    }
    let type_oid = if value.is_instance_of::<pyo3::types::PyBool>() {
        BOOLOID
    } else if value.is_instance_of::<pyo3::types::PyInt>() {
        INT4OID
    } else if value.is_instance_of::<pyo3::types::PyFloat>() {
        FLOAT8OID
    } else {
        TEXTOID
    };
    raised(py, class::class_of(py, type_oid))?.bind(py).call1((value,))
}

/// Calls a function of pg_catalog with values; None is a NULL of type text.
#[pyfunction]
#[pyo3(signature = (name, *arguments))]
fn call<'py>(py: Python<'py>, name: &str, arguments: &Bound<'py, PyTuple>) -> Any<'py> {
    called(py, Named::Function("pg_catalog", name), arguments)
}

/// Calls a function of a schema with values.
#[pyfunction]
#[pyo3(signature = (schema, name, *arguments))]
fn call_in<'py>(py: Python<'py>, schema: &str, name: &str, arguments: &Bound<'py, PyTuple>) -> Any<'py> {
    called(py, Named::Function(schema, name), arguments)
}

/// Applies an operator of the search path to one or two values.
#[pyfunction]
#[pyo3(signature = (name, *arguments))]
fn operate<'py>(py: Python<'py>, name: &str, arguments: &Bound<'py, PyTuple>) -> Any<'py> {
    called(py, Named::Operator(name), arguments)
}

/// Whether a range or multirange contains a value, which is converted to its bounds' type, or a range.
#[pyfunction]
fn contains<'py>(py: Python<'py>, range: &Bound<'py, PyAny>, item: Bound<'py, PyAny>) -> Any<'py> {
    let this = value(range, None)?;
    // SAFETY: the item is held.
    let item = match unsafe { object::of(item.as_ptr()) } {
        Some(_) => item,
        None => {
            let bound = raised(py, array::bound_type(this))?;
            raised(py, class::class_of(py, bound))?.bind(py).call1((item,))?
        }
    };
    called(py, Named::Operator("@>"), &PyTuple::new(py, [range.clone(), item])?)
}

/// An array's lengths, its lower bounds, and whether an element is NULL.
#[pyfunction]
fn array_shape(py: Python<'_>, object: &Bound<'_, PyAny>) -> PyResult<(Vec<i32>, Vec<i32>, bool)> {
    let object = value(object, Some(Kind::Array))?;
    let shape = || {
        ready()?;
        let view = array::View::of(py, object)?;
        let has_null = view.has_null()?;
        Ok((view.lengths, view.bounds, has_null))
    };
    raised(py, shape())
}

/// An array's elements in row-major order.
#[pyfunction]
fn array_elements<'py>(py: Python<'py>, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let object = value(object, Some(Kind::Array))?;
    raised(py, array::View::of(py, object).and_then(|view| view.elements(py)))
}

/// The element at 0-based indexes.
#[pyfunction]
fn array_element<'py>(py: Python<'py>, object: &Bound<'py, PyAny>, indexes: Vec<i64>) -> Any<'py> {
    raised(py, array::element(py, value(object, Some(Kind::Array))?, &indexes))
}

/// The element at SQL's subscripts, or None.
#[pyfunction]
fn array_sql_element<'py>(py: Python<'py>, object: &Bound<'py, PyAny>, indexes: Vec<i64>) -> Any<'py> {
    raised(py, array::sql_element(py, value(object, Some(Kind::Array))?, &indexes))
}

/// What `array[key]` is.
#[pyfunction]
fn array_item<'py>(py: Python<'py>, object: &Bound<'py, PyAny>, key: &Bound<'py, PyAny>) -> Any<'py> {
    raised(py, array::item(py, value(object, Some(Kind::Array))?, key))
}

/// An array of elements in row-major order, whose number the lengths make.
#[pyfunction]
fn array_of<'py>(
    py: Python<'py>,
    class: &Bound<'py, PyAny>,
    elements: &Bound<'py, PyList>,
    lengths: Vec<i32>,
    bounds: Vec<i32>,
) -> Any<'py> {
    let made: i64 = lengths.iter().map(|&length| i64::from(length)).product();
    let fits = lengths.len() == bounds.len() && lengths.len() <= pg_sys::MAXDIM as usize;
    if !fits || made != elements.len() as i64 || lengths.iter().any(|&length| length < 0) {
        let message = "the dimensions do not fit the number of elements or of lower bounds";
        return Err(pyo3::exceptions::PyValueError::new_err(message));
    }
    raised(py, array::of_elements(py, class, elements, &lengths, &bounds))
}

/// The ranges of a multirange.
#[pyfunction]
fn multirange_ranges<'py>(py: Python<'py>, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let object = value(object, Some(Kind::Multirange))?;
    raised(py, array::ranges(py, object))
}

/// What `record[key]` is.
#[pyfunction]
fn record_item<'py>(py: Python<'py>, object: &Bound<'py, PyAny>, key: &Bound<'py, PyAny>) -> Any<'py> {
    raised(py, record::item(py, value(object, Some(Kind::Record))?, key))
}

/// A record's values.
#[pyfunction]
fn record_values<'py>(py: Python<'py>, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    raised(py, record::values(py, value(object, Some(Kind::Record))?))
}

/// The names of a record's columns, and the OIDs of their types.
#[pyfunction]
fn record_columns<'py>(
    py: Python<'py>,
    object: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyTuple>, Vec<u32>)> {
    let shape = raised(py, record::columns(py, value(object, Some(Kind::Record))?))?;
    Ok((shape.names().bind(py).clone(), shape.types()))
}

/// A record with other values, by position and name; None keeps one.
#[pyfunction]
fn record_replace<'py>(
    py: Python<'py>,
    object: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    keywords: &Bound<'py, PyDict>,
) -> Any<'py> {
    raised(py, record::replaced(py, value(object, Some(Kind::Record))?, arguments, keywords))
}

/// A record with what callables make of its values, by position and name; None keeps one.
#[pyfunction]
fn record_transform<'py>(
    py: Python<'py>,
    object: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    keywords: &Bound<'py, PyDict>,
) -> Any<'py> {
    raised(py, record::transformed(py, value(object, Some(Kind::Record))?, arguments, keywords))
}

/// The number of the transaction, or of the innermost subtransaction, given if it had none.
#[pyfunction]
fn transaction_id(py: Python<'_>, innermost: bool) -> PyResult<u32> {
    let found = ready().and_then(|()| {
        // SAFETY: raw calls.
        let id = unsafe {
            pg_try(|| match innermost {
                true => raw::GetCurrentTransactionId(),
                false => raw::GetTopTransactionId(),
            })
        };
        Ok(id.map(u32::from)?)
    });
    raised(py, found)
}
