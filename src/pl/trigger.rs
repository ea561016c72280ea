//! Triggers of both languages: what a firing tells, and what becomes of its answer. The danger is the
//! per-row price: everything that a trigger's definition says is kept until that changes.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys::Datum;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::routine::Routine;
use super::site::Site;
use super::{Language, plpy, python};
use crate::bridge::{self, Failure};
use crate::convert::Dialect;
use crate::convert::result::ResultPlan;
use crate::convert::trigger_row::TriggerRow;
use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::inval;
use crate::pg::memory::{Access, ForLife};
use crate::pg::trigger::{Event, Operation, Timing, Trigger};

/// What a firing does to its event.
pub(super) enum Answer {
    Keep,
    /// The row is passed over.
    Skip,
    /// Another row, in the server's form.
    Replace(Datum),
}

/// What is known of a trigger from its definition, for one of its operations.
pub(super) struct Definition {
    routine: Rc<Routine>,
    types: u64,
    /// What Python sees of it: TD without its rows, or the attributes of `td`.
    pub(super) facts: Py<PyDict>,
    pub(super) form: Form,
}

/// What each language needs for the rows.
pub(super) enum Form {
    Plpy { row: TriggerRow, generated: Vec<bool>, has_arguments: bool },
    Python { entry: Py<PyAny>, td: Py<PyAny>, extras: usize, replace: ResultPlan },
}

type Key = (u32, u32, Operation);

thread_local! {
    static DEFINITIONS: ForLife<HashMap<Key, Rc<Definition>>> = ForLife::default();
    /// So many definitions are worth a look for those that are of no more use.
    static SWEEP: Cell<usize> = const { Cell::new(FEW) };
}

const FEW: usize = 64;

/// What the server calls for a trigger.
pub(super) fn handle(call: Call, site: &Rc<Site>) -> Result<Datum, Error> {
    let firing = Trigger::of(call);
    let language = site.routine.language();
    let answer = firing.within(|| {
        bridge::call_as(language.origin(), |py| {
            let definition = definition(py, firing, &site.routine)?;
            match language {
                Language::Plpy => plpy::trigger::fire(py, firing, &definition, &site.routine),
                Language::Python => python::trigger::fire(py, firing, &definition),
            }
        })
    })?;
    let tuple = match answer {
        Answer::Keep => firing.kept(),
        Answer::Skip => Datum::null(),
        Answer::Replace(tuple) => tuple,
    };
    Ok(call.give(Some(tuple)))
}

/// What the server calls for an event trigger.
pub(super) fn handle_event(call: Call, site: &Rc<Site>) -> Result<Datum, Error> {
    let event = Event::of(call)?;
    let language = site.routine.language();
    bridge::call_as(language.origin(), |py| match language {
        Language::Plpy => plpy::trigger::notify(py, &event, &site.routine),
        Language::Python => python::trigger::notify(py, &event, &site.routine),
    })?;
    Ok(call.give(Some(Datum::null())))
}

fn definition(py: Python<'_>, firing: Trigger, routine: &Rc<Routine>) -> Result<Rc<Definition>, Failure> {
    let key = (firing.oid().to_u32(), firing.relation().to_u32(), firing.operation());
    let known = DEFINITIONS.read(|known| known.get(&key).cloned());
    if let Some(known) =
        known.filter(|known| known.types == inval::generation() && Rc::ptr_eq(&known.routine, routine))
    {
        return Ok(known);
    }
    if DEFINITIONS.read(HashMap::len) >= SWEEP.get() {
        sweep();
    }
    let made = Rc::new(make(py, firing, routine)?);
    let old = DEFINITIONS.change(|known| known.insert(key, made.clone()));
    drop(old);
    Ok(made)
}

/// Forgets what was found out before a type or table changed: it would be found out anew, or its trigger is gone.
#[cold]
fn sweep() {
    let now = inval::generation();
    let old: Vec<_> =
        DEFINITIONS.change(|known| known.extract_if(|_, definition| definition.types != now).collect());
    drop(old);
    SWEEP.set((DEFINITIONS.read(HashMap::len) * 2).max(FEW));
}

#[cold]
fn make(py: Python<'_>, firing: Trigger, routine: &Rc<Routine>) -> Result<Definition, Failure> {
    // Adding a column, renaming a trigger: any change of the relation.
    inval::watch_row_type(firing.relation());
    let types = inval::generation();
    let (facts, form) = match routine.language() {
        Language::Plpy => {
            let row = TriggerRow::resolve(py, &firing.shape(), Dialect::Plpy)?;
            let hidden = firing.timing() == Timing::Before;
            let generated = firing.generated().into_iter().map(|generated| generated && hidden).collect();
            let has_arguments = !firing.arguments().is_empty();
            (plpy::trigger::facts(py, firing)?, Form::Plpy { row, generated, has_arguments })
        }
        Language::Python => {
            let facts = python::trigger::facts(py, firing)?;
            let form = python::trigger::form(py, firing, routine, &facts)?;
            (facts, form)
        }
    };
    Ok(Definition { routine: routine.clone(), types, facts: facts.unbind(), form })
}

/// BEFORE, AFTER, INSTEAD OF.
pub(super) fn timing(firing: Trigger) -> &'static str {
    match firing.timing() {
        Timing::Before => "BEFORE",
        Timing::After => "AFTER",
        Timing::InsteadOf => "INSTEAD OF",
    }
}

/// INSERT, UPDATE, DELETE, TRUNCATE.
pub(super) fn operation(firing: Trigger) -> &'static str {
    match firing.operation() {
        Operation::Insert => "INSERT",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
        Operation::Truncate => "TRUNCATE",
    }
}

/// ROW, STATEMENT.
pub(super) fn level(firing: Trigger) -> &'static str {
    if firing.is_row() { "ROW" } else { "STATEMENT" }
}
