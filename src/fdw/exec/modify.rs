//! One table's modification: rows become dicts for the class. The danger is a row that is half the class's
//! and half ours; `stored` puts together what is read afterwards.

use std::rc::Rc;

use multicorn_plan::ModifyPlan;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::super::instance::{self, Instance, wrong_result};
use super::super::items::items;
use super::super::quals::{self, Known};
use super::super::transaction;
use super::stored::{Field, Stored, fields};
use crate::bridge::{self, Failure, Origin};
use crate::error::{Error, SqlState};
use crate::pg::live::{Ending, Ends};
use crate::pg::modify::{Command, Junk, Target};
use crate::pg::modify_plan::identity_name;
use crate::pg::modify_row::Row;
use crate::pg::planner::read_plan;

/// What names the row that is changed.
struct Identity {
    parts: Vec<(Junk, Known)>,
    /// Handed over as a tuple, also if it is of one column.
    is_tuple: bool,
}

pub(crate) struct Modify {
    instance: Rc<Instance>,
    target: Target,
    fields: Vec<Field>,
    /// Of `fields`, those that `update` is given; `None` for all.
    changed: Option<Vec<usize>>,
    rows: Rc<instance::Rows>,
    /// None for INSERT.
    identity: Option<Identity>,
    /// Where the whole old row is.
    old: Option<Junk>,
    command: Command,
    on_conflict: bool,
    /// Whether rows come in batches, the last one of which may hold a single row.
    batched: bool,
    /// Whether the stored row is read; known at the first row.
    read: Option<bool>,
}

impl Modify {
    pub(crate) fn begin(target: Target, command: Command) -> Result<Self, Error> {
        let instance = instance::get(target.table(), target.user()?)?;
        let on_conflict = command == Command::Insert && target.on_conflict();
        if on_conflict {
            instance.class.check_conflict()?;
        }
        transaction::join(&instance)?;
        let (fields, rows) =
            instance.call(|py, _| Ok((fields(py, &instance)?, instance.rows(py, &instance.live)?)))?;
        let identity =
            if command == Command::Insert { None } else { Some(Identity::find(&instance, &target)?) };
        let old = if command == Command::Insert { None } else { target.old_row()? };
        let changed = plan_of(&target)?.changed.map(|attnos| {
            (0..fields.len()).filter(|at| attnos.contains(&fields[*at].attno)).collect::<Vec<usize>>()
        });
        let (batched, read) = (false, None);
        Ok(Modify {
            instance,
            target,
            fields,
            changed,
            rows,
            identity,
            old,
            command,
            on_conflict,
            batched,
            read,
        })
    }

    /// Whether somebody reads the row as it is stored. Known when the first one comes.
    fn is_read(&mut self) -> bool {
        // An UPDATE that moves rows inserts through the state that it began with.
        *self.read.get_or_insert_with(|| {
            self.target.row_is_read(self.command) || self.target.row_is_read(Command::Insert)
        })
    }

    /// How many rows an INSERT may collect.
    pub(crate) fn batch_size(&mut self) -> Result<i32, Error> {
        let class = &self.instance.class;
        let refuses = self.on_conflict && !class.bulk_insert_takes_conflict;
        if !class.has_bulk_insert || refuses || !self.target.may_batch() || self.fields.is_empty() {
            return Ok(1);
        }
        let size = batch_size(&self.instance)?;
        self.batched = size > 1;
        Ok(size)
    }

    /// How many of the rows are stored now.
    pub(crate) fn insert(&mut self, rows: &[Row]) -> Result<usize, Error> {
        let (target, read) = (self.target, self.is_read());
        let class = &self.instance.class;
        let told = !self.on_conflict || class.insert_takes_conflict;
        let one = class.has_insert && !self.batched && told;
        target.per_row(|| match rows {
            [row] if one => self.insert_one(*row, read).map(usize::from),
            rows => self.insert_many(rows, read),
        })
    }

    fn insert_one(&self, row: Row, read: bool) -> Result<bool, Error> {
        row.fetch()?;
        self.instance.call(|py, object| {
            let values = self.dict(py, row, None)?;
            let stored =
                object.call_method(intern!(py, "insert"), (&values,), self.keywords(py)?.as_ref())?;
            self.stored("insert").take(py, row, &values, &stored, read)
        })
    }

