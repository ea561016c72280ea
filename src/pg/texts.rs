//! Texts and JSON documents as Rust strings, and statements of our own that take and give texts. The danger
//! is a name that is looked up in somebody else's search path: these statements are qualified, and run in a
//! path of the server's own.

use std::ffi::CStr;

use pgrx::pg_sys::{self, Datum, Oid};

use super::guard::pg_try;
use super::planner::Constant;
use super::spi::{self, How};
use super::statement::{Scroll, Types};
use super::varlena::{self, Bytes};
use super::{encoding, raw, raw_more, role, trigger};
use crate::error::{Error, SqlState};

/// A value of type text.
pub(crate) fn from_text(text: &str) -> Result<Datum, Error> {
    let text = encoding::to_server_exactly(text)?;
    let bytes = text.to_bytes();
    // SAFETY: a raw call that copies the bytes.
    unsafe { pg_try(|| varlena::from_bytes(bytes.as_ptr(), bytes.len())) }
}

/// What a value of type text says.
pub(crate) fn to_text(value: Datum) -> Result<String, Error> {
    // SAFETY: a value of the server's of that type, copied at once.
    unsafe {
        let bytes = pg_try(|| Bytes::fetch(value))?.slice().to_vec();
        let text =
            std::ffi::CString::new(bytes).map_err(|_| Error::internal("multicorn: a text with a NUL"))?;
        Ok(encoding::from_server(&text))
    }
}

/// A text in the form in which types are written.
pub(crate) fn to_cstring(text: &str) -> Result<Datum, Error> {
    let text = encoding::to_server_exactly(text)?;
    // SAFETY: a raw call that copies the text.
    unsafe { pg_try(|| Datum::from(raw_more::pstrdup(text.as_ptr()))) }
}

/// What is read as a value of a type.
pub(crate) fn from_cstring(value: Datum) -> String {
    // SAFETY: a NUL-terminated string, as the server passes to an input function.
    unsafe { encoding::from_server_ptr(value.cast_mut_ptr()) }.unwrap_or_default()
}

/// A text as it is sent in binary.
pub(crate) fn send_text(text: &str) -> Result<Datum, Error> {
    let text = from_text(text)?;
    // SAFETY: a raw call with a value of that type.
    unsafe { pg_try(|| raw_more::DirectFunctionCall1Coll(Some(raw_more::textsend), Oid::INVALID, text)) }
}

/// A text that was sent in binary.
pub(crate) fn receive_text(message: Datum) -> Result<String, Error> {
    // SAFETY: a raw call with what the server passes to a receive function.
    let text = unsafe {
        pg_try(|| raw_more::DirectFunctionCall1Coll(Some(raw_more::textrecv), Oid::INVALID, message))?
    };
    to_text(text)
}

/// Whether a value of type text is this one, which is ASCII.
pub(crate) fn is(value: Datum, text: &str) -> Result<bool, Error> {
    // SAFETY: a value of the server's of that type.
    match unsafe { Bytes::plain(value) } {
        // SAFETY: as above; the bytes are compared at once.
        Some(bytes) => Ok(unsafe { bytes.slice() } == text.as_bytes()),
        None => Ok(to_text(value)? == text),
    }
}

/// A JSON document as text.
pub(crate) fn from_jsonb(value: Datum) -> Result<String, Error> {
    // SAFETY: raw calls on a value of that type; the text is copied and freed.
    unsafe {
        let shown =
            pg_try(|| raw_more::DirectFunctionCall1Coll(Some(raw_more::jsonb_out), Oid::INVALID, value))?;
        let shown = shown.cast_mut_ptr();
        let text = encoding::from_server(CStr::from_ptr(shown));
        pg_try(|| raw::pfree(shown.cast()))?;
        Ok(text)
    }
}

