//! What a class returns from a write becomes the row again, for those who read it: RETURNING, a check
//! option, a trigger. The danger is a row mixed of two: what the class leaves out keeps the value that it
//! was given.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};

use super::super::class;
use super::super::instance::wrong_result;
use super::modify::Modify;
use crate::bridge::Failure;
use crate::convert;
use crate::pg::modify_row::Row;

/// The results of one method.
pub(super) struct Stored<'a> {
    modify: &'a Modify,
    method: &'static str,
}

impl<'a> Stored<'a> {
    pub(super) fn of(modify: &'a Modify, method: &'static str) -> Self {
        Stored { modify, method }
    }

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
            let class = &self.modify.instance.class;
            return Err(wrong_result(class, self.method, "a row or None", stored).into());
        }
        let plan = &self.modify.rows.plan;
        let mut single = convert::Rows::new(PyList::new(py, [full])?.into_any(), plan, self.method)?;
        row.store(&kept, |target| single.only_row(plan, target))?;
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
        for field in &self.modify.fields {
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