    fn insert_many(&self, rows: &[Row], read: bool) -> Result<usize, Error> {
        for row in rows {
            row.fetch()?;
        }
        self.instance.call(|py, object| {
            let dicts: Vec<Bound<'_, PyDict>> =
                rows.iter().map(|row| self.dict(py, *row, None)).collect::<Result<_, Failure>>()?;
            let list = PyList::new(py, &dicts)?;
            let result =
                object.call_method(intern!(py, "bulk_insert"), (list,), self.keywords(py)?.as_ref())?;
            if result.is_none() {
                return Ok(rows.len());
            }
            let wrong =
                || wrong_result(&self.instance.class, "bulk_insert", "a list of rows or None", &result);
            // One more would be wrong, and there may be no end of them.
            let stored: Vec<Bound<'_, PyAny>> =
                items(&result).map_err(|_| wrong())?.take(rows.len() + 1).collect::<Result<_, Failure>>()?;
            if stored.len() != rows.len() {
                let returned = if stored.len() > rows.len() { result.len().ok() } else { Some(stored.len()) };
                return Err(self.wrong_count(rows.len(), returned).into());
            }
            let put = self.stored("bulk_insert");
            let mut count = 0;
            for ((row, dict), stored) in rows.iter().zip(&dicts).zip(&stored) {
                count += usize::from(put.take(py, *row, dict, stored, read)?);
            }
            Ok(count)
        })
    }

    /// What becomes of that which `method` returns.
    fn stored(&self, method: &'static str) -> Stored<'_> {
        Stored { class: &self.instance.class, fields: &self.fields, plan: &self.rows.plan, method }
    }

    /// What a method that stores rows is told beside them.
    fn keywords<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        if !self.on_conflict {
            return Ok(None);
        }
        let keywords = PyDict::new(py);
        keywords.set_item(intern!(py, "on_conflict"), intern!(py, "nothing"))?;
        Ok(Some(keywords))
    }

    fn wrong_count(&self, given: usize, returned: Option<usize>) -> Error {
        let name = &self.instance.class.name;
        let returned = returned.map_or(format!("more than {given}"), |returned| returned.to_string());
        Error::new(
            SqlState::FDW_ERROR,
            format!("bulk_insert() of wrapper {name} returned {returned} rows for {given} that it was given"),
        )
        .hint("Return one row for each, in the same order, or None.")
    }

    /// Whether the row was changed.
    pub(crate) fn update(&mut self, new: Row, input: Row) -> Result<bool, Error> {
        let (target, read) = (self.target, self.is_read());
        // The server moves no row out of a foreign partition, and stored here it would be found no more.
        target.check_partition(new)?;
        target.per_row(|| {
            new.fetch()?;
            self.instance.call(|py, object| {
                let identity = self.identity(py, input, self.instance.class.update_takes_old_row)?;
                let values = self.dict(py, new, self.changed.as_deref())?;
                let stored = object.call_method1(intern!(py, "update"), (identity, &values))?;
                self.stored("update").take(py, new, &values, &stored, read)
            })
        })
    }

    /// Whether the row was removed.
    pub(crate) fn delete(&mut self, returned: Row, input: Row) -> Result<bool, Error> {
        let (target, read) = (self.target, self.is_read());
        target.per_row(|| {
            self.instance.call(|py, object| {
                let identity = self.identity(py, input, self.instance.class.delete_takes_old_row)?;
                let stored = object.call_method1(intern!(py, "delete"), (identity,))?;
                let put = self.stored("delete");
                let Some(old) = self.old.filter(|_| read) else { return put.is_done(py, &stored) };
                returned.store_composite(input.junk(old)?)?;
                let values = self.dict(py, returned, None)?;
                put.take(py, returned, &values, &stored, read)
            })
        })
    }

