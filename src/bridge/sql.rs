//! The frame around SQL that Python asks for: whether it may run now, and what becomes of its error. The
//! danger is what a failed statement leaves behind: it runs in an internal subtransaction, so that Python
//! may catch the error and go on; where the server forbids that, the error ends the statement whatever
//! Python does with it.

use std::sync::atomic::{AtomicU64, Ordering};

use pgrx::pg_sys;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::subtransaction::in_subtransaction;
use super::{errors, interrupts, uncaught};
use crate::error::Error;
use crate::pg::memory::{Access, ForLife};
use crate::pg::receiver::{Header, Receiver, Row};
use crate::pg::{raw, role, trigger};

/// For whom Python code runs, and so with whose rights its SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody who may run SQL.
    Nobody,
    /// A foreign table of this owner.
    Table(pg_sys::Oid),
    /// A function of a language of ours: SQL runs as whoever calls it, in the search path of the session.
    Function {
        /// Not volatile: what it runs cannot write, and sees what the calling statement sees.
        read_only: bool,
        /// Called where transactions cannot be ended.
        atomic: bool,
    },
}

const FUNCTION: u64 = 1 << 32;
const READ_ONLY: u64 = 1 << 33;
const ATOMIC: u64 = 1 << 34;

impl Caller {
    const fn packed(self) -> u64 {
        match self {
            Caller::Nobody => 0,
            Caller::Table(owner) => owner.to_u32() as u64,
            Caller::Function { read_only, atomic } => {
                FUNCTION | if read_only { READ_ONLY } else { 0 } | if atomic { ATOMIC } else { 0 }
            }
        }
    }

    fn unpacked(packed: u64) -> Self {
        match packed {
            0 => Caller::Nobody,
            packed if packed & FUNCTION != 0 => {
                Caller::Function { read_only: packed & READ_ONLY != 0, atomic: packed & ATOMIC != 0 }
            }
            packed => Caller::Table(pg_sys::Oid::from(packed as u32)),
        }
    }
}

static CALLER: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// For whom Python ran when each of the open subtransactions began.
    static OUTER: ForLife<Vec<u64>> = ForLife::default();
}

/// For whom Python runs now.
#[inline]
pub(crate) fn caller() -> Caller {
    Caller::unpacked(CALLER.load(Ordering::Relaxed))
}

/// Runs `work`, in which Python code is called for `caller`.
///
/// The server may raise through this from the row loop: then the subtransaction's end puts it back.
#[inline]
pub(crate) fn called_by<T>(caller: Caller, work: impl FnOnce() -> T) -> T {
    // No swap: the main thread alone writes it, and that would lock the bus for each row.
    let before = CALLER.load(Ordering::Relaxed);
    CALLER.store(caller.packed(), Ordering::Relaxed);
    let result = work();
    CALLER.store(before, Ordering::Relaxed);
    result
}

/// Runs `work`, in which Python code is called for a table of `role`, with whose rights its SQL runs;
/// `InvalidOid` for nobody.
#[inline]
pub(crate) fn acting_for<T>(role: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    called_by(Caller::Table(role), work)
}

pub(super) fn subtransaction_began() {
    OUTER.change(|outer| outer.push(CALLER.load(Ordering::Relaxed)));
}

/// An error may have skipped whatever puts it back.
pub(super) fn subtransaction_ended(undone: bool) {
    // One that began before somebody listened was of no use to Python.
    let before = OUTER.change(Vec::pop).unwrap_or_default();
    if undone {
        CALLER.store(before, Ordering::Relaxed);
    }
}

/// A procedure that has ended it goes on in the next one.
pub(super) fn transaction_ended() {
    OUTER.change(Vec::clear);
    if ENDING.load(Ordering::Relaxed) == 0 {
        CALLER.store(0, Ordering::Relaxed);
    }
}

/// How many procedures are ending a transaction right now.
static ENDING: AtomicU64 = AtomicU64::new(0);

/// Runs `work`, which ends the transaction below a procedure.
pub(crate) fn ending<T>(work: impl FnOnce() -> T) -> T {
    ENDING.fetch_add(1, Ordering::Relaxed);
    let caller = CALLER.load(Ordering::Relaxed);
    let result = work();
    CALLER.store(caller, Ordering::Relaxed);
    ENDING.fetch_sub(1, Ordering::Relaxed);
    result
}

/// Why SQL cannot be run now, whoever asks.
fn refusal() -> Option<&'static str> {
    if super::is_child() || !interrupts::is_main_thread() {
        return Some("SQL can be run only on the session's own thread");
    }
    if !super::sql_allowed() {
        return Some("SQL cannot be run in a transaction hook or a clean-up");
    }
    // SAFETY: reads a variable of the backend.
    if !unsafe { raw::IsTransactionState() } {
        // The end of an object may come with the memory of an aborted transaction.
        return Some("SQL cannot be run while a transaction ends");
    }
    (!interrupts::is_inside()).then_some("SQL can be run only where the server calls Python")
}

