//! Rows that a statement gave, as records of PostgreSQL's own, or as the values of one column. The danger is the
//! size of a result: what a conversion allocates is freed before the next hundred rows, and a cancel is looked
//! for as often.

use std::rc::Rc;

use pgrx::pg_sys;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::known::{self, Value};
use super::{Dialect, python};
use crate::bridge::check_interrupts;
use crate::error::Error;
use crate::pg::memory::OwnedContext;
use crate::pg::planner::Constant;
use crate::pg::spi::{self, ResultRows};

/// Rows between two looks at interrupts and two resets of the memory.
const BATCH: usize = 128;

/// Each row as a record.
pub(crate) fn rows<'py>(py: Python<'py>, rows: &mut ResultRows) -> Result<Bound<'py, PyList>, Error> {
    let plan = known::value(pg_sys::RECORDOID.to_u32(), Dialect::Native)?;
    rows.become_records()?;
    each(py, rows, &plan, ResultRows::record)
}

/// The value of the first column of each row.
pub(crate) fn column<'py>(py: Python<'py>, rows: &mut ResultRows) -> Result<Bound<'py, PyList>, Error> {
    let Some(type_oid) = rows.columns().first().map(|column| column.type_oid) else {
        return Ok(PyList::empty(py));
    };
    let plan = known::value(type_oid.to_u32(), Dialect::Native)?;
    each(py, rows, &plan, ResultRows::first)
}

fn each<'py>(
    py: Python<'py>,
    rows: &mut ResultRows,
    plan: &Rc<Value>,
    value: impl Fn(&mut ResultRows, usize) -> Result<Constant, Error>,
) -> Result<Bound<'py, PyList>, Error> {
    spi::ensure_snapshot()?;
    let context = OwnedContext::new()?;
    let list = PyList::empty(py);
    let count = rows.len();
    let mut index = 0;
    while index < count {
        let end = count.min(index + BATCH);
        context.within(|| {
            for at in index..end {
                let object = plan.to_object(py, value(rows, at)?)?;
                list.append(object).map_err(|error| python::error(py, error))?;
            }
            Ok(())
        })?;
        index = end;
        if index < count {
            context.reset()?;
            check_interrupts()?;
        }
    }
    Ok(list)
}
