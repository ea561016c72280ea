//! One table's modification: rows become dicts, what the class returns becomes the row again. The danger
//! is a row that is half the class's and half ours: what it leaves out keeps the value that was given.

use std::rc::Rc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};

use super::super::instance::{self, Instance, wrong_result};
use super::super::quals::{self, Known};
use super::super::transaction;
use crate::bridge::{self, Failure, Origin};
use crate::convert;
use crate::error::{Error, SqlState};
use crate::pg::explain::Explain;
use crate::pg::live::{Ending, Ends};
use crate::pg::modify::{Command, Junk, Row, Target, identity_name};

/// A column as rows are handed over.
struct Field {
    attno: i16,
    name: Py<PyString>,
    value: Rc<Known>,
}

pub(crate) struct Modify {
    instance: Rc<Instance>,
    target: Target,
    fields: Vec<Field>,
    rows: Rc<instance::Rows>,
    /// Where the old row's id is, and its conversion; none for INSERT.
    identity: Option<(Junk, Rc<Known>)>,
    /// Where the whole old row is.
    old: Option<Junk>,
    command: Command,
    /// Whether rows come in batches, the last one of which may hold a single row.
    batched: bool,
    /// Whether the stored row is read; known at the first row.
    read: Option<bool>,
}

impl Modify {
    pub(crate) fn begin(target: Target, command: Command) -> Result<Self, Error> {
        let instance = instance::get(target.table(), target.user()?)?;
        transaction::join(&instance)?;
        let made = bridge::call_as(Origin::Wrapper, |py| {
            let fields: Result<Vec<Field>, Error> = instance
                .table()
                .live_columns()
                .map(|column| {
                    Ok(Field {
                        attno: column.attno,
                        name: PyString::intern(py, &column.name).unbind(),
                        value: quals::known(column.type_oid.to_u32())?,
                    })
                })
                .collect();
            Ok((fields?, instance.rows(py, &instance.live)?))
        });
        let (fields, rows) = made?;
        let identity = if command == Command::Insert { None } else { Some(Self::find(&instance, &target)?) };
        let old = if command == Command::Insert { None } else { target.old_row()? };
        Ok(Modify { instance, target, fields, rows, identity, old, command, batched: false, read: None })
    }

    fn find(instance: &Instance, target: &Target) -> Result<(Junk, Rc<Known>), Error> {
        let lost = || Error::internal("multicorn: the plan lacks the row id");
        let column = instance.row_id()?;
        let junk = target.junk(&identity_name(column))?.ok_or_else(lost)?;
        Ok((junk, quals::known(column.type_oid.to_u32())?))
    }

    fn note_use(&mut self) {
        // An UPDATE that moves rows inserts through the state that it began with.
        self.read.get_or_insert_with(|| {
            self.target.row_is_read(self.command) || self.target.row_is_read(Command::Insert)
        });
    }

    /// How many rows an INSERT may collect.
    pub(crate) fn batch_size(&mut self) -> Result<i32, Error> {
        let class = &self.instance.class;
        if !class.has_bulk_insert || !self.target.may_batch() || self.fields.is_empty() {
            return Ok(1);
        }
        let size = bridge::call_as(Origin::Wrapper, |py| {
            let size = self.instance.object.bind(py).getattr("modify_batch_size")?;
            let wrong = || wrong_result(class, "modify_batch_size", "a positive int", &size);
            Ok(size.extract::<i32>().ok().filter(|size| *size > 0).ok_or_else(wrong)?)
        });
        let size = size?;
        self.batched = size > 1;
        Ok(size)
    }

    pub(crate) fn insert(&mut self, rows: &[Row]) -> Result<(), Error> {
        self.note_use();
        let target = self.target;
        target.per_row(|| match rows {
            [row] if self.instance.class.has_insert && !self.batched => self.insert_one(*row),
            rows => self.insert_many(rows),
        })
    }

    fn insert_one(&self, row: Row) -> Result<(), Error> {
        row.fetch()?;
        bridge::call_as(Origin::Wrapper, |py| {
            let values = self.dict(py, row)?;
            let stored = self.instance.object.bind(py).call_method1("insert", (&values,))?;
            self.take_back(py, row, &values, &stored, "insert")
        })
    }

    fn insert_many(&self, rows: &[Row]) -> Result<(), Error> {
        for row in rows {
            row.fetch()?;
        }
        bridge::call_as(Origin::Wrapper, |py| {
            let dicts: Vec<Bound<'_, PyDict>> =
                rows.iter().map(|row| self.dict(py, *row)).collect::<Result<_, Failure>>()?;
            let stored =
                self.instance.object.bind(py).call_method1("bulk_insert", (PyList::new(py, &dicts)?,))?;
            if stored.is_none() {
                return Ok(());
            }
            let wrong =
                || wrong_result(&self.instance.class, "bulk_insert", "a list of rows or None", &stored);
            let stored: Vec<Bound<'_, PyAny>> =
                stored.try_iter().map_err(|_| wrong())?.collect::<PyResult<_>>()?;
            if stored.len() != rows.len() {
                return Err(self.wrong_count(rows.len(), stored.len()).into());
            }
            for ((row, dict), stored) in rows.iter().zip(&dicts).zip(&stored) {
                self.take_back(py, *row, dict, stored, "bulk_insert")?;
            }
            Ok(())
        })
    }

