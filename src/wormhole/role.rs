//! The SQL type of a role: kept by its number, shown by its name. The danger is a number that stands for
//! somebody else: a name without a role becomes nobody, and never the number that it may look like.

use pgrx::pg_sys::{Datum, Oid};

use crate::error::{Error, Report, SqlState};
use crate::pg::call::Call;
use crate::pg::{catalog, guard, texts};

/// No role has this number.
pub(super) const NOBODY: u32 = u32::MAX;

/// Two names that no role can have, as the server reserves them.
const PUBLIC: &str = "public";
const NONE: &str = "none";

/// The role of that name; zero is everybody.
pub(super) fn by_name(name: &str) -> Result<Option<Oid>, Error> {
    if name == PUBLIC { Ok(Some(Oid::INVALID)) } else { catalog::role_by_name(name) }
}

pub(super) fn not_there(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"))
}

/// A dump may name roles that are not there: a WARNING, and nobody's.
fn read(name: &str) -> Result<Datum, Error> {
    let role = if name == NONE { None } else { by_name(name)? };
    if role.is_none() && name != NONE {
        let text = format!("role \"{name}\" does not exist");
        guard::emit(crate::error::Level::Warning, Report::new(SqlState::UNDEFINED_OBJECT, text))?;
    }
    Ok(Datum::from(role.unwrap_or(Oid::from(NOBODY))))
}

fn shown(role: Oid) -> Result<String, Error> {
    match role.to_u32() {
        0 => Ok(PUBLIC.to_owned()),
        NOBODY => Ok(NONE.to_owned()),
        number if !catalog::role_exists(role)? => Ok(format!("unknown (OID={number})")),
        _ => catalog::role_name(role),
    }
}

fn argument(call: Call) -> Result<String, Error> {
    shown(Oid::from(call.argument(0).datum.value() as u32))
}

pub(super) fn input(call: Call) -> Result<Datum, Error> {
    Ok(call.give(Some(read(&texts::from_cstring(call.argument(0).datum))?)))
}

pub(super) fn output(call: Call) -> Result<Datum, Error> {
    Ok(call.give(Some(texts::to_cstring(&argument(call)?)?)))
}

pub(super) fn receive(call: Call) -> Result<Datum, Error> {
    Ok(call.give(Some(read(&texts::receive_text(call.argument(0).datum)?)?)))
}

pub(super) fn send(call: Call) -> Result<Datum, Error> {
    Ok(call.give(Some(texts::send_text(&argument(call)?)?)))
}
