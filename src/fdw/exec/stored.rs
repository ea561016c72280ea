//! What a class returns from a write becomes the row again, for those who read it: RETURNING, a check
//! option, a trigger. The danger is a row mixed of two: what the class leaves out keeps the value that it
//! was given.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};

use super::super::class::{self, Class};
use super::super::instance::{Instance, wrong_result};
use super::super::quals::{self, Known};
use crate::bridge::Failure;
use crate::convert;
use crate::error::Error;
use crate::pg::modify_row::Row;

/// A column as rows are handed over.
pub(super) struct Field {
    pub(super) attno: i16,
    pub(super) name: Py<PyString>,
    pub(super) value: Known,
}

/// The columns of a table, in its order.
pub(super) fn fields(py: Python<'_>, instance: &Instance) -> Result<Vec<Field>, Error> {
    let field = |column: &crate::pg::relation::Column| {
        Ok(Field {
            attno: column.attno,
            name: PyString::intern(py, &column.name).unbind(),
            value: quals::known(column.type_oid.to_u32())?,
        })
    };
    instance.table().live_columns().map(field).collect()
}

/// The results of one method.
pub(super) struct Stored<'a> {
    pub(super) class: &'a Class,
    pub(super) fields: &'a [Field],
    pub(super) plan: &'a convert::RowPlan,
    pub(super) method: &'static str,
}

impl Stored<'_> {
    /// Whether the class did it: it returns `SKIPPED` for a row that it did not touch.
    pub(super) fn is_done(&self, py: Python<'_>, stored: &Bound<'_, PyAny>) -> Result<bool, Failure> {
        Ok(stored.is_none() || !stored.is(class::contract(py)?.skipped.bind(py)))
    }

    /// Puts the row as the class says that it is stored into its slot, if somebody reads it.
    pub(super) fn take(
        &self,
        py: Python<'_>,
        row: Row,
        given: &Bound<'_, PyDict>,
        stored: &Bound<'_, PyAny>,
        read: bool,
    ) -> Result<bool, Failure> {
        if !self.is_done(py, stored)? {
            return Ok(false);
        }
        if stored.is_none() || !read {
            return Ok(true);
        }
        let (full, kept) = self.merge(row, given, stored)?;
        if full.is_instance_of::<PyString>() {
            return Err(wrong_result(self.class, self.method, "a row or None", stored).into());
        }
        let mut single = convert::Rows::new(PyList::new(py, [full])?.into_any(), self.plan, self.method)?;
        row.store(&kept, |target| single.only_row(self.plan, target))?;
        Ok(true)
    }

    /// The whole row, and the columns that are as they were given: Python's class for a type may know less
    /// than the server, as timedelta does of months.
    fn merge<'py>(
        &self,
        row: Row,
        given: &Bound<'py, PyDict>,
        stored: &Bound<'py, PyAny>,
    ) -> Result<(Bound<'py, PyAny>, Vec<i16>), Failure> {
        let Ok(mapping) = stored.cast::<PyMapping>() else { return Ok((stored.clone(), Vec::new())) };
        let merged = given.copy()?;
        merged.update(mapping)?;
        let mut kept = Vec::new();
        for field in self.fields {
            let name = field.name.bind(given.py());
            if !mapping.contains(name)? {
                kept.push(field.attno);
                continue;
            }
            let (Some(before), Some(now)) = (given.get_item(name)?, merged.get_item(name)?) else { continue };
            let mutable = now.is_instance_of::<PyList>() || now.is_instance_of::<PyDict>();
            // What was changed in place is the same object and another value.
            let same = now.is(&before)
                && (!mutable || field.value.value(given.py(), row.value(field.attno))?.eq(&now)?);
            if same {
                kept.push(field.attno);
            }
        }
        Ok((merged.into_any(), kept))
    }
}
