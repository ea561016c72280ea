//! DO blocks: compiled, run once, and forgotten. The danger is the same as a function's, without a name.

use pgrx::pg_sys::Datum;

use super::frame::{self, Frame};
use super::{Language, plpy, python};
use crate::bridge::{self, Failure};
use crate::convert::{native, transform};
use crate::error::Error;
use crate::pg::call::{Block, Call, Place};
use crate::pg::trigger::without;

/// What the server calls.
pub(super) fn handle(call: Call, place: &Place, language: Language) -> Result<Datum, Error> {
    let block = Block::of(call)?;
    let frame = Frame { routine: None, language, may_commit: block.may_commit, read_only: false, site: None };
    place.set(frame.place());
    let run = || {
        bridge::call_as(language.origin(), |py| {
            match language {
                Language::Python => python::run_block(py, &block.source)?,
                Language::Plpy => plpy::run_block(py, &block.source)?,
            }
            Ok::<(), Failure>(())
        })
    };
    transform::with(transform::NONE, || frame::within(frame, || without(run)))?;
    // What somebody keeps outlives the transaction.
    native::settle()?;
    Ok(call.give(Some(Datum::null())))
}
