//! `wormhole_typed` and `wormhole_value`: arguments as they are in SQL, and the result as a value of the type
//! that the call expects. The danger is a result that is not one: the first gives it in tagged JSON beside the
//! value, the second converts it as a column would, or fails.

use std::rc::Rc;

use pgrx::pg_sys::Datum;
use pyo3::prelude::*;

use super::in_process::{Entry, Purpose};
use super::site::{Site, null, some};
use super::{confined, failure, in_process, needed_text, state};
use crate::bridge::Failure;
use crate::convert::exact::{Exact, ExactPlan};
use crate::convert::result::ResultPlan;
use crate::convert::{Dialect, known};
use crate::error::{Error, SqlState};
use crate::interpreter::objects;
use crate::pg::call::Call;
use crate::pg::planner::Constant;
use crate::pg::result_set::{self, Expected, RowShape};
use crate::pg::texts;

/// Where the arguments of the function begin: behind its id and the expected type.
const FIRST: usize = 2;

/// What the exact call knows about its result.
struct Exactly {
    shape: RowShape,
    plan: ExactPlan,
}

impl Exactly {
    fn of(call: Call) -> Result<Self, Error> {
        let shape = state::shape(call)?;
        let field = shape.fields().first().ok_or_else(|| Error::internal("multicorn: a row of no fields"))?;
        let plan = ExactPlan::resolve(field.type_oid)?;
        Ok(Exactly { shape, plan })
    }
}

/// A result: the value, or where it is not exactly of the type, tagged JSON.
type Pair = (Constant, Constant);

/// `wormhole_typed`.
pub(super) fn typed(call: Call) -> Result<Datum, Error> {
    let Some(site) = Site::of(call, Some(FIRST), || Exactly::of(call))? else {
        let row = [null(), null(), some(state::UNKNOWN.datum())];
        return Ok(call.give(Some(state::shape(call)?.row(row)?)));
    };
    let Exactly { shape, plan } = &site.result;
    let done = site.run(
        |entry| {
            entry.invoke(
                |py| site.arguments(py, call),
                |py, value| match exactly(plan, &value)? {
                    Some(pair) => Ok(pair),
                    None => otherwise(plan, entry, py, value),
                },
            )
        },
        |function, role| {
            let args = in_process::pack(|py| site.arguments(py, call))?;
            let text = confined::call(function, role, &args)?;
            in_process::unpack(&text, Purpose::Look, |_py, value| match exactly(plan, &value)? {
                Some(pair) => Ok(pair),
                None => Ok((null(), some(texts::to_json(&text)?))),
            })
        },
    )?;
    let (value, tagged) = done.value;
    Ok(call.give(Some(shape.row([value, tagged, some(state::of(done.wrote))])?)))
}

/// The result, if it is exactly of the type.
#[inline]
fn exactly(plan: &ExactPlan, value: &Bound<'_, PyAny>) -> Result<Option<Pair>, Failure> {
    Ok(match plan.datum(value)? {
        Exact::Null => Some((null(), null())),
        Exact::Value(datum) => Some((some(datum), null())),
        Exact::Unfit => None,
    })
}

/// The result that is not: it may be a coroutine, whose result is.
fn otherwise<'py>(
    plan: &ExactPlan,
    entry: &Entry,
    py: Python<'py>,
    value: Bound<'py, PyAny>,
) -> Result<Pair, Failure> {
    let value = entry.finished(py, value)?;
    match exactly(plan, &value)? {
        Some(pair) => Ok(pair),
        None => Ok((null(), some(entry.tagged(py, value)?))),
    }
}

/// What converts the result into the type that the call expects.
enum Converted {
    /// A value that is exactly of the type needs no conversion.
    Value(ExactPlan, Rc<known::Parameter>),
    Row(ResultPlan),
}

impl Converted {
    fn of(call: Call) -> Result<Self, Error> {
        match result_set::expected(call)? {
            Expected::Scalar(type_oid) | Expected::RowDomain(type_oid, _) => {
                let plan = known::parameter(type_oid.to_u32(), Dialect::Wrapper)?;
                Ok(Converted::Value(ExactPlan::resolve(type_oid)?, plan))
            }
            Expected::Row(shape) => Ok(Converted::Row(ResultPlan::row(&shape, Dialect::Wrapper)?)),
            Expected::Unknown => Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "function returning record called in context that cannot accept type record",
            )),
        }
    }

    fn datum(&self, value: &Bound<'_, PyAny>) -> Result<Option<Datum>, Failure> {
        match self {
            Converted::Value(exact, plan) => match exact.datum(value)? {
                Exact::Value(datum) => Ok(Some(datum)),
                // NULL too is judged by a domain.
                Exact::Null | Exact::Unfit => {
                    let constant = plan.constant(value)?;
                    Ok((!constant.is_null).then_some(constant.datum))
                }
            },
            Converted::Row(plan) => Ok(plan.datum(value)?),
        }
    }
}

/// `wormhole_value`.
pub(super) fn value(call: Call) -> Result<Datum, Error> {
    let Some(site) = Site::of(call, Some(FIRST), || Converted::of(call))? else {
        return Err(failure::no_function(&needed_text(call, 0, "id")?));
    };
    let plan = &site.result;
    let done = site.run(
        |entry| {
            entry.invoke(
                |py| site.arguments(py, call),
                |py, value| match objects::is_suspended(&value) {
                    false => plan.datum(&value),
                    true => plan.datum(&entry.finished(py, value)?),
                },
            )
        },
        |function, role| {
            let args = in_process::pack(|py| site.arguments(py, call))?;
            let text = confined::call(function, role, &args)?;
            in_process::unpack(&text, Purpose::Convert, |_py, value| plan.datum(&value))
        },
    )?;
    Ok(call.give(done.value))
}
