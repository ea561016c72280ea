//! A Statement or Cursor that a function returns as its set: its rows go into the tuple store without becoming
//! Python objects. The danger is a cursor that was read in part: rows that it has fetched ahead come first.

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::statements::{self, gone};
use crate::bridge::{Failure, state};
use crate::convert::result::ResultPlan;
use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::drain::{Drained, drain};
use crate::pg::result_set::{self, RowShape, Store};
use crate::pg::statement::Direction;

/// Rows fetched at a time where they have to become Python objects after all.
const CHUNK: i64 = 1000;

/// What is left of a Statement or Cursor.
pub(crate) struct Source<'py> {
    /// Rows that were fetched already.
    rest: Bound<'py, PyList>,
    portal: String,
    is_forward: bool,
    /// Only the first column counts.
    is_column: bool,
    /// Closes the portal when it is let go.
    _cursor: Bound<'py, PyAny>,
}

impl<'py> Source<'py> {
    /// Of an object that is one; `is_scalar` if the set has values instead of rows.
    pub(crate) fn of(object: &Bound<'py, PyAny>, is_scalar: bool) -> PyResult<Option<Self>> {
        let Some(give) = object.get_type().getattr_opt("_give")? else { return Ok(None) };
        let (rest, portal, is_forward, is_column, cursor) = give.call1((object, is_scalar))?.extract()?;
        Ok(Some(Source { rest, portal, is_forward, is_column, _cursor: cursor }))
    }

    /// Fills the tuple store that the call returns.
    pub(crate) fn store(
        self,
        py: Python<'py>,
        call: Call,
        random: bool,
        shape: Result<&RowShape, pgrx::pg_sys::Oid>,
        plan: &ResultPlan,
    ) -> Result<(), Failure> {
        let is_scalar = shape.is_err();
        let store = result_set::begin_store(call, random, shape)?;
        put(&self.rest, plan, &store)?;
        let drained =
            state::statement(py, |_| match self.is_column && !is_scalar || plan.has_constraints() {
                true => Ok(Drained::Differs { columns: 1 }),
                false => drain(&self.portal, self.is_forward, &store),
            })?;
        let columns = match drained {
            Drained::All => return Ok(()),
            Drained::Differs { columns } => columns,
            Drained::Gone => return Err(gone().into()),
        };
        let column = self.is_column || is_scalar && columns == 1;
        let direction = if self.is_forward { Direction::Forward } else { Direction::Backward };
        loop {
            let rows = statements::fetch(py, &self.portal, direction, CHUNK, column)?;
            if rows.is_empty() {
                return Ok(());
            }
            put(&rows, plan, &store)?;
        }
    }
}

fn put(rows: &Bound<'_, PyList>, plan: &ResultPlan, store: &Store) -> Result<(), Error> {
    for row in rows {
        plan.store(&row, store)?;
    }
    Ok(())
}
