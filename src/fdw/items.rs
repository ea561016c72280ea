//! What a class answers with several of: keys, conditions, lines, tables, rows. The danger is an answer
//! without an end (`itertools.repeat`): no Python code runs then that a cancel could reach.

use pyo3::prelude::*;

use crate::bridge::{self, Failure};

/// The items of an iterable, until the statement is to end. Fails at once if it is none.
pub(super) fn items<'py>(
    answer: &Bound<'py, PyAny>,
) -> PyResult<impl Iterator<Item = Result<Bound<'py, PyAny>, Failure>>> {
    Ok(answer.try_iter()?.map(|item| {
        bridge::check_interrupts()?;
        Ok(item?)
    }))
}
