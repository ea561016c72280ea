//! Functions that return sets: all at once into a tuple store where the set stands in FROM, one value per
//! call in a target list. The danger is the set that is not read to its end: its generator is closed by
//! the executor, or by the abort of its transaction.

use std::rc::Rc;

use pgrx::pg_sys::Datum;
use pyo3::prelude::*;

use super::Language;
use super::call::invoke;
use super::python::source::Source;
use super::site::Site;
use crate::bridge::{self, Failure, Origin};
use crate::convert::result::Items;
use crate::error::{Error, SqlState};
use crate::interpreter::objects;
use crate::pg::call::Call;
use crate::pg::live::{Ending, Ends};
use crate::pg::result_set::{self, Running, SetMode};

pub(super) fn handle(call: Call, site: &Rc<Site>) -> Result<Datum, Error> {
    match result_set::set_mode(call)? {
        SetMode::ValuePerCall => one_more(call, site),
        SetMode::Materialize { random } => all(call, site, random),
    }
}

/// Everything at once.
fn all(call: Call, site: &Rc<Site>, random: bool) -> Result<Datum, Error> {
    let plan = site.result.plan().ok_or_else(nothing)?;
    bridge::call_as(site.routine.language().origin(), |py| {
        let result = invoke(py, call, site)?;
        if let Some(source) = source(&result, site)? {
            return source.store(py, call, random, site.result.shape(), plan);
        }
        let Some(mut items) = begin(&result)? else {
            return Ok(result_set::materialize(call, random, site.result.shape(), |_, _| Ok(false))?);
        };
        Ok(items.materialize(call, random, site.result.shape(), plan)?)
    })?;
    Ok(call.give(None))
}

/// The next value.
fn one_more(call: Call, site: &Rc<Site>) -> Result<Datum, Error> {
    let plan = site.result.plan().ok_or_else(nothing)?;
    let language = site.routine.language();
    let known = *site.running.borrow();
    let mut set = match known {
        Some(set) => set,
        None => {
            let begun = bridge::call_as(language.origin(), |py| {
                let result = invoke(py, call, site)?;
                if let Some(source) = source(&result, site)? {
                    source.store(py, call, false, site.result.shape(), plan)?;
                    return Ok(Begun::Stored);
                }
                let Some(items) = begin(&result)? else { return Ok(Begun::Empty) };
                let set = Set { items, origin: language.origin(), site: Rc::downgrade(site) };
                Ok(Begun::Set(Running::begin_again(call, site.ended.take(), set)?))
            })?;
            let set = match begun {
                Begun::Set(set) => set,
                Begun::Empty => return end(call, site, None),
                Begun::Stored => return Ok(call.give(None)),
            };
            site.running.replace(Some(set));
            site.ended.set(Some(set));
            set
        }
    };
    let next = bridge::call_as(language.origin(), |_py| Ok(set.get()?.items.next(plan)?));
    match next {
        Ok(Some(value)) => {
            result_set::more(call);
            Ok(call.give(value))
        }
        Ok(None) => end(call, site, Some(set)),
        Err(error) => Err(error),
    }
}

fn end(call: Call, site: &Site, set: Option<Running<Set>>) -> Result<Datum, Error> {
    site.running.replace(None);
    match set {
        Some(set) => set.finish(call)?,
        None => result_set::no_more(call),
    }
    Ok(call.give(None))
}

fn nothing() -> Error {
    Error::new(SqlState::DATATYPE_MISMATCH, "a set of type void has no values")
}

/// What the first call of a set comes to.
enum Begun {
    Set(Running<Set>),
    Empty,
    /// Everything is in the tuple store.
    Stored,
}

/// The Statement or Cursor that the function returned, if it is one.
fn source<'py>(result: &Bound<'py, PyAny>, site: &Site) -> PyResult<Option<Source<'py>>> {
    match site.routine.language() {
        Language::Python => Source::of(result, site.result.shape().is_err()),
        Language::Plpy => Ok(None),
    }
}

/// What the function returned, as something to iterate over; `None` is an empty set.
fn begin(result: &Bound<'_, PyAny>) -> Result<Option<Items>, Failure> {
    if result.is_none() {
        return Ok(None);
    }
    match Items::of(result) {
        Ok(items) => Ok(Some(items)),
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyTypeError>(result.py()) => {
            let class = objects::type_name(result);
            Err(Failure::Server(
                Error::new(SqlState::DATATYPE_MISMATCH, "returned object cannot be iterated")
                    .detail(format!("The function returned an object of class {class}."))
                    .hint("Functions returning a set must return an iterable object."),
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// A set that is read value by value.
pub(super) struct Set {
    items: Items,
    origin: Origin,
    site: std::rc::Weak<Site>,
}

impl Ends for Set {
    fn end(mut self, ending: Ending) -> Result<(), Error> {
        if let Some(site) = self.site.upgrade() {
            site.running.replace(None);
        }
        let close = |py: Python<'_>| Ok::<(), Failure>(self.items.close(py)?);
        bridge::call_end(self.origin, ending, "the end of a set", close)
    }
}
