//! `PLyCursor`: a portal. The danger is its end, which may come before the object's: a portal is looked up by
//! its name at each use, and closed at the object's end where that is possible.

use std::cell::RefCell;
use std::rc::Rc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::api::run;
use super::result::{PlyResult, dicts};
use crate::bridge::pinned::Pinned;
use crate::bridge::sql::{is_in_function, run_for_function};
use crate::convert::table::Layout;
use crate::pg::memory::{Access, ForLife};
use crate::pg::spi::{Done, FETCHED};
use crate::pg::statement::{self, Direction};

thread_local! {
    /// Portals of cursors that are not closed: those survive a procedure's `commit`.
    static OPEN: ForLife<Vec<String>> = ForLife::default();
}

/// The names of the portals of all cursors.
pub(super) fn portals() -> Vec<String> {
    OPEN.read(Clone::clone)
}

/// The rows of a query, fetched as they are asked for; an iterator over dicts.
///
/// It ends with the function's transaction, but for `commit` and `rollback`, which it survives, and with the
/// subtransaction in which it was opened.
#[pyclass(frozen, module = "plpy", name = "PLyCursor")]
pub(super) struct PlyCursor(Pinned<Cursor>);

struct Cursor {
    portal: RefCell<Option<String>>,
    layout: RefCell<Option<Rc<Layout>>>,
}

impl PlyCursor {
    pub(super) fn new(portal: String) -> Self {
        OPEN.change(|open| open.push(portal.clone()));
        PlyCursor(Pinned::new(Cursor { portal: RefCell::new(Some(portal)), layout: RefCell::new(None) }))
    }
}

impl Cursor {
    /// `action` is for messages.
    fn read(&self, py: Python<'_>, count: i64, action: &str) -> PyResult<PlyResult> {
        let Some(portal) = self.portal.borrow().clone() else {
            return Err(PyValueError::new_err(format!("{action} a closed cursor")));
        };
        let layout = self.layout.borrow().clone();
        let fetched = run(py, |terms| {
            let mut rows = dicts(py, layout);
            rows.at_once = count == 1;
            let rows = terms.receiver(rows);
            statement::fetch_into(&portal, Direction::Forward, count, rows)
        })?;
        let Some((count, dicts)) = fetched else {
            let text = format!("{action} a cursor in an aborted subtransaction");
            return Err(PyValueError::new_err(text));
        };
        let result = PlyResult::new(py, Done { code: FETCHED, count }, dicts.into_inner());
        if let Some(layout) = result.layout() {
            self.layout.replace(Some(layout.clone()));
        }
        Ok(result)
    }

    fn take(&self) -> Option<String> {
        let portal = self.portal.take()?;
        OPEN.change(|open| {
            if let Some(at) = open.iter().rposition(|name| *name == portal) {
                open.swap_remove(at);
            }
        });
        Some(portal)
    }
}

#[pymethods]
impl PlyCursor {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let result = self.0.get().read(py, 1, "iterating")?;
        let rows = result.made(py)?;
        if rows.is_empty() { Ok(None) } else { rows.get_item(0).map(Some) }
    }

    /// Return the next rows, at most `count`; none at the end.
    fn fetch(&self, py: Python<'_>, count: i64) -> PyResult<PlyResult> {
        self.0.get().read(py, count, "fetch from")
    }

    /// Give the rows up; a second call does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Some(portal) = self.0.get().take() else { return Ok(()) };
        match run(py, |_| statement::close(&portal))? {
            true => Ok(()),
            false => Err(PyValueError::new_err("closing a cursor in an aborted subtransaction")),
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // Where it cannot be closed now, the end of the transaction does.
        if let Some(portal) = self.take()
            && is_in_function()
        {
            let _ = run_for_function(|_| statement::close(&portal));
        }
    }
}
