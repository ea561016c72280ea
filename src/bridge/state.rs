//! The error state of functions whose errors must not be swallowed: what a call has failed with, and which
//! subtransactions it has open. The danger is a frame that is left with one still open: the server's
//! stack of subtransactions would then belong to nobody, so leaving rolls back whatever is left.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::sql::{self, Denied, Terms};
use super::subtransaction::{self, Place};
use super::{errors, exceptions};
use crate::error::{Error, SqlState};
use crate::pg::memory::{Access, ForLife};

/// What runs: it decides what a caught error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function of `LANGUAGE python`: an error that it swallows fails it.
    Strict,
    /// A function of another language: its errors are its own affair.
    Lenient,
}

struct Frame {
    kind: Kind,
    failed: Option<Error>,
    blocks: Vec<Block>,
}

/// A subtransaction that Python opened.
struct Block {
    id: u64,
    place: Place,
}

thread_local! {
    static FRAMES: ForLife<Vec<Frame>> = ForLife::default();
}

/// Counts ends of transactions and subtransactions that were undone.
static ERA: AtomicU64 = AtomicU64::new(1);

/// What was opened in an earlier era may be gone, and its number given to something else.
pub(crate) fn era() -> u64 {
    ERA.load(Ordering::Relaxed)
}

pub(super) fn era_ended() {
    ERA.fetch_add(1, Ordering::Relaxed);
}

/// Counts ends of transactions.
static TRANSACTIONS: AtomicU64 = AtomicU64::new(1);

/// A number for the transaction that is open.
pub(crate) fn transaction() -> u64 {
    TRANSACTIONS.load(Ordering::Relaxed)
}

pub(super) fn transaction_ended() {
    TRANSACTIONS.fetch_add(1, Ordering::Relaxed);
    era_ended();
}

/// Numbers of `xact()` blocks; none is given twice.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Whether the innermost frame has failed: operators ask each time.
static FAILED: AtomicBool = AtomicBool::new(false);

fn note() {
    let failed = top(|frame| frame.failed.is_some()).unwrap_or(false);
    FAILED.store(failed, Ordering::Relaxed);
}

/// Whether an error before forbids every action on the database.
#[inline]
pub(crate) fn has_failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}

fn top<R>(work: impl FnOnce(&mut Frame) -> R) -> Option<R> {
    FRAMES.change(|frames| frames.last_mut().map(work))
}

fn push(kind: Kind) -> usize {
    FAILED.store(false, Ordering::Relaxed);
    FRAMES.change(|frames| {
        frames.push(Frame { kind, failed: None, blocks: Vec::new() });
        frames.len() - 1
    })
}

/// Takes the frame off, and whatever an error left above it.
fn pop(at: usize) -> Option<Frame> {
    let frame = FRAMES.change(|frames| {
        frames.truncate(at + 1);
        frames.pop()
    });
    if at == 0 {
        exceptions::forget();
    }
    note();
    frame
}

/// Runs one call of a function. What it left open is rolled back; an error that it swallowed, or a
/// subtransaction that it forgot, is an error of its own.
pub(crate) fn in_call<T>(kind: Kind, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let at = push(kind);
    let outcome = work();
    let Some(mut frame) = pop(at) else { return outcome };
    let open = frame.blocks.len();
    let mut undone = Ok(());
    while let Some(block) = frame.blocks.pop() {
        undone = undone.and(subtransaction::roll_back(block.place));
    }
    // Whatever came of it.
    if let Some(error) = frame.failed.take_if(|error| ends_statement(error)) {
        return Err(error);
    }
    let value = outcome.map_err(exceptions::leaving)?;
    undone?;
    match frame.failed {
        Some(error) => {
            return Err(Error::new(SqlState::PYTHON_PROTOCOL, "function failed to propagate error state")
                .detail(format!("The error was: {error}"))
                .hint("Let the error through, or undo it with \"with xact():\" around what may fail."));
        }
        None if open > 0 => {
            return Err(Error::new(SqlState::PYTHON_PROTOCOL, "function failed to exit all subtransactions")
                .detail(format!("It left {open} open."))
                .hint("Use xact() in a with statement."));
        }
        None => {}
    }
    Ok(value)
}

/// An error that no function may make less of: a cancel, or the end of the session.
fn ends_statement(error: &Error) -> bool {
    let cancelled = error.report().is_some_and(|report| report.sqlstate == SqlState::QUERY_CANCELED);
    cancelled || matches!(error, Error::Fatal(_))
}

/// Whether a function of `LANGUAGE python` is what runs now.
pub(crate) fn in_function() -> bool {
    top(|frame| frame.kind == Kind::Strict).unwrap_or(false)
}

/// How many functions with an error state are on the stack: the call that runs is the innermost.
pub(crate) fn depth() -> usize {
    FRAMES.read(|frames| frames.iter().filter(|frame| frame.kind == Kind::Strict).count())
}

/// How many calls are on the stack.
pub(super) fn calls() -> usize {
    FRAMES.read(Vec::len)
}

/// Raises what forbids an action on the database now: the thread, the time, or an error before.
pub(crate) fn ready(py: Python<'_>) -> PyResult<Terms> {
    let terms = sql::terms().map_err(PyRuntimeError::new_err)?;
    match has_failed() {
        false => Ok(terms),
        true => Err(failed(py)),
    }
}

