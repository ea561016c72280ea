//! One call of a function: arguments in, the body, its result out. The danger is what the server does with
//! an error meanwhile: everything of Python's is dropped before it is raised.

use std::rc::Rc;

use pgrx::pg_sys::Datum;
use pyo3::prelude::*;

use super::frame::{self, Frame};
use super::site::{Returned, Site};
use super::{Language, rows, trigger};
use crate::bridge::{self, Failure};
use crate::convert::{native, transform};
use crate::error::{Error, SqlState};
use crate::interpreter::objects;
use crate::pg::call::{Call, Place, Role};
use crate::pg::trigger::without;

/// What the server calls.
pub(super) fn handle(call: Call, place: &Place, language: Language) -> Result<Datum, Error> {
    let site = Site::of(call, language)?;
    place.set(site.routine.place());
    let routine = site.routine.clone();
    let read_only = routine.procedure().is_read_only();
    let may_commit = call.may_commit();
    let frame = Frame { routine: Some(routine), language, may_commit, read_only, site: Some(site.clone()) };
    let serve = || match site.routine.role() {
        Role::Trigger => trigger::handle(call, &site),
        Role::EventTrigger => without(|| trigger::handle_event(call, &site)),
        Role::Function if site.routine.procedure().returns_set => without(|| rows::handle(call, &site)),
        Role::Function => without(|| one(call, &site)),
    };
    let result = transform::with(site.transforms, || frame::within(frame, serve))?;
    // What the module keeps outlives the transaction.
    native::settle()?;
    Ok(result)
}

/// A function that returns one value.
fn one(call: Call, site: &Rc<Site>) -> Result<Datum, Error> {
    let language = site.routine.language();
    let value = bridge::call_as(language.origin(), |py| {
        let mut result = invoke(py, call, site)?;
        if site.result.is_cursor()
            && let Some(give) = result.get_type().getattr_opt("_give_name").map_err(Failure::Python)?
        {
            result = give.call1((result,)).map_err(Failure::Python)?;
        }
        match site.result.plan() {
            Some(plan) => match (plan.datum(&result)?, site.result.shape()) {
                // CALL wants a row in any case.
                (None, Ok(shape)) if site.routine.procedure().is_procedure => Ok(Some(shape.empty()?)),
                (value, _) => Ok(value),
            },
            None if result.is_none() => Ok(void(&site.result)),
            None => Err(Failure::Server(not_void(language, site))),
        }
    })?;
    Ok(call.give(value))
}

/// `void` is a value, and not NULL, for whoever asks.
fn void(result: &Returned) -> Option<Datum> {
    matches!(result, Returned::Void).then(Datum::null)
}

fn not_void(language: Language, site: &Site) -> Error {
    let what = if site.routine.procedure().is_procedure {
        "procedure"
    } else {
        "function with return type \"void\""
    };
    Error::new(SqlState::DATATYPE_MISMATCH, format!("{} {what} did not return None", language.title()))
}

/// Calls the body with the arguments of the call.
#[inline]
pub(super) fn invoke<'py>(py: Python<'py>, call: Call, site: &Site) -> Result<Bound<'py, PyAny>, Failure> {
    let arguments = site.arguments(py, call)?;
    Ok(objects::call(site.routine.body(py), &arguments)?)
}
