//! TRANSFORM FOR TYPE: the conversions that a function of `plpy` asks for by name. The danger is a plan made
//! for one function and used by another: each list of types has a number, which is part of what plans are
//! kept by.

use std::sync::atomic::{AtomicU32, Ordering};

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::json::JSON_STRING;
use super::python::{self, Import, running};
use super::{Dialect, known};
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::memory::{Access, ForLife};
use crate::pg::planner::Constant;
use crate::pg::transforms;
use crate::pg::types::Function;

/// The list of no types.
pub(crate) const NONE: u32 = 0;

/// The list of the function that runs.
static CURRENT: AtomicU32 = AtomicU32::new(NONE);

thread_local! {
    /// Language and types of each list; the first has number 1.
    static LISTS: ForLife<Vec<(u32, Vec<Oid>)>> = ForLife::default();
}

/// The number of a function's list.
pub(crate) fn number(language: Oid, types: &[Oid]) -> u32 {
    if types.is_empty() {
        return NONE;
    }
    LISTS.change(|lists| {
        let is = |list: &(u32, Vec<Oid>)| list.0 == language.to_u32() && list.1 == types;
        let at = lists.iter().position(is).unwrap_or_else(|| {
            lists.push((language.to_u32(), types.to_vec()));
            lists.len() - 1
        });
        at as u32 + 1
    })
}

/// Runs `work` with a list as that of the function that runs.
#[inline]
pub(crate) fn with<T>(list: u32, work: impl FnOnce() -> T) -> T {
    let before = CURRENT.swap(list, Ordering::Relaxed);
    let result = work();
    CURRENT.store(before, Ordering::Relaxed);
    result
}

#[inline]
pub(crate) fn current() -> u32 {
    CURRENT.load(Ordering::Relaxed)
}

/// The function that makes a Python object of the type's values, if there is one.
pub(super) fn from_sql(type_oid: Oid) -> Result<Option<Function>, Error> {
    function(type_oid, transforms::from_sql)
}

/// The function that makes a value of the type of a Python object, if there is one.
pub(super) fn to_sql(type_oid: Oid) -> Result<Option<Function>, Error> {
    function(type_oid, transforms::to_sql)
}

/// Looks a function up by type, language and list.
type Find = fn(Oid, Oid, &[Oid]) -> Result<Option<Oid>, Error>;

fn function(type_oid: Oid, find: Find) -> Result<Option<Function>, Error> {
    let Some(at) = (current() as usize).checked_sub(1) else { return Ok(None) };
    let list = LISTS.read(|lists| lists.get(at).cloned());
    let Some((language, types)) = list else { return Ok(None) };
    find(type_oid, Oid::from(language), &types)?.map(Function::lookup).transpose()
}

/// # Safety
/// `datum` is a live value of the function's type.
pub(super) unsafe fn to_python<'py>(
    py: Python<'py>,
    function: &Function,
    datum: Datum,
) -> Result<Bound<'py, PyAny>, Error> {
    // SAFETY: the caller's promise; such a function returns a new reference, or null with an exception set.
    unsafe {
        let none = Datum::null();
        let object = pg_try(|| function.call3(Oid::INVALID, datum, none, none))?;
        Bound::from_owned_ptr_or_opt(py, object.cast_mut_ptr()).ok_or_else(python::raised)
    }
}

/// # Safety
/// `object` is alive and not None; may raise.
pub(super) unsafe fn to_datum(function: &Function, object: *mut ffi::PyObject) -> Datum {
    let none = Datum::null();
    // SAFETY: the caller's promise; such a function takes a borrowed reference.
    unsafe { function.call3(Oid::INVALID, Datum::from(object), none, none) }
}

static LOADS: Import = Import::new("multicorn._json", "exact");

/// The extension's own function for jsonb, from SQL: numbers are Decimal, as PL/Python's has them.
pub(crate) fn jsonb_from_sql(datum: Datum) -> Result<Datum, Error> {
    Python::attach(|py| {
        let constant = Constant { datum, is_null: false };
        let plan = with(NONE, || known::value(pg_sys::JSONBOID.to_u32(), Dialect::Plpy))?;
        let text = plan.to_object(py, constant)?;
        let loads = LOADS.get(py)?;
        // SAFETY: no server call inside.
        let object = unsafe { running(|| loads.call1((text,))) };
        Ok(Datum::from(object.map_err(|error| python::error(py, error))?.into_ptr()))
    })
}

/// The same to SQL.
pub(crate) fn jsonb_to_sql(object: Datum) -> Result<Datum, Error> {
    Python::attach(|py| {
        // SAFETY: what the server passes is the object that the language's handler has passed to it.
        let object = unsafe { Bound::from_borrowed_ptr(py, object.cast_mut_ptr::<ffi::PyObject>()) };
        let plan = known::parameter(pg_sys::JSONBOID.to_u32(), Dialect::Wrapper)?;
        if object.is_instance_of::<PyString>() {
            // Elsewhere a str is a document.
            let text = JSON_STRING.get(py)?.call1((&object,)).map_err(|error| python::error(py, error))?;
            return Ok(plan.constant(&text)?.datum);
        }
        Ok(plan.constant(&object)?.datum)
    })
}