/// What every action on the database raises after an error.
#[cold]
pub(crate) fn failed(py: Python<'_>) -> PyErr {
    const IN_FAILED_SQL_TRANSACTION: SqlState = SqlState::new(b"25P02");
    let before = top(|frame| frame.failed.as_ref().map(ToString::to_string)).flatten();
    let text = "database action attempted while in failed transaction";
    let error = Error::new(IN_FAILED_SQL_TRANSACTION, text)
        .detail(format!("The error was: {}", before.unwrap_or_default()));
    exceptions::to_python(py, error)
}

/// Whether the server can be asked at all now, and whether `ready` would let an action pass: for what cleans
/// up, and rather leaves it.
pub(crate) fn is_reachable() -> bool {
    sql::terms().is_ok()
}

pub(crate) fn is_ready() -> bool {
    is_reachable() && !has_failed()
}

/// Runs a statement, in a subtransaction of its own where the server allows that.
pub(crate) fn statement<T>(py: Python<'_>, work: impl FnOnce(Terms) -> Result<T, Error>) -> PyResult<T> {
    ready(py)?;
    sql::run_for_function(work).map_err(|denied| match denied {
        Denied::Refused(why) => PyRuntimeError::new_err(why),
        Denied::Failed(error) => fail(py, error),
    })
}

/// Runs calls of the server that are too cheap for a subtransaction: their error has to propagate, or be
/// undone by a block around them.
pub(crate) fn immediate<T>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    ready(py)?;
    work().map_err(|error| {
        if !in_function() {
            super::uncaught::keep(&error);
        }
        fail(py, error)
    })
}

/// The error as an exception, noted as one that the running function may not swallow.
pub(crate) fn fail(py: Python<'_>, error: Error) -> PyErr {
    if error.report().is_some() {
        top(|frame| {
            if frame.kind == Kind::Strict {
                frame.failed.get_or_insert_with(|| errors::copy(&error));
            }
        });
        note();
    }
    exceptions::to_python(py, error)
}

/// Opens a subtransaction for Python, and returns its number.
pub(crate) fn begin(py: Python<'_>) -> PyResult<u64> {
    ready(py)?;
    if !in_function() {
        return Err(PyRuntimeError::new_err("xact() can be used only in functions of LANGUAGE python"));
    }
    let place = subtransaction::enter().map_err(|error| fail(py, error))?;
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    top(|frame| frame.blocks.push(Block { id, place }));
    Ok(id)
}

enum Order {
    Last(Block),
    /// A statement of the call's own is being prepared or read.
    Busy,
    Earlier,
    Foreign,
}

/// Closes the subtransaction: `keep` releases it, otherwise it is rolled back, with the error inside it.
pub(crate) fn end(py: Python<'_>, id: u64, keep: bool) -> PyResult<()> {
    let order = top(|frame| match frame.blocks.iter().rposition(|block| block.id == id) {
        Some(at) if at + 1 == frame.blocks.len() && !frame.blocks[at].place.is_innermost() => Order::Busy,
        Some(at) if at + 1 == frame.blocks.len() => frame.blocks.pop().map_or(Order::Foreign, Order::Last),
        Some(_) => Order::Earlier,
        None => Order::Foreign,
    });
    let protocol = |text: &str| Error::new(SqlState::PYTHON_PROTOCOL, text);
    match order.unwrap_or(Order::Foreign) {
        Order::Last(block) => close(py, block, keep),
        Order::Busy => {
            let error = protocol("a subtransaction cannot be exited while an action on the database goes on");
            Err(fail(py, error))
        }
        Order::Earlier => {
            let error = protocol("subtransactions must be exited in the order opposite to their entering")
                .detail("One that was entered later is still open.");
            Err(fail(py, error))
        }
        // It was rolled back when its call was left, and what ends it now goes on anyway.
        Order::Foreign if !keep => Ok(()),
        Order::Foreign => {
            let error = protocol("the subtransaction is not one that this call has open");
            Err(fail(py, error))
        }
    }
}

fn close(py: Python<'_>, block: Block, keep: bool) -> PyResult<()> {
    // What failed inside it is undone with it.
    let failed = top(|frame| frame.failed.take()).flatten();
    note();
    match (keep, failed) {
        (true, None) => subtransaction::release(block.place).map_err(|error| fail(py, error)),
        (keep, failed) => {
            subtransaction::roll_back(block.place).map_err(|error| fail(py, error))?;
            match failed {
                // Not an error of the block: the session ends.
                Some(error @ Error::Fatal(_)) => Err(fail(py, error)),
                Some(error) if keep => {
                    let text = "a subtransaction was exited as if an error inside it had not happened";
                    let error = Error::new(SqlState::PYTHON_PROTOCOL, text)
                        .detail(format!("The error was: {error}"))
                        .hint("Catch the error outside of the with statement.");
                    Err(exceptions::to_python(py, error))
                }
                _ => Ok(()),
            }
        }
    }
}

/// The transaction was ended by the running function itself.
pub(crate) fn renewed() {
    top(|frame| frame.failed = None);
    note();
}

/// Whether the function may end the transaction now: it can be rolled back in spite of an error before, but not
/// while a subtransaction of Python's is open.
pub(crate) fn terms(py: Python<'_>, commit: bool) -> PyResult<Terms> {
    let terms = if commit { ready(py)? } else { sql::terms().map_err(PyRuntimeError::new_err)? };
    if FRAMES.read(|frames| frames.iter().any(|frame| !frame.blocks.is_empty())) {
        const INVALID_TRANSACTION_TERMINATION: SqlState = SqlState::new(b"2D000");
        let what = if commit { "commit" } else { "roll back" };
        let text = format!("cannot {what} while a subtransaction is active");
        return Err(fail(py, Error::new(INVALID_TRANSACTION_TERMINATION, text)));
    }
    Ok(terms)
}
