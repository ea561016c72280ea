//! `wormhole_execute`: finds the function, chooses where it runs, and reports whether it wrote. The danger is
//! an id that is not known: it is an answer and no error, so that the client's transaction goes on.

use std::time::Instant;

use pgrx::pg_sys::{Datum, Oid};
use wormhole_protocol::{Facts, Tier, choose};

use super::registry::{self, Function};
use super::{confined, counts, failure, give_json, in_process, json_argument, needed_text};
use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::{caller, catalog};

/// What a call of an unknown function gives.
pub(super) const UNKNOWN: &str = r#"{"unknown": true}"#;

pub(super) fn handle(call: Call) -> Result<Datum, Error> {
    let id = needed_text(call, 0, "id")?;
    let role = catalog::current_user();
    let Some(function) = registry::find(&id, role)? else { return give_json(call, UNKNOWN) };
    let args = json_argument(call, 1)?.unwrap_or_default();
    let (before, began) = (caller::written(), Instant::now());
    let result = caller::window(role, || run(&function, role, &args));
    counts::note(&function, began.elapsed(), result.as_ref().err())?;
    let value = result?;
    let wrote = caller::written() != before;
    give_json(call, &format!("{{\"r\":{value},\"w\":{wrote}}}"))
}

/// Where a function runs that `role` calls.
pub(super) fn tier(function: &Function, role: Oid) -> Result<Tier, Error> {
    let facts = Facts {
        approved: function.approved,
        trusted: function.trusted,
        own: function.own,
        superuser: catalog::is_superuser(role)?,
    };
    match choose(facts) {
        Tier::Refused => Err(failure::not_vouched_for(&function.name, &function.owner)),
        tier => Ok(tier),
    }
}

fn run(function: &Function, role: Oid, args: &str) -> Result<String, Error> {
    match tier(function, role)? {
        Tier::InProcess => in_process::call(function, args),
        Tier::Confined | Tier::Refused => confined::call(function, role, args),
    }
}
