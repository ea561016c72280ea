//! CREATE FUNCTION: whether the body can be compiled and the types have a meaning. The danger is running
//! anything: a restored dump may name what does not exist yet, so nothing is imported.

use pgrx::pg_sys::{self, Datum};

use super::site::is_polymorphic;
use super::{Language, plpy, python};
use crate::bridge;
use crate::error::{Error, SqlState};
use crate::pg::call::{self, Call};
use crate::pg::procedure::{Mode, Procedure};
use crate::pg::types;

/// What the server calls.
pub(super) fn handle(call: Call, language: Language) -> Result<Datum, Error> {
    let function = pg_sys::Oid::from(call.argument(0).datum.value() as u32);
    if call::may_validate(call.function(), function)? {
        let procedure = Procedure::read(function)?;
        check_types(&procedure, language)?;
        bridge::call_as(language.origin(), |py| {
            let checked = match language {
                Language::Python => python::check(py, &procedure),
                Language::Plpy => plpy::check(py, &procedure),
            };
            checked.map_err(|error| super::uncompiled(py, error, language, &procedure))
        })?;
    }
    Ok(call.give(Some(Datum::null())))
}

fn check_types(procedure: &Procedure, language: Language) -> Result<(), Error> {
    const RETURNED: [pg_sys::Oid; 4] =
        [pg_sys::VOIDOID, pg_sys::RECORDOID, pg_sys::TRIGGEROID, pg_sys::EVENT_TRIGGEROID];
    if !has_meaning(procedure.result)? && !RETURNED.contains(&procedure.result) {
        return Err(meaningless(language, "return", procedure.result)?);
    }
    for parameter in &procedure.parameters {
        if !has_meaning(parameter.type_oid)? && parameter.type_oid != pg_sys::RECORDOID {
            return Err(meaningless(language, "accept", parameter.type_oid)?);
        }
        if parameter.mode == Mode::Variadic && parameter.type_oid == pg_sys::ANYOID {
            // Its arguments are not one array, but any number of parameters without a name.
            let text = format!("{} functions cannot accept VARIADIC \"any\"", language.title());
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text)
                .hint("Arguments of one type are an array: VARIADIC anyarray."));
        }
    }
    Ok(())
}

fn has_meaning(type_oid: pg_sys::Oid) -> Result<bool, Error> {
    Ok(is_polymorphic(type_oid) || types::kind(type_oid)? != b'p')
}

fn meaningless(language: Language, verb: &str, type_oid: pg_sys::Oid) -> Result<Error, Error> {
    let text = format!("{} functions cannot {verb} type {}", language.title(), types::name(type_oid, -1)?);
    Ok(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text))
}
