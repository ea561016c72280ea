//! Rows that a statement gave, as Python objects: dicts by column name, or tuples. The danger is the size of a
//! result: what the conversion of a row allocates is freed before the next hundred, and a cancel is looked
//! for as often.

use std::rc::Rc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use super::known::Value;
use super::python;
use crate::bridge::check_interrupts;
use crate::error::Error;
use crate::pg::memory::OwnedContext;
use crate::pg::spi::{self, ResultRows};

/// Rows between two looks at interrupts and two resets of the memory.
const BATCH: usize = 128;

/// The conversion of each column, found by its type.
pub(crate) fn plans(
    rows: &ResultRows,
    find: impl Fn(u32) -> Result<Rc<Value>, Error>,
) -> Result<Vec<Rc<Value>>, Error> {
    rows.columns().iter().map(|column| find(column.type_oid.to_u32())).collect()
}

/// Each row as a dict; of several columns of one name the last counts.
pub(crate) fn dicts<'py>(
    py: Python<'py>,
    rows: &mut ResultRows,
    plans: &[Rc<Value>],
) -> Result<Bound<'py, PyList>, Error> {
    let names: Vec<Bound<'py, PyString>> =
        rows.columns().iter().map(|column| PyString::intern(py, &column.name)).collect();
    each(py, rows, |rows, index| {
        // SAFETY: new references, or null with an exception set; a str as a key runs no code.
        unsafe {
            let dict = Bound::from_owned_ptr_or_opt(py, ffi::PyDict_New()).ok_or_else(python::raised)?;
            for ((name, plan), value) in names.iter().zip(plans).zip(rows.row(index)) {
                let object = plan.to_object(py, value)?;
                if ffi::PyDict_SetItem(dict.as_ptr(), name.as_ptr(), object.as_ptr()) != 0 {
                    return Err(python::raised());
                }
            }
            Ok(dict)
        }
    })
}

/// Each row as a tuple.
#[allow(dead_code)] // for the modules of the languages
pub(crate) fn tuples<'py>(
    py: Python<'py>,
    rows: &mut ResultRows,
    plans: &[Rc<Value>],
) -> Result<Bound<'py, PyList>, Error> {
    each(py, rows, |rows, index| {
        // SAFETY: as above; each place of the new tuple is filled once.
        unsafe {
            let size = plans.len() as isize;
            let tuple =
                Bound::from_owned_ptr_or_opt(py, ffi::PyTuple_New(size)).ok_or_else(python::raised)?;
            for (at, (plan, value)) in plans.iter().zip(rows.row(index)).enumerate() {
                let object = plan.to_object(py, value)?;
                ffi::PyTuple_SET_ITEM(tuple.as_ptr(), at as isize, object.into_ptr());
            }
            Ok(tuple)
        }
    })
}

fn each<'py>(
    py: Python<'py>,
    rows: &mut ResultRows,
    mut convert: impl FnMut(&mut ResultRows, usize) -> Result<Bound<'py, PyAny>, Error>,
) -> Result<Bound<'py, PyList>, Error> {
    spi::ensure_snapshot()?;
    let context = OwnedContext::new()?;
    let count = rows.len();
    // SAFETY: a new list whose places are all filled before anybody sees it, or which is dropped.
    let list = unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyList_New(count as isize)) };
    let list = list.ok_or_else(python::raised)?;
    let mut index = 0;
    while index < count {
        let end = count.min(index + BATCH);
        context.within(|| {
            for at in index..end {
                let row = convert(rows, at)?;
                // SAFETY: as above.
                unsafe { ffi::PyList_SET_ITEM(list.as_ptr(), at as isize, row.into_ptr()) };
            }
            Ok(())
        })?;
        index = end;
        if index < count {
            context.reset()?;
            check_interrupts()?;
        }
    }
    list.cast_into::<PyList>().map_err(PyErr::from).map_err(|error| python::error(py, error))
}