/// The JSON document that a text is.
pub(crate) fn to_jsonb(text: &str) -> Result<Datum, Error> {
    let text = encoding::to_server_exactly(text)?;
    // SAFETY: a raw call with a text that outlives it.
    unsafe {
        pg_try(|| {
            raw_more::DirectFunctionCall1Coll(
                Some(raw_more::jsonb_in),
                Oid::INVALID,
                Datum::from(text.as_ptr()),
            )
        })
    }
}

/// The same of type json, which keeps the text.
pub(crate) fn to_json(text: &str) -> Result<Datum, Error> {
    let text = encoding::to_server_exactly(text)?;
    // SAFETY: a raw call with a text that outlives it.
    unsafe {
        pg_try(|| {
            let function = Some(raw_more::json_in as unsafe extern "C-unwind" fn(_) -> _);
            raw_more::DirectFunctionCall1Coll(function, Oid::INVALID, Datum::from(text.as_ptr()))
        })
    }
}

/// A row of texts.
pub(crate) type Row = Vec<Option<String>>;

/// Runs one statement as `role`, in the server's own search path. Its parameters are of type text, and so
/// must its columns be. An error has to propagate.
pub(crate) fn query_as(role: Oid, sql: &str, args: &[Option<&str>]) -> Result<Vec<Row>, Error> {
    run_as(role, sql, args, How::default())
}

/// As `query_as` for a statement that only reads: it sees what is committed now, as the server's own look-ups
/// in the catalogue do, also where the transaction sees what was committed when it began. What a session
/// keeps would be stale otherwise: the message that it has changed has come already.
pub(crate) fn read_as(role: Oid, sql: &str, args: &[Option<&str>]) -> Result<Vec<Row>, Error> {
    let how = How { read_only: true, ..How::default() };
    // SAFETY: raw calls; an abort takes the snapshot off. In parallel mode no new one may be taken.
    unsafe {
        let fresh = !raw::IsInParallelMode();
        if fresh {
            pg_try(|| raw::PushActiveSnapshot(raw_more::GetLatestSnapshot()))?;
        }
        let rows = run_as(role, sql, args, how)?;
        if fresh {
            pg_try(|| raw::PopActiveSnapshot())?;
        }
        Ok(rows)
    }
}

fn run_as(role: Oid, sql: &str, args: &[Option<&str>], how: How) -> Result<Vec<Row>, Error> {
    let work = || {
        spi::connected(|spi| {
            let types = vec![pg_sys::TEXTOID; args.len()];
            let statement = spi.prepare(sql, Types::Given(&types), Scroll::AsItComes)?;
            let values = args.iter().map(|arg| constant(*arg)).collect::<Result<Vec<_>, Error>>()?;
            let Some(mut rows) = spi.execute(&statement, &values, how)?.rows else {
                return Ok(Vec::new());
            };
            if rows.columns().iter().any(|column| column.type_oid != pg_sys::TEXTOID) {
                return Err(Error::internal(
                    "multicorn: a statement of its own has a column that is no text",
                ));
            }
            (0..rows.len()).map(|index| rows.row(index).map(text).collect()).collect()
        })
    };
    // The transition tables of a trigger may have any name.
    trigger::without(|| role::acting_as(role, work))
}

fn constant(arg: Option<&str>) -> Result<Constant, Error> {
    match arg {
        Some(text) => Ok(Constant { datum: from_text(text)?, is_null: false }),
        None => Ok(Constant { datum: Datum::null(), is_null: true }),
    }
}

fn text(value: Constant) -> Result<Option<String>, Error> {
    (!value.is_null).then(|| to_text(value.datum)).transpose()
}

/// An identifier, quoted where that is needed.
pub(crate) fn quoted(name: &str) -> Result<String, Error> {
    let name = encoding::to_server_exactly(name)?;
    // SAFETY: a raw call; the answer is NUL-terminated.
    unsafe {
        let quoted = pg_try(|| raw_more::quote_identifier(name.as_ptr()))?;
        encoding::from_server_ptr(quoted)
            .ok_or_else(|| Error::new(SqlState::INTERNAL_ERROR, "multicorn: no name"))
    }
}
