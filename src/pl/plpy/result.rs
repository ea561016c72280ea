//! `PLyResult`: what a statement gave. The danger is its size: the rows are made once, and handed out as they
//! are.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::api::{conversion, ply_error, raised};
use crate::bridge::pinned::Pinned;
use crate::bridge::sql::Denied;
use crate::convert::store::Store;
use crate::convert::table::{self, Dicts, Layout};
use crate::error::Error;
use crate::pg::spi::{Answer, Done, ResultColumn};

/// Numbers of walks.
static WALKS: AtomicU64 = AtomicU64::new(0);

/// What a statement gave: a sequence of rows, each a dict by column name.
///
/// It can be indexed, sliced, iterated and assigned to as a list.
#[pyclass(frozen, module = "plpy", name = "PLyResult")]
pub(super) struct PlyResult {
    code: i32,
    count: u64,
    rows: Pinned<RefCell<Rows>>,
    layout: Pinned<Option<Rc<Layout>>>,
}

/// The rows, as far as they have been looked at.
enum Rows {
    Made(Py<PyList>),
    /// With the number of the walk that goes on.
    Stored(Store, Option<u64>),
}

/// Results of so few rows are made at once.
const FEW: usize = 4;

/// What takes a statement's rows; `layout` is that of an earlier run.
pub(super) fn dicts(py: Python<'_>, layout: Option<Rc<Layout>>) -> Dicts<'_> {
    Dicts::new(py, conversion, layout)
}

impl PlyResult {
    pub(super) fn new(py: Python<'_>, done: Done, dicts: Dicts<'_>) -> Self {
        let has_rows = dicts.rows.is_some() || dicts.store.is_some();
        let layout = dicts.layout.filter(|_| has_rows);
        let rows = match (dicts.store, dicts.rows) {
            (Some(store), _) => Rows::Stored(store, None),
            (None, Some(rows)) => Rows::Made(rows.unbind()),
            (None, None) => Rows::Made(PyList::empty(py).unbind()),
        };
        let given = match &rows {
            Rows::Made(list) => list.bind(py).len(),
            Rows::Stored(store, _) => store.len(),
        };
        // The server does not count what EXPLAIN and SHOW give.
        let count = if has_rows { given as u64 } else { done.count };
        let (rows, layout) = (Pinned::new(RefCell::new(rows)), Pinned::new(layout));
        PlyResult { code: done.code, count, rows, layout }
    }

    /// What the rows are made with.
    pub(super) fn layout(&self) -> Option<&Rc<Layout>> {
        self.layout.get().as_ref()
    }

    /// All rows, made now if they are not yet.
    pub(super) fn made<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let mut rows =
            self.rows.get().try_borrow_mut().map_err(|_| PyRuntimeError::new_err("the rows are in use"))?;
        let list = match (&mut *rows, self.layout()) {
            (Rows::Made(list), _) => return Ok(list.bind(py).clone()),
            (Rows::Stored(store, _), Some(layout)) => {
                store.list(py, layout).map_err(|error| raised(py, Denied::Failed(error)))?
            }
            (Rows::Stored(..), None) => PyList::empty(py),
        };
        *rows = Rows::Made(list.clone().unbind());
        Ok(list)
    }

    /// The number of a new walk through stored rows; `None` if they are made.
    fn begin_walk(&self, py: Python<'_>) -> Option<u64> {
        let layout = self.layout()?;
        let mut rows = self.rows.get().try_borrow_mut().ok()?;
        let Rows::Stored(store, walk) = &mut *rows else { return None };
        if walk.is_some() || store.len() <= FEW {
            return None;
        }
        store.settle_all(py, layout);
        let number = WALKS.fetch_add(1, Ordering::Relaxed);
        *walk = Some(number);
        Some(number)
    }

    /// Row `index` of a walk, or the end; `None` if the rows have been made meanwhile.
    fn step<'py>(
        &self,
        py: Python<'py>,
        number: u64,
        index: usize,
    ) -> Option<PyResult<Option<Bound<'py, PyAny>>>> {
        let layout = self.layout()?;
        let mut rows = self.rows.get().try_borrow_mut().ok()?;
        let Rows::Stored(store, walk) = &mut *rows else { return None };
        if *walk != Some(number) {
            return None;
        }
        let step = store.step(py, layout, index).map_err(|error| raised(py, Denied::Failed(error)));
        if matches!(step, Ok(None)) {
            *walk = None;
        }
        Some(step)
    }

    /// What the last of several statements gave.
    pub(super) fn of_answer(py: Python<'_>, answer: Answer) -> Result<Self, Error> {
        let done = Done { code: answer.code, count: answer.count };
        let mut dicts = dicts(py, None);
        if let Some(mut rows) = answer.rows {
            let layout = Layout::of(py, rows.columns().to_vec(), conversion)?;
            dicts.rows = Some(table::dicts(py, &mut rows, layout.plans())?);
            dicts.layout = Some(Rc::new(layout));
        }
        Ok(PlyResult::new(py, done, dicts))
    }

    fn columns<T>(&self, of: impl Fn(&ResultColumn) -> T) -> PyResult<Vec<T>> {
        match self.layout() {
            Some(layout) => Ok(layout.columns().iter().map(of).collect()),
            None => Err(ply_error("command did not produce a result set")),
        }
    }
}

