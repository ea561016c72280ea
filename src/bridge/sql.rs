//! SQL from Python: `multicorn._native.execute`. The danger is what a failed statement leaves behind:
//! it runs in an internal subtransaction, so that Python may catch the error and go on; where the
//! server forbids that, the error ends the statement whatever Python does with it.

use std::ffi::{CString, c_int, c_long};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pgrx::pg_sys;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};

use super::subtransaction::in_subtransaction;
use super::{errors, interrupts};
use crate::error::{Error, SqlState};
use crate::pg::guard::pg_try;
use crate::pg::{encoding, raw};

/// The error of a statement that ran without a subtransaction; it must reach the server. Kept until an
/// abort has released what the statement held: a warning may swallow it on the way.
static UNCAUGHT: Mutex<Option<Error>> = Mutex::new(None);
/// Whether there is one: the row loop asks for each row.
static IS_UNCAUGHT: AtomicBool = AtomicBool::new(false);

/// The error that Python code caught but may not keep.
#[inline]
pub(crate) fn uncaught() -> Result<(), Error> {
    if IS_UNCAUGHT.load(Ordering::Relaxed) { copy_uncaught() } else { Ok(()) }
}

#[cold]
fn copy_uncaught() -> Result<(), Error> {
    UNCAUGHT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .map_or(Ok(()), |error| Err(errors::copy(error)))
}

/// An abort has released everything.
pub(super) fn forget_uncaught() {
    if IS_UNCAUGHT.swap(false, Ordering::Relaxed) {
        UNCAUGHT.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A parameter, in memory of Rust's.
enum Parameter {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
}

/// What a statement gave.
enum Outcome {
    Count(u64),
    Rows { names: Vec<String>, types: Vec<pg_sys::Oid>, rows: Vec<Vec<Option<String>>> },
}

/// Runs one statement; its parameters are `$1`, `$2`, ….
///
/// Returns a list of dicts for a statement that gives rows, else the number of rows it touched.
/// Booleans, integers and floats come as such, every other type as its text. Raises RuntimeError
/// where SQL is not allowed, `ServerError` if the statement fails.
#[pyfunction]
#[pyo3(signature = (query, args=None))]
pub(super) fn execute<'py>(
    py: Python<'py>,
    query: &str,
    args: Option<Vec<Bound<'py, PyAny>>>,
) -> PyResult<Bound<'py, PyAny>> {
    if super::in_child() || !interrupts::on_main_thread() {
        return Err(PyRuntimeError::new_err("SQL can be run only on the session's own thread"));
    }
    if !super::sql_allowed() {
        return Err(PyRuntimeError::new_err("SQL cannot be run in a transaction hook or a clean-up"));
    }
    // SAFETY: reads a variable of the backend.
    if !unsafe { raw::IsTransactionState() } {
        // The end of an object may come with the memory of an aborted transaction.
        return Err(PyRuntimeError::new_err("SQL cannot be run while a transaction ends"));
    }
    let parameters: Vec<Parameter> =
        args.unwrap_or_default().iter().map(parameter).collect::<PyResult<_>>()?;
    // SAFETY: reads a variable of the backend.
    let alone = unsafe { raw::IsInParallelMode() };
    let outcome = if alone { run(query, &parameters) } else { in_subtransaction(|| run(query, &parameters)) };
    let outcome = outcome.map_err(|error| {
        if alone {
            let kept = errors::copy(&error);
            UNCAUGHT.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(kept);
            IS_UNCAUGHT.store(true, Ordering::Relaxed);
        }
        errors::to_python(py, error)
    })?;
    match outcome {
        Outcome::Count(count) => Ok(count.into_pyobject(py)?.into_any()),
        Outcome::Rows { names, types, rows } => {
            let result = PyList::empty(py);
            for row in rows {
                let dict = PyDict::new(py);
                for ((name, oid), value) in names.iter().zip(&types).zip(row) {
                    dict.set_item(name, python_value(py, *oid, value)?)?;
                }
                result.append(dict)?;
            }
            Ok(result.into_any())
        }
    }
}

fn parameter(object: &Bound<'_, PyAny>) -> PyResult<Parameter> {
    if object.is_none() {
        return Ok(Parameter::Null);
    }
    // Before int, of which bool is a subclass.
    if object.is_instance_of::<PyBool>() {
        return Ok(Parameter::Bool(object.extract()?));
    }
    if object.is_instance_of::<PyInt>() {
        return Ok(Parameter::Int(object.extract()?));
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(Parameter::Float(object.extract()?));
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Parameter::Bytes(bytes.as_bytes().to_vec()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Parameter::Text(encoding::to_server(text.to_str()?).into_bytes()));
    }
    let class = crate::interpreter::objects::type_name(object);
    Err(PyTypeError::new_err(format!("a parameter cannot be a {class}; pass its text")))
}