/// Why SQL cannot be run now for a foreign table.
fn table_refusal() -> Option<&'static str> {
    refusal().or_else(|| match caller() {
        Caller::Table(_) => None,
        Caller::Nobody => Some("SQL can be run only where the server calls Python"),
        Caller::Function { .. } => Some(
            "multicorn.sql is for the classes of foreign tables; a function has its language's own module",
        ),
    })
}

/// Runs `work`, which runs SQL, as the role that Python acts for. Raises RuntimeError where SQL cannot be
/// run, and `ServerError` for what the server raises.
pub(crate) fn run<T>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    run_as(py, acting(), work)
}

/// The role that Python acts for.
pub(crate) fn acting() -> pg_sys::Oid {
    match caller() {
        Caller::Table(owner) => owner,
        _ => pg_sys::InvalidOid,
    }
}

/// As `run`, as another role: the one that began what goes on now.
pub(crate) fn run_as<T>(
    py: Python<'_>,
    role: pg_sys::Oid,
    work: impl FnOnce() -> Result<T, Error>,
) -> PyResult<T> {
    if let Some(refusal) = table_refusal() {
        return Err(PyRuntimeError::new_err(refusal));
    }
    // The transition tables of a trigger whose statement scans the table are not the class's.
    survivable(|| trigger::without(|| role::acting_as(role, work)))
        .map_err(|error| errors::to_python(py, error))
}

/// Whether `run` would refuse: asked by what cleans up, and rather leaves it.
pub(crate) fn is_possible() -> bool {
    table_refusal().is_none()
}

/// Runs `work`, which may run Python code for others, so that its error can be caught and survived.
fn survivable<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: reads a variable of the backend.
    let alone = unsafe { raw::IsInParallelMode() };
    // A foreign table's rows are read by a loop that does not say whose they are.
    let _origin = errors::Speaking::enter(errors::Origin::Wrapper);
    let outcome = called_by(caller(), || if alone { work() } else { in_subtransaction(work) });
    if let Err(error) = &outcome
        && alone
    {
        uncaught::keep(error);
    }
    outcome
}

/// Why a function's call of the server came to nothing.
pub(crate) enum Denied {
    /// It was not even tried; RuntimeError.
    Refused(&'static str),
    Failed(Error),
}

/// What holds for SQL that a function runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) read_only: bool,
    pub(crate) atomic: bool,
    origin: errors::Origin,
}

impl Terms {
    /// `receiver`, whose conversions are those of the function.
    pub(crate) fn receiver<R: Receiver>(self, receiver: R) -> Speaking<R> {
        Speaking { receiver, origin: self.origin }
    }

    /// Runs `work`, which converts values: exceptions in it are those of the function.
    pub(crate) fn converting<T>(self, work: impl FnOnce() -> T) -> T {
        let _origin = errors::Speaking::enter(self.origin);
        work()
    }
}

/// What holds for the function that runs, unless nothing may be asked of the server now.
pub(crate) fn terms() -> Result<Terms, &'static str> {
    if let Some(refusal) = refusal() {
        return Err(refusal);
    }
    match caller() {
        Caller::Function { read_only, atomic } => {
            Ok(Terms { read_only, atomic, origin: errors::Origin::current() })
        }
        _ => Err("this module is for functions; the class of a foreign table has multicorn.sql"),
    }
}

/// Runs `work`, which asks the server for something on behalf of a function: as whoever calls that, in a
/// subtransaction of its own.
pub(crate) fn run_for_function<T>(work: impl FnOnce(Terms) -> Result<T, Error>) -> Result<T, Denied> {
    let terms = terms().map_err(Denied::Refused)?;
    survivable(|| work(terms)).map_err(Denied::Failed)
}

/// Whether a function's Python code is on top of the stack.
pub(crate) fn is_in_function() -> bool {
    interrupts::is_main_thread() && interrupts::is_inside() && matches!(caller(), Caller::Function { .. })
}

/// A receiver of rows for a function: the statement below runs code of others.
pub(crate) struct Speaking<R> {
    receiver: R,
    origin: errors::Origin,
}

impl<R> Speaking<R> {
    pub(crate) fn into_inner(self) -> R {
        self.receiver
    }
}

impl<R: Receiver> Receiver for Speaking<R> {
    fn start(&mut self, header: Header) -> Result<(), Error> {
        let _origin = errors::Speaking::enter(self.origin);
        self.receiver.start(header)
    }

    #[inline]
    fn row(&mut self, row: Row) -> Result<(), Error> {
        let _origin = errors::Speaking::enter(self.origin);
        self.receiver.row(row)
    }
}
