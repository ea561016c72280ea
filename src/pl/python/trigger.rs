//! Triggers in `LANGUAGE python`: an entry for each event, whose rows are values of the relation's type. The
//! danger is an answer that the event cannot take: each is refused with the entry's name.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::bridge::Failure;
use crate::convert::result::ResultPlan;
use crate::convert::{Dialect, known};
use crate::error::{Error, SqlState};
use crate::interpreter::objects;
use crate::pg::catalog;
use crate::pg::planner::Constant;
use crate::pg::trigger::{Event, Operation, Timing, Trigger};
use crate::pl::routine::Routine;
use crate::pl::trigger::{Answer, Definition, Form, level, operation, timing};

const MODULE: &str = "Postgres._trigger";

/// The attributes of `td`.
pub(crate) fn facts<'py>(py: Python<'py>, firing: Trigger) -> Result<Bound<'py, PyDict>, Failure> {
    let td = PyDict::new(py);
    let (schema, table) = firing.relation_name();
    td.set_item("args", firing.arguments())?;
    td.set_item("relation_id", firing.relation().to_u32())?;
    let database = catalog::database_name()?;
    td.set_item("table_catalog", &database)?;
    td.set_item("trigger_catalog", database)?;
    td.set_item("table_schema", &schema)?;
    td.set_item("table_name", table)?;
    td.set_item("trigger_schema", schema)?;
    td.set_item("trigger_name", firing.name())?;
    td.set_item("manipulation", operation(firing))?;
    td.set_item("orientation", level(firing))?;
    td.set_item("timing", timing(firing))?;
    td.set_item("columns", firing.columns())?;
    Ok(td)
}

/// `before_insert`, `after_update_statement`, …
fn entry_name(firing: Trigger) -> String {
    let when = match firing.timing() {
        Timing::Before => "before",
        Timing::After => "after",
        Timing::InsteadOf => "instead_of",
    };
    let suffix = if firing.is_row() { "" } else { "_statement" };
    format!("{when}_{}{suffix}", operation(firing).to_ascii_lowercase())
}

/// The entry, and what it is called with.
pub(crate) fn form(
    py: Python<'_>,
    firing: Trigger,
    routine: &Routine,
    facts: &Bound<'_, PyDict>,
) -> Result<Form, Failure> {
    let module = py.import(MODULE)?;
    let name = entry_name(firing);
    let found = module.getattr("entry")?.call1((routine.body(py), &name))?;
    let Some((entry, extras)) = found.extract::<Option<(Py<PyAny>, usize)>>()? else {
        return Err(no_entry(routine, &name).into());
    };
    Ok(Form::Python {
        entry,
        td: module.getattr("TriggerData")?.call((), Some(facts))?.unbind(),
        extras,
        replace: ResultPlan::row(&firing.shape(), Dialect::Native)?,
    })
}

fn no_entry(routine: &Routine, name: &str) -> Error {
    let signature = &routine.procedure().signature;
    Error::new(SqlState::PYTHON_PROTOCOL, format!("function {signature} has no entry \"{name}\""))
        .hint("A trigger calls the function of that name which the body defines.")
}

/// Calls the entry for one firing.
pub(crate) fn fire(py: Python<'_>, firing: Trigger, definition: &Definition) -> Result<Answer, Failure> {
    let Form::Python { entry, td, extras, replace } = &definition.form else {
        return Err(Error::internal("multicorn: a trigger of another language").into());
    };
    let mut arguments = vec![td.bind(py).clone()];
    let plan = known::value(firing.row_type().to_u32(), Dialect::Native)?;
    if firing.is_row() {
        for row in [firing.old_row(), firing.new_row()].into_iter().flatten() {
            arguments.push(plan.to_object(py, row.composite()?)?);
        }
    } else if *extras > 0 {
        let operation = firing.operation();
        if matches!(operation, Operation::Update | Operation::Delete) {
            arguments.push(rows(py, firing.old_rows()?, &plan)?);
        }
        if matches!(operation, Operation::Update | Operation::Insert) {
            arguments.push(rows(py, firing.new_rows()?, &plan)?);
        }
    }
    match objects::call(entry.bind(py), &arguments) {
        Ok(answer) => answered(firing, &answer, replace),
        Err(error) if is_stop(py, &error)? => stopped(firing),
        Err(error) => Err(error.into()),
    }
}

/// A transition table; None where the trigger declares none.
fn rows<'py>(
    py: Python<'py>,
    rows: Option<Vec<Constant>>,
    plan: &known::Value,
) -> Result<Bound<'py, PyAny>, Failure> {
    let Some(rows) = rows else { return Ok(py.None().into_bound(py)) };
    let list = PyList::empty(py);
    for row in rows {
        list.append(plan.to_object(py, row)?)?;
    }
    Ok(list.into_any())
}

fn answered(firing: Trigger, answer: &Bound<'_, PyAny>, replace: &ResultPlan) -> Result<Answer, Failure> {
    if answer.is_none() {
        return Ok(Answer::Keep);
    }
    let takes = firing.is_row()
        && firing.timing() != Timing::After
        && matches!(firing.operation(), Operation::Insert | Operation::Update);
    if takes {
        return Ok(Answer::Replace(replace.tuple(answer, &firing.shape())?));
    }
    let class = objects::type_name(answer);
    Err(Error::new(SqlState::PYTHON_PROTOCOL, format!("{} must return None", entry_name(firing)))
        .detail(format!("It returned an object of class {class}."))
        .into())
}

fn is_stop(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    Ok(error.is_instance(py, &py.import(MODULE)?.getattr("StopEvent")?))
}

fn stopped(firing: Trigger) -> Result<Answer, Failure> {
    if firing.is_row() && firing.timing() != Timing::After {
        return Ok(Answer::Skip);
    }
    let text = match firing.timing() {
        Timing::After => "cannot stop events that have already occurred",
        _ => "cannot stop a statement",
    };
    Err(Error::new(SqlState::PYTHON_PROTOCOL, text).into())
}

/// Calls the entry of an event trigger: `on_` and the event's name.
pub(crate) fn notify(py: Python<'_>, event: &Event, routine: &Routine) -> Result<(), Failure> {
    let module = py.import(MODULE)?;
    let name = format!("on_{}", event.name);
    let found = module.getattr("entry")?.call1((routine.body(py), &name))?;
    let Some((entry, _)) = found.extract::<Option<(Py<PyAny>, usize)>>()? else {
        return Err(no_entry(routine, &name).into());
    };
    let td = module.getattr("EventData")?.call1((&event.name, &event.tag))?;
    let answer = objects::call(entry.bind(py), &[td])?;
    if answer.is_none() {
        return Ok(());
    }
    Err(Error::new(SqlState::PYTHON_PROTOCOL, format!("{name} must return None")).into())
}