    /// The first argument of `update` and `delete`: the row's id, or a dict of the old row.
    fn identity<'py>(&self, py: Python<'py>, input: Row, whole: bool) -> Result<Bound<'py, PyAny>, Failure> {
        let lost = |what| move || Error::internal(format!("multicorn: the plan lacks the {what}"));
        if whole {
            let row = input.junk(self.old.ok_or_else(lost("old row"))?)?;
            let row_type = self.target.row_type();
            return quals::known(row_type.to_u32())?.value(py, row);
        }
        let identity = self.identity.as_ref().ok_or_else(lost("row id"))?;
        let part = |(junk, known): &(Junk, Known)| known.value(py, input.junk(*junk)?);
        match &identity.parts[..] {
            [single] if !identity.is_tuple => part(single),
            parts => {
                let values = parts.iter().map(part).collect::<Result<Vec<_>, Failure>>()?;
                Ok(PyTuple::new(py, values)?.into_any())
            }
        }
    }

    /// The columns of a row that was fetched, all of them or those at `chosen` among the fields.
    fn dict<'py>(
        &self,
        py: Python<'py>,
        row: Row,
        chosen: Option<&[usize]>,
    ) -> Result<Bound<'py, PyDict>, Failure> {
        let values = PyDict::new(py);
        let mut set = |field: &Field| {
            let constant = row.value(field.attno);
            let value = field.value.value(py, constant)?;
            if value.is_none() && !constant.is_null && self.command != Command::Delete {
                return Err(Failure::from(no_value(&field.name.bind(py).to_string_lossy())));
            }
            Ok(values.set_item(field.name.bind(py), value)?)
        };
        match chosen {
            None => self.fields.iter().try_for_each(&mut set)?,
            Some(chosen) => chosen.iter().try_for_each(|at| set(&self.fields[*at]))?,
        }
        Ok(values)
    }
}

/// What the planner has to say of a modification.
pub(in super::super) fn plan_of(target: &Target) -> Result<ModifyPlan, Error> {
    target.private().map_or_else(|| Ok(ModifyPlan::default()), read_plan)
}

/// The server makes room for a whole batch when its first row comes.
const LARGEST_BATCH: i64 = 1_000_000;

/// The class's `modify_batch_size`; `sys.maxsize` stands for as many as there can be.
pub(in super::super) fn batch_size(instance: &Instance) -> Result<i32, Error> {
    instance.call(|_, object| {
        let size = object.getattr("modify_batch_size")?;
        let wrong = || wrong_result(&instance.class, "modify_batch_size", "a positive int", &size);
        let rows = size.extract::<i64>().ok().filter(|rows| *rows > 0).ok_or_else(wrong)?;
        Ok(rows.min(LARGEST_BATCH) as i32)
    })
}

impl Identity {
    fn find(instance: &Instance, target: &Target) -> Result<Self, Error> {
        let lost = || Error::internal("multicorn: the plan lacks the row id");
        let row_id = instance.row_id()?;
        let part = |column: &&crate::pg::relation::Column| {
            let junk = target.junk(&identity_name(column))?.ok_or_else(lost)?;
            Ok((junk, quals::known(column.type_oid.to_u32())?))
        };
        let parts = row_id.columns.iter().map(part).collect::<Result<_, Error>>()?;
        Ok(Identity { parts, is_tuple: row_id.is_tuple })
    }
}

/// The null of JSON: handed over as None, it would be stored as the NULL that it is not.
pub(super) fn no_value(column: &str) -> Error {
    Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("cannot write the null of JSON to column \"{column}\" of a foreign table"),
    )
    .detail("In Python, None stands for the NULL of SQL.")
    .hint("Write NULL, or an object or array that holds the null.")
}

impl Ends for Modify {
    /// Tells the class. Where it writes what it has collected, a failure has to fail the statement.
    fn end(self, ending: Ending) -> Result<(), Error> {
        if self.read.is_none() {
            return Ok(());
        }
        end_modify(&self.instance, ending)
    }
}

/// Calls `end_modify`, if the class has it.
pub(super) fn end_modify(instance: &Instance, ending: Ending) -> Result<(), Error> {
    if !instance.class.has_end_modify {
        return Ok(());
    }
    let close = |py: Python<'_>| {
        instance.object.bind(py).call_method0(intern!(py, "end_modify"))?;
        Ok::<_, Failure>(())
    };
    bridge::call_end(Origin::Wrapper, ending, "end_modify", close)
}
