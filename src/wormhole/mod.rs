//! Remote functions: what clients install, call and administer. The danger is code of somebody who may do
//! less than the process: what no superuser vouches for never runs here, only in a confined worker.

mod administer;
mod call;
mod confined;
mod counts;
mod failure;
mod in_process;
mod install;
mod queries;
mod registry;
mod role;
mod site;
mod state;
mod stream;
mod support;
mod typed;
mod workers;

use pgrx::pg_sys::{self, Datum, Oid};

use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::texts;

pub(crate) use queries::extend;

/// Watches what remote functions must not do; said while the library is loaded.
pub(crate) fn watch() {
    crate::pg::caller::watch();
}

/// Argument `index` if it is a text.
fn text_argument(call: Call, index: usize) -> Result<Option<String>, Error> {
    let argument = call.argument(index);
    (!argument.is_null).then(|| texts::to_text(argument.datum)).transpose()
}

/// An argument that must not be NULL.
fn needed_text(call: Call, index: usize, name: &str) -> Result<String, Error> {
    text_argument(call, index)?.ok_or_else(|| failure::null_argument(name))
}

/// The type of JSON documents: the one keeps its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Jsonb,
}

impl Form {
    fn type_oid(self) -> Oid {
        match self {
            Form::Json => pg_sys::JSONOID,
            Form::Jsonb => pg_sys::JSONBOID,
        }
    }

    fn datum(self, text: &str) -> Result<Datum, Error> {
        match self {
            Form::Json => texts::to_json(text),
            Form::Jsonb => texts::to_jsonb(text),
        }
    }

    /// Argument `index`, a document, as text.
    fn argument(self, call: Call, index: usize) -> Result<Option<String>, Error> {
        let argument = call.argument(index);
        let text = |datum| match self {
            Form::Json => texts::to_text(datum),
            Form::Jsonb => texts::from_jsonb(datum),
        };
        (!argument.is_null).then(|| text(argument.datum)).transpose()
    }
}

/// Argument `index`, of type `jsonb`, as text.
fn json_argument(call: Call, index: usize) -> Result<Option<String>, Error> {
    Form::Jsonb.argument(call, index)
}

fn give_text(call: Call, text: &str) -> Result<Datum, Error> {
    Ok(call.give(Some(texts::from_text(text)?)))
}

fn give_json(call: Call, text: &str) -> Result<Datum, Error> {
    Ok(call.give(Some(texts::to_jsonb(text)?)))
}

fn give_nothing(call: Call) -> Datum {
    call.give(Some(Datum::null()))
}

use crate::pg::call::language_function;

language_function! {
    /// `wormhole_install(name, source, signature, origin)`.
    pg_finfo_wormhole_install, wormhole_install, |call, _place| install::handle(call)
}

language_function! {
    /// `wormhole_execute(id, args)`.
    pg_finfo_wormhole_execute, wormhole_execute, |call, _place| call::execute(call)
}

language_function! {
    /// `wormhole_call(id, args)`.
    pg_finfo_wormhole_call, wormhole_call, |call, _place| call::call(call)
}

language_function! {
    /// `wormhole_typed(id, expected, VARIADIC args)`.
    pg_finfo_wormhole_typed, wormhole_typed, |call, _place| typed::typed(call)
}

language_function! {
    /// `wormhole_value(id, expected, VARIADIC args)`.
    pg_finfo_wormhole_value, wormhole_value, |call, _place| typed::value(call)
}

language_function! {
    /// `wormhole_stream(id, args)`.
    pg_finfo_wormhole_stream, wormhole_stream, |call, _place| stream::handle(call, Form::Jsonb)
}

language_function! {
    /// `wormhole_items(id, args)`.
    pg_finfo_wormhole_items, wormhole_items, |call, _place| stream::handle(call, Form::Json)
}

language_function! {
    /// `wormhole_query(sql, args)`.
    pg_finfo_wormhole_query, wormhole_query, |call, _place| queries::handle(call)
}

language_function! {
    /// `wormhole_drop(id_or_name)`.
    pg_finfo_wormhole_drop, wormhole_drop, |call, _place| administer::drop(call)
}

language_function! {
    /// `wormhole_grant(id, role)`.
    pg_finfo_wormhole_grant, wormhole_grant, |call, _place| administer::grant(call)
}

language_function! {
    /// `wormhole_revoke(id, role)`.
    pg_finfo_wormhole_revoke, wormhole_revoke, |call, _place| administer::revoke(call)
}

language_function! {
    /// `wormhole_approve(id)`.
    pg_finfo_wormhole_approve, wormhole_approve, |call, _place| administer::approve(call)
}

language_function! {
    /// The trigger of the registry's tables.
    pg_finfo_wormhole_changed, wormhole_changed, |call, _place| registry::changed(call)
}

language_function! {
    /// A role by its name.
    pg_finfo_wormhole_role_in, wormhole_role_in, |call, _place| role::input(call)
}

language_function! {
    /// The name of a role.
    pg_finfo_wormhole_role_out, wormhole_role_out, |call, _place| role::output(call)
}

language_function! {
    /// A role by its name, in binary.
    pg_finfo_wormhole_role_receive, wormhole_role_receive, |call, _place| role::receive(call)
}

language_function! {
    /// The name of a role, in binary.
    pg_finfo_wormhole_role_send, wormhole_role_send, |call, _place| role::send(call)
}

language_function! {
    /// What the planner asks about a call of the functions above.
    pg_finfo_wormhole_support, wormhole_support, |call, _place| support::handle(call)
}
