//! The connection to the server's own runner of statements (SPI), and what a statement gave. The danger is
//! what a failed one leaves behind: only a subtransaction around the connection releases it, so an error
//! closes nothing here.

use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicPtr, Ordering};

use pgrx::pg_sys;

use super::guard::pg_try;
use super::planner::Constant;
use super::receiver::{self, Receiver};
use super::types::{Field, fields};
use super::{encoding, raw};
use crate::error::{Error, SqlState};

/// An open connection; what it gives lives as long as it.
pub(crate) struct Spi(());

/// Runs `work` with a connection. If `work` fails, the subtransaction's abort closes it.
pub(crate) fn connected<T>(work: impl FnOnce(&Spi) -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: raw calls, in the order that the server wants.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        pg_try(|| {
            raw::SPI_connect();
            let trigger = TRIGGER.load(Ordering::Relaxed);
            if !trigger.is_null() {
                raw::SPI_register_trigger_data(trigger);
            }
        })?;
        let result = work(&Spi(())).inspect_err(|_| {
            // What runs until the abort must not allocate in memory that goes with the connection.
            pg_sys::CurrentMemoryContext = context;
        })?;
        pg_try(|| raw::SPI_finish())?;
        Ok(result)
    }
}

/// The trigger that the innermost function serves, whose transition tables its statements may name.
static TRIGGER: AtomicPtr<pg_sys::TriggerData> = AtomicPtr::new(std::ptr::null_mut());

/// Sets whose transition tables statements may name, null for none; returns what was set before, which the
/// caller puts back.
///
/// # Safety
/// `trigger` is null, or alive until the next call.
pub(crate) unsafe fn set_trigger(trigger: *mut pg_sys::TriggerData) -> *mut pg_sys::TriggerData {
    // No swap: the main thread alone writes it, and that would lock the bus for each call.
    let before = TRIGGER.load(Ordering::Relaxed);
    TRIGGER.store(trigger, Ordering::Relaxed);
    before
}

/// Commits or rolls back, and begins the next transaction. The server refuses where the function was not
/// called by CALL or DO outside of any block, which `atomic` tells, and inside subtransactions.
pub(crate) fn end_transaction(commit: bool, atomic: bool) -> Result<(), Error> {
    let options = if atomic { 0 } else { pg_sys::SPI_OPT_NONATOMIC as c_int };
    // SAFETY: raw calls; a connection that may end transactions outlives them, so that it is closed here
    // also if the commit failed, after which the server has begun a new transaction.
    unsafe {
        pg_try(|| raw::SPI_connect_ext(options))?;
        let ended = pg_try(|| if commit { raw::SPI_commit() } else { raw::SPI_rollback() });
        pg_try(|| raw::SPI_finish())?;
        ended
    }
}

/// Looking into stored values wants a snapshot, and after the end of a transaction there is none until
/// somebody asks.
pub(crate) fn ensure_snapshot() -> Result<(), Error> {
    // SAFETY: raw calls; there is an active portal wherever transactions can be ended.
    unsafe {
        pg_try(|| {
            if !raw::ActiveSnapshotSet() && !pg_sys::ActivePortal.is_null() {
                raw::EnsurePortalSnapshotExists();
            }
        })
    }
}

/// How a statement is run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// What writes is refused, and the statement sees what its caller sees.
    pub(crate) read_only: bool,
    /// So many rows at most; 0 for all.
    pub(crate) limit: i64,
}

/// What a statement did.
pub(crate) struct Answer {
    /// The server's code for what was done: `SPI_OK_SELECT` and so on.
    pub(crate) code: i32,
    /// Rows that it gave or touched.
    pub(crate) count: u64,
    pub(crate) rows: Option<ResultRows>,
}

impl Spi {
    /// Runs a text of any number of statements without parameters; the answer is the last one's.
    pub(crate) fn run(&self, text: &str, how: How) -> Result<Answer, Error> {
        let text = encoding::to_server_exactly(text)?;
        // SAFETY: a raw call with a text that outlives it.
        unsafe {
            let code = pg_try(|| raw::SPI_execute(text.as_ptr(), how.read_only, how.limit as c_long))?;
            answer(code)
        }
    }
}

/// The code of a fetch.
pub(crate) const FETCHED: i32 = pg_sys::SPI_OK_FETCH as i32;

/// What became of a statement whose rows went to a receiver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    /// Rows that it gave or touched.
    pub(crate) count: u64,
}

