//! Rows that a statement gives, as records of PostgreSQL's own, or as the values of one column, straight from
//! the executor. The danger is an error inside it: the row's conversion hands it back, and the statement
//! ends.

use std::rc::Rc;

use pgrx::pg_sys;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::Dialect;
use super::known::{self, Value};
use super::python::{self, running};
use crate::error::Error;
use crate::pg::receiver::{Header, Receiver, Row};
use crate::pg::record_type::RecordType;

/// Takes rows as records, or the first value of each.
pub(crate) struct Records<'py> {
    py: Python<'py>,
    /// `None`: values if there is only one column.
    column: Option<bool>,
    made: Option<(Made, Bound<'py, PyList>)>,
}

enum Made {
    Rows(Rc<Value>, RecordType),
    Values(Rc<Value>),
}

impl<'py> Records<'py> {
    pub(crate) fn new(py: Python<'py>, column: Option<bool>) -> Self {
        Records { py, column, made: None }
    }

    /// The rows, `None` if the statement gives none.
    pub(crate) fn list(self) -> Option<Bound<'py, PyList>> {
        self.made.map(|(_, list)| list)
    }
}

impl Receiver for Records<'_> {
    fn start(&mut self, header: Header) -> Result<(), Error> {
        let find = |type_oid: pg_sys::Oid| known::value(type_oid.to_u32(), Dialect::Native);
        let column = self.column.unwrap_or(header.count() == 1);
        let made = match header.first_type() {
            Some(first) if column => Made::Values(find(first)?),
            _ => Made::Rows(find(pg_sys::RECORDOID)?, header.record_type()?),
        };
        self.made = Some((made, PyList::empty(self.py)));
        Ok(())
    }

    #[inline]
    fn row(&mut self, row: Row) -> Result<(), Error> {
        let Some((made, list)) = &self.made else { return Ok(()) };
        // SAFETY: the GIL is held; the server is called by the converters, which keep its errors, and to form
        // a record, by frames that own nothing. The list is nobody else's yet.
        unsafe {
            running(|| {
                let object = match made {
                    Made::Rows(plan, record) => plan.to_object(self.py, record.form(row))?,
                    Made::Values(plan) => match row.values().next() {
                        Some(value) => plan.to_object(self.py, value)?,
                        None => return Ok(()),
                    },
                };
                match ffi::PyList_Append(list.as_ptr(), object.as_ptr()) {
                    0 => Ok(()),
                    _ => Err(python::raised()),
                }
            })
        }
    }
}