#[pymethods]
impl PlyResult {
    /// Return how many rows the statement gave, inserted, changed or removed.
    fn nrows(&self) -> u64 {
        self.count
    }

    /// Return the server's code for what was done: 5 is a SELECT, 7 an INSERT.
    fn status(&self) -> i32 {
        self.code
    }

    /// Return the names of the columns. Raises `Error` if there are none.
    fn colnames(&self) -> PyResult<Vec<String>> {
        self.columns(|column| column.name.clone())
    }

    /// Return the types of the columns, as OIDs.
    fn coltypes(&self) -> PyResult<Vec<u32>> {
        self.columns(|column| column.type_oid.to_u32())
    }

    /// Return the type modifiers of the columns, -1 for none.
    fn coltypmods(&self) -> PyResult<Vec<i32>> {
        self.columns(|column| column.typmod)
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        match self.rows.get().try_borrow().as_deref() {
            Err(_) => 0,
            Ok(Rows::Made(list)) => list.bind(py).len(),
            Ok(Rows::Stored(store, _)) => store.len(),
        }
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.made(key.py())?.as_any().get_item(key)
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.made(key.py())?.as_any().set_item(key, value)
    }

    fn __delitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        self.made(key.py())?.as_any().del_item(key)
    }

    fn __iter__<'py>(this: Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = this.py();
        let walk = this.get().begin_walk(py);
        match walk {
            Some(number) => {
                let walk = PlyRows { result: this.unbind(), number, index: AtomicUsize::new(0) };
                Ok(Bound::new(py, walk)?.into_any())
            }
            None => Ok(this.get().made(py)?.as_any().try_iter()?.into_any()),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let rows = self.made(py)?.repr()?;
        Ok(format!("<PLyResult status={} nrows={} rows={rows}>", self.code, self.count))
    }
}

/// A walk through the rows of a `PLyResult`.
#[pyclass(frozen, module = "plpy", name = "PLyRows")]
struct PlyRows {
    result: Py<PlyResult>,
    number: u64,
    index: AtomicUsize,
}

#[pymethods]
impl PlyRows {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let result = self.result.get();
        let index = self.index.fetch_add(1, Ordering::Relaxed);
        match result.step(py, self.number, index) {
            Some(step) => step,
            None => {
                let rows = result.made(py)?;
                if index < rows.len() { rows.get_item(index).map(Some) } else { Ok(None) }
            }
        }
    }
}
