//! `wormhole_execute` and `wormhole_call`: arguments and result in tagged JSON. The danger is an id that is not
//! known: it is an answer and no error, so that the client's transaction goes on.

use pgrx::pg_sys::Datum;

use super::site::{Site, null, some};
use super::{confined, failure, give_json, json_argument, state};
use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::result_set::RowShape;
use crate::pg::texts;

/// What a call of an unknown function gives.
pub(super) const UNKNOWN: &str = r#"{"unknown": true}"#;

/// `wormhole_execute`: everything in one `jsonb`.
pub(super) fn execute(call: Call) -> Result<Datum, Error> {
    let Some(site) = Site::of(call, None, || Ok(()))? else { return give_json(call, UNKNOWN) };
    let args = json_argument(call, 1)?.unwrap_or_default();
    let done = site.run(|entry| entry.text(&args), |function, role| confined::call(function, role, &args))?;
    give_json(call, &format!("{{\"r\":{},\"w\":{}}}", done.value, done.wrote))
}

/// `wormhole_call`: the value in `json`, which keeps the order of a dict's keys.
pub(super) fn call(call: Call) -> Result<Datum, Error> {
    let args = call.argument(1);
    if args.is_null {
        return Err(failure::null_argument("args"));
    }
    let Some(site) = Site::of(call, None, || state::shape(call))? else {
        return Ok(call.give(Some(state::shape(call)?.row([null(), some(state::UNKNOWN.datum())])?)));
    };
    let shape: &RowShape = &site.result;
    let done = site.run(
        |entry| entry.json(args),
        |function, role| texts::to_json(&confined::call(function, role, &texts::to_text(args.datum)?)?),
    )?;
    Ok(call.give(Some(shape.row([some(done.value), some(state::of(done.wrote))])?)))
}
