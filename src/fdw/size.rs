//! `get_rel_size`: how many rows, and how wide. The danger is a class that returns nonsense: it gets an
//! error that names the method, and no infinity reaches the planner.

use pyo3::prelude::*;
use pyo3::types::{PyList, PySequence, PyString};

use super::class;
use super::instance::{Instance, wrong_result};
use super::quals;
use crate::bridge::Failure;

/// More rows than this make costs meaningless.
pub(super) const MOST_ROWS: f64 = 1e15;
/// The server's own bound for the width of a tuple that is not toasted away.
const MOST_WIDTH: f64 = 1e9;

/// Rows, and a row's width in bytes, of a scan with these quals that needs these columns.
pub(super) fn ask(
    py: Python<'_>,
    instance: &Instance,
    quals: &Bound<'_, PyList>,
    columns: &[i16],
) -> Result<(f64, i32), Failure> {
    let columns = quals::columns(py, instance, columns)?;
    let object = instance.object.bind(py);
    let result = match object.getattr_opt("get_rel_size")? {
        Some(method) if instance.class.rel_size_takes_columns => method.call1((quals, columns))?,
        Some(method) => method.call1((quals,))?,
        // A class need not inherit: what it lacks is as if it did.
        None => class::contract(py)?.default_rel_size.bind(py).call1((object, quals, columns))?,
    };
    let size = pair(&result).and_then(|(rows, width)| Some((finite(&rows)?, finite(&width)?)));
    match size {
        Some((rows, width)) => Ok((rows.clamp(1.0, MOST_ROWS).round(), width.clamp(0.0, MOST_WIDTH) as i32)),
        None => {
            Err(wrong_result(&instance.class, "get_rel_size", "a tuple (rows, width in bytes)", &result)
                .into())
        }
    }
}

/// The two items of a tuple or a list.
pub(super) fn pair<'py>(object: &Bound<'py, PyAny>) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let items = object.cast::<PySequence>().ok().filter(|_| !object.is_instance_of::<PyString>())?;
    (items.len().ok()? == 2).then(|| Some((items.get_item(0).ok()?, items.get_item(1).ok()?)))?
}

pub(super) fn finite(number: &Bound<'_, PyAny>) -> Option<f64> {
    number.extract::<f64>().ok().filter(|number| number.is_finite())
}