fn python_value(py: Python<'_>, oid: pg_sys::Oid, value: Option<String>) -> PyResult<Bound<'_, PyAny>> {
    let Some(text) = value else { return Ok(py.None().into_bound(py)) };
    Ok(match oid {
        pg_sys::BOOLOID => (text == "t").into_pyobject(py)?.to_owned().into_any(),
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID | pg_sys::OIDOID => {
            py.get_type::<PyInt>().call1((text,))?
        }
        pg_sys::FLOAT4OID | pg_sys::FLOAT8OID => py.get_type::<PyFloat>().call1((text,))?,
        _ => text.into_pyobject(py)?.into_any(),
    })
}

/// Runs the statement and copies what it gives into Rust's memory; the connection to SPI frees the
/// server's copies.
fn run(query: &str, parameters: &[Parameter]) -> Result<Outcome, Error> {
    let query = encoding::to_server(query);
    let nulls: Vec<u8> =
        parameters.iter().map(|p| if matches!(p, Parameter::Null) { b'n' } else { b' ' }).collect();
    let nulls = CString::new(nulls).unwrap_or_default();
    let mut types: Vec<pg_sys::Oid> = parameters.iter().map(type_of).collect();
    let count = c_int::try_from(parameters.len()).map_err(|_| Error::internal("too many parameters"))?;
    // SAFETY: raw calls only inside; the vectors are made before and outlive the call, and `values`
    // is filled within its length.
    unsafe {
        let mut values = vec![pg_sys::Datum::from(0); parameters.len()];
        let code = pg_try(|| {
            raw::SPI_connect();
            for (value, parameter) in values.iter_mut().zip(parameters) {
                *value = datum(parameter);
            }
            raw::SPI_execute_with_args(
                query.as_ptr(),
                count,
                types.as_mut_ptr(),
                values.as_mut_ptr(),
                nulls.as_ptr(),
                false,
                0 as c_long,
            )
        })?;
        if code < 0 {
            let name = encoding::from_server_ptr(raw::SPI_result_code_string(code)).unwrap_or_default();
            pg_try(|| raw::SPI_finish())?;
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("this statement cannot be run from Python: {name}"),
            ));
        }
        let table = pg_sys::SPI_tuptable;
        let outcome = if table.is_null() { Outcome::Count(pg_sys::SPI_processed) } else { rows(table)? };
        pg_try(|| raw::SPI_finish())?;
        Ok(outcome)
    }
}

fn type_of(parameter: &Parameter) -> pg_sys::Oid {
    match parameter {
        Parameter::Bool(_) => pg_sys::BOOLOID,
        Parameter::Int(_) => pg_sys::INT8OID,
        Parameter::Float(_) => pg_sys::FLOAT8OID,
        Parameter::Null | Parameter::Text(_) => pg_sys::TEXTOID,
        Parameter::Bytes(_) => pg_sys::BYTEAOID,
    }
}

/// # Safety
/// Inside `pg_try`: it allocates in the current memory context.
unsafe fn datum(parameter: &Parameter) -> pg_sys::Datum {
    match parameter {
        Parameter::Null => pg_sys::Datum::from(0),
        Parameter::Bool(value) => pg_sys::Datum::from(usize::from(*value)),
        Parameter::Int(value) => pg_sys::Datum::from(*value),
        // The server passes float8 by value as its bits, on every 64-bit platform.
        Parameter::Float(value) => pg_sys::Datum::from(value.to_bits()),
        Parameter::Text(bytes) | Parameter::Bytes(bytes) => {
            // SAFETY: copies the bytes behind a varlena header; text and bytea look the same.
            let copy = unsafe { raw::cstring_to_text_with_len(bytes.as_ptr().cast(), bytes.len() as c_int) };
            pg_sys::Datum::from(copy)
        }
    }
}

/// # Safety
/// `table` is the table of the SPI connection that is open.
unsafe fn rows(table: *mut pg_sys::SPITupleTable) -> Result<Outcome, Error> {
    // SAFETY: the caller's promise; strings are copied before the next call.
    unsafe {
        let descriptor = (*table).tupdesc;
        let columns = (*descriptor).natts;
        let (mut names, mut types, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for number in 1..=columns {
            let name = pg_try(|| raw::SPI_fname(descriptor, number))?;
            names.push(encoding::from_server_ptr(name).unwrap_or_default());
            types.push(pg_try(|| raw::SPI_gettypeid(descriptor, number))?);
        }
        for index in 0..(*table).numvals as usize {
            let tuple = *(*table).vals.add(index);
            let mut row = Vec::with_capacity(names.len());
            for number in 1..=columns {
                let text = pg_try(|| raw::SPI_getvalue(tuple, descriptor, number))?;
                row.push(encoding::from_server_ptr(text));
                if !text.is_null() {
                    raw::pfree(text.cast());
                }
            }
            rows.push(row);
        }
        Ok(Outcome::Rows { names, types, rows })
    }
}