/// # Safety
/// Right after a call that succeeded with `code`.
pub(super) unsafe fn done(code: i32) -> Result<Done, Error> {
    // SAFETY: the variable is that of the call; the caller's promise.
    if code < 0 { Err(refused(code)) } else { Ok(Done { code, count: unsafe { pg_sys::SPI_processed } }) }
}

impl Spi {
    /// As `run` for one statement, whose rows go to `receiver`.
    pub(crate) fn run_into<R: Receiver>(
        &self,
        text: &str,
        how: How,
        receiver: R,
    ) -> Result<(Done, R), Error> {
        let text = encoding::to_server_exactly(text)?;
        receiver::receive(receiver, |dest| {
            let options = how.options(std::ptr::null_mut(), dest);
            // SAFETY: a raw call with text and options that outlive it.
            unsafe { done(pg_try(|| raw::SPI_execute_extended(text.as_ptr(), &raw const options))?) }
        })
    }
}

impl How {
    pub(super) fn options(
        self,
        params: pg_sys::ParamListInfo,
        dest: *mut pg_sys::DestReceiver,
    ) -> pg_sys::SPIExecuteOptions {
        pg_sys::SPIExecuteOptions {
            params,
            read_only: self.read_only,
            tcount: u64::try_from(self.limit).unwrap_or(0),
            dest,
            ..Default::default()
        }
    }
}

/// How the text of an error begins for a statement that SPI does not run; its own name for that follows.
pub(crate) const REFUSED: &str = "this statement cannot be run from Python: ";

pub(super) fn refused(code: i32) -> Error {
    // SAFETY: a raw call that returns a literal.
    let name = unsafe { encoding::from_server_ptr(raw::SPI_result_code_string(code)) };
    refused_because(&name.unwrap_or_default())
}

pub(super) fn refused_because(why: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{REFUSED}{why}"))
}

/// What the last call left.
///
/// # Safety
/// Right after a call that succeeded with `code`.
pub(super) unsafe fn answer(code: i32) -> Result<Answer, Error> {
    if code < 0 {
        return Err(refused(code));
    }
    // SAFETY: the variables are those of the call; the caller's promise.
    unsafe {
        let (count, table) = (pg_sys::SPI_processed, pg_sys::SPI_tuptable);
        let rows = if table.is_null() { None } else { Some(ResultRows::of(table)?) };
        Ok(Answer { code, count, rows })
    }
}

/// A column of a result.
#[derive(Clone, Debug)]
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    pub(crate) type_oid: pg_sys::Oid,
    pub(crate) typmod: i32,
}

/// The columns of a descriptor.
///
/// # Safety
/// A live one.
pub(super) unsafe fn columns(descriptor: pg_sys::TupleDesc) -> Vec<ResultColumn> {
    let column = |Field { name, type_oid, typmod, .. }: Field| ResultColumn { name, type_oid, typmod };
    // SAFETY: the caller's promise.
    unsafe { fields(descriptor) }.into_iter().map(column).collect()
}

/// Rows that live until the connection is closed.
pub(crate) struct ResultRows {
    table: *mut pg_sys::SPITupleTable,
    columns: Vec<ResultColumn>,
    values: *mut pg_sys::Datum,
    nulls: *mut bool,
}

impl ResultRows {
    /// # Safety
    /// A table of the connection that is open.
    unsafe fn of(table: *mut pg_sys::SPITupleTable) -> Result<Self, Error> {
        // SAFETY: the caller's promise; names are copied at once.
        unsafe {
            let columns = columns((*table).tupdesc);
            let room = columns.len().max(1);
            let (values, nulls) = pg_try(|| {
                (raw::palloc0(room * size_of::<pg_sys::Datum>()).cast(), raw::palloc0(room).cast())
            })?;
            Ok(ResultRows { table, columns, values, nulls })
        }
    }

    pub(crate) fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    pub(crate) fn len(&self) -> usize {
        // SAFETY: the connection is open.
        unsafe { (*self.table).numvals as usize }
    }

    /// The values of row `index`, below `len`, until the next row is asked for.
    pub(crate) fn row(&mut self, index: usize) -> impl Iterator<Item = Constant> {
        // SAFETY: as above; the arrays have an element for each column, and taking a stored row apart
        // neither allocates nor raises.
        unsafe {
            let tuple = *(*self.table).vals.add(index);
            raw::heap_deform_tuple(tuple, (*self.table).tupdesc, self.values, self.nulls);
        }
        let (values, nulls) = (self.values, self.nulls);
        // SAFETY: as above.
        (0..self.columns.len())
            .map(move |at| unsafe { Constant { datum: *values.add(at), is_null: *nulls.add(at) } })
    }
}
