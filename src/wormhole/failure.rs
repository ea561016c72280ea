//! The errors of remote functions, with SQLSTATEs of their own: class WH. The danger is a text that a worker
//! has made up: it is data of the message, bounded, and never decides what the error is.

use wormhole_protocol::{Exceeded, mention};

use crate::error::{Error, SqlState};
use crate::gucs::{self, wormhole::Whose};

const MODULE_NOT_ALLOWED: SqlState = SqlState::new(b"WH001");
const SOURCE_REFUSED: SqlState = SqlState::new(b"WH002");
const NO_CONFINEMENT: SqlState = SqlState::new(b"WH003");
const LIMIT_EXCEEDED: SqlState = SqlState::new(b"WH004");
const RAISED: SqlState = SqlState::new(b"WH005");
const WORKER_DIED: SqlState = SqlState::new(b"WH006");

/// Lines of a traceback.
const FRAMES: usize = 20;
/// Characters of a part that a worker worded.
const LONGEST: usize = 8000;

fn bounded(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
    }
    text.replace('\0', "")
}

/// Bytes of each text of an error that a query has met: up to sixteen are kept for a worker.
const LONG: usize = 64 * 1024;

/// Shortens what code of the caller's may have made as long as it likes.
pub(super) fn shorten(error: &mut Error) {
    let Some(report) = error.report_mut() else { return };
    let texts = [&mut report.detail, &mut report.hint, &mut report.context, &mut report.internal_query];
    for text in texts.into_iter().flatten().chain([&mut report.message]) {
        if text.len() > LONG {
            text.truncate(text.floor_char_boundary(LONG));
            text.shrink_to_fit();
            text.push('…');
        }
    }
}

/// A worker found a source unacceptable, or a module not allowed.
pub(super) fn refused(
    sqlstate: &str,
    message: String,
    hint: Option<String>,
    detail: Option<String>,
) -> Error {
    let state = if sqlstate == "WH001" { MODULE_NOT_ALLOWED } else { SOURCE_REFUSED };
    let mut error = Error::new(state, bounded(message));
    if let Some(hint) = hint {
        error = error.hint(bounded(hint));
    }
    match detail {
        Some(detail) => error.detail(bounded(detail)),
        None => error,
    }
}

pub(super) fn source_refused(message: &str) -> Error {
    Error::new(SOURCE_REFUSED, message)
}

pub(super) fn no_confinement(why: &str) -> Error {
    Error::new(
        NO_CONFINEMENT,
        format!("remote functions cannot be confined on this machine: {}", mention(why)),
    )
    .hint(
        "A superuser can approve the function by wormhole_approve, or set multicorn.wormhole_confinement \
             to \"optional\" if everybody who may install functions may do what the server's account may.",
    )
}

pub(super) fn exceeded(what: &Exceeded) -> Error {
    let (setting, whose) = gucs::wormhole::origin(what);
    let who = match whose {
        Whose::Own => "It is a setting of your own",
        Whose::Superusers => "A superuser can change it",
    };
    Error::new(LIMIT_EXCEEDED, format!("the remote function exceeds a limit: {what}"))
        .hint(format!("{who}: multicorn.{setting}."))
}

/// Remote functions call each other through SQL.
pub(super) fn too_deep(most: usize) -> Error {
    Error::new(LIMIT_EXCEEDED, format!("remote functions call each other more than {most} deep"))
}

/// An exception that nobody caught.
pub(super) fn raised(message: String, detail: String) -> Error {
    Error::new(RAISED, bounded(message)).detail(bounded(detail))
}

/// An error of the server's for a statement of a function, with the lines that led there in CONTEXT: a client
/// knows which of its own they are. `detail` is what the function's side says of an exception.
pub(super) fn at(mut error: Error, name: &str, detail: &str) -> Error {
    let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
    let frames = detail["traceback"].as_array().map(Vec::as_slice).unwrap_or_default();
    // As the server has it, what was called last comes first.
    for frame in frames.iter().rev().take(FRAMES) {
        let (Some(line), Some(function)) = (frame["line"].as_u64(), frame["function"].as_str()) else {
            continue;
        };
        error = error.context(format!(
            "remote function \"{}\", line {line}, in {}",
            mention(name),
            mention(function)
        ));
    }
    error
}

/// An error of this class without Python's traceback in CONTEXT: where the function was is in DETAIL, as for
/// confined ones, and the frames of the machinery are nobody's business.
pub(super) fn without_frames(mut error: Error) -> Error {
    if let Some(report) = error.report_mut()
        && report.sqlstate.text().starts_with("WH")
    {
        report.context = None;
    }
    error
}

/// A worker ended, or was ended because it did not keep to the protocol.
pub(super) fn died(why: &str) -> Error {
    Error::new(WORKER_DIED, format!("the worker of the remote function died: {}", mention(why)))
}

pub(super) fn null_argument(name: &str) -> Error {
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("\"{name}\" must not be NULL"))
}

pub(super) fn not_vouched_for(name: &str, owner: &str) -> Error {
    Error::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("remote function \"{}\" of role \"{}\" is not approved", mention(name), mention(owner)),
    )
    .detail("It would run with the rights of a superuser.")
    .hint("Read its source, then approve it by wormhole_approve, or call it as a role with fewer rights.")
}

/// The registry is written by the functions for it, or by superusers.
pub(super) fn not_writable(table: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("only a superuser can change \"{table}\" by hand"))
        .hint("Others install, drop and grant by wormhole_install, wormhole_drop and wormhole_grant.")
}

pub(super) fn invaded(table: &str) -> Error {
    Error::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("table \"{table}\" of the extension has a trigger that is not a superuser's"),
    )
    .detail("It would run with the rights of the extension's owner.")
    .hint("Drop the trigger, and revoke the right TRIGGER on the table.")
}

pub(super) fn no_function(id: &str) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("there is no remote function \"{}\"", mention(id)))
}
