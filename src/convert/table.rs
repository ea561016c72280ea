//! Rows that a statement gave, as Python objects: dicts by column name, or tuples. The danger is the size of a
//! result: what the conversion of a row allocates is freed before the next hundred, and a cancel is looked
//! for as often.

use std::rc::Rc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use super::known::{self, Value};
use super::python::{self, running};
use super::store::Store;
use crate::bridge::check_interrupts;
use crate::error::Error;
use crate::pg::memory::Scratch;
use crate::pg::planner::Constant;
use crate::pg::receiver::{Header, Receiver, Row};
use crate::pg::spi::{self, ResultColumn, ResultRows};
use crate::pg::types;

/// Rows between two looks at interrupts and two resets of the memory.
const BATCH: usize = 128;

/// The conversion of each column, found by its type.
pub(crate) fn plans(
    rows: &ResultRows,
    find: impl Fn(u32) -> Result<Rc<Value>, Error>,
) -> Result<Vec<Rc<Value>>, Error> {
    rows.columns().iter().map(|column| find(column.type_oid.to_u32())).collect()
}

/// A name that several columns have.
pub(crate) fn twice(columns: &[ResultColumn]) -> Option<&str> {
    let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// How to find the conversion of a column by its type.
pub(crate) type Find = fn(u32) -> Result<Rc<Value>, Error>;

/// What dicts are made with, kept between two runs of a statement.
pub(crate) struct Layout {
    epoch: (u64, u32),
    columns: Vec<ResultColumn>,
    names: Vec<Py<PyString>>,
    plans: Vec<Rc<Value>>,
    forms: Vec<types::Layout>,
    /// Whether making a dict later shows no difference: it cannot fail, and its values cannot be changed.
    can_wait: bool,
}

impl Layout {
    pub(crate) fn of(py: Python<'_>, columns: Vec<ResultColumn>, find: Find) -> Result<Self, Error> {
        let epoch = known::epoch();
        let plans = columns.iter().map(|column| find(column.type_oid.to_u32())).collect::<Result<_, _>>()?;
        let names = columns.iter().map(|column| PyString::intern(py, &column.name).unbind()).collect();
        let forms =
            columns.iter().map(|column| types::Layout::lookup(column.type_oid)).collect::<Result<_, _>>()?;
        let mut layout = Layout { epoch, columns, names, plans, forms, can_wait: false };
        layout.can_wait =
            layout.plans.iter().all(|plan| plan.is_simple()) && twice(&layout.columns).is_none();
        Ok(layout)
    }

    pub(super) fn names(&self) -> &[Py<PyString>] {
        &self.names
    }

    pub(super) fn forms(&self) -> &[types::Layout] {
        &self.forms
    }

    pub(crate) fn plans(&self) -> &[Rc<Value>] {
        &self.plans
    }

    pub(crate) fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    fn fits(&self, header: Header) -> bool {
        self.epoch == known::epoch() && header.is(&self.columns)
    }

    /// As `dict`, with references to the values in `made`.
    pub(super) fn dict_of<'py>(
        &self,
        py: Python<'py>,
        values: impl Iterator<Item = Constant>,
        made: &mut Vec<Py<PyAny>>,
    ) -> Result<Bound<'py, PyAny>, Error> {
        self.filled(py, values, |object| made.push(object.unbind()))
    }

    /// A row as a dict; of several columns of one name the last counts.
    pub(super) fn dict<'py>(
        &self,
        py: Python<'py>,
        values: impl Iterator<Item = Constant>,
    ) -> Result<Bound<'py, PyAny>, Error> {
        self.filled(py, values, drop)
    }

    /// Gives each value to `put` when it is in the dict.
    #[inline]
    fn filled<'py>(
        &self,
        py: Python<'py>,
        values: impl Iterator<Item = Constant>,
        mut put: impl FnMut(Bound<'py, PyAny>),
    ) -> Result<Bound<'py, PyAny>, Error> {
        // SAFETY: new references, or null with an exception set; a str as a key runs no code.
        unsafe {
            let dict = Bound::from_owned_ptr_or_opt(py, ffi::PyDict_New()).ok_or_else(python::raised)?;
            for ((name, plan), value) in self.names.iter().zip(&self.plans).zip(values) {
                let object = plan.to_object(py, value)?;
                if ffi::PyDict_SetItem(dict.as_ptr(), name.as_ptr(), object.as_ptr()) != 0 {
                    return Err(python::raised());
                }
                put(object);
            }
            Ok(dict)
        }
    }
}

/// Takes the rows of a statement as dicts.
pub(crate) struct Dicts<'py> {
    py: Python<'py>,
    find: Find,
    /// Of an earlier run, or of this one.
    pub(crate) layout: Option<Rc<Layout>>,
    /// The rows, if the statement gives any.
    pub(crate) rows: Option<Bound<'py, PyList>>,
    /// The rows that can wait, in place of those.
    pub(crate) store: Option<Store>,
    /// Whether rows are made at once: for few of them.
    pub(crate) at_once: bool,
}

impl<'py> Dicts<'py> {
    pub(crate) fn new(py: Python<'py>, find: Find, layout: Option<Rc<Layout>>) -> Self {
        Dicts { py, find, layout, rows: None, store: None, at_once: false }
    }
}

impl Receiver for Dicts<'_> {
    fn start(&mut self, header: Header) -> Result<(), Error> {
        (self.rows, self.store) = (None, None);
        if !self.layout.as_ref().is_some_and(|layout| layout.fits(header)) {
            self.layout = Some(Rc::new(Layout::of(self.py, header.columns(), self.find)?));
        }
        match !self.at_once && self.layout.as_ref().is_some_and(|layout| layout.can_wait) {
            true => self.store = Some(Store::default()),
            false => self.rows = Some(PyList::empty(self.py)),
        }
        Ok(())
    }

    #[inline]
    fn row(&mut self, row: Row) -> Result<(), Error> {
        if let (Some(layout), Some(store)) = (&self.layout, &mut self.store) {
            return store.push(layout, row);
        }
        let (Some(layout), Some(rows)) = (&self.layout, &self.rows) else { return Ok(()) };
        // SAFETY: the GIL is held; the server is called by the converters only, which keep its errors.
        unsafe {
            running(|| {
                let dict = layout.dict(self.py, row.values())?;
                match ffi::PyList_Append(rows.as_ptr(), dict.as_ptr()) {
                    0 => Ok(()),
                    _ => Err(python::raised()),
                }
            })
        }
    }
}

/// Each row as a dict; of several columns of one name the last counts.
pub(crate) fn dicts<'py>(
    py: Python<'py>,
    rows: &mut ResultRows,
    plans: &[Rc<Value>],
) -> Result<Bound<'py, PyList>, Error> {
    let names = rows.columns().iter().map(|column| PyString::intern(py, &column.name).unbind()).collect();
    let plans = plans.to_vec();
    let layout =
        Layout { epoch: (0, 0), columns: Vec::new(), names, plans, forms: Vec::new(), can_wait: false };
    each(py, rows, |rows, index| layout.dict(py, rows.row(index)))
}

/// Each row as a tuple.
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
    let context = Scratch::take()?;
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