    fn wrong_count(&self, given: usize, returned: usize) -> Error {
        let name = &self.instance.class.name;
        Error::new(
            SqlState::FDW_ERROR,
            format!("bulk_insert() of wrapper {name} returned {returned} rows for {given} that it was given"),
        )
        .hint("Return one row for each, in the same order, or None.")
    }

    pub(crate) fn update(&mut self, new: Row, input: Row) -> Result<(), Error> {
        self.note_use();
        let target = self.target;
        // The server moves no row out of a foreign partition, and stored here it would be found no more.
        target.check_partition(new)?;
        target.per_row(|| {
            new.fetch()?;
            bridge::call_as(Origin::Wrapper, |py| {
                let identity = self.identity(py, input, self.instance.class.update_takes_old_row)?;
                let values = self.dict(py, new)?;
                let stored = self.instance.object.bind(py).call_method1("update", (identity, &values))?;
                self.take_back(py, new, &values, &stored, "update")
            })
        })
    }

    pub(crate) fn delete(&mut self, returned: Row, input: Row) -> Result<(), Error> {
        self.note_use();
        let target = self.target;
        target.per_row(|| {
            bridge::call_as(Origin::Wrapper, |py| {
                let identity = self.identity(py, input, self.instance.class.delete_takes_old_row)?;
                let stored = self.instance.object.bind(py).call_method1("delete", (identity,))?;
                let Some(old) = self.old.filter(|_| self.read == Some(true)) else { return Ok(()) };
                returned.store_composite(input.junk(old)?)?;
                let values = self.dict(py, returned)?;
                self.take_back(py, returned, &values, &stored, "delete")
            })
        })
    }

    /// The first argument of `update` and `delete`: the row's id, or a dict of the old row.
    fn identity<'py>(&self, py: Python<'py>, input: Row, whole: bool) -> Result<Bound<'py, PyAny>, Failure> {
        if whole {
            let lost = || Error::internal("multicorn: the plan lacks the old row");
            let row = input.junk(self.old.ok_or_else(lost)?)?;
            let row_type = self.target.row_type();
            return quals::known(row_type.to_u32())?.value(py, row);
        }
        let lost = || Error::internal("multicorn: the plan lacks the row id");
        let (junk, known) = self.identity.as_ref().ok_or_else(lost)?;
        known.value(py, input.junk(*junk)?)
    }

    /// All columns of a row that was fetched.
    fn dict<'py>(&self, py: Python<'py>, row: Row) -> Result<Bound<'py, PyDict>, Failure> {
        let values = PyDict::new(py);
        for field in &self.fields {
            let constant = row.value(field.attno);
            let value = field.value.value(py, constant)?;
            if value.is_none() && !constant.is_null && self.command != Command::Delete {
                return Err(no_value(field.name.bind(py)).into());
            }
            values.set_item(field.name.bind(py), value)?;
        }
        Ok(values)
    }

    /// The row as the class says that it is stored, for those who read it.
    fn take_back(
        &self,
        py: Python<'_>,
        row: Row,
        given: &Bound<'_, PyDict>,
        stored: &Bound<'_, PyAny>,
        method: &str,
    ) -> Result<(), Failure> {
        if stored.is_none() || self.read != Some(true) {
            return Ok(());
        }
        let (full, kept) = self.merge(row, given, stored)?;
        if full.is_instance_of::<PyString>() {
            return Err(wrong_result(&self.instance.class, method, "a row or None", stored).into());
        }
        let mut single = convert::Rows::new(py, PyList::new(py, [full])?.into_any(), &self.rows.plan)?;
        row.store(&kept, |target| single.only_row(&self.rows.plan, target))?;
        Ok(())
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
        for field in &self.fields {
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

    pub(crate) fn explain(target: Target, explain: &Explain) -> Result<(), Error> {
        if explain.is_text() && !explain.is_verbose() {
            return Ok(());
        }
        let instance = instance::get(target.table(), target.user()?)?;
        explain.text("Wrapper", &instance.class.name)
    }
}

/// The null of JSON: handed over as None, it would be stored as the NULL that it is not.
fn no_value(column: &Bound<'_, PyString>) -> Error {
    Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!(
            "cannot write the null of JSON to column \"{}\" of a foreign table",
            column.to_string_lossy()
        ),
    )
    .detail("In Python, None stands for the NULL of SQL.")
    .hint("Write NULL, or an object or array that holds the null.")
}

impl Ends for Modify {
    /// Tells the class. Where it writes what it has collected, a failure has to fail the statement.
    fn end(self, ending: Ending) -> Result<(), Error> {
        if self.read.is_none() || !self.instance.class.has_end_modify {
            return Ok(());
        }
        let close = |py: Python<'_>| {
            self.instance.object.bind(py).call_method0("end_modify")?;
            Ok::<_, Failure>(())
        };
        match ending {
            Ending::Normal => bridge::call_as(Origin::Wrapper, close),
            Ending::Abort => bridge::call_hook("end_modify", close),
        }
    }
}
